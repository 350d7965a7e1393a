"""Real servers for all tests: one PostgreSQL, one Kafka, one mail catcher a run; a fresh database a test."""

import itertools
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from hypothesis import settings

from chassis import journal, migrations
from chassis.database import Tx, utc_now
from deploy.local import LocalSettings, Stack, down, up

ROOT = Path(__file__).parents[1]
JARS = ROOT / ".madoguchi" / "jars"
SHARED = ROOT.parent / "shared" / "data"

# How long one example takes says what else the machine does; a test that hangs is ended by its own time limit.
settings.register_profile("shared machine", deadline=None)
settings.load_profile("shared machine")

WAITS_LONGEST = ("journeys", "console", "chassis", "deploy", "local", "benchmarks")
"""Packages whose tests wait for servers to die and come back: they begin first, beside those that only compute."""

FreshDatabase = Callable[..., Awaitable[str]]
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes take file after file from this list: with the longest first they end together."""
    rank = {package: number for number, package in enumerate(WAITS_LONGEST)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(ROOT / "tests").parts[0], len(rank)))


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
    """`await fresh_database("chassis", "services.intake")` → the DSN of an empty, migrated database, ~20 ms."""
    made: dict[tuple[str, ...], str] = {}

    async def make(*packages: str) -> str:
        admin = await asyncpg.connect(servers.postgres_dsn)
        try:
            if packages not in made:
                made[packages] = f"template_{next(_numbers)}"
                await admin.execute(f"CREATE DATABASE {made[packages]}")
                await _migrate(dsn_of(servers.postgres_dsn, made[packages]), packages)
            name = f"test_{next(_numbers)}"
            await admin.execute(f"CREATE DATABASE {name} TEMPLATE {made[packages]}")
        finally:
            await admin.close()
        return dsn_of(servers.postgres_dsn, name)

    return make


async def _migrate(dsn: str, packages: tuple[str, ...]) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await migrations.migrate(connection, packages)
        await journal.make_partitions(Tx(connection, utc_now()), utc_now().date())
    finally:
        await connection.close()


def dsn_of(admin_dsn: str, database: str) -> str:
    """The same server, another database."""
    return urlunsplit(urlsplit(admin_dsn)._replace(path=f"/{database}"))
