"""Every verb on every table by every service's role, on the real server: what is declared works, all else is denied."""

import itertools
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace

import asyncpg
import pytest

from chassis import migrations
from deploy.databases import ServiceDatabase, bring_up, create_databases, dsn_of, within
from deploy.grants import CHASSIS, SERVICES
from deploy.local import Stack
from deploy.prepare import prepare
from tests.deploy.test_prepare import settings_for

Connection = asyncpg.Connection
_names = itertools.count(1)

TABLES = """
    SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('public', 'chassis') AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY 1
"""
COLUMNS = "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped"


@dataclass(frozen=True, slots=True)
class Role:
    """A service's role in its database, and the administrator there."""

    service: str
    own: Connection
    admin: Connection

    async def tables(self) -> dict[str, tuple[str, ...]]:
        """Every table there is, with its columns."""
        return {
            row["name"]: tuple(found[0] for found in await self.admin.fetch(COLUMNS, row["name"]))
            for row in await self.admin.fetch(TABLES)
        }

    async def is_denied(self, statement: str) -> bool:
        """Whether PostgreSQL refuses it for want of a right; what it would have done is rolled back."""
        attempt = self.own.transaction()
        await attempt.start()
        try:
            await self.own.execute(statement)
        except asyncpg.InsufficientPrivilegeError:
            return True
        finally:
            await attempt.rollback()
        return False


@pytest.fixture(scope="module")
async def databases(new_servers: Stack) -> tuple[ServiceDatabase, ...]:
    """Those of a city that was prepared once: what a test does to them is rolled back or refused."""
    settings = settings_for(new_servers)
    await prepare(settings)
    return settings.databases()


@pytest.fixture(params=SERVICES)
async def role(
    request: pytest.FixtureRequest, new_servers: Stack, databases: tuple[ServiceDatabase, ...]
) -> AsyncGenerator[Role]:
    found = next(found for found in databases if found.service == request.param)
    own = await asyncpg.connect(dsn_of(new_servers.postgres_dsn, found))
    admin = await asyncpg.connect(within(new_servers.postgres_dsn, found.name))
    await own.execute("SELECT chassis.make_journal_partition(current_date)")
    yield Role(found.service, own, admin)
    await own.close()
    await admin.close()


def declared(service: str, new_servers: Stack) -> Mapping[str, str]:
    """The table of rights, every name with its schema."""
    found = next(found for found in settings_for(new_servers).databases() if found.service == service)
    return {name if "." in name else f"public.{name}": verbs for name, verbs in found.rights.tables.items()}


def attempts(table: str, columns: tuple[str, ...]) -> dict[str, str]:
    """A statement for every verb; one that touches no row, as the right is asked for before any is looked for."""
    updates = {f"UPDATE ({column})": f'UPDATE {table} SET "{column}" = DEFAULT WHERE false' for column in columns}
    return {
        "SELECT": f"SELECT 1 FROM {table} WHERE false",
        "INSERT": f'INSERT INTO {table} ("{columns[0]}") OVERRIDING SYSTEM VALUE SELECT NULL WHERE false',
        **updates,
        "DELETE": f"DELETE FROM {table} WHERE false",
        "TRUNCATE": f"TRUNCATE {table}",
        "ALTER": f"ALTER TABLE {table} ADD COLUMN smuggled int",
        "DROP": f"DROP TABLE {table} CASCADE",
        "INDEX": f'CREATE INDEX ON {table} ("{columns[0]}")',
        "TRIGGER": f"CREATE TRIGGER smuggled BEFORE UPDATE ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "RULE": f"CREATE RULE smuggled AS ON DELETE TO {table} DO INSTEAD NOTHING",
        "REFERENCES": f'CREATE TEMP TABLE smuggled (x text REFERENCES {table} ("{columns[0]}"))',
        "OWN": f"ALTER TABLE {table} OWNER TO CURRENT_USER",
    }


