"""Settings every service has. A service subclasses them under its own prefix, e.g. `MADOGUCHI_INTAKE_`.

Read from the environment only. Secrets are SecretStr: neither printed nor logged.
"""

from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings

Port = Annotated[int, Field(ge=0, le=65_535)]


class ServiceSettings(BaseSettings):
    """What the chassis needs to know to run a service."""

    kafka_bootstrap: str = Field(description="host:port of one or more brokers, comma separated")
    postgres_dsn: SecretStr = Field(description="the service's own database, as its own role")
    http_host: str = Field(default="127.0.0.1", description="the address the HTTP server listens on")
    http_port: Port = Field(default=0, description="its port; 0 lets the system choose")
    pool_size: Annotated[int, Field(ge=1, le=100)] = Field(default=8, description="connections for HTTP requests")
    batch_records: Annotated[int, Field(ge=1, le=10_000)] = Field(default=1000, description="events a transaction")
    fetch_wait_ms: Annotated[int, Field(ge=1, le=500)] = Field(
        default=500,
        description="how long the broker may hold a fetch that finds nothing; one that finds something returns",
    )
    session_ms: Annotated[int, Field(ge=6000, le=300_000)] = Field(
        default=15_000, description="after how long without a heartbeat another instance takes over"
    )
    kafka_seconds: Annotated[float, Field(gt=0)] = Field(default=30, description="time-out of any one Kafka call")
    stall_seconds: Annotated[float, Field(gt=0)] = Field(default=90, description="exit when a loop has not turned")
    journal_days: Annotated[int, Field(ge=2)] = Field(default=40, description="how long the journal is kept")
    otlp_endpoint: str | None = Field(default=None, description="OTLP/HTTP collector, e.g. http://collector:4318")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="least level logged")
