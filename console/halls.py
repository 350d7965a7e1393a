"""Where a city's channel systems are administered: the city that runs on this machine, or one elsewhere, by its addresses."""

from dataclasses import dataclass, field

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from chassis.addresses import Dsn
from chassis.broker import Broker, Mechanism, Security


@dataclass(frozen=True, slots=True)
class Hall:
    """PostgreSQL and Kafka as their administrator; `url` is intake's, where it is known."""

    admin_dsn: str = field(repr=False)
    kafka: Broker = field(repr=False)
    url: str = "https://(intake)"


class _Elsewhere(BaseSettings):
    """The addresses that `deploy.prepare` is given, too."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_", extra="ignore", env_ignore_empty=True)

    postgres_dsn: Dsn | None = None
    kafka_bootstrap: str | None = None
    kafka_security: Security = "PLAINTEXT"
    kafka_user: str = ""
    kafka_password: SecretStr = SecretStr("")
    kafka_mechanism: Mechanism = "SCRAM-SHA-512"
    kafka_ca: str | None = None


def find_hall() -> Hall:
    """The one of the environment, else the one that runs here. Raises Trouble when there is neither."""
    given = _Elsewhere()
    if given.postgres_dsn is None or given.kafka_bootstrap is None:
        return _here()
    password = given.kafka_password.get_secret_value()
    broker = Broker(
        given.kafka_bootstrap, given.kafka_security, given.kafka_user, password, given.kafka_ca, given.kafka_mechanism
    )
    return Hall(given.postgres_dsn.get_secret_value(), broker)


def _here() -> Hall:
    """Imported here, as an image has none of what runs servers."""
    from console.city import running_city
    from deploy.local import LocalSettings

    city = running_city(LocalSettings())
    return Hall(city.admin_dsn, city.kafka, city.service("intake").url)
