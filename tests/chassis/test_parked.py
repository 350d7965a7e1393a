"""Parked events, on the real PostgreSQL."""

import json
from typing import Annotated, ClassVar

import pytest
from pydantic import Field

from chassis import progress
from chassis.consuming import Batch, Delivery, Handlers
from chassis.database import Owned, Tx, connect, utc_now
from chassis.errors import Poison
from chassis.parking import ParkingLimit
from chassis.processing import process
from chassis.subscription import Record
from contracts.envelope import Event
from contracts.topics import Topic
from tests.conftest import FreshDatabase

CAUSE = "unreadable: json_invalid"


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Owned:
    return await connect(await fresh_database("chassis", "tests.chassis"))


def record(value: bytes, **headers: bytes) -> Record:
    return Record("edge.one.v1", 0, 5, b"k", value, tuple(headers.items()))


async def parked(database: Owned, *records: Record) -> list[bytes]:
    """What is parked after each of these was read and parked, in a batch of its own."""
    tx = Tx(database, utc_now())
    for number, one in enumerate(records):
        await progress.park(tx, [(Delivery(one, None, f"k{number}", None, None, Poison("no event")), CAUSE)])
    return [row["value"] for row in await tx.fetch("SELECT value FROM chassis.parked_event ORDER BY id")]


async def test_a_record_read_twice_is_parked_once(database: Owned) -> None:
    assert await parked(database, record(b"a", ce_id=b"1"), record(b"a", ce_id=b"1")) == [b"a"]


async def test_another_record_at_its_place_on_a_topic_that_was_made_anew_is_parked_beside_it(database: Owned) -> None:
    assert await parked(database, record(b"a"), record(b"b")) == [b"a", b"b"]


async def test_events_that_differ_in_their_headers_alone_are_two(database: Owned) -> None:
    assert await parked(database, record(b"a", ce_id=b"1"), record(b"a", ce_id=b"2")) == [b"a", b"a"]


async def test_what_an_earlier_release_has_parked_is_known_again(database: Owned) -> None:
    """The migration gives what is parked the digests that this release gives."""
    await parked(database, record(b"a\x00", ce_id=b"1", ce_type=b"t"), record(b"b"))

    unlike = await database.fetchval(
        """
        SELECT count(*) FROM chassis.parked_event WHERE digest <> sha256(value || coalesce((
            SELECT string_agg('\\x00'::bytea || part, ''::bytea ORDER BY place)
            FROM unnest(headers) WITH ORDINALITY x (part, place)), ''::bytea))
        """
    )

    assert unlike == 0


class Named(Event):
    """What may be said under names."""

    TYPE: ClassVar[str] = "test.named.v1"

    key: str
    said: dict[Annotated[str, Field(pattern="^[a-z]+$")], int]

    @property
    def subject(self) -> str:
        return self.key


@pytest.mark.parametrize("name", ["a\0", "釧路 花子"], ids=["a NUL", "somebody"])
async def test_a_name_that_was_sent_stands_in_no_reason_and_stops_nobody(database: Owned, name: str) -> None:
    """A NUL in it was taken by no column of PostgreSQL's: nothing was parked, and the reader paused for ever."""
    topic, handlers = Topic("named.v1", "/one", (), (Named,)), Handlers()

    @handlers.consumes(topic)
    async def nothing(_: Batch[Named], __: Tx) -> list[Event]:  # pyright: ignore[reportUnusedFunction]
        return []

    envelope = {"specversion": "1.0", "id": "1", "source": "/one", "type": Named.TYPE, "subject": "k"}
    body = json.dumps({**envelope, "time": "2026-01-01T00:00:00Z", "data": {"key": "k", "said": {name: 1}}})
    delivery = handlers.read(Record("named.v1", 0, 0, b"k", body.encode(), ()), 1)

    await process(database, "/two", [delivery], {}, ParkingLimit())

    (cause,) = await database.fetchrow("SELECT cause FROM chassis.parked_event") or [""]
    assert cause == "unreadable: string_pattern_mismatch at test.named.v1.data.said.?.[key]"
