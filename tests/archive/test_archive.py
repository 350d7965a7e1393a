import hashlib
import itertools
import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.database import connect, transaction
from contracts.archive import RecordSealed
from contracts.routing import CaseOpened
from services.archive import handlers
from services.archive.rules import GENESIS, Link, first_bad
from tests.archive.conftest import NOW, Archive, Story
from tests.conftest import Administrator


async def test_a_closed_application_becomes_one_sealed_record(archive: Archive) -> None:
    story = Story()
    said = [await archive.keep(event) for event in story.whole()]

    assert [len(announced) for announced in said] == [0] * 7 + [1]
    sealed = said[-1][0]
    assert isinstance(sealed, RecordSealed)
    assert (sealed.number, sealed.previous, sealed.events) == (1, "00" * 32, 8)
    record = await archive.read(story)
    assert hashlib.sha256(record.content).hexdigest() == sealed.digest
    assert record.headers["etag"] == f'"{sealed.digest}"'


async def test_a_record_holds_every_event_in_its_exact_bytes(archive: Archive) -> None:
    story = Story()
    await archive.keep(*story.whole())

    record = (await archive.read(story)).json()

    bodies = [row["body"] for row in await archive.pool.fetch("SELECT body FROM event ORDER BY time")]
    assert [kept["body"].encode() for kept in record["events"]] == bodies
    assert [kept["digest"] for kept in record["events"]] == [hashlib.sha256(body).hexdigest() for body in bodies]
    assert str(2**60) in record["events"][0]["body"]


async def test_an_event_as_long_as_those_with_seals_stays_in_its_row(archive: Archive) -> None:
    await archive.connection.execute(
        "INSERT INTO event (subject, id, type, time, body) VALUES ('a', 'b', 'c', now(), $1)", os.urandom(7000)
    )

    size = "SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'event'::regclass"
    assert await archive.connection.fetchval(size) == 0


async def test_it_is_sealed_once_whatever_order_the_events_arrive_in(archive: Archive) -> None:
    orders = list(itertools.islice(itertools.permutations(range(8)), 0, 40320, 1700))
    for number, order in enumerate(orders, 1):
        story = Story(number)
        events = story.whole()
        said = [event for place in order for event in await archive.keep(events[place])]
        assert len(said) == 1, order

    verdict = (await archive.get("/v1/chain/verify")).json()
    assert verdict == {"records": len(orders), "intact": True, "first_bad": None}


@pytest.mark.parametrize("missing", range(8))
async def test_a_record_waits_for_whatever_is_missing(archive: Archive, missing: int) -> None:
    events = Story().whole()
    # A receipt notice that was never queued is nothing to wait for; one that was queued is.
    optional = missing == 1
    del events[missing]

    said = [event for kept in events for event in await archive.keep(kept)]

    assert len(said) == (1 if optional or missing in (4, 6) else 0)


async def test_a_record_waits_until_the_citizen_has_been_told_of_an_extension(archive: Archive) -> None:
    story = Story()
    queued, sent = story.extension()

    early = await archive.keep(*story.whole()[:5], story.extended(), *story.whole()[5:])
    waiting = await archive.keep(queued)
    told = await archive.keep(sent)

    assert (early, waiting) == ([], [])
    assert [type(event) for event in told] == [RecordSealed]


async def test_a_life_event_is_sealed_with_the_last_of_its_cases_also_when_that_is_opened_late(
    archive: Archive,
) -> None:
    one, other = Story(), Story()
    other.application_id = one.application_id
    first = [event.model_copy(update={"cases": 2}) if isinstance(event, CaseOpened) else event for event in one.whole()]
    late = [other.opened().model_copy(update={"cases": 2}), other.decided(), other.closed()]

    early = [event for kept in first for event in await archive.keep(kept)]
    told = [
        event for kept in (*late, other.queued("result"), other.sent("result")) for event in await archive.keep(kept)
    ]

    assert early == []
    assert [type(event) for event in told] == [RecordSealed]


async def test_a_withdrawn_application_is_sealed_when_the_citizen_was_told(archive: Archive) -> None:
    story = Story()
    before = await archive.keep(story.accepted(), story.opened(), story.withdrawn(), story.closed())

    after = await archive.keep(story.queued("withdrawal"), story.sent("withdrawal"))

    assert (len(before), len(after)) == (0, 1)


async def test_what_arrives_after_the_seal_is_kept_and_changes_nothing(archive: Archive) -> None:
    story = Story()
    await archive.keep(*story.whole())

    said = await archive.keep(story.closed(), story.sent("receipt"))

    assert said == []
    assert await archive.pool.fetchval("SELECT count(*) FROM event") == 10
    assert await archive.pool.fetchval("SELECT count(*) FROM closing") == 0


