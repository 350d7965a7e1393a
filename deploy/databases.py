"""A database and a role of its own for every service."""

from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

SERVICES = ("intake", "routing", "desk", "notify", "archive")


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """Where one service keeps its state, and as whom."""

    service: str
    name: str
    role: str
    password: str


async def create_databases(admin_dsn: str, databases: tuple[ServiceDatabase, ...]) -> list[str]:
    """Make roles and databases that are missing; set the roles' passwords. Returns the names of the databases made.

    A role owns its database and may enter no other: CONNECT is taken from PUBLIC.
    """
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        return [database.name for database in databases if await _create(connection, database)]
    finally:
        await connection.close()


async def _create(connection: asyncpg.Connection, database: ServiceDatabase) -> bool:
    role, name = _identifier(database.role), _identifier(database.name)
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", database.role):
        await connection.execute(f"CREATE ROLE {role} LOGIN")
    await connection.execute(f"ALTER ROLE {role} PASSWORD {_literal(database.password)}")
    if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database.name):
        return False
    await connection.execute(f"CREATE DATABASE {name} OWNER {role}")
    await connection.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
    return True


def dsn_of(admin_dsn: str, database: ServiceDatabase) -> str:
    """The admin's server, the service's role and database."""
    parts = urlsplit(admin_dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{database.role}:{quote(database.password, safe='')}@{host}", path=f"/{database.name}")
    )


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
