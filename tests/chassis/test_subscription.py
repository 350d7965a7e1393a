"""A member of a consumer group, on the real broker."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from chassis.broker import Broker
from chassis.errors import Transient
from chassis.subscription import Record, Subscription, TopicPartition
from contracts.topics import Topic
from deploy.topics import create_topics
from tests.chassis.conftest import Lab

SESSION_MS = 6000


@asynccontextmanager
async def member(lab: Lab, topic: str, group: str | None = None) -> AsyncGenerator[Subscription]:
    subscription = Subscription(
        lab.broker,
        (topic,),
        group or f"group.{topic}",
        wait_ms=500,
        session_ms=SESSION_MS,
        seconds=10,
    )
    await subscription.start()
    try:
        yield subscription
    finally:
        await subscription.close()


async def records(subscription: Subscription, count: int) -> list[Record]:
    found: list[Record] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            for partition in (await subscription.fetch(1000)).values():
                found.extend(partition)
    return found


@pytest.fixture
async def topic(lab: Lab) -> str:
    name = f"subscribed.{lab.suffix}"
    await create_topics(lab.broker, (Topic(name, None, (), (), partitions=1),))
    return name


async def publish(lab: Lab, topic: str, *values: bytes, header: bytes = b"content-type") -> None:
    """Publish with one header. Its name may be no text: then it is put into the finished batch, as no client would."""
    producer = AIOKafkaProducer(**lab.broker.aiokafka())
    await producer.start()
    for value in values:
        batch = producer.create_batch()
        batch.append(key=b"key", value=value, timestamp=None, headers=[("content-type", b"text")])
        batch.close()
        batch._buffer = _renamed(bytearray(batch._build()), b"content-type", header)
        await (await producer.send_batch(batch, topic, partition=0))
    await producer.stop()


def _renamed(batch: bytearray, old: bytes, new: bytes) -> bytearray:
    """A record batch with other bytes of the same length in it, its checksum (CRC-32C from byte 21 on) made right."""
    renamed = batch.replace(old, new)
    renamed[17:21] = calc_crc32c(renamed[21:]).to_bytes(4, "big")
    return renamed


async def test_records_come_in_order_with_all_they_carry(lab: Lab, topic: str) -> None:
    await publish(lab, topic, b"a", b"b")

    async with member(lab, topic) as subscription:
        found = await records(subscription, 2)

    assert found == [
        Record(topic, 0, at, b"key", value, [("content-type", b"text")]) for at, value in enumerate((b"a", b"b"))
    ]


async def test_who_comes_next_begins_where_the_last_one_said(lab: Lab, topic: str) -> None:
    await publish(lab, topic, b"a", b"b", b"c")
    async with member(lab, topic) as first:
        await records(first, 3)
        await first.commit({TopicPartition(topic, 0): 2})

    async with member(lab, topic) as second:
        found = await records(second, 1)

    assert [record.value for record in found] == [b"c"]


async def test_a_rewound_partition_is_read_again_from_there(lab: Lab, topic: str) -> None:
    await publish(lab, topic, b"a", b"b", b"c")

    async with member(lab, topic) as subscription:
        await records(subscription, 3)
        await subscription.rewind(TopicPartition(topic, 0), 1)
        found = await records(subscription, 2)

    assert [record.value for record in found] == [b"b", b"c"]


async def test_a_partition_of_somebody_else_is_neither_rewound_nor_committed(lab: Lab, topic: str) -> None:
    await publish(lab, topic, b"a")
    async with member(lab, topic) as owner:
        await records(owner, 1)
        async with member(lab, topic, "another-group") as other:
            with pytest.raises(Transient, match="seek"):
                await other.rewind(TopicPartition("no-such-topic", 0), 0)


@pytest.mark.parametrize("after", [0, 0.005, 0.02, 0.1])
async def test_a_member_that_leaves_while_it_joins_holds_nobody_up(lab: Lab, topic: str, after: float) -> None:
    subscription = Subscription(lab.broker, (topic,), f"group.{topic}", wait_ms=500, session_ms=SESSION_MS, seconds=10)
    await subscription.start()
    await asyncio.sleep(after)

    async with asyncio.timeout(4):
        await subscription.close()


async def test_a_header_whose_name_is_no_text_costs_the_record_its_headers_and_nothing_else(
    lab: Lab, topic: str
) -> None:
    many = [b"%d" % number for number in range(40)]
    await publish(lab, topic, *many)
    await publish(lab, topic, b"bad", header=b"\xff" * 12)
    await publish(lab, topic, b"last")

    async with member(lab, topic) as subscription:
        found = await records(subscription, 42)

    assert [record.value for record in found] == [*many, b"bad", b"last"]
    assert [record.value for record in found if not record.headers] == [b"bad"]


async def test_a_broker_that_is_not_there_is_said_so_at_once() -> None:
    subscription = Subscription(Broker("127.0.0.1:1"), ("any",), "group", wait_ms=500, session_ms=SESSION_MS, seconds=1)
    try:
        with pytest.raises(Transient, match="consumer start"):
            await subscription.start()
    finally:
        await subscription.close()
