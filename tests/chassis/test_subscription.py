"""A member of a consumer group, on the real broker."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c
from confluent_kafka import Producer
from confluent_kafka import TopicPartition as Position
from confluent_kafka.admin import AdminClient

from chassis import subscription as subscriptions
from chassis.broker import Broker
from chassis.errors import Transient
from chassis.subscription import Record, Subscription, TopicPartition
from contracts.topics import Topic
from deploy.topics import create_topics
from tests.chassis.conftest import Lab

SESSION_MS = 6000


@asynccontextmanager
async def member(lab: Lab, topic: str, group: str | None = None, *more: str) -> AsyncGenerator[Subscription]:
    subscription = Subscription(
        lab.broker,
        (topic, *more),
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
    """Publish in the laboratory."""
    await publish_to(lab.broker, topic, *values, header=header)


async def publish_to(broker: Broker, topic: str, *values: bytes, header: bytes = b"content-type") -> None:
    """Publish with one header. Its name may be no text: then it is put into the finished batch, as no client would."""
    producer = AIOKafkaProducer(**broker.aiokafka())
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


def bomb(broker: Broker, topic: str) -> None:
    """Some kilobytes that unpack to more than the client takes."""
    packed = {"compression.type": "zstd", "message.max.bytes": 1_000_000_000, "log_level": 0}
    producer = Producer({**broker.librdkafka(), **packed})
    producer.produce(topic, b" " * 120_000_000, partition=0)
    assert producer.flush(30) == 0


async def test_who_publishes_what_nobody_can_unpack_makes_nobody_else_wait(lab: Lab, topic: str) -> None:
    other = f"beside.{lab.suffix}"
    await create_topics(lab.broker, (Topic(other, None, (), (), partitions=1),))
    await publish(lab, topic, b"before")
    await asyncio.to_thread(bomb, lab.broker, topic)
    await publish(lab, topic, b"after")

    async with member(lab, topic, None, other) as subscription:
        found = await records(subscription, 1)
        async with asyncio.timeout(20):
            while not (unreadable := subscription.unreadable()):
                found += [one for some in (await subscription.fetch(1000)).values() for one in some]
        await publish(lab, other, b"beside")
        found += await records(subscription, 1)
        await subscription.commit({TopicPartition(topic, 0): 1, TopicPartition(other, 0): 1})
        again = subscription.unreadable()

    assert [(one.topic, one.value) for one in found] == [(topic, b"before"), (other, b"beside")]
    assert [(one.tp, one.offset, one.error) for one in unreadable] == [
        (TopicPartition(topic, 0), 1, "_BAD_COMPRESSION")
    ]
    assert again == []


async def test_a_partition_that_was_set_aside_is_tried_again_and_read_on_once_its_records_are_gone(
    lab: Lab, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "_AGAIN_SECONDS", 0.5)
    await asyncio.to_thread(bomb, lab.broker, topic)
    await publish(lab, topic, b"after")

    async with member(lab, topic) as subscription:
        count = 0
        async with asyncio.timeout(30):
            while count < 2:
                assert not await subscription.fetch(1000)
                count += len(subscription.unreadable())
        admin = AdminClient({**lab.broker.librdkafka(), "log_level": 0})
        for done in admin.delete_records([Position(topic, 0, 1)]).values():
            await asyncio.to_thread(done.result, 10)
        found = await records(subscription, 1)

    assert [one.value for one in found] == [b"after"]


async def test_a_partition_that_was_set_aside_is_tried_again_although_another_had_it_meanwhile(
    lab: Lab, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client keeps it paused through a rebalance: nobody read it ever again, and nobody was told."""
    monkeypatch.setattr(subscriptions, "_AGAIN_SECONDS", 1)
    await asyncio.to_thread(bomb, lab.broker, topic)
    async with member(lab, topic) as subscription:
        await until_unreadable(subscription)
        async with asyncio.timeout(60):
            while not await is_taken_by_another(lab, topic, subscription):
                await until_unreadable(subscription)

        await until_unreadable(subscription)


async def is_taken_by_another(lab: Lab, topic: str, subscription: Subscription) -> bool:
    """Whether another member, which comes and goes, is given the only partition: its name decides."""
    async with member(lab, topic) as other:
        await shared(subscription, other)
        taken = not subscription._consumer.assignment()
        await asyncio.gather(drained(subscription, 2), drained(other, 2))
    return taken


async def until_unreadable(subscription: Subscription) -> None:
    async with asyncio.timeout(30):
        while not subscription.unreadable():
            await subscription.fetch(1000)


async def test_of_a_topic_that_is_gone_nothing_need_be_told_and_of_others_it_is(lab: Lab, topic: str) -> None:
    await publish(lab, topic, b"a", b"b")
    async with member(lab, topic) as first:
        await records(first, 2)

        await first.commit({TopicPartition("no-such-topic", 0): 7})
        await first.commit({TopicPartition("no-such-topic", 0): 7, TopicPartition(topic, 0): 1})

    async with member(lab, topic) as second:
        assert [record.value for record in await records(second, 1)] == [b"b"]


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


def template(lab: Lab) -> Topic:
    return Topic(f"of-many.{lab.suffix}.{{one}}.v1", None, (), (), partitions=2, member="[a-z]+")


async def test_a_topic_of_a_pattern_that_is_made_later_is_read_from_its_beginning_beside_the_others(
    lab: Lab, topic: str
) -> None:
    many = template(lab)
    async with member(lab, topic, None, many.pattern) as subscription:
        await publish(lab, topic, b"a")
        before = await records(subscription, 1)

        for name in ("one", "two"):
            await create_topics(lab.broker, (many.of(name),))
            await publish(lab, many.of(name).name, name.encode())
            await subscription.commit({TopicPartition(topic, 0): 1})
        await publish(lab, topic, b"b")
        after = {(topic, b"b"), (many.of("one").name, b"one"), (many.of("two").name, b"two")}
        found = await sooner_or_later(subscription, after)

    assert [record.value for record in before] == [b"a"]
    assert found - after <= {(topic, b"a")}


