"""A subscription: one member of a consumer group, by librdkafka, its calls in a thread of its own and within a time-out.

librdkafka fetches ahead with one long poll over all partitions, whether or not we have read what it holds; aiokafka leaves
those out that hold something, so its polls had to be short and an idle city kept a third of a core busy (decision 0007).
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from operator import methodcaller
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as Position

from chassis import handshake
from chassis.broker import Broker
from chassis.errors import Transient

T = TypeVar("T")

_POLL_SECONDS = 0.1
_STOP_SECONDS = 5
_GIVE_BACK_SECONDS, _HEAR_SECONDS = 2.0, 0.05
_METADATA_MS = 5_000
"""How soon the growth of a topic is seen, and a new topic of a pattern."""
_QUEUE_KBYTES = 4096
_AGAIN_SECONDS = 60.0
"""After which a partition that could not be read is tried again."""
_JOIN_SECONDS = 330.0
"""After which a member that is given nothing, not even no partition, tries anew. Who hangs in the group holds up the others for
`max.poll.interval.ms`, not longer."""
_UNREADABLE = frozenset({KafkaError._BAD_COMPRESSION, KafkaError._BAD_MSG})  # noqa: SLF001  their published names
"""What the bytes on one partition are guilty of, and nothing else. librdkafka does not go past them, whoever asks how often."""
_LEAST_MS = 2000
_headers_of = methodcaller("headers")
"""confluent-kafka 2.16 hands back a broken list, with the error set, when a header's name is no UTF-8. Called by bytecode that
has been specialised, nobody looks for the error and the process dies of the list; called by C, CPython finds it (SystemError).
"""


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Record(NamedTuple):
    """One record as it lies on its topic."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


class Unreadable(NamedTuple):
    """Where a partition cannot be read on: the client has set it aside, and goes on with the others."""

    tp: TopicPartition
    offset: int
    error: str


