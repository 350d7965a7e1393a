r"""Make ready what the services stand on, once before they start: databases, roles, migrations, topics, logins, rights, keys.

It may run again at any time: what is there stays, what is missing is made, a right that is not declared is taken away. Each
password becomes that of its role and login.

Example:
  MADOGUCHI_KAFKA_BOOTSTRAP=kafka:9092 MADOGUCHI_KAFKA_SECURITY=SASL_SSL \
  MADOGUCHI_KAFKA_USER=administrator MADOGUCHI_KAFKA_PASSWORD=… \
  MADOGUCHI_POSTGRES_DSN=postgresql://postgres:…@postgres:5432/postgres \
  MADOGUCHI_INTAKE_PASSWORD=… MADOGUCHI_ROUTING_PASSWORD=… MADOGUCHI_DESK_PASSWORD=… \
  MADOGUCHI_NOTIFY_PASSWORD=… MADOGUCHI_ARCHIVE_PASSWORD=… \
  python -m deploy.prepare
"""

import argparse
import asyncio
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import asyncpg
from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis import handshake
from chassis.broker import Broker, Mechanism, Security
from contracts.topics import APPLICATIONS, OF_A_CHANNEL
from deploy import acls
from deploy.databases import ServiceDatabase, bring_up, create_databases
from deploy.grants import SERVICES
from deploy.keyrings import Keyrings, make_ahead, require_known
from deploy.topics import create_topics, grow_like
from sealing.errors import KeyringRefusal

PREFIX = "MADOGUCHI_"


def _fits_a_url(secret: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9._~-]{16,}", secret.get_secret_value()):
        raise ValueError(
            "16 or more of A-Z a-z 0-9 . _ ~ - are needed, as it stands in a URL: try `openssl rand -hex 24`"
        )
    return secret


def _is_an_address(secret: SecretStr) -> SecretStr:
    """Refuse what a password with a slash in it makes of a URL, before a library repeats a part of it in an error."""
    if not _has_all_parts(secret.get_secret_value()):
        raise ValueError("postgresql://user:password@host:port/database is needed; a password's signs as %XX")
    return secret


def _has_all_parts(dsn: str) -> bool:
    try:
        parts = urlsplit(dsn)
        return bool(
            parts.scheme == "postgresql" and parts.username and parts.hostname and parts.port and parts.path[1:]
        )
    except ValueError:
        return False


Password = Annotated[SecretStr, AfterValidator(_fits_a_url)]


class Settings(BaseSettings):
    """What preparing needs to know, each as `MADOGUCHI_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX)

    kafka_bootstrap: str = Field(description="host:port of one or more brokers, comma separated")
    kafka_security: Security = Field(
        default="PLAINTEXT", description="PLAINTEXT (nobody has a login, there are no ACLs), SASL_PLAINTEXT or SASL_SSL"
    )
    kafka_user: str = Field(default="", description="a login that may make topics, logins and ACLs")
    kafka_password: SecretStr = Field(default=SecretStr(""), description="its password")
    kafka_mechanism: Mechanism = Field(default="SCRAM-SHA-512", description="how it logs in: SCRAM-SHA-512 or PLAIN")
    kafka_ca: str | None = Field(default=None, description="PEM file of what signs the brokers' certificates")
    postgres_dsn: Annotated[SecretStr, AfterValidator(_is_an_address)] = Field(
        description="the server, as a role that may make databases and roles"
    )
    intake_password: Password = Field(description="the password of the role madoguchi_intake, and of the login intake")
    routing_password: Password = Field(
        description="the password of the role madoguchi_routing, and of the login routing"
    )
    desk_password: Password = Field(description="the password of the role madoguchi_desk, and of the login desk")
    notify_password: Password = Field(description="the password of the role madoguchi_notify, and of the login notify")
    archive_password: Password = Field(
        description="the password of the role madoguchi_archive, and of the login archive"
    )
    keyring: Path | None = Field(
        default=None,
        description="the folder of a file keyring, where keys that are missing are made; none for a remote one",
    )
    edge_keyring: Path | None = Field(
        default=None, description="the folder of the file keyring that channel systems seal by; with `keyring`"
    )
    number_keyring: Path | None = Field(
        default=None,
        description="the folder of the file keyring for Individual Numbers, with `keyring`; none where the city collects none",
    )
    replication: Annotated[int, Field(ge=1, le=9)] = Field(default=1, description="brokers that keep each topic")

    @property
    def broker(self) -> Broker:
        """Kafka, as its administrator."""
        password = self.kafka_password.get_secret_value()
        return Broker(
            self.kafka_bootstrap, self.kafka_security, self.kafka_user, password, self.kafka_ca, self.kafka_mechanism
        )

    def passwords(self) -> dict[str, str]:
        """The password of every service."""
        return {found.service: found.password for found in self.databases()}

    def databases(self) -> tuple[ServiceDatabase, ...]:
        """The database of every service, `madoguchi_<service>`, with the role of the same name."""
        passwords: dict[str, SecretStr] = {name: getattr(self, f"{name}_password") for name in SERVICES}
        return tuple(
            ServiceDatabase(name, f"madoguchi_{name}", f"madoguchi_{name}", password.get_secret_value())
            for name, password in passwords.items()
        )


async def prepare(settings: Settings) -> list[str]:
    """Make what is missing. Returns a line for everything made, nothing when all was there."""
    admin = settings.postgres_dsn.get_secret_value()
    made = await create_databases(admin, settings.databases())
    applied = [
        f"migration {line} in {found.name}" for found in settings.databases() for line in await bring_up(admin, found)
    ]
    topics = await create_topics(settings.broker, replication=settings.replication)
    topics += await grow_like(settings.broker, OF_A_CHANNEL, APPLICATIONS)
    given = await acls.give_access(settings.broker, settings.passwords(), acls.rights())
    if settings.keyring and settings.edge_keyring:
        keyrings = Keyrings(settings.keyring, settings.edge_keyring, settings.number_keyring)
        await require_known(keyrings, admin, settings.databases())
        make_ahead(keyrings, datetime.now(UTC))
    return [*(f"database {name}" for name in made), *applied, *(f"topic {name}" for name in topics), *given]


def variables() -> str:
    """Every variable, with its meaning, one a line."""
    return "".join(f"  {PREFIX}{name.upper()}  {field.description}\n" for name, field in Settings.model_fields.items())


def _settings() -> Settings:
    """Read the environment, or end with what is missing or wrong in it: names and rules, never a value."""
    try:
        return Settings.model_validate({})
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            sys.stderr.write(f"{PREFIX}{'.'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}\n")
        sys.exit(78)  # EX_CONFIG


def main() -> None:
    """`python -m deploy.prepare`."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.prepare",
        description=__doc__,
        epilog=f"environment:\n{variables()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
    settings = _settings()
    try:
        made = asyncio.run(prepare(settings))
    except (OSError, KeyringRefusal, KafkaError, KafkaException, asyncpg.PostgresError) as error:
        found = asyncio.run(handshake.trouble(settings.broker))
        also = f"; {found}" if found else ""
        sys.exit(
            f"not prepared ({type(error).__name__}: {error}{also}). Mend that and run this again: it goes on where it ended."
        )
    sys.stdout.write("".join(f"made {line}\n" for line in made) + "everything the services stand on is there\n")


if __name__ == "__main__":
    main()