async def test_records_are_chained_and_one_changed_byte_is_found(
    archive: Archive, by_administrator: Administrator
) -> None:
    for number in range(1, 6):
        await archive.keep(*Story(number).whole())
    listed = (await archive.get("/v1/records")).json()["records"]
    assert [record["previous"] for record in listed[1:]] == [record["digest"] for record in listed[:-1]]

    await by_administrator(
        archive.pool, "UPDATE record SET body = set_byte(body, 40, get_byte(body, 40) # 1) WHERE number = 3"
    )

    assert (await archive.get("/v1/chain/verify")).json() == {"records": 5, "intact": False, "first_bad": 3}


async def test_a_record_taken_out_is_found(archive: Archive, by_administrator: Administrator) -> None:
    for number in range(1, 4):
        await archive.keep(*Story(number).whole())
    await by_administrator(archive.pool, "DELETE FROM record WHERE number = 2")

    assert (await archive.get("/v1/chain/verify")).json()["first_bad"] == 2


async def test_the_last_record_taken_out_is_found(archive: Archive, by_administrator: Administrator) -> None:
    for number in range(1, 4):
        await archive.keep(*Story(number).whole())
    await by_administrator(archive.pool, "DELETE FROM record WHERE number = 3")

    assert (await archive.get("/v1/chain/verify")).json()["first_bad"] == 3


async def test_a_record_rewritten_with_its_digest_breaks_the_chain_after_it(archive: Archive) -> None:
    for number in range(1, 4):
        await archive.keep(*Story(number).whole())
    rows = await archive.pool.fetch("SELECT number, digest, body FROM record ORDER BY number")
    forged = json.dumps(json.loads(rows[1]["body"]) | {"receipt": "9999-9999-9999-9"}).encode()
    chain = [(row["number"], row["digest"], row["body"]) for row in rows]
    chain[1] = (2, hashlib.sha256(forged).digest(), forged)

    assert first_bad(chain, Link(0, GENESIS)) == 3


async def test_two_instances_sealing_at_once_leave_no_gap(archive: Archive) -> None:
    import asyncio

    dsn_row = await archive.pool.fetchrow("SELECT current_database() AS name")
    assert dsn_row is not None
    stories = [Story(number) for number in range(1, 11)]
    for story in stories:
        await archive.keep(*story.whole()[:-1])
    other = replace(archive, connection=await connect(_dsn(archive)))

    await asyncio.gather(
        archive.keep(*(story.sent("result") for story in stories[:5])),
        other.keep(*(story.sent("result") for story in stories[5:])),
    )

    verdict = (await archive.get("/v1/chain/verify")).json()
    assert verdict == {"records": 10, "intact": True, "first_bad": None}
    await other.connection.close()


async def test_two_instances_that_each_see_one_half_leave_it_to_the_sweep(archive: Archive) -> None:
    story = Story()
    events = story.whole()
    await archive.keep(*events[:5], events[6])
    other = replace(archive, connection=await connect(_dsn(archive)))
    first, second = archive.connection.transaction(), other.connection.transaction()
    await first.start()
    await second.start()
    said = [*await archive.keep(events[5]), *await other.keep(events[7])]
    await first.commit()
    await second.commit()

    async with transaction(archive.connection, lambda: NOW + timedelta(hours=1)) as tx:
        sealed, announced = await handlers.sweep(tx)

    assert said == []
    assert (sealed, len(announced)) == (1, 1)
    assert await archive.pool.fetchval("SELECT count(*) FROM closing") == 0
    await other.connection.close()


async def test_open_applications_are_never_read_back(archive: Archive) -> None:
    stories = [Story(number) for number in range(200)]
    await archive.keep(*(event for story in stories for event in story.whole()[:4]))

    async with transaction(archive.connection) as tx:
        assert await tx.fetchval("SELECT count(*) FROM closing") == 0


async def test_a_receipt_without_a_record_gets_a_problem_document(archive: Archive) -> None:
    answer = await archive.get("/v1/records/0000-0000-0000-0?purpose=inquiry")

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def _dsn(archive: Archive) -> str:
    parameters = archive.connection._params  # pyright: ignore[reportAttributeAccessIssue]
    host, port = archive.connection._addr  # pyright: ignore[reportAttributeAccessIssue]
    return f"postgresql://{parameters.user}:{parameters.password}@{host}:{port}/{parameters.database}"
