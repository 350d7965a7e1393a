"""One batch, one transaction: advance the lanes, let the handlers work, write down what they said.

First everybody at once. When a message turns out to be poison the transaction is rolled back and done again carefully:
halves within savepoints, until the guilty one stands alone and is parked, its key with it.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from chassis import batches, journal, parking, progress
from chassis.consuming import Delivery, Handling
from chassis.database import Clock, Connection, Tx, transaction, utc_now
from chassis.errors import Foreign, Transient, is_poison, name_of
from chassis.parking import ParkingLimit
from chassis.progress import LaneKey

Moves = Mapping[LaneKey, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch."""

    handled: int
    announced: int
    parked: int
    waiting: int
    causes: Mapping[str, int] = field(default_factory=lambda: dict[str, int]())
    """Why events were parked, and how many for each reason: classes of errors, never what was in them."""


@dataclass(slots=True)
class Effects:
    """What a batch has brought about so far, within its transaction."""

    source: str
    trace: str
    handled: int = 0
    entries: list[journal.Line] = field(default_factory=lambda: list[journal.Line]())
    parked: list[tuple[Delivery, str]] = field(default_factory=lambda: list[tuple[Delivery, str]]())
    keys: set[str] = field(default_factory=lambda: set[str]())
    waiting: int = 0
    foreign: int = 0
    """Of those parked, how many are no sign of a fault of ours: whoever may write to the edge could stop a city with fifty."""

    def park(self, delivery: Delivery, cause: str) -> None:
        """Park one event; later ones of its key will wait behind it."""
        self.parked.append((delivery, cause))
        self.keys.add(delivery.key)

    def turn_away(self, delivery: Delivery, cause: str) -> None:
        """Park one event under a key of its own: whoever forges a key stops nobody, and those of one key stay in their order."""
        self.parked.append((replace(delivery, key=f"foreign {delivery.key}"), cause))
        self.foreign += 1


BEHIND = "waits behind an earlier event"


async def process(
    connection: Connection,
    source: str,
    deliveries: Sequence[Delivery],
    moves: Moves,
    limit: ParkingLimit,
    *,
    trace: str = "",
    clock: Clock = utc_now,
) -> Outcome:
    """Process a batch for good, or raise Fenced or something transient and leave no trace.

    `moves` are the watermarks to advance, `trace` the W3C traceparent of events whose cause has none.
    """
    if not any(delivery.fault for delivery in deliveries):
        try:
            return await _attempt(connection, source, deliveries, moves, limit, trace, clock, careful=False)
        except Exception as error:
            if not is_poison(error):
                raise
    return await _attempt(connection, source, deliveries, moves, limit, trace, clock, careful=True)


async def _attempt(
    connection: Connection,
    source: str,
    deliveries: Sequence[Delivery],
    moves: Moves,
    limit: ParkingLimit,
    trace: str,
    clock: Clock,
    *,
    careful: bool,
) -> Outcome:
    keys = {delivery.key for delivery in deliveries}
    async with transaction(connection, clock) as tx:
        tx.traces.update(_traces(deliveries))
        effects = Effects(source, trace, keys=await progress.enter(tx, moves, keys))
        for run in batches.runs(deliveries, _kind, _key):
            await _run(tx, run.kind, run.items, effects, careful=careful)
        guilty = len(effects.parked) - effects.waiting
        suspect = guilty - effects.foreign
        if limit.exceeded(len(keys), suspect):
            raise Transient(f"{suspect} of {len(keys)} keys would be parked: it is not the messages")
        await journal.append(tx, effects.entries)
        await progress.park(tx, effects.parked)
    limit.count(len(keys), suspect)
    causes = Counter(cause for _, cause in effects.parked if cause != BEHIND)
    return Outcome(effects.handled, len(effects.entries), guilty, effects.waiting, causes)


async def _run(
    tx: Tx, handling: Handling | None, deliveries: Sequence[Delivery], effects: Effects, *, careful: bool
) -> None:
    free, waiting = parking.split(deliveries, _key, effects.keys) if effects.keys else (deliveries, ())
    for delivery in waiting:
        effects.park(delivery, BEHIND)
        effects.waiting += 1
    if handling is None:
        _park_faulty(free, effects)
    elif not careful:
        await _call(tx, handling, free, effects)
    elif free:
        await _search(tx, handling, free, effects)


def _park_faulty(deliveries: Sequence[Delivery], effects: Effects) -> None:
    for delivery in deliveries:
        if delivery.key in effects.keys:
            effects.park(delivery, BEHIND)
            effects.waiting += 1
        elif delivery.fault is not None:
            effects.park(delivery, f"unreadable: {delivery.fault}")


async def _call(tx: Tx, handling: Handling, deliveries: Sequence[Delivery], effects: Effects) -> None:
    if deliveries:
        said = await handling.call([delivery.event for delivery in deliveries], tx)
        effects.entries.extend(journal.lines(tx, effects.source, said, effects.trace))
        effects.handled += len(deliveries)


async def _search(tx: Tx, handling: Handling, deliveries: Sequence[Delivery], effects: Effects) -> None:
    """Handle all of them but the guilty, which are found by halves and parked."""
    try:
        async with tx.connection.transaction():
            await _call(tx, handling, deliveries, effects)
    except Foreign as error:
        causes = error.causes()
        for place, cause in causes.items():
            effects.turn_away(deliveries[place], cause)
        others = [delivery for place, delivery in enumerate(deliveries) if place not in causes]
        await _run(tx, handling, others, effects, careful=True)
    except Exception as error:
        if not is_poison(error):
            raise
        if len(deliveries) == 1:
            effects.park(deliveries[0], name_of(error))
            return
        first, second = parking.halves(deliveries)
        await _run(tx, handling, first, effects, careful=True)
        await _run(tx, handling, second, effects, careful=True)


def _kind(delivery: Delivery) -> Handling | None:
    return delivery.handling


def _key(delivery: Delivery) -> str:
    return delivery.key


def _traces(deliveries: Sequence[Delivery]) -> dict[str, str]:
    return {delivery.key: trace for delivery in deliveries if (trace := delivery.traceparent)}
