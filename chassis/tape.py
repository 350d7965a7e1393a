"""A topic read through from its beginning to its end, as a member of no group: nobody is disturbed.

By librdkafka, as everything of vendors' is read: aiokafka gives up at a header whose name is no UTF-8, and waits for ever behind
the markers that a vendor's transactions leave at the end of a topic.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as Position

from chassis.broker import Broker
from chassis.errors import Transient
from chassis.subscription import Record, record_of

T = TypeVar("T")

SECONDS = 30
_AT_ONCE = 5000
_POLL_SECONDS = 1.0


@dataclass(slots=True)
class Tape:
    """One topic, from its beginning, or from offsets (`starts`, by partition).

    `begins` is the first offset of each partition and `ends` the one behind its last, once reading has begun: what lies before is
    forgotten, what lies behind is not read.
    """

    broker: Broker
    topic: str
    starts: Mapping[int, int] = field(default_factory=lambda: dict[int, int]())
    begins: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    ends: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    _left: set[int] = field(default_factory=lambda: set[int]())

    async def records(self) -> AsyncIterator[Record]:
        """Every record up to the end as it is now; of transactions those that were committed. Raises Transient."""
        consumer = Consumer(_settings(self.broker))
        with ThreadPoolExecutor(1, thread_name_prefix="tape") as thread:
            try:
                await _within(thread, lambda: self._begin(consumer))
                while self._left:
                    messages = await _within(thread, lambda: consumer.consume(_AT_ONCE, _POLL_SECONDS))
                    for record in filter(None, map(self._next, messages)):
                        yield record
            finally:
                await asyncio.get_running_loop().run_in_executor(thread, consumer.close)

    def _begin(self, consumer: Consumer) -> None:
        found = consumer.list_topics(self.topic, timeout=SECONDS).topics[self.topic]
        if found.error is not None:
            raise KafkaException(found.error)
        for partition in found.partitions:
            begin, end = consumer.get_watermark_offsets(Position(self.topic, partition), timeout=SECONDS)
            self.begins[partition], self.ends[partition] = begin, end
        self._left = {*self.ends}
        starts = {partition: self.starts.get(partition, OFFSET_BEGINNING) for partition in self.ends}
        consumer.assign([Position(self.topic, partition, start) for partition, start in starts.items()])

    def _next(self, message: Message) -> Record | None:
        """The record of a message, None for what comes after the end, or says that it is reached. Raises Transient."""
        partition, error = message.partition() or 0, message.error()
        if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  its published name
            self._left.discard(partition)
            return None
        # The client looks for the group that it must have a name of, whether or not it joins it.
        if error is not None and error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            return None
        if error is not None:
            raise Transient(f"kafka: read: {error.name()}")
        record = record_of(message)
        if record.offset >= self.ends[partition] - 1:
            self._left.discard(partition)
        return record if record.offset < self.ends[partition] else None


async def _within(thread: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    try:
        async with asyncio.timeout(SECONDS + _POLL_SECONDS):
            return await asyncio.get_running_loop().run_in_executor(thread, call)
    except TimeoutError:
        raise Transient(f"kafka: reading took more than {SECONDS} s") from None
    except KafkaException as error:
        raise Transient(f"kafka: read: {error.args[0].name()}") from error


def _settings(broker: Broker) -> dict[str, Any]:
    return {
        **broker.librdkafka(),
        "group.id": "tape",
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 10,
        "log_level": 0,
    }