async def test_a_pattern_that_fits_no_topic_yet_is_no_fault(lab: Lab, topic: str) -> None:
    await publish(lab, topic, b"a")

    for group in ("one", "two", "three"):
        async with member(lab, topic, f"{group}.{topic}", template(lab).pattern) as subscription:
            await sooner_or_later(subscription, {(topic, b"a")})


async def test_topics_that_are_made_while_the_group_joins_are_found(lab: Lab, topic: str) -> None:
    many = template(lab)
    names = [many.of(name).name for name in ("a", "b", "c", "d", "e")]
    async with member(lab, topic, None, many.pattern) as subscription, asyncio.TaskGroup() as tasks:
        tasks.create_task(sooner_or_later(subscription, {(name, b"x") for name in names}))
        for name in names:
            await create_topics(lab.broker, (Topic(name, None, (), (), partitions=1),))
            await publish(lab, name, b"x")
            await asyncio.sleep(1.3)


async def test_a_topic_of_a_pattern_that_is_taken_away_ends_nobody(lab: Lab, topic: str) -> None:
    many = template(lab)
    await create_topics(lab.broker, (many.of("gone"), many.of("stays")))
    for name in ("gone", "stays"):
        await publish(lab, many.of(name).name, b"x")
    async with member(lab, topic, None, many.pattern) as subscription:
        await records(subscription, 2)
        admin = AdminClient(lab.broker.librdkafka())
        admin.delete_topics([many.of("gone").name])[many.of("gone").name].result(20)
        async with asyncio.timeout(20):
            while many.of("gone").name in admin.list_topics(timeout=10).topics:
                await asyncio.sleep(0.1)
        await publish(lab, topic, b"last")
        found = await patiently(subscription, b"last")

    assert b"last" in found


async def sooner_or_later(subscription: Subscription, wanted: set[tuple[str, bytes]]) -> set[tuple[str, bytes | None]]:
    """Read until these have come; what was not committed before others joined comes again."""
    found: set[tuple[str, bytes | None]] = set()
    async with asyncio.timeout(40):
        while not wanted <= found:
            found |= {(record.topic, record.value) for record in await records(subscription, 1)}
    return found


async def patiently(subscription: Subscription, last: bytes) -> list[bytes | None]:
    """Everything up to a value, as a consumer reads: one fault is tried over."""
    found: list[bytes | None] = []
    async with asyncio.timeout(30):
        while last not in found:
            try:
                found += [record.value for record in await records(subscription, 1)]
            except Transient:
                await asyncio.sleep(0.1)
    return found


async def test_two_members_share_the_topics_of_a_pattern_and_read_each_record_once(lab: Lab, topic: str) -> None:
    many = template(lab)
    await create_topics(lab.broker, tuple(many.of(name) for name in ("one", "two")))
    async with member(lab, topic, None, many.pattern) as first, member(lab, topic, None, many.pattern) as second:
        counts = await shared(first, second)
        for name in ("one", "two"):
            await publish(lab, many.of(name).name, *(f"{name}{number}".encode() for number in range(10)))
        found = [
            record.value or b"" for part in await asyncio.gather(drained(first), drained(second)) for record in part
        ]

    assert counts > 0
    assert sorted(found) == sorted(f"{name}{number}".encode() for name in ("one", "two") for number in range(10))


async def shared(*members: Subscription) -> int:
    """Poll until each has been given its part; how often that happened in all."""
    async with asyncio.timeout(30):
        while not all(one.generation for one in members):
            await asyncio.gather(*(one.fetch(1) for one in members))
        await asyncio.gather(*(drained(one, 2) for one in members))
    return sum(one.generation for one in members)


async def drained(subscription: Subscription, seconds: float = 4) -> list[Record]:
    found: list[Record] = []
    until = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < until:
        for partition in (await subscription.fetch(100)).values():
            found.extend(partition)
    return found


async def test_a_member_that_knows_patterns_only_joins_as_well(lab: Lab) -> None:
    many = template(lab)
    await create_topics(lab.broker, (many.of("one"),))
    await publish(lab, many.of("one").name, b"x")

    async with member(lab, many.pattern, f"group.{lab.suffix}") as subscription:
        found = await records(subscription, 1)

    assert [record.value for record in found] == [b"x"]


async def test_a_member_that_is_never_let_in_says_so(lab: Lab, topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one hangs: it does not poll, so its group waits for it before anybody is given anything."""
    monkeypatch.setattr(subscriptions, "_JOIN_SECONDS", 4)
    async with member(lab, topic) as hanging, member(lab, topic) as waiting:
        while not hanging.generation:
            await hanging.fetch(1)

        with pytest.raises(Transient, match="nothing to do"):
            await drained(waiting, 8)


async def test_a_member_for_which_nothing_is_left_waits_beside_the_others(
    lab: Lab, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriptions, "_JOIN_SECONDS", 4)
    async with member(lab, topic) as first, member(lab, topic) as second:  # of one partition
        await shared(first, second)
        await asyncio.gather(drained(first, 6), drained(second, 6))


async def test_a_broker_that_is_not_there_is_said_so_at_once() -> None:
    subscription = Subscription(Broker("127.0.0.1:1"), ("any",), "group", wait_ms=500, session_ms=SESSION_MS, seconds=1)
    try:
        with pytest.raises(Transient, match="consumer start"):
            await subscription.start()
    finally:
        await subscription.close()
