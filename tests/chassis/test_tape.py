"""A topic read through, whatever vendors have put on it."""

import asyncio

import pytest
from confluent_kafka import Producer

from chassis.broker import Broker
from chassis.subscription import Record
from chassis.tape import Tape
from contracts.topics import Topic
from deploy.topics import create_topics
from tests.chassis.conftest import Lab
from tests.chassis.test_subscription import publish


@pytest.fixture
async def topic(lab: Lab) -> str:
    name = f"taped.{lab.suffix}"
    await create_topics(lab.broker, (Topic(name, None, (), (), partitions=2),))
    return name


async def read(lab: Lab, topic: str) -> list[Record]:
    async with asyncio.timeout(20):
        return [record async for record in Tape(lab.broker, topic).records()]


def in_transactions(lab: Lab, topic: str, *, said: bytes, taken_back: bytes) -> None:
    """What a vendor does who publishes exactly once: its markers are records too, and the last ones."""
    producer = Producer(lab.broker.librdkafka() | {"transactional.id": topic})
    producer.init_transactions(20)
    for value, end in ((said, producer.commit_transaction), (taken_back, producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce(topic, value, partition=1)
        producer.flush(20)
        end(20)


async def test_an_empty_topic_ends_at_once(lab: Lab, topic: str) -> None:
    assert await read(lab, topic) == []


async def test_what_is_said_in_a_transaction_is_read_and_what_was_taken_back_is_not(lab: Lab, topic: str) -> None:
    await publish(lab, topic, b"before")
    await asyncio.to_thread(in_transactions, lab, topic, said=b"said", taken_back=b"taken back")

    assert sorted(record.value or b"" for record in await read(lab, topic)) == [b"before", b"said"]


async def test_headers_without_a_value_or_a_readable_name_stop_nobody(lab: Lab, topic: str) -> None:
    producer = Producer(lab.broker.librdkafka())
    producer.produce(topic, b"nothing", headers=[("ce_time", None)], partition=0)
    await asyncio.to_thread(producer.flush, 20)
    await publish(lab, topic, b"bad", header=b"\xff" * 12)

    found = await read(lab, topic)

    assert [(record.value, list(record.headers)) for record in found] == [
        (b"nothing", [("ce_time", b"")]),
        (b"bad", []),
    ]


async def test_whoever_has_no_right_to_a_group_reads_all_the_same(lab: Lab) -> None:
    await lab.say([("a", 1)])
    await lab.publish()
    reader = Broker(lab.broker.bootstrap, lab.broker.security, "doubler", "doubler", lab.broker.ca)

    async with asyncio.timeout(20):
        found = [record async for record in Tape(reader, lab.numbers.name).records()]

    assert len(found) == 1
