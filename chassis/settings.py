"""Settings every service has. A service subclasses them under its own prefix, e.g. `MADOGUCHI_INTAKE_`.

Read from the environment only. Secrets are SecretStr: neither printed nor logged.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from chassis.addresses import Dsn
from chassis.broker import Broker, Security

Port = Annotated[int, Field(ge=0, le=65_535)]


class ServiceSettings(BaseSettings):
    """What the chassis needs to know to run a service."""

    kafka_bootstrap: str = Field(description="host:port of one or more brokers, comma separated")
    kafka_security: Security = Field(
        default="PLAINTEXT", description="PLAINTEXT (no login), SASL_PLAINTEXT or SASL_SSL, with SCRAM-SHA-512"
    )
    kafka_user: str = Field(default="", description="the service's own login; its topics' ACLs name it")
    kafka_password: SecretStr = Field(default=SecretStr(""), description="its password")
    kafka_ca: str | None = Field(
        default=None, description="PEM file of what signs the brokers' certificates; else the machine's own"
    )
    postgres_dsn: Dsn = Field(description="the service's own database, as its own role, which owns nothing")
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

    @model_validator(mode="after")
    def _has_a_login(self) -> Self:
        if self.kafka_security != "PLAINTEXT" and not (self.kafka_user and self.kafka_password.get_secret_value()):
            raise ValueError(f"KAFKA_SECURITY={self.kafka_security} needs KAFKA_USER and KAFKA_PASSWORD")
        if self.kafka_security == "SASL_SSL":
            self._can_trust()
        return self

    def _can_trust(self) -> None:
        try:
            self.broker.trust()
        except OSError as error:
            raise ValueError(f"{error.filename} {error.strerror}") from None

    @property
    def broker(self) -> Broker:
        """Kafka, as this service enters it."""
        return Broker(
            self.kafka_bootstrap,
            self.kafka_security,
            self.kafka_user,
            self.kafka_password.get_secret_value(),
            self.kafka_ca,
        )
