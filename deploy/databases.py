"""A database for every service, with two roles: one that owns everything in it and logs in nowhere, and the service's own."""

from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from chassis import database, migrations
from deploy.grants import GRANTS, Rights, both, statements

_LOCK = 7_260_101  # one giver of rights at a time per database


@dataclass(frozen=True, slots=True)
class ServiceDatabase:
    """Where one service keeps its state, and as whom."""

    service: str
    name: str
    role: str
    password: str = field(repr=False)

    @property
    def owner(self) -> str:
        """The role that owns the database and all that is in it. It cannot log in: migrations act as it."""
        return f"{self.role}_owner"

    @property
    def packages(self) -> tuple[str, ...]:
        """Where its migrations are."""
        return ("chassis", f"services.{self.service}")

    @property
    def rights(self) -> Rights:
        """What the role may do in it."""
        return both(GRANTS[self.service])


async def create_databases(admin_dsn: str, databases: tuple[ServiceDatabase, ...]) -> list[str]:
    """Make roles and databases that are missing; set the roles' passwords. Returns the names of the databases made.

    The administrator is a superuser, or a role that may make databases and roles and made these.
    """
    connection = await asyncpg.connect(admin_dsn, timeout=10)
    try:
        return [found.name for found in databases if await _create(connection, found)]
    finally:
        await connection.close()


async def bring_up(admin_dsn: str, found: ServiceDatabase) -> list[str]:
    """Bring a database up to this release: ownership, migrations, rights, in this order. Returns the migrations applied.

    A database whose role owns it, as releases before had it, is taken over as it stands: only owners change. Raises
    asyncpg.UndefinedTableError for a right on a table that no migration makes.
    """
    connection = await database.connect(within(admin_dsn, found.name))
    try:
        await _take_over(connection, found)
        await connection.execute(f"SET ROLE {identifier(found.owner)}")
        applied = await migrations.migrate(connection, found.packages)
        await give_rights(connection, found.role, found.rights)
        return applied
    finally:
        await database.close(connection)


async def give_rights(connection: database.Connection, role: str, rights: Rights) -> None:
    """Leave `role` with exactly these rights. `connection` acts as the owner of the database."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(";\n".join(statements(identifier(role), rights)))


async def _create(connection: asyncpg.Connection, found: ServiceDatabase) -> bool:
    role, owner, name = identifier(found.role), identifier(found.owner), identifier(found.name)
    if not await _has_role(connection, found.owner):
        await connection.execute(f"CREATE ROLE {owner} NOLOGIN")
        await connection.execute(f"GRANT {owner} TO CURRENT_USER")
    if not await _has_role(connection, found.role):
        await connection.execute(f"CREATE ROLE {role} LOGIN")
    await connection.execute(f"ALTER ROLE {role} PASSWORD {_literal(found.password)}")
    if await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", found.name):
        return False
    await connection.execute(f"CREATE DATABASE {name} OWNER {owner}")
    return True


async def _take_over(connection: database.Connection, found: ServiceDatabase) -> None:
    """The role owns nothing from here on, and of all roles it alone may enter."""
    role, owner, name = identifier(found.role), identifier(found.owner), identifier(found.name)
    if await connection.fetchval(_OWNS, found.role):
        await connection.execute(f"GRANT {role} TO CURRENT_USER")
        await connection.execute(f"REASSIGN OWNED BY {role} TO {owner}")
        await connection.execute(f"REVOKE {role} FROM CURRENT_USER")
    await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC, {role}")
    await connection.execute(f"GRANT CONNECT ON DATABASE {name} TO {role}")


_OWNS = """
    SELECT EXISTS (
        SELECT FROM pg_shdepend
        WHERE refclassid = 'pg_authid'::regclass AND refobjid = $1::regrole AND deptype = 'o'
          AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))
"""


async def _has_role(connection: asyncpg.Connection, name: str) -> bool:
    return await connection.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name)


def dsn_of(admin_dsn: str, found: ServiceDatabase) -> str:
    """The admin's server, the service's role and database."""
    parts = urlsplit(admin_dsn)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(
        parts._replace(netloc=f"{found.role}:{quote(found.password, safe='')}@{host}", path=f"/{found.name}")
    )


def within(admin_dsn: str, name: str) -> str:
    """The same server and role, another database."""
    return urlunsplit(urlsplit(admin_dsn)._replace(path=f"/{name}"))


def identifier(name: str) -> str:
    """A name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
