"""Kafka, where it is and as whom it is entered: the same for both client libraries."""

import errno
import ssl
from dataclasses import dataclass, field
from typing import Any, Literal

Security = Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"]
_UNREADABLE = "cannot be read as certificates in PEM: KAFKA_CA names the file that whoever runs Kafka hands out"

Mechanism = Literal["SCRAM-SHA-512", "PLAIN"]


@dataclass(frozen=True, slots=True)
class Broker:
    """One or more brokers, and a login; with `PLAINTEXT` there is none, as on a developer's own server.

    `ca` is a file of PEM certificates that sign the brokers'; without it TLS trusts what this machine trusts.
    """

    bootstrap: str
    security: Security = "PLAINTEXT"
    user: str = ""
    password: str = field(default="", repr=False)
    ca: str | None = None
    mechanism: Mechanism = "SCRAM-SHA-512"

    def aiokafka(self) -> dict[str, Any]:
        """Keyword arguments of any aiokafka client."""
        found: dict[str, Any] = {"bootstrap_servers": self.bootstrap}
        if self.security != "PLAINTEXT":
            found |= {
                "security_protocol": self.security,
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        if self.security == "SASL_SSL":
            found["ssl_context"] = self.trust()
        return found

    def trust(self) -> ssl.SSLContext:
        """By what the brokers' certificates are checked. Raises OSError, with the file's name, when it cannot be read."""
        try:
            return ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            words = f"{_UNREADABLE} ({error.strerror or type(error).__name__})"
            raise OSError(errno.EINVAL, words, self.ca) from error

    def librdkafka(self) -> dict[str, Any]:
        """Properties of any confluent-kafka client."""
        found = {"bootstrap.servers": self.bootstrap}
        if self.security != "PLAINTEXT":
            found |= {
                "security.protocol": self.security,
                "sasl.mechanisms": self.mechanism,
                "sasl.username": self.user,
                "sasl.password": self.password,
            }
        if self.security == "SASL_SSL" and self.ca:
            found["ssl.ca.location"] = self.ca
        return found