class Subscription:
    """Reads topics as a member of a group; commits only when told to."""

    def __init__(
        self,
        broker: Broker,
        topics: Sequence[str],
        group: str,
        *,
        wait_ms: int,
        session_ms: int,
        seconds: float,
    ) -> None:
        """`wait_ms` is how long a poll of the broker may wait, `seconds` the time-out of any one call.

        Of `topics` those that begin with `^` are patterns: every topic that one fits is read, also one made later.

        No static membership: a member with a `group.instance.id` that is closed while it joins hangs with the whole process
        (confluent-kafka 2.16 holds the GIL meanwhile; decision 7).
        """
        self.generation = 0
        """Counts assignments: positions are reset by each, and what was held of the last one ends with it."""
        self.away = False
        """Whether no broker has been heard of since the last time one was."""
        self._joins_since: float | None = None
        self._aside: dict[TopicPartition, float] = {}
        self._found: list[Unreadable] = []
        self._broker, self._topics, self._seconds = broker, topics, seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="subscription")
        timeout_ms = max(int(seconds * 1000), wait_ms + _LEAST_MS)
        self._consumer = Consumer(
            _settings(broker, group, wait_ms, session_ms, timeout_ms) | {"error_cb": self._failed}
        )

    async def start(self) -> None:
        """Join the group. Raises Transient when no broker answers."""
        try:
            await self._call("consumer start", lambda: self._ask(self._seconds))
        except Transient as error:
            raise await handshake.explained(error, self._broker) from error
        self._joins_since = time.monotonic()
        self._consumer.subscribe(list(self._topics), on_assign=self._assigned, on_revoke=self._revoked)

    async def fetch(self, most: int) -> Mapping[TopicPartition, Sequence[Record]]:
        """What has arrived, at most so many records, in the order of each partition; nothing after a tenth of a second.

        Raises Transient for what the client cannot mend by itself, also where its group never lets it in.
        """
        messages = await self._call("fetch", lambda: self._poll(most))
        found: dict[TopicPartition, list[Record]] = {}
        for message in messages:
            record = record_of(message)
            found.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        return found

    def unreadable(self) -> Sequence[Unreadable]:
        """Which partitions cannot be read on, found since this was asked last. One that stays so is found again every minute."""
        found, self._found = self._found, []
        return found

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Tell the broker where the next member shall begin. Raises Transient when it does not want to know.

        Of a topic that is gone nothing need be told; told later, it would be taken for a place in another of its name.
        """
        positions = [Position(tp.topic, tp.partition, offset) for tp, offset in offsets.items()]
        refused = await self._call("commit", lambda: self._commit(positions))
        if grave := [error for error in refused if error.code() != KafkaError.UNKNOWN_TOPIC_OR_PART]:
            raise Transient(f"kafka: commit: {grave[0].name()}")

    async def rewind(self, tp: TopicPartition, offset: int) -> None:
        """Read again from `offset`. Raises Transient when the partition is no longer ours."""
        await self._call("seek", lambda: self._consumer.seek(Position(tp.topic, tp.partition, offset)))

    async def close(self) -> None:
        """Leave the group within five seconds; a client that does not is left to the end of the process."""
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await asyncio.get_running_loop().run_in_executor(self._thread, self._leave)
        except (TimeoutError, KafkaException, RuntimeError):
            return
        finally:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _call(self, what: str, call: Callable[[], T]) -> T:
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.get_running_loop().run_in_executor(self._thread, call)
        except TimeoutError:
            raise Transient(f"kafka: {what} took more than {self._seconds:g} s") from None
        except KafkaException as error:
            raise Transient(f"kafka: {what}: {error.args[0].name()}") from error

    def _commit(self, positions: list[Position]) -> list[KafkaError]:
        """What was refused, partition by partition; librdkafka raises it where all of them were."""
        try:
            committed = self._consumer.commit(offsets=positions, asynchronous=False)
        except KafkaException as error:
            return [error.args[0]]
        return [position.error for position in committed if position.error]

    def _leave(self) -> None:
        """Give back what is assigned, hear that it is taken, and only then close.

        confluent-kafka 2.16 answers an assignment that comes while it closes with the GIL held, and librdkafka may never take the
        answer (its issues 4041, 4884): then the whole process stands still. A topic that is deleted brings just these two
        together, a fault that ends the session and a new assignment (decision 7).
        """
        self._consumer.unsubscribe()
        ends = time.monotonic() + _GIVE_BACK_SECONDS
        while (self._consumer.consume(500, _HEAR_SECONDS) or self._consumer.assignment()) and time.monotonic() < ends:
            pass
        self._consumer.close()

    def _poll(self, most: int) -> list[Message]:
        """Wait for one record; take what else is there."""
        self._try_again()
        first = self._consumer.poll(_POLL_SECONDS)
        if first is None:
            self.away = self.away and not self._answers()
            self._check_joined()
            return []
        generation = self.generation
        more = self._consumer.consume(most - 1, 0)
        # When an assignment ended in between, the first record was of that one: whoever has its partition now reads it again.
        messages = [first, *more] if generation == self.generation else more
        faults = [message for message in messages if message.error()]
        grave = [message for message in faults if not _fits_nothing(message) and not self._is_set_aside(message)]
        if error := next((message.error() for message in grave), None):
            raise KafkaException(error)
        self.away = False
        return [message for message in messages if not message.error()] if faults else messages

    def _check_joined(self) -> None:
        """A member that has no part of the group's work says nothing, and nothing comes: it looked like a quiet day."""
        if self._joins_since is not None and time.monotonic() - self._joins_since > _JOIN_SECONDS:
            raise Transient(f"kafka: the group has given this member nothing to do for {_JOIN_SECONDS:g} s")

    def _is_set_aside(self, message: Message) -> bool:
        """Whether this says that a partition cannot be read on, which is paused then: its writer makes nobody wait but himself."""
        error = message.error()
        if error is None or error.code() not in _UNREADABLE:
            return False
        tp = TopicPartition(message.topic() or "", message.partition() or 0)
        self._consumer.pause([Position(*tp)])
        self._aside[tp] = time.monotonic()
        self._found.append(Unreadable(tp, message.offset() or 0, error.name()))
        return True

    def _try_again(self) -> None:
        """Resume those that were set aside a while ago. One that is not ours now is still paused if it comes back to us."""
        late = {tp for tp, since in self._aside.items() if time.monotonic() - since > _AGAIN_SECONDS}
        if late:
            late &= {TopicPartition(one.topic, one.partition) for one in self._consumer.assignment()}
            self._consumer.resume([Position(*tp) for tp in late])
        for tp in late:
            del self._aside[tp]

    def _ask(self, seconds: float) -> None:
        """Ask the cluster for one topic, where one is known by name."""
        named = next((topic for topic in self._topics if not topic.startswith("^")), None)
        self._consumer.list_topics(*filter(None, [named]), timeout=seconds)

    def _answers(self) -> bool:
        try:
            self._ask(_POLL_SECONDS)
        except KafkaException:
            return False
        return True

    def _assigned(self, _: Consumer, __: Sequence[Position]) -> None:
        self.generation += 1
        self._joins_since = None

    def _revoked(self, _: Consumer, __: Sequence[Position]) -> None:
        self._joins_since = time.monotonic()

    def _failed(self, error: KafkaError) -> None:
        """The client goes on by itself; what it cannot mend it says as the result of a call."""
        self.away = self.away or error.code() == KafkaError._ALL_BROKERS_DOWN  # noqa: SLF001  its published name


def _settings(broker: Broker, group: str, wait_ms: int, session_ms: int, timeout_ms: int) -> dict[str, Any]:
    return {
        **broker.librdkafka(),
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "topic.metadata.refresh.interval.ms": _METADATA_MS,
        "fetch.wait.max.ms": wait_ms,
        "fetch.queue.backoff.ms": 10,
        "fetch.error.backoff.ms": 50,
        "queued.min.messages": 4000,
        "queued.max.messages.kbytes": _QUEUE_KBYTES,
        "fetch.max.bytes": _QUEUE_KBYTES * 1024,
        "socket.timeout.ms": timeout_ms,
        "socket.nagle.disable": True,
        "reconnect.backoff.max.ms": 1000,
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": session_ms // 5,
        "max.poll.interval.ms": 300_000,
        "log_level": 0,
    }


def _fits_nothing(message: Message) -> bool:
    """Whether this says no more than that a pattern fits no topic yet, which librdkafka takes for a fault, once a subscription."""
    error = message.error()
    unknown = error is not None and error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
    return unknown and (message.topic() or "").startswith("^")


def record_of(message: Message) -> Record:
    """A message of librdkafka's as the record that it is."""
    return Record(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        message.key(),
        message.value(),
        _headers(message),
    )


def _headers(message: Message) -> Sequence[tuple[str, bytes]]:
    """A vendor's header names may be no UTF-8: such a record is read as one without headers."""
    try:
        return [(name, value if isinstance(value, bytes) else b"") for name, value in _headers_of(message) or ()]
    except SystemError:
        return ()
