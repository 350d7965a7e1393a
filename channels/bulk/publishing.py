"""Publishing to `applications.v1`: in order, confirmed by every in-sync replica, begun again where Kafka went away.

A time-out stands around every call, for aiokafka's idempotent producer can hang while Kafka is away. What was not
confirmed is published again by a new producer: its repeats carry the same source and id, so intake counts them once.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    MessageSizeTooLargeError,
    TopicAuthorizationFailedError,
)

from channels.bulk.errors import KafkaAway
from channels.bulk.rows import MAX_BYTES, Outgoing
from contracts.envelope import CONTENT_TYPE
from contracts.topics import APPLICATIONS

T = TypeVar("T")

_HEADERS = [("content-type", CONTENT_TYPE)]
_BATCH_BYTES = MAX_BYTES + 1024
_FINAL = (ClusterAuthorizationFailedError, TopicAuthorizationFailedError, MessageSizeTooLargeError)
_PAUSE = 1.0


class _Trouble(Exception):
    """Something that may pass."""


@dataclass(frozen=True, slots=True)
class Flight:
    """Records that were handed over together, and what confirms them."""

    records: Sequence[Outgoing]
    confirmations: list[asyncio.Future[Any]]


@dataclass(slots=True)
class Publisher:
    """Keeps at most two flights unconfirmed: while Kafka writes one, the next is made, and nothing piles up.

    `kafka` are the settings of an aiokafka client: `bootstrap_servers`, and what this channel logs in with.
    `confirmed` counts the records that every in-sync replica holds.
    """

    kafka: Mapping[str, Any]
    say: Callable[[str], None]
    seconds: float
    patience: float
    producer: AIOKafkaProducer | None = None
    partitions: int = 0
    confirmed: int = 0
    flights: deque[Flight] = field(default_factory=lambda: deque[Flight]())

    async def start(self) -> None:
        """Connect. Raises KafkaAway at once: at the start somebody is there to help."""
        try:
            await self._connect()
        except _Trouble as trouble:
            await self.stop()
            raise KafkaAway(
                f"Kafka at {self.kafka['bootstrap_servers']} cannot be used: {trouble}. Is it running there? `madoguchi up` starts one."
            ) from None

    async def send(self, records: Sequence[Outgoing]) -> None:
        """Hand the records over; return when those before them are confirmed. Raises KafkaAway."""
        flight = Flight(records, [])
        self.flights.append(flight)
        await self._persist(lambda: self._hand_over(flight), leave=1)

    async def flush(self) -> None:
        """Return when everything is confirmed. Raises KafkaAway."""
        await self._persist(_nothing, leave=0)

    async def stop(self) -> None:
        """Let go of Kafka. A producer that does not stop within five seconds is left to the end of the process."""
        for flight in self.flights:
            for confirmation in flight.confirmations:
                confirmation.cancel()
            flight.confirmations.clear()
        producer, self.producer = self.producer, None
        if producer is not None:
            try:
                await _within(5, "stop", producer.stop())
            except (_Trouble, KafkaAway):
                return

    async def _persist(self, first: Callable[[], Awaitable[None]], leave: int) -> None:
        try:
            await first()
            await self._confirm(leave)
        except _Trouble as trouble:
            await self._recover(trouble)

    async def _confirm(self, leave: int) -> None:
        while len(self.flights) > leave:
            flight = self.flights[0]
            await _within(self.seconds, "publishing", asyncio.gather(*flight.confirmations))
            self.flights.popleft()
            self.confirmed += len(flight.records)

    async def _recover(self, trouble: _Trouble) -> None:
        """Publish what is not confirmed with new producers until it is, or until patience ends."""
        began = time.monotonic()
        while time.monotonic() - began < self.patience:
            self.say(f"Kafka: {trouble}. Trying again after {self.confirmed} published rows.")
            await self.stop()
            await asyncio.sleep(_PAUSE)
            try:
                await self._again()
            except _Trouble as again:
                trouble = again
            else:
                self.say(f"Kafka is back; {self.confirmed} rows are published.")
                return
        raise KafkaAway(
            f"Kafka at {self.kafka['bootstrap_servers']} has been away for {self.patience:g} s: {trouble}. {self.confirmed} rows are "
            "published. Start the same import again when Kafka is back: no row is counted twice."
        )

    async def _again(self) -> None:
        await self._connect()
        for flight in self.flights:
            await self._hand_over(flight)
        await self._confirm(leave=0)

    async def _connect(self) -> None:
        self.producer = AIOKafkaProducer(
            **self.kafka,
            acks="all",
            enable_idempotence=True,
            max_batch_size=_BATCH_BYTES,
            max_request_size=2 * _BATCH_BYTES,
            request_timeout_ms=int(self.seconds * 1000),
        )
        await _within(self.seconds, "connecting", self.producer.start())
        found = await _within(self.seconds, "asking for partitions", self.producer.partitions_for(APPLICATIONS.name))
        self.partitions = len(found)
        if not found:
            raise _Trouble(f"there is no topic {APPLICATIONS.name}")

    async def _hand_over(self, flight: Flight) -> None:
        producer = self.producer
        if producer is None:
            raise _Trouble("not connected")
        for partition, records in self._by_partition(flight.records).items():
            for batch in _batches(producer, records):
                handed = producer.send_batch(batch, APPLICATIONS.name, partition=partition)
                flight.confirmations.append(await _within(self.seconds, "publishing", handed))

    def _by_partition(self, records: Iterable[Outgoing]) -> dict[int, list[Outgoing]]:
        """As librdkafka does it, so that all channels agree where an application lives."""
        by_partition: dict[int, list[Outgoing]] = {}
        for record in records:
            by_partition.setdefault(crc32(record.key) % self.partitions, []).append(record)
        return by_partition


def _batches(producer: AIOKafkaProducer, records: Iterable[Outgoing]) -> Iterable[Any]:
    batch = producer.create_batch()
    for record in records:
        if batch.append(key=record.key, value=record.value, timestamp=None, headers=_HEADERS) is None:
            batch.close()
            yield batch
            batch = producer.create_batch()
            batch.append(key=record.key, value=record.value, timestamp=None, headers=_HEADERS)
    batch.close()
    yield batch


async def _within(seconds: float, what: str, call: Awaitable[T]) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError:
        raise _Trouble(f"{what} took more than {seconds:g} s") from None
    except _FINAL as error:
        raise KafkaAway(f"Kafka refuses: {type(error).__name__}. Check the rights on {APPLICATIONS.name}.") from None
    except KafkaError as error:
        raise _Trouble(f"{what} failed: {type(error).__name__}") from None


async def _nothing() -> None:
    return