def is_declared(verb: str, verbs: str) -> bool:
    """Whether `verbs`, as GRANT takes them, hold `verb`."""
    whole, _, columns = verbs.partition("UPDATE (")
    if verb.startswith("UPDATE"):
        column = verb[8:-1]
        return column in columns.split(")")[0].split(", ") if columns else "UPDATE" in verbs.split(", ")
    return verb in (whole + columns.partition(")")[2]).split(", ")


async def test_every_table_of_every_migration_is_in_the_table_of_rights(role: Role, new_servers: Stack) -> None:
    found = {name for name in await role.tables() if not name.startswith("chassis.journal_2")}

    assert found == set(declared(role.service, new_servers)), "a new table needs a line in deploy/grants.py"


async def test_a_role_may_do_to_every_table_what_is_declared_and_nothing_else(role: Role, new_servers: Stack) -> None:
    rights = declared(role.service, new_servers)
    wrong: list[str] = []
    tried = 0
    for table, columns in (await role.tables()).items():
        for verb, statement in attempts(table, columns).items():
            tried += 1
            if await role.is_denied(statement) == is_declared(verb, rights.get(table, "")):
                wrong.append(f"{verb} on {table}")

    assert wrong == []
    assert tried > 100


async def test_an_append_only_table_is_changed_by_nobody(role: Role, new_servers: Stack) -> None:
    rights = declared(role.service, new_servers)
    kept = {"chassis.journal", "chassis.tick", "chassis.redrive", "public.record", "public.event", "public.case_step"}

    assert all("UPDATE" not in verbs and "DELETE" not in verbs for name, verbs in rights.items() if name in kept)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.smuggled (x int)",
        "CREATE TABLE chassis.smuggled (x int)",
        "CREATE TABLE chassis.journal_19990101 PARTITION OF chassis.journal FOR VALUES FROM ('1999-01-01') TO ('1999-01-02')",
        "CREATE TEMP TABLE smuggled (x int)",
        "CREATE SCHEMA smuggled",
        "CREATE FUNCTION public.smuggled() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "DROP EXTENSION plpgsql",
        "CREATE ROLE smuggled",
        "CREATE DATABASE smuggled",
        "DROP SCHEMA chassis CASCADE",
        "ALTER SCHEMA public RENAME TO smuggled",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RENAME TO smuggled', current_database()); END $$",
        "DO $$ BEGIN EXECUTE format('SET ROLE %I', current_user || '_owner'); END $$",
        "COPY (SELECT 1) TO '/tmp/smuggled'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT passwd FROM pg_shadow",
        "SELECT chassis.drop_journal_partitions(current_date)",
    ],
)
async def test_a_role_makes_nothing_and_becomes_nobody_else(role: Role, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await role.own.execute(statement)


async def test_a_role_owns_nothing_and_calls_no_function_but_its_own(role: Role, new_servers: Stack) -> None:
    owned = "SELECT count(*) FROM pg_shdepend WHERE refobjid = $1::text::regrole AND deptype = 'o'"
    calls = """
        SELECT p.oid::regprocedure::text AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('public', 'chassis') AND has_function_privilege($1, p.oid, 'EXECUTE')
    """
    name = f"madoguchi_{role.service}"

    to_pass_on = """
        SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace::regnamespace::text IN ('public', 'chassis')
          AND (a.grantee = 0 OR a.grantee = $1::text::regrole AND a.is_grantable)
    """

    assert await role.admin.fetchval(owned, name) == 0
    assert await role.admin.fetchval(to_pass_on, name) == 0
    assert {row["name"].partition("(")[0] for row in await role.admin.fetch(calls, name)} == {
        function.partition("(")[0] for function in CHASSIS.functions
    }
    assert await role.admin.fetchval("SELECT rolcanlogin FROM pg_roles WHERE rolname = $1", f"{name}_owner") is False


async def test_every_function_that_acts_as_the_owner_looks_for_names_where_nobody_can_put_any(role: Role) -> None:
    rows = await role.admin.fetch(
        "SELECT proname, proconfig FROM pg_proc WHERE prosecdef AND pronamespace = 'chassis'::regnamespace"
    )

    assert {row["proname"] for row in rows} == {"make_journal_partition", "drop_journal_partitions"}
    assert all(row["proconfig"] == ["search_path=pg_catalog, pg_temp"] for row in rows)


async def test_a_role_enters_no_database_of_another_service(role: Role, new_servers: Stack) -> None:
    databases = settings_for(new_servers).databases()
    own = next(found for found in databases if found.service == role.service)

    for other in (found for found in databases if found.service != role.service):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(dsn_of(new_servers.postgres_dsn, replace(own, name=other.name)))


async def test_a_database_of_the_release_before_is_taken_over_without_loss(new_servers: Stack) -> None:
    """That release's role owned its database, with all that is in it, and had made its days itself."""
    name = f"older_{next(_names)}"
    found = replace(settings_for(new_servers).databases()[4], name=name, role=name)
    admin = await asyncpg.connect(new_servers.postgres_dsn)
    await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{found.password}'")
    await admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    await admin.close()
    old = await asyncpg.connect(dsn_of(new_servers.postgres_dsn, found))
    await _migrate_as_before(old)
    await old.close()

    assert await create_databases(new_servers.postgres_dsn, (found,)) == []
    assert await bring_up(new_servers.postgres_dsn, found) == [
        "chassis/0003_owner.sql",
        "chassis/0004_inline.sql",
        "chassis/0005_parked_again.sql",
    ]
    assert await bring_up(new_servers.postgres_dsn, found) == []

    new = await asyncpg.connect(dsn_of(new_servers.postgres_dsn, found))
    assert await new.fetchval("SELECT count(*) FROM chassis.journal") == 3
    assert await new.fetchval("SELECT body FROM event") == b"kept"
    assert await new.fetch("SELECT chassis.drop_journal_partitions('2021-01-01')") == [("journal_20200101",)]
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await new.execute("DELETE FROM event")
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN ('public', 'chassis')"
    assert await new.fetch(owners) == [(f"{name}_owner",)]
    await new.close()


async def _migrate_as_before(connection: Connection) -> None:
    """What the role of the release before did, as that role."""
    await connection.execute(migrations._TABLE)
    for package in ("chassis", "services.archive"):
        for step in migrations.migrations_of(package):
            if package != "chassis" or step.version < 3:
                await connection.execute(step.sql)
                await connection.execute(
                    "INSERT INTO chassis.schema_version (component, version, name) VALUES ($1, $2, $3)",
                    package,
                    step.version,
                    step.name,
                )
    await connection.execute("SELECT chassis.make_journal_partition('2020-01-01')")
    await connection.execute("SELECT chassis.make_journal_partition(current_date)")
    said = "INSERT INTO chassis.journal (at, key, type, payload) VALUES ($1::text::timestamptz, 'k', 't', 'p')"
    await connection.executemany(said, [("2020-01-01",), ("now",), ("1999-01-01",)])
    await connection.execute("INSERT INTO event VALUES ('s', 'i', 't', now(), now(), 'kept')")


async def test_an_administrator_who_is_no_superuser_is_enough(new_servers: Stack) -> None:
    name = f"modest_{next(_names)}"
    admin = await asyncpg.connect(new_servers.postgres_dsn)
    await admin.execute(f"CREATE ROLE {name} LOGIN CREATEDB CREATEROLE PASSWORD 'secret'")
    await admin.close()
    parts = within(new_servers.postgres_dsn, "postgres").partition("@")
    modest = f"postgresql://{name}:secret@{parts[2]}"
    found = replace(settings_for(new_servers).databases()[0], name=f"{name}_intake", role=f"{name}_intake")

    assert await create_databases(modest, (found,)) == [found.name]
    assert len(await bring_up(modest, found)) > 3
    assert await bring_up(modest, found) == []
