"""The relay: from the journal to the topic, in commit order, every event under its number.

One per service. It lives in the service's process; an advisory lock chooses among instances and the tick's primary key
fences one that lost the lock without noticing. See ticks.py for what it decides and docs/delivery.md for why.
"""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import asyncpg
from aiokafka import AIOKafkaProducer

from chassis import database, journal, kafka, ticks
from chassis.backoff import pauses
from chassis.broker import Broker
from chassis.database import Owned, Tx
from chassis.errors import Fenced, Transient, is_poison, name_of
from chassis.journal import Entry
from chassis.pulse import Pulse
from chassis.telemetry import Telemetry
from chassis.ticks import Tick

LOOP = "relay"
Stage = Literal["promised", "published"]
PLANNER = {
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    # Of a journal without statistics a third is taken to be new: from some 300,000 rows on, worker processes were started each tick.
    "max_parallel_workers_per_gather": "0",
    "plan_cache_mode": "force_generic_plan",
}
"""The few rows that are news are found by the journal's indexes, however long it has grown."""
_IDLE_SECONDS = (0.005, 0.1)
"""The shortest and the longest pause between looks: short while other instances commit, long while only this one does.

A commit of this process wakes the relay at once.
"""
_HOUSEKEEPING, _HOUSEKEEPING_AGAIN = 3600.0, 60.0
"""Seconds from one housekeeping to the next, and after one that had to be put off."""
_ALL_PUBLISHED = 2
"""Turns in a row that published no full page: the first may end an old window, the second has opened its own."""


@dataclass(slots=True)
class Lead:
    """What a relay holds while it leads: the fence's connection, a producer, and its last promise."""

    connection: Owned
    producer: AIOKafkaProducer
    tick: Tick
    since: datetime


@dataclass(slots=True)
class Relay:
    """Publishes one service's journal to one topic."""

    service: str
    topic: str
    dsn: str
    broker: Broker
    seconds: float
    journal_days: int
    pulse: Pulse
    telemetry: Telemetry
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    reached: Callable[[Stage], None] = lambda _: None
    """Called at each stage of a tick; tests that kill the process stand here."""

    async def run(self, stop: asyncio.Event) -> None:
        """Lead whenever this instance may, until `stop` and until everything committed is published."""
        pause = pauses()
        while not stop.is_set():
            self.pulse.beat(LOOP)
            try:
                async with self._lead(stop) as lead:
                    pause = pauses()
                    await self._turns(lead, stop)
            except Exception as error:
                if is_poison(error) and not isinstance(error, Fenced):
                    raise
                self.telemetry.warn("relay.paused", error=name_of(error), detail=_detail(error))
                await database.sleep_or(stop, next(pause))

    @asynccontextmanager
    async def _lead(self, stop: asyncio.Event) -> AsyncGenerator[Lead]:
        connection = await database.connect(self.dsn, planner=PLANNER)
        producer: AIOKafkaProducer | None = None
        try:
            await self._lock(connection, stop)
            producer = await kafka.start_producer(self.broker, self.seconds)
            tx = Tx(connection, database.utc_now())
            tick, since = await journal.last_tick(tx)
            await self._check_history(tx, tick)
            lead = Lead(connection, producer, tick, since)
            await self._publish(lead, await journal.promised(tx, tick))
            self.telemetry.info("relay.leads", tick=tick.number)
            yield lead
        finally:
            await kafka.stop(producer)
            await database.close(connection)

    async def _check_history(self, tx: Tx, tick: Tick) -> None:
        """Raise Transient where what is said from now on would be older than the last tick: no window would ever hold it."""
        if not await journal.is_of_this_server(tx, tick):
            self.pulse.is_ready(LOOP, ready=False)
            xmax, _ = ticks.horizon(tick.snapshot)
            raise Transient(
                f"the database was restored from a dump, into a PostgreSQL that has not come to transaction {xmax}: stop it and "
                "set it further by pg_resetwal --next-transaction-id (and --epoch), or restore a base back-up"
            )

    async def _lock(self, connection: Owned, stop: asyncio.Event) -> None:
        """Wait to be the one: a standby asks every half second, and is ready to."""
        while not await connection.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", f"relay {self.service}"):
            self.pulse.beat(LOOP)
            self.pulse.is_ready(LOOP, ready=True)
            await database.sleep_or(stop, 0.5)
            if stop.is_set():
                raise Fenced("stopped while standing by")

    async def _turns(self, lead: Lead, stop: asyncio.Event) -> None:
        idle, due, turns, ending = _IDLE_SECONDS[0], -math.inf, 0, False
        await self._keep_house(lead, forgetting=False)
        while True:
            self.pulse.beat(LOOP)
            if stop.is_set() and not ending:
                ending, turns = True, 0
            # Cleared before reading: a commit during the read is found by the next turn.
            woken = self.wake.is_set()
            self.wake.clear()
            said = await self.turn(lead)
            turns = 0 if said == journal.PAGE else turns + 1
            if not turns:
                continue
            if turns >= _ALL_PUBLISHED:
                # What others commit from now on is theirs to publish: they never rest.
                if ending:
                    return
                if time.monotonic() >= due:
                    due = time.monotonic() + await self._keep_house(lead, forgetting=True)
            if not woken:
                idle = _IDLE_SECONDS[0] if said else min(_IDLE_SECONDS[1], idle * 1.5)
            if not stop.is_set():
                await database.sleep_or(self.wake, idle)

    async def turn(self, lead: Lead) -> int:
        """Promise and publish one page of the journal. How many events that were."""
        tx = Tx(lead.connection, database.utc_now())
        snapshot, entries, opened_at = await _next_page(tx, lead)
        if not entries:
            return 0
        # A broker that has just come back may still tell of fewer partitions than have been numbered.
        width = max(await kafka.partitions_of(lead.producer, self.topic, self.seconds), len(lead.tick.counters))
        tick = ticks.follow(
            lead.tick,
            snapshot,
            [entry.id for entry in entries],
            _partitions(entries, width),
            width=width,
            whole=len(entries) < journal.PAGE,
        )
        with self.telemetry.relaying(len(entries)):
            await _promise(tx, tick, opened_at)
            lead.tick, lead.since = tick, opened_at
            self.reached("promised")
            await self._publish(lead, entries)
            self.reached("published")
        return len(entries)

    async def _publish(self, lead: Lead, entries: Sequence[Entry]) -> None:
        """Publish what was promised, as often as it takes; an instance that cannot gives up its lead.

        A promise of which the journal has forgotten rows is older than its retention: who missed it will find the hole.
        """
        if not ticks.is_whole(lead.tick, len(entries)):
            self.telemetry.warn("relay.promise_forgotten", tick=lead.tick.number)
        elif entries:
            await kafka.publish(lead.producer, self.topic, outgoing(lead.tick, entries), self.seconds)
        self.pulse.is_ready(LOOP, ready=True)

    async def _keep_house(self, lead: Lead, *, forgetting: bool) -> float:
        """Make the days to come, and forget those that are over when all is published. Returns the seconds until the next time.

        Both want the journal for themselves, which a back-up does not give: publishing goes on, and this is done after it.
        """
        oldest = database.utc_now().date() - timedelta(days=self.journal_days)
        try:
            async with database.transaction(lead.connection) as tx:
                await journal.make_partitions(tx, tx.now.date())
                dropped = await journal.drop_partitions(tx, oldest) if forgetting else []
        except asyncpg.PostgresError as error:
            self.telemetry.warn("journal.not_kept", error=name_of(error))
            return _HOUSEKEEPING_AGAIN
        if dropped:
            self.telemetry.info("journal.dropped", partitions=dropped)
        return _HOUSEKEEPING


