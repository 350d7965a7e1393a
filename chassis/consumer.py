"""The consumer: from topics to handlers, every event once, whatever the network and other instances do.

One per service instance, over all topics the service reads. Each poll is one batch and one transaction (processing.py);
what may be taken from it is decided by lanes.py.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from chassis import database, kafka, lanes, progress
from chassis.backoff import pauses
from chassis.consuming import Delivery, Handlers
from chassis.database import Owned, transaction
from chassis.errors import Fenced, Poison, Transient, name_of
from chassis.kafka import Record
from chassis.lanes import Lane
from chassis.parking import ParkingLimit
from chassis.processing import process
from chassis.progress import LaneKey
from chassis.pulse import Pulse
from chassis.telemetry import Telemetry

LOOP = "consumer"
Stage = Literal["committed"]
_POLL_MS = 100
_RESTART_AFTER = 3
"""Failures in a row after which the consumer itself is made anew: it may be the one that hangs."""


class _Rebalance(ConsumerRebalanceListener):
    """Counts assignments: what is held in memory of a lane ends when its position is reset, which is then and no sooner."""

    def __init__(self) -> None:
        self.generation = 0

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Positions still hold; the next assignment resets them."""

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:  # noqa: ARG002
        self.generation += 1


@dataclass(slots=True)
class Session:
    """What a consumer holds between a (re)connection and the next failure."""

    kafka: AIOKafkaConsumer
    connection: Owned
    rebalance: _Rebalance
    generation: int = -1
    lanes: dict[TopicPartition, Lane] = field(default_factory=lambda: dict[TopicPartition, Lane]())


@dataclass(slots=True)
class Intent:
    """What one poll may do: what to handle, which watermarks move, what to commit, where to read again."""

    deliveries: list[Delivery] = field(default_factory=lambda: list[Delivery]())
    moves: dict[LaneKey, tuple[int, int]] = field(default_factory=lambda: dict[LaneKey, tuple[int, int]]())
    lanes: dict[TopicPartition, Lane] = field(default_factory=lambda: dict[TopicPartition, Lane]())
    offsets: dict[TopicPartition, int] = field(default_factory=lambda: dict[TopicPartition, int]())
    rewinds: dict[TopicPartition, int] = field(default_factory=lambda: dict[TopicPartition, int]())
    repeats: int = 0


