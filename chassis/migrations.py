"""Plain SQL migrations, and the check that code and database go together.

A component (the chassis, a service) has numbered files `NNNN_name.sql`. Its version in a database is the number of the last
file applied. Code refuses to run on a database that is older or newer than itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from chassis.database import Connection
from chassis.errors import WrongSchema

_LOCK = 7_260_100  # one migration at a time per database
_TABLE = """
CREATE SCHEMA IF NOT EXISTS chassis;
CREATE TABLE IF NOT EXISTS chassis.schema_version (
    component text NOT NULL, version int NOT NULL, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (component, version)
)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    component: str
    version: int
    name: str
    sql: str


def migrations_of(package: str) -> list[Migration]:
    """The migrations inside `package`, oldest first."""
    files = sorted(
        (file for file in resources.files(package).joinpath("migrations").iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return [Migration(package, int(file.name[:4]), file.name, file.read_text(encoding="utf-8")) for file in files]


async def migrate(connection: Connection, packages: Sequence[str]) -> list[str]:
    """Bring the database up to this code, one transaction a file. Returns the names applied."""
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(_TABLE)
        applied: list[str] = []
        for migration in [found for package in packages for found in await _missing(connection, package)]:
            async with connection.transaction():
                await connection.execute(migration.sql)
                await connection.execute(
                    "INSERT INTO chassis.schema_version (component, version, name) VALUES ($1, $2, $3)",
                    migration.component,
                    migration.version,
                    migration.name,
                )
            applied.append(f"{migration.component}/{migration.name}")
        return applied
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def check(connection: Connection, packages: Sequence[str]) -> None:
    """Raise WrongSchema, saying what to do, unless the database is exactly what this code was written for."""
    for package in packages:
        wanted = migrations_of(package)[-1].version
        found = await _version(connection, package)
        if found < wanted:
            raise WrongSchema(
                f"{package} needs schema {wanted}, the database has {found}: run `madoguchi up` or `python -m deploy.prepare` first"
            )
        if found > wanted:
            raise WrongSchema(f"{package} knows schema {wanted}, the database has {found}: start the newer release")


async def _missing(connection: Connection, package: str) -> list[Migration]:
    version = await _version(connection, package)
    return [migration for migration in migrations_of(package) if migration.version > version]


async def _version(connection: Connection, package: str) -> int:
    if await connection.fetchval("SELECT to_regclass('chassis.schema_version')") is None:
        return 0
    return (
        await connection.fetchval("SELECT max(version) FROM chassis.schema_version WHERE component = $1", package) or 0
    )
