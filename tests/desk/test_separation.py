"""Row-level security: what a department's transaction sees when a query has forgotten whose cases it wants."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from chassis import database, journal
from chassis.database import Tx
from chassis.journal import Line
from services.desk import separation, store
from services.desk.app import build
from services.desk.settings import Settings
from tests.conftest import Administrator
from tests.desk.conftest import NOW, SIGN_IN, Desk, corrected, new_id

GUARDED = {
    "case_item": "SELECT department FROM case_item",
    "case_step": "SELECT department FROM case_step",
    "case_view": "SELECT department FROM case_view",
    "search_made": "SELECT department FROM search_made",
    "suggestion": "SELECT case_id FROM suggestion",
    "application": "SELECT application_id FROM application",
    "correction": "SELECT application_id FROM correction",
    "search_term": "SELECT DISTINCT application_id FROM search_term",
}
"""A query of every table that leads to a case, without any WHERE."""

OPEN = {"rule_set_step", "overlay_step", "index_key", "staff_session", "logout_seen", "log_reading"}
"""What is no department's: the rules' history, wrapped keys, who is signed in, who has signed out, who read the log."""

OF_THE_CHASSIS = {"journal", "parked_event", "parked_key"}
"""The chassis's tables that hold what was said of cases, or came of them: read by no department."""

NUMBERS = {"lane", "redrive", "schema_version", "tick"}
"""Those that hold how far everything has come, and who repaired what."""

SAID_NOTHING: Mapping[str, str] = {}


@asynccontextmanager
async def seeing(desk: Desk, scope: Mapping[str, str]) -> AsyncGenerator[Tx]:
    async with desk.commands.pool.acquire() as connection, database.transaction(connection, lambda: NOW, scope) as tx:
        yield tx


@pytest.fixture
async def two(desk: Desk, by_administrator: Administrator) -> Desk:
    """A case of residents and one of school, each with a row in every table."""
    for department in ("residents", "school"):
        application_id, case_id = await desk.case(department)
        await desk.read(corrected(application_id))
        await desk.do(case_id, "claim")
        await desk.see(case_id)
        for sql in (
            "INSERT INTO suggestion (case_id, at, said) VALUES ($1, now(), '{}')",
            "INSERT INTO search_made SELECT case_id, now(), department, 'sato', 'name', 'work', 1 FROM case_item WHERE case_id = $1",
        ):
            await by_administrator(desk.pool, sql, case_id)
    return desk


@pytest.mark.parametrize("table", GUARDED)
async def test_a_forgotten_where_shows_a_department_its_own_rows_only(two: Desk, table: str) -> None:
    counts: dict[str, int] = {}
    for name, scope in {
        "residents": separation.only(["residents"]),
        "both": separation.only(["residents", "school"]),
        "other": separation.only(["nobody"]),
        "none": separation.only([]),
        "forgotten": SAID_NOTHING,
        "service": separation.EVERYTHING,
    }.items():
        async with seeing(two, scope) as tx:
            counts[name] = len(await tx.fetch(GUARDED[table]))

    assert counts == {"residents": 1, "both": 2, "other": 0, "none": 0, "forgotten": 0, "service": 2}


async def test_every_table_is_guarded_or_named_as_nobodys(desk: Desk, by_administrator: Administrator) -> None:
    rows = await by_administrator(
        desk.pool,
        "SELECT relname, relrowsecurity FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )

    assert {row[0] for row in rows if row[1]} == set(GUARDED)
    assert {row[0] for row in rows if not row[1]} == OPEN


@pytest.mark.parametrize("table", sorted(OF_THE_CHASSIS))
async def test_no_department_reads_what_the_chassis_keeps_of_all_and_the_relay_does(two: Desk, table: str) -> None:
    await two.consume_as_it_is(corrected(new_id()))
    counts: dict[str, int] = {}
    for name, scope in {
        "residents": separation.only(["residents"]),
        "none": separation.only([]),
        "unsaid": separation.NOBODY,
        "service": separation.EVERYTHING,
        "relay": SAID_NOTHING,
    }.items():
        async with seeing(two, scope) as tx:
            counts[name] = min(1, len(await tx.fetch(f"SELECT FROM chassis.{table}")))

    assert counts == {"residents": 0, "none": 0, "unsaid": 0, "service": 1, "relay": 1}


def test_a_request_sees_nothing_until_it_has_said_on_whose_behalf(tmp_path: Path) -> None:
    keyring = f"file://{tmp_path}"
    settings = {"kafka_bootstrap": "none:1", "postgres_dsn": "postgresql://nowhere/x", "most_cases": 10} | SIGN_IN

    service = build(Settings.model_validate(settings | {"keyring": keyring, "opening_keyring": keyring}))

    assert (service.unsaid, service.scope) == (separation.NOBODY, separation.EVERYTHING)


async def test_a_department_frees_no_parked_event_and_appends_what_it_did(two: Desk) -> None:
    await two.consume_as_it_is(corrected(new_id()))
    async with seeing(two, separation.only(["residents"])) as tx:
        assert await tx.execute("DELETE FROM chassis.parked_event") == "DELETE 0"
        await journal.append(tx, [Line("1", "jp.madoguchi.case.claimed.v1", b"{}")])


async def test_every_table_of_the_chassis_is_guarded_or_holds_numbers(
    desk: Desk, by_administrator: Administrator
) -> None:
    rows = await by_administrator(
        desk.pool,
        """
        SELECT relname, relrowsecurity FROM pg_class
        WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'chassis'::regnamespace
        """,
    )

    assert {row[0] for row in rows if row[1]} == OF_THE_CHASSIS
    assert {row[0] for row in rows if not row[1]} == NUMBERS


async def test_the_relay_goes_on_reading_the_journal_from_its_index(desk: Desk) -> None:
    async with seeing(desk, SAID_NOTHING) as tx:
        await tx.execute("SET LOCAL enable_seqscan = off")
        plan = await tx.fetch(
            "EXPLAIN SELECT id FROM chassis.journal WHERE xid >= '5'::xid8 AND at >= now() ORDER BY id"
        )

    assert any("journal" in row[0] and "xid" in row[0] and "Index" in row[0] for row in plan), plan


async def test_a_department_can_neither_change_nor_write_what_is_anothers(two: Desk) -> None:
    async with seeing(two, separation.EVERYTHING) as tx:
        (other,) = await tx.fetch("SELECT case_id FROM case_item WHERE department = 'school'")

    async with seeing(two, separation.only(["residents"])) as tx:
        assert await store.find_item(tx, other[0]) is None
        assert await store.lock_item(tx, other[0]) is None
        assert await tx.execute("UPDATE case_item SET state = 'open' WHERE case_id = $1", other[0]) == "UPDATE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with seeing(two, separation.only(["residents"])) as tx:
            await tx.execute(
                "INSERT INTO case_step (case_id, at, what, department, note) VALUES ($1, now(), 'claim', 'school', '{}')",
                other[0],
            )


async def test_what_one_request_may_see_is_forgotten_before_the_next_on_its_connection(two: Desk) -> None:
    async with two.commands.pool.acquire() as connection:
        async with database.transaction(connection, scope=separation.EVERYTHING) as tx:
            assert len(await tx.fetch(GUARDED["case_item"])) == 2
        async with database.transaction(connection) as tx:
            assert await tx.fetch(GUARDED["case_item"]) == []
