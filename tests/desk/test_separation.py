"""Row-level security: what a department's transaction sees when a query has forgotten whose cases it wants."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import asyncpg
import pytest

from chassis import database
from chassis.database import Tx
from services.desk import separation, store
from tests.conftest import Administrator
from tests.desk.conftest import NOW, Desk, corrected

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

OPEN = {"rule_set_step", "overlay_step", "index_key", "staff_session"}
"""What is no department's: the rules' history, wrapped keys, who is signed in."""

NOBODY: Mapping[str, str] = {}


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
        "forgotten": NOBODY,
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
