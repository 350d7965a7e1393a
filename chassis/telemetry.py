"""Spans, metrics and log lines: one span and one line a batch, ids and counts only.

Traces and metrics leave over OTLP/HTTP when a collector is named, and cost nothing but a branch when none is.
"""

import logging
import os
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import structlog
from opentelemetry import metrics, trace
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, StatusCode, TraceFlags

from chassis.errors import name_of

if TYPE_CHECKING:
    from chassis.exporting import Providers

MetricName = Literal[
    "madoguchi.batch.events",
    "madoguchi.batch.announced",
    "madoguchi.batch.repeats",
    "madoguchi.batch.parked",
    "madoguchi.batch.duration",
    "madoguchi.relay.published",
    "madoguchi.lane.holes",
]
MOST_LINKS = 8
"""A link costs 10 µs to make and to export; a span of a thousand events cannot name them all."""


class Traced(Protocol):
    """Whatever belongs to a trace."""

    @property
    def traceparent(self) -> str | None:
        """Its W3C traceparent."""
        ...


class Outcome(Protocol):
    """What became of a batch."""

    @property
    def handled(self) -> int: ...  # noqa: D102
    @property
    def announced(self) -> int: ...  # noqa: D102
    @property
    def parked(self) -> int: ...  # noqa: D102
    @property
    def waiting(self) -> int: ...  # noqa: D102
    @property
    def causes(self) -> Mapping[str, int]: ...  # noqa: D102


@dataclass(slots=True)
class BatchSpan:
    """One batch while it is processed."""

    traceparent: str
    fields: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    causes: Mapping[str, int] = field(default_factory=lambda: dict[str, int]())

    def done(self, outcome: Outcome, repeats: int) -> None:
        """Note what became of it."""
        self.fields = {
            "handled": outcome.handled,
            "announced": outcome.announced,
            "repeats": repeats,
            "parked": outcome.parked,
            "waiting": outcome.waiting,
        }
        self.causes = outcome.causes


class Telemetry:
    """One service's voice."""

    def __init__(self, service: str, otlp_endpoint: str | None, level: str = "info") -> None:
        """Logs go to standard output as JSON, one object a line; the rest to `otlp_endpoint`."""
        self.log = _logger(service, level)
        self.level = level
        self._providers = _providers(service, otlp_endpoint) if otlp_endpoint else None
        traces, meters = self._providers or (trace.NoOpTracerProvider(), metrics.NoOpMeterProvider())
        self.tracer = traces.get_tracer("madoguchi.chassis")
        meter = meters.get_meter("madoguchi.chassis")
        self._counters = {name: meter.create_counter(name) for name in _COUNTERS}
        self._duration = meter.create_histogram(_DURATION, unit="s")

    def info(self, event: str, **fields: Any) -> None:
        """One line. Fields are ids, counts and classes of errors: never a value of anybody's."""
        self.log.info(event, **fields)

    def warn(self, event: str, **fields: Any) -> None:
        """One line that an operator should see."""
        self.log.warning(event, **{name: value for name, value in fields.items() if value is not None})

    def alarm(self, event: str, **fields: Any) -> None:
        """One line that must wake somebody."""
        self.log.error(event, **fields)

    @contextmanager
    def processing(self, deliveries: Sequence[Traced]) -> Generator[BatchSpan]:
        """The span of one batch, linked to the traces of its events."""
        started = time.perf_counter()
        linked = links(deliveries) if self._providers else ()
        with _told(self.tracer, "process batch", kind=SpanKind.CONSUMER, links=linked) as span:
            batch = BatchSpan(traceparent_of(span.get_span_context()))
            yield batch
            seconds = time.perf_counter() - started
            span.set_attributes({f"madoguchi.{name}": value for name, value in batch.fields.items()})
        self._measure(batch.fields, seconds)
        self.log.info("batch", events=len(deliveries), ms=round(seconds * 1000, 1), **batch.fields)
        if batch.causes:
            self.alarm("parked", causes=dict(batch.causes))

    @contextmanager
    def relaying(self, events: int) -> Generator[None]:
        """The span of one tick."""
        with _told(self.tracer, "publish tick", kind=SpanKind.PRODUCER) as span:
            span.set_attribute("madoguchi.events", events)
            yield
        self._counters["madoguchi.relay.published"].add(events)

    def hole(self, lane: object, hole: object) -> None:
        """A loss: numbers are missing on a lane. It waits for `madoguchi lane resend`."""
        self._counters["madoguchi.lane.holes"].add(1)
        self.log.error("lane.hole", lane=str(lane), hole=str(hole))

    def hole_filled(self, lane: object, seen: int) -> None:
        """The missing numbers came; the lane goes on."""
        self.log.warning("lane.hole_filled", lane=str(lane), seen=seen)

    def flush(self) -> None:
        """Send what is left, two seconds at most."""
        if self._providers:
            traces, meters = self._providers
            traces.force_flush(2000)
            meters.force_flush(2000)

    def _measure(self, fields: dict[str, int], seconds: float) -> None:
        for name in ("announced", "repeats", "parked"):
            self._counters[f"madoguchi.batch.{name}"].add(fields.get(name, 0))
        self._counters["madoguchi.batch.events"].add(fields.get("handled", 0))
        self._duration.record(seconds)


_COUNTERS: tuple[MetricName, ...] = (
    "madoguchi.batch.events",
    "madoguchi.batch.announced",
    "madoguchi.batch.repeats",
    "madoguchi.batch.parked",
    "madoguchi.relay.published",
    "madoguchi.lane.holes",
)
_DURATION: MetricName = "madoguchi.batch.duration"


@contextmanager
def _told(tracer: trace.Tracer, name: str, *, kind: SpanKind, links: Sequence[Link] = ()) -> Generator[Span]:
    """A span that says of an error its class: left to itself it says the words too, which can quote what was choked on."""
    with tracer.start_as_current_span(
        name, kind=kind, links=links, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except Exception as error:
            span.set_status(StatusCode.ERROR, name_of(error))
            raise


def links(deliveries: Sequence[Traced]) -> list[Link]:
    """Links to the distinct traces of a batch, the first few of them: a span is shared, not repeated."""
    seen = dict.fromkeys(delivery.traceparent for delivery in deliveries[:MOST_LINKS])
    return [Link(context) for traceparent in seen if traceparent and (context := _context(traceparent))]


def traceparent_of(context: SpanContext) -> str:
    """The W3C traceparent of a span; a fresh one where no tracer records."""
    if context.is_valid:
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    return new_traceparent()


def new_traceparent() -> str:
    """A trace that begins here."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def _context(traceparent: str) -> SpanContext | None:
    try:
        version, trace_id, span_id, flags = traceparent.split("-")
        context = SpanContext(
            int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
        )
    except ValueError:
        return None
    return context if context.is_valid and version == "00" else None


def _providers(service: str, endpoint: str) -> "Providers":
    from chassis.exporting import providers  # a tenth of a service's start, and of no use where no collector listens

    return providers(service, endpoint)


def _logger(service: str, level: str) -> structlog.typing.FilteringBoundLogger:
    # Libraries' own log lines can quote what they failed on; only their warnings' classes would be of use.
    logging.getLogger().setLevel(logging.CRITICAL)
    return structlog.wrap_logger(
        structlog.PrintLogger(),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        service=service,
    )
