"""The consumer: from topics to handlers, every event once, whatever the network and other instances do.

One per service instance, over all topics the service reads. Each poll is one batch and one transaction (processing.py);
what may be taken from it is decided by lanes.py.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from chassis import database, kafka, lanes, progress
from chassis.backoff import pauses, rest
from chassis.broker import Broker
from chassis.consuming import Delivery, Handlers
from chassis.database import Owned, Scope, transaction
from chassis.errors import DATABASE_FAULTS, Fenced, Poison, Transient, name_of
from chassis.lanes import Lane
from chassis.parking import ParkingLimit
from chassis.processing import process
from chassis.progress import LaneKey
from chassis.pulse import Pulse
from chassis.subscription import Record, Subscription, TopicPartition
from chassis.telemetry import Telemetry

LOOP = "consumer"
Stage = Literal["taken", "committed"]
_COMMIT_SECONDS = 0.5
"""How often Kafka is told how far we are: what a restart reads again at most. A commit with every batch cost a batch a fifth."""
_RESTART_AFTER = 3
"""Failures in a row after which the consumer itself is made anew: it may be the one that hangs."""


Moves = dict[LaneKey, tuple[int, int]]


@dataclass(slots=True)
class Session:
    """What a consumer holds between a (re)connection and the next failure."""

    kafka: Subscription
    connection: Owned
    generation: int = -1
    lanes: dict[TopicPartition, Lane] = field(default_factory=lambda: dict[TopicPartition, Lane]())
    offsets: dict[TopicPartition, int] = field(default_factory=lambda: dict[TopicPartition, int]())
    """Reached, and not yet told to Kafka."""
    owed: Moves = field(default_factory=lambda: Moves())
    """Watermarks that moved over events nobody handles, and are not yet written."""
    told_at: float = field(default_factory=time.monotonic)

    def forget(self) -> None:
        """What was held of an assignment that has ended."""
        self.lanes.clear()
        self.offsets.clear()
        self.owed.clear()
        self.generation = self.kafka.generation


@dataclass(slots=True)
class Intent:
    """What one poll may do: what to handle, which watermarks move, what to commit, where to read again."""

    deliveries: list[Delivery] = field(default_factory=lambda: list[Delivery]())
    moves: Moves = field(default_factory=lambda: Moves())
    lanes: dict[TopicPartition, Lane] = field(default_factory=lambda: dict[TopicPartition, Lane]())
    offsets: dict[TopicPartition, int] = field(default_factory=lambda: dict[TopicPartition, int]())
    rewinds: dict[TopicPartition, int] = field(default_factory=lambda: dict[TopicPartition, int]())
    repeats: int = 0

    def take(self, deliveries: Iterable[Delivery]) -> None:
        """Handle these, but for those that are of no use to this service."""
        self.deliveries.extend(one for one in deliveries if one.handling is not None or one.fault is not None)


@dataclass(slots=True)
class Consumer:
    """Reads a service's topics as one consumer group."""

    service: str
    source: str
    handlers: Handlers
    dsn: str
    broker: Broker
    batch_records: int
    fetch_wait_ms: int
    session_ms: int
    seconds: float
    pulse: Pulse
    telemetry: Telemetry
    committed: Callable[[], None]
    """Called after a transaction that announced something: it wakes the relay."""
    scope: Scope = field(default_factory=lambda: dict[str, str]())
    """What its transactions see."""
    reached: Callable[[Stage], None] = lambda _: None
    """Called when a batch is taken and not begun, and when its state is committed and its offsets are not.

    Tests that kill the process, or let it sleep, stand here.
    """
    limit: ParkingLimit = field(default_factory=ParkingLimit)
    pause: Iterator[float] = field(default_factory=pauses)

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop`, pausing with growing back-off while something is away."""
        while not stop.is_set():
            self.pulse.beat(LOOP)
            try:
                async with self._session() as session:
                    await self._polls(session, stop)
            except Fenced as error:
                self.telemetry.warn("consumer.fenced", detail=str(error))
            except (Transient, *DATABASE_FAULTS) as error:
                await self._rest(error, stop)

    async def _rest(self, error: Exception, stop: asyncio.Event) -> None:
        seconds = next(self.pause)
        self.pulse.is_ready(LOOP, ready=False)
        detail = str(error) if isinstance(error, Transient) else None
        self.telemetry.warn("consumer.paused", error=name_of(error), detail=detail, seconds=round(seconds, 3))
        await database.sleep_or(stop, seconds)

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[Session]:
        """A connection and a member of the group, which it leaves at the end: one that rests is none."""
        # First the database: a group that is joined for nothing is rebalanced for nothing.
        connection = await database.connect(self.dsn, scope=self.scope)
        subscription = Subscription(
            self.broker,
            self.handlers.subscriptions,
            self.service,
            wait_ms=self.fetch_wait_ms,
            session_ms=self.session_ms,
            seconds=self.seconds,
        )
        try:
            await subscription.start()
            yield Session(subscription, connection)
        finally:
            await subscription.close()
            await database.close(connection)

    async def _polls(self, session: Session, stop: asyncio.Event) -> None:
        """Poll and process until stopped; a transient fault is retried with the same batch a few times.

        A rebalance is heard of when polling, never with a batch in hand; one that is no longer ours is fenced by its lanes.
        """
        failures = 0
        batch: Mapping[TopicPartition, Sequence[Record]] = {}
        while not stop.is_set():
            self.pulse.beat(LOOP)
            if time.monotonic() - session.told_at > _COMMIT_SECONDS:
                await self._tell(session)
            if not batch:
                batch = await self._fetch(session)
            if not batch:
                continue
            began = time.monotonic()
            try:
                intent = await self._process(session, batch)
            except (Transient, *DATABASE_FAULTS) as error:
                failures += 1
                if failures >= _RESTART_AFTER or session.connection.is_closed():
                    raise
                await self._rest(error, stop)
                continue
            full = sum(map(len, batch.values())) * 2 > self.batch_records
            batch, failures, self.pause = {}, 0, pauses()
            session.offsets.update(intent.offsets)
            for tp, offset in intent.rewinds.items():
                # Not done is not passed over: it ends the session, and the next one reads from before the hole.
                await session.kafka.rewind(tp, offset)
            del intent  # or two batches would be in memory at once
            await asyncio.sleep(rest(time.monotonic() - began, full=full))
        await self._tell(session)

    async def _fetch(self, session: Session) -> Mapping[TopicPartition, Sequence[Record]]:
        """What is there; after a rebalance it belongs to the new assignment, and the lanes we held are forgotten."""
        fetched = await session.kafka.fetch(self.batch_records)
        for one in session.kafka.unreadable():
            self.telemetry.alarm("consumer.unreadable", **one.tp._asdict(), offset=one.offset, error=one.error)
        if session.generation != session.kafka.generation:
            session.forget()
        self.pulse.is_ready(LOOP, ready=not session.kafka.away)
        return fetched

    async def _process(self, session: Session, batch: Mapping[TopicPartition, Sequence[Record]]) -> Intent:
        """Sort a batch and process it; one with nothing for us costs no transaction until offsets are told."""
        await self._load(session, batch)
        intent = self._sort(session, batch)
        moves = followed(session.owed, intent.moves)
        if intent.deliveries or intent.repeats:
            await self._handle(session, intent, moves)
            moves = Moves()
        session.owed = moves
        session.lanes.update(intent.lanes)
        return intent

    async def _handle(self, session: Session, intent: Intent, moves: Moves) -> None:
        self.reached("taken")
        await self.handlers.foresight([one.event for one in intent.deliveries if one.event is not None])
        with self.telemetry.processing(intent.deliveries) as span:
            outcome = await process(
                session.connection, self.source, intent.deliveries, moves, self.limit, trace=span.traceparent
            )
            span.done(outcome, intent.repeats)
        if outcome.announced:
            self.committed()
        self.reached("committed")

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
                intent.take(self.handlers.read(record, None) for record in records)
            else:
                self._admit(intent, tp, session.lanes[tp], records)
        return intent

    def _admit(self, intent: Intent, tp: TopicPartition, lane: Lane, records: Sequence[Record]) -> None:
        numbers = [kafka.number_of(record) or 0 for record in records]
        if 0 in numbers:
            intent.take(stray(record) for record, number in zip(records, numbers, strict=True) if not number)
            records = [record for record, number in zip(records, numbers, strict=True) if number]
            numbers = [number for number in numbers if number]
        admission = lanes.admit(lane, [record.offset for record in records], numbers)
        intent.take(self.handlers.read(records[index], numbers[index]) for index in admission.taken)
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

    async def _tell(self, session: Session) -> None:
        """Tell Kafka how far we are. Only a shortcut for the next start: the watermarks are what counts.

        What is no longer ours is refused, rightly, and the next assignment resets what we hold.
        """
        if session.owed:
            await process(session.connection, self.source, (), session.owed, self.limit)
            session.owed = Moves()
        offsets, session.offsets, session.told_at = session.offsets, {}, time.monotonic()
        if offsets:
            try:
                await session.kafka.commit(offsets)
            except Transient as error:
                session.offsets = offsets
                self.telemetry.warn("consumer.offsets_not_committed", detail=str(error))

    def _producer(self, tp: TopicPartition) -> str | None:
        return self.handlers.topic(tp.topic).producer

    def _lane(self, tp: TopicPartition) -> LaneKey:
        return LaneKey(self._producer(tp) or "", tp.topic, tp.partition)


def followed(owed: Moves, moves: Moves) -> Moves:
    """Both, one after the other: each lane from where the first begins to where the last ends."""
    return owed | {lane: (owed.get(lane, move)[0], move[1]) for lane, move in moves.items()}


def stray(record: Record) -> Delivery:
    """A record without a number on a numbered lane: whoever wrote it, it was not the relay. Parked under a key of its own."""
    key = f"stray {record.topic}/{record.partition}@{record.offset}"
    return Delivery(record, None, key, None, None, Poison("no `sequence` header on a numbered lane"))