def outgoing(tick: Tick, entries: Sequence[Entry]) -> list[kafka.Outgoing]:
    """The records of a promise: the same bytes under the same numbers, every time."""
    places = ticks.places(tick, _partitions(entries, len(tick.counters)))
    return [
        kafka.Outgoing(place.partition, place.number, entry.key, entry.payload)
        for place, entry in zip(places, entries, strict=True)
    ]


async def resend(
    tx: Tx, producer: AIOKafkaProducer, topic: str, partition: int, first: int, last: int, seconds: float
) -> int:
    """Publish numbers `first`…`last` of a lane once more, from the journal. Returns how many were found and sent.

    Harmless at any time, also beside a running relay: readers drop what they have seen. What the journal has forgotten,
    in part or whole, is not sent: its rows could no longer be given their numbers.
    """
    sent = 0
    found = await journal.ticks_of(tx, partition, first, last)
    for tick in (tick for tick in found if ticks.covers(tick, partition, first, last)):
        entries = await journal.promised(tx, tick)
        again = outgoing(tick, entries) if ticks.is_whole(tick, len(entries)) else []
        records = [record for record in again if record.partition == partition and first <= record.number <= last]
        await kafka.publish(producer, topic, records, seconds)
        sent += len(records)
    return sent


async def _next_page(tx: Tx, lead: Lead) -> tuple[str, list[Entry], datetime]:
    """(snapshot, rows, when the window was opened): the next page of the window in hand, else of a new one."""
    if not lead.tick.whole:
        entries = await journal.page(tx, lead.tick)
        if entries:
            return lead.tick.snapshot, entries, lead.since
    snapshot, entries = await journal.window(tx, lead.tick.snapshot, lead.since)
    # An empty page after a full one: the window ended exactly at a page's end.
    if entries and not lead.tick.whole:
        lead.tick = replace(lead.tick, whole=True)
    return snapshot or lead.tick.snapshot, entries, tx.now


async def _promise(tx: Tx, tick: Tick, opened_at: datetime) -> None:
    try:
        await journal.save_tick(tx, tick, opened_at)
    except asyncpg.UniqueViolationError:
        raise Fenced("another relay has promised this tick") from None


def _partitions(entries: Sequence[Entry], width: int) -> list[int]:
    return [ticks.partition_of(entry.key, width) for entry in entries]


def _detail(error: Exception) -> str | None:
    """Our own errors are written without data and may be logged whole."""
    return str(error) if isinstance(error, (Transient, Fenced)) else None
