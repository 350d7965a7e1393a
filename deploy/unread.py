"""Whether a topic holds what its readers have not read yet: before it is read, no topic is deleted."""

# confluent_kafka.admin says nowhere which of its published names it exports.
# pyright: reportPrivateImportUsage=false

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka.admin import AdminClient

from chassis.broker import Broker
from deploy.topics import delete_topic, offsets_of_group, partitions

SECONDS = 30
PAUSE = 1.0
"""Between two looks that must see the same: whoever lost the right to write has written his last by then."""
_WAIT_MS = 200

Offsets = Mapping[TopicPartition, int]


async def delete_when_read(broker: Broker, topic: str, group: str, seconds: float) -> int:
    """Delete a topic that nobody may write any more as soon as a group has read all of it, and wait until the group has let go of it.

    Returns 0; or, when so many seconds are over and it is not read, how many places of it are not, and the topic stays.
    Raises KafkaError, TimeoutError.
    """
    deadline, before = time.monotonic() + seconds, None
    while True:
        ends, unread = await _look(broker, topic, group)
        if not unread and ends == before:
            await delete_topic(broker, topic)
            await _wait_until_let_go(broker, topic, group, deadline + seconds)
            return 0
        if unread and time.monotonic() > deadline:
            return unread
        before = ends
        await asyncio.sleep(PAUSE)


async def _look(broker: Broker, topic: str, group: str) -> tuple[Offsets, int]:
    """Where each partition ends, and how many places of it the group has not read, 0 when no record stands there.

    The end of a transaction takes a place, and so does what was taken back: a group never says that it has read those.
    """
    consumer = AIOKafkaConsumer(
        **broker.aiokafka(), isolation_level="read_committed", enable_auto_commit=False, fetch_max_wait_ms=_WAIT_MS
    )
    async with asyncio.timeout(SECONDS):
        try:
            await consumer.start()
            wanted = [TopicPartition(topic, number) for number in range((await partitions(broker))[topic])]
            ends: Offsets = await consumer.end_offsets(wanted)
            begins: Offsets = await consumer.beginning_offsets(wanted)
            read = await offsets_of_group(broker, group)
            behind = {one: max(read.get(one, 0), begins[one]) for one in wanted if read.get(one, 0) < ends[one]}
            holds = behind and await _holds_any(consumer, behind, ends)
            return ends, sum(ends[one] - start for one, start in behind.items()) if holds else 0
        finally:
            await consumer.stop()


async def _holds_any(consumer: AIOKafkaConsumer, starts: Offsets, ends: Offsets) -> bool:
    """Whether a record stands between where these start and where they end."""
    consumer.assign(list(starts))
    for one, start in starts.items():
        consumer.seek(one, start)
    left = {one for one, start in starts.items() if start < ends[one]}
    while left:
        if await consumer.getmany(*left, timeout_ms=_WAIT_MS):
            return True
        left = {one for one in left if await consumer.position(one) < ends[one]}
    return False


async def _wait_until_let_go(broker: Broker, topic: str, group: str, deadline: float) -> None:
    """A reader that still knows it would go on in a new one of the same name where it was in this one, and pass over its beginning."""
    while True:
        if time.monotonic() > deadline or not await asyncio.to_thread(_is_read, broker, topic, group):
            return
        await asyncio.sleep(PAUSE)


def _is_read(broker: Broker, topic: str, group: str) -> bool:
    admin = AdminClient({**broker.librdkafka(), "log_level": 0, "socket.timeout.ms": SECONDS * 1000})
    described: Any = admin.describe_consumer_groups([group])[group].result(SECONDS)
    return any(one.topic == topic for member in described.members for one in member.assignment.topic_partitions)
