"""Real servers for all tests: one PostgreSQL a process, and Kafka where it is asked for; a fresh database a test."""

import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from chassis import journal, migrations
from chassis.database import Owned, Tx, utc_now
from deploy.databases import ServiceDatabase, create_databases, dsn_of, give_rights, within
from deploy.grants import GRANTS, Rights, both
from deploy.local import LocalSettings, Stack, reset, up
from tests.provider import provider

__all__ = ["provider"]

ROOT = Path(__file__).parents[1]
JARS = ROOT / ".madoguchi" / "jars"
SHARED = ROOT.parent / "shared" / "data"

# How long one example takes says what else the machine does; a test that hangs is ended by its own time limit.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

WAITS_LONGEST = ("journeys", "console", "chassis", "deploy", "local", "benchmarks")
"""Packages whose tests wait for servers to die and come back: they begin first, beside those that only compute."""

TOY = Rights(tables={"counted": "SELECT, INSERT", "cured": "SELECT"})
"""Of the toy service of the chassis's tests."""

ON_ONE = {
    "journeys": ("journeys/test_faults.py", "journeys/test_reconciliation.py", "journeys/test_way.py"),
    "channels": ("console/test_channel_topics.py", "console/test_channels.py"),
    "console": (
        "console/test_city.py",
        "console/test_keys.py",
        "console/test_rule_sets.py",
        "console/test_status.py",
    ),
    "deploy": (
        "deploy/test_acls.py",
        "deploy/test_grants.py",
        "deploy/test_image.py",
        "deploy/test_prepare.py",
        "deploy/test_quotas.py",
        "deploy/test_tls.py",
        "deploy/test_unread.py",
    ),
    "Kafka": (
        "chassis/test_faults.py",
        "chassis/test_journal.py",
        "chassis/test_service.py",
        "chassis/test_subscription.py",
        "chassis/test_tape.py",
        "channels/test_bulk.py",
    ),
}
"""Files that share a city or servers, which cost half a minute to start and a quarter of a core to keep: one process runs them all."""

SCOPES = {f"tests/{path}": scope for scope, paths in ON_ONE.items() for path in paths}

NOWHERE = {"kafka_bootstrap": "nowhere:9", "smtp_url": "smtp://nowhere:9", "oidc_issuer": "http://nowhere:9"}
"""Servers that are not started; most tests need PostgreSQL alone."""

FreshDatabase = Callable[..., Awaitable[str]]
Administrator = Callable[..., Awaitable[list[asyncpg.Record]]]
_numbers = itertools.count(1)


class Asks(Protocol):
    """A connection or a pool."""

    async def fetchval(self, query: str) -> Any: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The processes take file after file from this list: with the longest first they end together."""
    rank = {package: number for number, package in enumerate(WAITS_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(ROOT / "tests").parts[0], len(rank)))


class Sharing(LoadScopeScheduling):
    """File after file, those that share a city as one."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        return SCOPES.get(path, path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Sharing:
    """How the processes divide the files."""
    return Sharing(config, log)


def shared_data(name: str) -> Path:
    """A file of the shared test data. The suite passes without it, and says what it skipped."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"shared/data/{name} is not here")
    return path


@pytest.fixture(scope="session")
def servers_home(tmp_path_factory: pytest.TempPathFactory) -> LocalSettings:
    """Where this run's servers live. Processes are killed here, the machine is not: nothing need be on its disk."""
    home = tmp_path_factory.mktemp("servers")
    return LocalSettings(
        home=home, jars=JARS, kafka_bootstrap=None, postgres_dsn=None, smtp_url=None, postgres_options="fsync=off"
    )


@pytest.fixture(scope="session")
def postgres(servers_home: LocalSettings) -> Generator[str]:
    """PostgreSQL: its DSN, as administrator. It fails the run when it cannot start: nothing is skipped for want of a server."""
    yield up(servers_home.model_copy(update=NOWHERE), print).postgres_dsn
    reset(servers_home, print)


@pytest.fixture(scope="session")
def servers(servers_home: LocalSettings, postgres: str) -> Stack:
    """Kafka beside it, for who asks for it first; it is stopped with PostgreSQL."""
    return up(servers_home.model_copy(update=NOWHERE | {"kafka_bootstrap": None}), print)


@dataclass(slots=True)
class Databases:
    """Makes empty, migrated databases from templates, and drops them. It is the service's own role that enters one, with the
    rights that it has in a city: a test sees when one is missing.

    Files are copied as they are: through the log, as is usual, it took three times the CPU (0.2 s instead of 0.06).
    """

    postgres: str
    templates: dict[tuple[str, ...], str] = field(default_factory=lambda: dict[tuple[str, ...], str]())
    admin: Owned | None = None

    async def make(self, *packages: str) -> str:
        """The DSN of another one."""
        name, found = f"test_{next(_numbers)}", database_for(packages)
        if packages not in self.templates:
            self.templates[packages] = f"template_{next(_numbers)}"
            await _make_template(self.postgres, replace(found, name=self.templates[packages]), packages)
        template = f"TEMPLATE {self.templates[packages]} STRATEGY FILE_COPY"
        await self._say(f"CREATE DATABASE {name} {template} OWNER {found.owner}")
        return dsn_of(self.postgres, replace(found, name=name))

    async def drop(self, dsn: str) -> None:
        """Away with it, whoever is still in it: what a later checkpoint need not write, and the end of the run need not delete."""
        await self._say(f"DROP DATABASE {urlsplit(dsn).path.strip('/')} WITH (FORCE)")

    async def _say(self, statement: str) -> None:
        if self.admin is None or self.admin.is_closed():
            self.admin = await asyncpg.connect(self.postgres)
        await self.admin.execute(statement)


@pytest.fixture(scope="session")
async def databases(postgres: str) -> AsyncGenerator[Databases]:
    """For what outlives a test."""
    databases = Databases(postgres)
    yield databases
    if databases.admin is not None:
        await databases.admin.close()


@pytest.fixture
async def fresh_database(databases: Databases) -> AsyncGenerator[FreshDatabase]:
    """`await fresh_database("chassis", "services.intake")` → the DSN of an empty, migrated database, this test's own."""
    made: list[str] = []

    async def make(*packages: str) -> str:
        made.append(await databases.make(*packages))
        return made[-1]

    yield make
    for dsn in made:
        await databases.drop(dsn)


@pytest.fixture(scope="session")
def by_administrator(postgres: str) -> Administrator:
    """`await by_administrator(connection, sql, …)`: what no service may do, in the database that it is connected to."""

    async def fetch(connection: Asks, query: str, *args: object) -> list[asyncpg.Record]:
        name = await connection.fetchval("SELECT current_database()")
        admin = await asyncpg.connect(within(postgres, name))
        try:
            return await admin.fetch(query, *args)
        finally:
            await admin.close()

    return fetch


def database_for(packages: tuple[str, ...]) -> ServiceDatabase:
    """The service of the last of these packages: its roles, in a database of another name."""
    service = packages[-1].rpartition(".")[2]
    return ServiceDatabase(service, f"test_{service}", f"test_{service}", "test")


async def _make_template(admin_dsn: str, found: ServiceDatabase, packages: tuple[str, ...]) -> None:
    await create_databases(admin_dsn, (found,))
    connection = await asyncpg.connect(within(admin_dsn, found.name))
    try:
        await connection.execute(f"SET ROLE {found.owner}")
        await migrations.migrate(connection, packages)
        await journal.make_partitions(Tx(connection, utc_now()), utc_now().date())
        await give_rights(connection, found.role, both(GRANTS.get(found.service, TOY)))
    finally:
        await connection.close()
