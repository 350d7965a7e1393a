"""Whether a topic holds what its readers have not read yet: before it is read, no topic is deleted."""

# confluent_kafka.admin says nowhere which of its published names it exports.
# pyright: reportPrivateImportUsage=false

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka.admin import AdminClient

from chassis.broker import Broker
from chassis.errors import Transient
from chassis.tape import Tape
from deploy.topics import delete_topic, offsets_of_group

SECONDS = 30
PAUSE = 1.0
"""Between two looks that must see the same: whoever lost the right to write has written his last by then."""


async def delete_when_read(broker: Broker, topic: str, group: str, seconds: float) -> int:
    """Delete a topic that nobody may write any more as soon as a group has read all of it, and wait until the group has let go of it.

    Returns 0; or, when so many seconds are over and it is not read, how many records of it are not, and the topic stays.
    Raises Transient, KafkaError, TimeoutError.
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


async def _look(broker: Broker, topic: str, group: str) -> tuple[Mapping[int, int], int]:
    """Where each partition ends, and how many records stand there that the group has not read.

    Records, not places: the end of a transaction takes a place too, of which a group never says that it has read it.
    """
    read = {one.partition: at for one, at in (await offsets_of_group(broker, group)).items() if one.topic == topic}
    tape = Tape(broker, topic, read)
    return tape.ends, len([None async for _ in tape.records()])


async def _wait_until_let_go(broker: Broker, topic: str, group: str, deadline: float) -> None:
    """A reader that still knows it would go on in a new one of the same name where it was in this one, and pass over its beginning.

    Raises Transient when it is not let go of in time.
    """
    while await asyncio.to_thread(_is_read, broker, topic, group):
        if time.monotonic() > deadline:
            raise Transient(
                f"{topic} is deleted, and {group} has not let go of it: restart it before one of that name is made"
            )
        await asyncio.sleep(PAUSE)


def _is_read(broker: Broker, topic: str, group: str) -> bool:
    admin = AdminClient({**broker.librdkafka(), "log_level": 0, "socket.timeout.ms": SECONDS * 1000})
    described: Any = admin.describe_consumer_groups([group])[group].result(SECONDS)
    return any(one.topic == topic for member in described.members for one in member.assignment.topic_partitions)
