"""Where everything of the running city is reached."""

import importlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from chassis.broker import Broker
from chassis.database import Owned, close, connect
from console.errors import Trouble
from deploy.grants import SCOPES, SERVICES
from deploy.local import LocalSettings
from deploy.local.home import Home, home_of
from deploy.local.identity import BELIEVE_TOKENS
from deploy.local.keyrings import addresses, edge_address
from deploy.local.services import password_file, processes_of, read_notes, read_plan, sign_in_of, supervisors
from deploy.principals import PRINCIPALS

if TYPE_CHECKING:
    from chassis.service import Service


@dataclass(frozen=True, slots=True)
class Place:
    """One service: its database and its HTTP API."""

    dsn: str = field(repr=False)
    url: str


@dataclass(frozen=True, slots=True)
class City:
    """All addresses; they stay the same when a process dies and comes back. `kafka` is entered as its administrator.

    `brokers` are Kafka as each of those who have a login.
    """

    kafka: Broker = field(repr=False)
    admin_dsn: str = field(repr=False)
    brokers: Mapping[str, Broker] = field(repr=False)
    services: Mapping[str, Place]
    mail_folder: Path | None
    log_folder: Path
    password_file: Path
    home: Home
    sign_in: Mapping[str, str] = field(repr=False)
    """What the desk is told of its provider, by the names of its settings."""

    def service(self, name: str) -> Place:
        """A service by its name. Raises Trouble that names those there are."""
        if name not in self.services:
            raise Trouble(f"There is no service {name!r}: choose one of {', '.join(SERVICES)}.")
        return self.services[name]

    def named(self, name: str) -> str:
        """The name of a service that there is."""
        self.service(name)
        return name

    def built(self, name: str) -> "Service":
        """A service put together as it runs here, for what is done in its name."""
        reached = {"kafka_bootstrap": self.brokers[name].bootstrap, "postgres_dsn": self.service(name).dsn}
        staff = self.sign_in if name == "desk" else {}
        staff = {"oidc_issuer": self.sign_in["oidc_issuer"]} if name in BELIEVE_TOKENS else staff
        settings = importlib.import_module(f"services.{name}.settings").Settings
        found = settings.model_validate({**reached, **staff, **addresses(self.home, name)})
        return importlib.import_module(f"services.{name}.app").build(found)

    def psql(self, name: str) -> str:
        """How a person reads a service's tables; the password stays in its file."""
        parts = urlsplit(self.service(name).dsn)
        where = f"-h {parts.hostname} -p {parts.port or 5432} -U {parts.username} {parts.path.strip('/')}"
        told = " ".join(f"-c {setting}={value}" for setting, value in SCOPES.get(name, {}).items())
        options = f"PGOPTIONS='{told}' " if told else ""
        return f"PGPASSFILE={self.password_file} {options}psql {where}"

    @property
    def edge_keyring(self) -> str:
        """The address of the public keys that channels seal by."""
        return edge_address(self.home)

    @asynccontextmanager
    async def database(self, name: str) -> AsyncGenerator[Owned]:
        """A connection to a service's database, as its role, which sees what the service itself sees."""
        connection = await connect(self.service(name).dsn, scope=SCOPES.get(name))
        try:
            yield connection
        finally:
            await close(connection)


def _not_running(home: Home) -> str:
    if left := [name for name in SERVICES if processes_of(home, name)]:
        return (
            f"The city in {home.root} runs in part only: {', '.join(left)}, without the supervisor. "
            "`madoguchi up` starts what is missing; see `madoguchi status`."
        )
    return f"No city runs in {home.root}: run `madoguchi up` first."


def running_city(settings: LocalSettings) -> City:
    """The city that runs under `settings`. Raises Trouble when none does."""
    home = home_of(settings)
    plan = read_plan(home)
    if plan is None or not supervisors(home):
        raise Trouble(_not_running(home))
    ports = {name: note.port for name, note in read_notes(home).items()}
    return City(
        kafka=plan.kafka,
        brokers={name: plan.broker(name) for name in PRINCIPALS},
        admin_dsn=plan.postgres_dsn,
        services={name: Place(plan.dsn(name), f"http://127.0.0.1:{port}") for name, port in ports.items()},
        mail_folder=plan.mail_folder,
        log_folder=home.log,
        password_file=password_file(home),
        home=home,
        sign_in=sign_in_of(plan, "desk", ports["desk"]),
    )
