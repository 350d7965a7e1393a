"""A topic that ends is deleted when its readers have read all that stands on it, and not before."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from confluent_kafka import Consumer

from chassis.broker import Broker
from chassis.errors import Transient
from console.errors import explained
from contracts.topics import APPLICATIONS, OF_A_CHANNEL, Topic
from deploy.local import Stack
from deploy.topics import create_topics, delete_topic, grow_like, partitions
from deploy.unread import delete_when_read
from tests.chassis.test_subscription import publish_to

GROUP = "readers"
ENDING = replace(APPLICATIONS, name="ending.v1", partitions=2)
PLACES = [TopicPartition(ENDING.name, number) for number in range(ENDING.partitions)]
Make = Callable[..., Awaitable[Broker]]


@pytest.fixture
async def make(new_servers: Stack) -> AsyncGenerator[Make]:
    """`await make(topic, …)` → the broker on which these are, until the test ends."""
    made: list[str] = []

    async def create(*topics: Topic) -> Broker:
        made.extend(topic.name for topic in topics)
        await create_topics(new_servers.kafka, topics)
        return new_servers.kafka

    yield create
    for name in made:
        if name in await partitions(new_servers.kafka):
            await delete_topic(new_servers.kafka, name)


async def write(broker: Broker, count: int, transaction: str | None = None) -> None:
    async with AIOKafkaProducer(**broker.aiokafka(), transactional_id=transaction) as producer:
        if transaction:
            await producer.begin_transaction()
        for number in range(count):
            await producer.send_and_wait(ENDING.name, b"{}", partition=number % 2)
        if transaction:
            await producer.commit_transaction()


async def say_read(broker: Broker, *offsets: int) -> None:
    async with AIOKafkaConsumer(**broker.aiokafka(), group_id=GROUP, enable_auto_commit=False) as consumer:
        consumer.assign(PLACES)
        await consumer.commit(dict(zip(PLACES, offsets, strict=True)))


@pytest.mark.parametrize("read", [None, (1, 0), (2, 0), (1, 1)])
async def test_a_topic_of_which_a_record_is_not_read_stays(make: Make, read: tuple[int, int] | None) -> None:
    broker = await make(ENDING)
    await write(broker, 3)
    await say_read(broker, *(read or (0, 0)))

    assert await delete_when_read(broker, ENDING.name, GROUP, 0) == 3 - sum(read or ())

    assert ENDING.name in await partitions(broker)


@pytest.mark.parametrize("transaction", [None, "a-transaction"])
async def test_a_topic_of_which_all_is_read_is_deleted(make: Make, transaction: str | None) -> None:
    """A reader never says that it has read what marks the end of a transaction."""
    broker = await make(ENDING)
    await write(broker, 3, transaction)
    await say_read(broker, 2, 1)

    assert await delete_when_read(broker, ENDING.name, GROUP, 10) == 0

    assert ENDING.name not in await partitions(broker)


async def test_a_header_that_nobody_can_read_counts_as_one_more_record_to_be_read(make: Make) -> None:
    broker = await make(ENDING)
    await publish_to(broker, ENDING.name, b"{}", header=b"\xff" * 12)
    await say_read(broker, 0, 0)

    assert await delete_when_read(broker, ENDING.name, GROUP, 0) == 1


async def test_a_topic_on_which_nothing_ever_stood_is_deleted_though_nobody_reads_it(make: Make) -> None:
    broker = await make(ENDING)

    assert await delete_when_read(broker, ENDING.name, "nobody", 10) == 0

    assert ENDING.name not in await partitions(broker)


@contextlib.contextmanager
def member_that_stands_still(broker: Broker) -> Generator[None]:
    """Of the group, alive, with the topic assigned: it hears of nothing, for it asks for nothing any more."""
    member = Consumer({**broker.librdkafka(), "group.id": GROUP, "auto.offset.reset": "earliest"})
    member.subscribe([ENDING.name])
    deadline = time.monotonic() + 20
    while len(member.assignment()) < ENDING.partitions and time.monotonic() < deadline:
        member.poll(0.2)
    try:
        yield
    finally:
        member.close()


async def test_a_group_that_does_not_let_go_of_a_deleted_topic_is_named_with_what_to_do(make: Make) -> None:
    broker = await make(ENDING)

    with member_that_stands_still(broker), pytest.raises(Transient) as raised:
        await delete_when_read(broker, ENDING.name, GROUP, 2)

    told = explained(raised.value)
    assert told is not None
    assert told.message == (
        "ending.v1 is deleted, and readers has not let go of it: restart it before one of that name is made"
    )
    assert ENDING.name not in await partitions(broker)


async def test_a_group_that_lets_go_is_waited_for(make: Make) -> None:
    broker = await make(ENDING)

    with contextlib.ExitStack() as member:
        member.enter_context(member_that_stands_still(broker))
        async with asyncio.TaskGroup() as tasks:
            deleting = tasks.create_task(delete_when_read(broker, ENDING.name, GROUP, 20))
            while ENDING.name in await partitions(broker):
                await asyncio.sleep(0.1)
            await asyncio.sleep(2)
            waited = not deleting.done()
            await asyncio.to_thread(member.close)

    assert (waited, deleting.result()) == (True, 0)


async def test_topics_of_a_template_grow_with_the_one_they_are_like_and_never_shrink(make: Make) -> None:
    template = replace(OF_A_CHANNEL, name="growing.{channel}.v1")
    grown = replace(APPLICATIONS, name="growing.v1", partitions=3)
    few, enough = replace(template.of("few"), partitions=1), replace(template.of("enough"), partitions=5)
    broker = await make(grown, few, enough)

    assert await grow_like(broker, template, grown) == [few.name]
    assert await grow_like(broker, template, grown) == []

    there = await partitions(broker)
    async with asyncio.timeout(10):
        while there[few.name] < grown.partitions:  # a broker knows a moment after the controller
            there = await partitions(broker)
    assert [there[topic.name] for topic in (grown, few, enough)] == [3, 3, 5]
