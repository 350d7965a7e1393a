"""Where spans and metrics go when a collector is named: over OTLP/HTTP. Loaded only then."""

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

Providers = tuple[TracerProvider, MeterProvider]
_METRIC_MS = 10_000


def providers(service: str, endpoint: str) -> Providers:
    """What makes spans and metrics of a service and sends them to the collector at `endpoint`, a URL without a path."""
    resource = Resource.create({"service.name": service, "service.namespace": "madoguchi"})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces", timeout=5)))
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=f"{endpoint}/v1/metrics", timeout=5), export_interval_millis=_METRIC_MS
    )
    return traces, MeterProvider(resource=resource, metric_readers=[reader])
