"""Real servers for all tests: one PostgreSQL, one Kafka, one mail catcher a run; a fresh database a test."""

import itertools
from collections.abc import Awaitable, Callable, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import asyncpg
import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from chassis import journal, migrations
from chassis.database import Tx, utc_now
from deploy.databases import ServiceDatabase, create_databases, dsn_of, give_rights, within
from deploy.grants import GRANTS, Rights, both
from deploy.local import LocalSettings, Stack, down, up
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
    "tests/journeys": ("test_faults.py", "test_way.py"),
    "tests/console": ("test_channels.py", "test_city.py", "test_keys.py", "test_rule_sets.py"),
    "tests/deploy": ("test_acls.py", "test_grants.py", "test_image.py", "test_prepare.py"),
}
"""Files that share a city or servers, which cost half a minute to start and a quarter of a core to keep: one process runs them all."""

FreshDatabase = Callable[..., Awaitable[str]]
Administrator = Callable[..., Awaitable[list[asyncpg.Record]]]
_numbers = itertools.count(1)


class Asks(Protocol):
    """A connection or a pool."""

    async def fetchval(self, query: str) -> Any: ...


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes take file after file from this list: with the longest first they end together."""
    rank = {package: number for number, package in enumerate(WAITS_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(ROOT / "tests").parts[0], len(rank)))


class Sharing(LoadScopeScheduling):
    """File after file, those that share a city as one."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        folder, _, name = path.rpartition("/")
        return folder if name in ON_ONE.get(folder, ()) else path


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
    """Where this run's servers live."""
    home = tmp_path_factory.mktemp("servers")
    return LocalSettings(home=home, jars=JARS, kafka_bootstrap=None, postgres_dsn=None, smtp_url=None)


@pytest.fixture(scope="session")
def servers(servers_home: LocalSettings) -> Generator[Stack]:
    """The servers. They fail the run when they cannot start: nothing is skipped for want of them."""
    yield up(servers_home, print)
    down(servers_home, print)


@pytest.fixture(scope="session")
def fresh_database(servers: Stack) -> FreshDatabase:
    """`await fresh_database("chassis", "services.intake")` → the DSN of an empty, migrated database, ~20 ms.

    It is the service's own role that enters, with the rights that it has in a city: a test sees when one is missing.
    """
    made: dict[tuple[str, ...], str] = {}

    async def make(*packages: str) -> str:
        name, found = f"test_{next(_numbers)}", database_for(packages)
        if packages not in made:
            made[packages] = f"template_{next(_numbers)}"
            await _make_template(servers.postgres_dsn, replace(found, name=made[packages]), packages)
        admin = await asyncpg.connect(servers.postgres_dsn)
        try:
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {made[packages]} OWNER {found.owner}")
        finally:
            await admin.close()
        return dsn_of(servers.postgres_dsn, replace(found, name=name))

    return make


@pytest.fixture(scope="session")
def by_administrator(servers: Stack) -> Administrator:
    """`await by_administrator(connection, sql, …)`: what no service may do, in the database that it is connected to."""

    async def fetch(connection: Asks, query: str, *args: object) -> list[asyncpg.Record]:
        name = await connection.fetchval("SELECT current_database()")
        admin = await asyncpg.connect(within(servers.postgres_dsn, name))
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
