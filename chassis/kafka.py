"""Kafka, the writing half, with a time-out around every call: aiokafka's idempotent producer can hang for ever."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis import handshake
from chassis.broker import Broker
from chassis.errors import Transient
from contracts.envelope import CONTENT_TYPE

T = TypeVar("T")

_BATCH_BYTES = 1 << 19
_REQUEST_BYTES = 1 << 21
_METADATA_MS = 10_000
"""How soon the growth of a topic is seen."""
SEQUENCE = "sequence"
_DIGITS = 18
"""Of the largest number that fits the watermark's column; Python refuses to read more than 4,300."""
HEADERS = (("content-type", CONTENT_TYPE),)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record to publish, its lane number included."""

    partition: int
    number: int
    key: bytes
    value: bytes


async def within(seconds: float, what: str, call: Awaitable[T]) -> T:
    """Await a Kafka call. Raises Transient when it fails or takes longer than `seconds`."""
    try:
        async with asyncio.timeout(seconds):
            return await call
    except TimeoutError:
        raise Transient(f"kafka: {what} took more than {seconds:g} s") from None
    except KafkaError as error:
        raise Transient(f"kafka: {what}: {type(error).__name__}") from error


async def start_producer(broker: Broker, seconds: float) -> AIOKafkaProducer:
    """A producer that waits for every in-sync replica and cannot write a record twice by itself."""
    producer = AIOKafkaProducer(
        **broker.aiokafka(),
        acks="all",
        enable_idempotence=True,
        metadata_max_age_ms=_METADATA_MS,
        max_batch_size=_BATCH_BYTES,
        max_request_size=_REQUEST_BYTES,
        request_timeout_ms=int(seconds * 1000),
    )
    try:
        await within(seconds, "producer start", producer.start())
    except Transient as error:
        await stop(producer)
        raise await handshake.explained(error, broker) from error
    return producer


async def stop(client: AIOKafkaProducer | AIOKafkaConsumer | None) -> None:
    """Stop within five seconds; a client that does not is left to the end of the process."""
    if client is None:
        return
    try:
        await within(5, "stop", client.stop())
    except Transient:
        return


async def partitions_of(producer: AIOKafkaProducer, topic: str, seconds: float) -> int:
    """How many partitions the topic has now. Raises Transient when it does not exist."""
    found = await within(seconds, "metadata", producer.partitions_for(topic))
    if not found:
        raise Transient(f"kafka: topic {topic} does not exist; `madoguchi up` or deploy creates it")
    return len(found)


Publish = Callable[[AIOKafkaProducer, str, Sequence[Outgoing], float], Awaitable[None]]


async def publish(producer: AIOKafkaProducer, topic: str, records: Sequence[Outgoing], seconds: float) -> None:
    """Publish to the partitions named, in order; returns when every in-sync replica has all of them."""
    by_partition: dict[int, list[Outgoing]] = {}
    for record in records:
        by_partition.setdefault(record.partition, []).append(record)
    await within(seconds, "publish", _send(producer, topic, by_partition))


async def _send(producer: AIOKafkaProducer, topic: str, by_partition: Mapping[int, list[Outgoing]]) -> None:
    sent: list[asyncio.Future[object]] = []
    for partition, records in by_partition.items():
        batch = producer.create_batch()
        for record in records:
            headers = [*HEADERS, (SEQUENCE, b"%d" % record.number)]
            if batch.append(key=record.key, value=record.value, timestamp=None, headers=headers) is None:
                batch.close()
                sent.append(await producer.send_batch(batch, topic, partition=partition))
                batch = producer.create_batch()
                if batch.append(key=record.key, value=record.value, timestamp=None, headers=headers) is None:
                    raise Transient(f"kafka: a record of {len(record.value)} bytes fits no batch of {_BATCH_BYTES}")
        batch.close()
        sent.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)


class Headed(Protocol):
    """A record with headers, whoever read it."""

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and values."""
        ...


def number_of(record: Headed) -> int | None:
    """The lane number of a record; None when it carries none, as on a topic of the edge."""
    for name, value in reversed(record.headers):
        if name == SEQUENCE:
            return int(value) if value and value.isdigit() and len(value) <= _DIGITS else None
    return None
