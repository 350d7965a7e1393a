import json
import os
from collections.abc import AsyncGenerator, Iterator
from datetime import date
from typing import Any
from uuid import UUID

import pytest

from chassis import database
from chassis.database import Owned, Tx
from services.desk import separation, store
from tests.conftest import Administrator, Databases
from tests.desk.conftest import NOW

MANY = """
    INSERT INTO case_item (case_id, application_id, receipt, department, procedure, due_on, opened_at, state, staff, why)
    SELECT gen_random_uuid(), gen_random_uuid(), '0000-0000-0012-4', 'department-' || n % 20, 'moving-in',
           date '2026-04-01' + n % 90, now(), (ARRAY['open', 'claimed', 'closed', 'closed'])[1 + n % 4], 'sato', '{}'
    FROM generate_series(1, 50000) n
"""


@pytest.fixture(scope="module")
async def full(databases: Databases, by_administrator: Administrator) -> AsyncGenerator[Owned]:
    """A connection to a desk with a city's cases, which no test changes."""
    dsn = await databases.make("chassis", "services.desk")
    connection = await database.connect(dsn, scope=separation.EVERYTHING)
    await by_administrator(connection, MANY)
    await by_administrator(connection, "ANALYZE case_item")
    yield connection
    await database.close(connection)
    await databases.drop(dsn)


@pytest.fixture
async def many(full: Owned) -> AsyncGenerator[Tx]:
    async with full.transaction():
        yield Tx(full, NOW)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


async def explain(tx: Tx, query: str, *args: object) -> list[dict[str, Any]]:
    answer = await tx.fetchval(f"EXPLAIN (FORMAT JSON) {query}", *args)
    return list(nodes(json.loads(answer)[0]["Plan"]))


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
@pytest.mark.parametrize("place", [store.START, (date(2026, 5, 1), UUID(int=1))])
@pytest.mark.parametrize(
    "query, state, index",
    [
        (store.WORKLIST, None, "case_item_worklist"),
        (store.WORKLIST, "claimed", "case_item_worklist"),
        (store.CLOSED, "closed", "case_item_closed"),
        (store.QUEUE, None, "case_item_queue"),
        (store.CLOSED_QUEUE, "closed", "case_item_closed_queue"),
    ],
)
async def test_a_worklist_of_many_is_read_in_order_from_its_index(
    many: Tx, query: str, state: str | None, index: str, place: store.Place, mode: str
) -> None:
    await many.execute(f"SET LOCAL plan_cache_mode = {mode}")

    named = ("berm",) if "queue = $6" in query else ()

    plan = await explain(many, query, "department-4", *place, 51, state, *named)

    assert [node.get("Index Name") for node in plan if "Scan" in node["Node Type"]] == [index]
    assert not [node for node in plan if node["Node Type"] == "Sort"]


async def test_the_items_of_an_application_are_found_by_its_index(many: Tx) -> None:
    plan = await explain(
        many, "SELECT 1 FROM case_item WHERE application_id = ANY($1::uuid[]) AND state <> 'closed'", [UUID(int=1)]
    )

    assert "case_item_application" in [node.get("Index Name") for node in plan]


async def test_an_application_with_seals_stays_in_its_row(many: Tx) -> None:
    await many.execute(
        "INSERT INTO application (application_id, content) VALUES ($1, $2)", UUID(int=2), os.urandom(7000)
    )

    size = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'application'::regclass"
    assert await many.fetchval(size) == 0