@dataclass(slots=True)
class Consumer:
    """Reads a service's topics as one consumer group."""

    service: str
    source: str
    handlers: Handlers
    dsn: str
    bootstrap: str
    batch_records: int
    fetch_wait_ms: int
    session_ms: int
    seconds: float
    pulse: Pulse
    telemetry: Telemetry
    committed: Callable[[], None]
    """Called after a transaction that announced something: it wakes the relay."""
    reached: Callable[[Stage], None] = lambda _: None
    """Called when a batch's state is committed and its offsets are not; tests that kill the process stand here."""
    limit: ParkingLimit = field(default_factory=ParkingLimit)
    pause: Iterator[float] = field(default_factory=pauses)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`, pausing with growing back-off while something is away."""
        while not stop.is_set():
            self.pulse.beat(LOOP)
            session: Session | None = None
            try:
                session = await self._open()
                await self._polls(session, stop)
            except Fenced as error:
                self.telemetry.warn("consumer.fenced", detail=str(error))
            except (Transient, OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                await self._rest(error, stop)
            finally:
                await self._shut(session)

    async def _rest(self, error: Exception, stop: asyncio.Event) -> None:
        seconds = next(self.pause)
        self.pulse.is_ready(LOOP, ready=False)
        detail = str(error) if isinstance(error, Transient) else None
        self.telemetry.warn("consumer.paused", error=name_of(error), detail=detail, seconds=round(seconds, 3))
        await database.sleep_or(stop, seconds)

    async def _open(self) -> Session:
        connection = await database.connect(self.dsn)
        rebalance = _Rebalance()
        try:
            consumer = await kafka.start_consumer(
                self.bootstrap,
                tuple(self.handlers.topics),
                self.service,
                rebalance,
                fetch_wait_ms=self.fetch_wait_ms,
                session_ms=self.session_ms,
                seconds=self.seconds,
            )
        except BaseException:
            await database.close(connection)
            raise
        return Session(consumer, connection, rebalance)

    async def _shut(self, session: Session | None) -> None:
        if session is not None:
            await kafka.stop(session.kafka)
            await database.close(session.connection)

    async def _polls(self, session: Session, stop: asyncio.Event) -> None:
        """Poll and process until stopped; a transient fault is retried with the same batch a few times.

        A batch in hand ends with the assignment it was fetched under: positions are reset then, and it comes again.
        """
        failures = 0
        batch: Mapping[TopicPartition, Sequence[Record]] = {}
        while not stop.is_set():
            self.pulse.beat(LOOP)
            if not batch or session.generation != session.rebalance.generation:
                batch = await self._fetch(session)
            if not batch:
                continue
            try:
                intent = await self._process(session, batch)
            except (Transient, asyncpg.PostgresError, OSError, TimeoutError) as error:
                failures += 1
                if failures >= _RESTART_AFTER or session.connection.is_closed():
                    raise
                await self._rest(error, stop)
                continue
            batch, failures, self.pause = {}, 0, pauses()
            await self._commit(session, intent)

    async def _fetch(self, session: Session) -> Mapping[TopicPartition, Sequence[Record]]:
        """What is there; after a rebalance it belongs to the new assignment, and the lanes we held are forgotten."""
        fetched = await kafka.within(
            self.seconds, "fetch", session.kafka.getmany(timeout_ms=_POLL_MS, max_records=self.batch_records)
        )
        if session.generation != session.rebalance.generation:
            session.lanes.clear()
            session.generation = session.rebalance.generation
        self.pulse.is_ready(LOOP, ready=True)
        return fetched

    async def _process(self, session: Session, batch: Mapping[TopicPartition, Sequence[Record]]) -> Intent:
        await self._load(session, batch)
        intent = self._sort(session, batch)
        with self.telemetry.processing(intent.deliveries) as span:
            outcome = await process(
                session.connection, self.source, intent.deliveries, intent.moves, self.limit, trace=span.traceparent
            )
            span.done(outcome, intent.repeats)
        session.lanes.update(intent.lanes)
        if outcome.announced:
            self.committed()
        self.reached("committed")
        return intent

    async def _load(self, session: Session, batch: Mapping[TopicPartition, Sequence[Record]]) -> None:
        """Read the watermarks of lanes we hold nothing of; after a rebalance that is all."""
        missing = [tp for tp in batch if tp not in session.lanes and self._producer(tp) is not None]
        if missing:
            async with transaction(session.connection) as tx:
                found = await progress.watermarks(tx, [self._lane(tp) for tp in missing])
            session.lanes.update({tp: Lane(found[self._lane(tp)]) for tp in missing})

    def _sort(self, session: Session, batch: Mapping[TopicPartition, Sequence[Record]]) -> Intent:
        intent = Intent()
        for tp, records in batch.items():
            intent.offsets[tp] = records[-1].offset + 1
            if self._producer(tp) is None:
                intent.deliveries.extend(self.handlers.read(record, None) for record in records)
            else:
                self._admit(intent, tp, session.lanes[tp], records)
        return intent

    def _admit(self, intent: Intent, tp: TopicPartition, lane: Lane, records: Sequence[Record]) -> None:
        numbers = [kafka.number_of(record) or 0 for record in records]
        if 0 in numbers:
            intent.deliveries.extend(
                stray(record) for record, number in zip(records, numbers, strict=True) if not number
            )
            records = [record for record, number in zip(records, numbers, strict=True) if number]
            numbers = [number for number in numbers if number]
        admission = lanes.admit(lane, [record.offset for record in records], numbers)
        intent.deliveries.extend(self.handlers.read(records[index], numbers[index]) for index in admission.taken)
        intent.repeats += admission.repeats
        intent.lanes[tp] = admission.lane
        if admission.taken:
            intent.moves[self._lane(tp)] = (lane.seen, admission.lane.seen)
        if admission.rewind is not None:
            intent.rewinds[tp] = admission.rewind
        beyond = lanes.committable(admission.lane, intent.offsets[tp])
        intent.offsets[tp] = beyond if admission.rewind is None else admission.rewind
        self._report(tp, admission)

    def _report(self, tp: TopicPartition, admission: lanes.Admission) -> None:
        if admission.found is not None:
            self.telemetry.hole(self._lane(tp), admission.found)
        elif admission.rewind is not None:
            self.telemetry.hole_filled(self._lane(tp), admission.lane.seen)

    async def _commit(self, session: Session, intent: Intent) -> None:
        """Tell Kafka how far we are. Only a shortcut for the next start: the watermarks are what counts.

        After a rebalance a commit of ours is refused, rightly, and the assignment resets what we hold.
        """
        for tp, offset in intent.rewinds.items():
            self._rewind(session, tp, offset)
        try:
            await kafka.within(self.seconds, "commit", session.kafka.commit(dict(intent.offsets)))
        except Transient as error:
            self.telemetry.warn("consumer.offsets_not_committed", detail=str(error))

    def _rewind(self, session: Session, tp: TopicPartition, offset: int) -> None:
        """Read what was passed over while a hole was open; a partition that was taken from us is not ours to read."""
        try:
            kafka.rewind(session.kafka, tp, offset)
        except Transient as error:
            self.telemetry.warn("consumer.not_rewound", detail=str(error))

    def _producer(self, tp: TopicPartition) -> str | None:
        return self.handlers.topics[tp.topic].producer

    def _lane(self, tp: TopicPartition) -> LaneKey:
        return LaneKey(self._producer(tp) or "", tp.topic, tp.partition)


def stray(record: Record) -> Delivery:
    """A record without a number on a numbered lane: whoever wrote it, it was not the relay. Parked under a key of its own."""
    key = f"stray {record.topic}/{record.partition}@{record.offset}"
    return Delivery(record, None, key, None, None, Poison("no `sequence` header on a numbered lane"))
