"""Redrive: a parked key handled again, in order, by the same handlers, audited. A rehearsal shows what would happen."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from chassis import journal, progress
from chassis.consuming import Delivery, Handlers
from chassis.database import Owned, Tx, rehearsal, transaction
from chassis.errors import cause_of, is_poison
from chassis.progress import Parked
from chassis.subscription import Record


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of one key: events handled, events left, and the cause of the first that is left."""

    key: str
    handled: int
    left: int
    cause: str | None


async def redrive(
    connection: Owned,
    source: str,
    handlers: Handlers,
    keys: Sequence[str],
    by: str,
    *,
    dry: bool,
) -> AsyncIterator[Redriven]:
    """Handle the parked events of `keys`, one transaction a key; nothing is kept of a dry run.

    A key is done up to the first event that is still poison; it and what waits behind it stay parked, in order.
    """
    for key in keys:
        await _foresee(connection, handlers, key)
        async with (rehearsal if dry else transaction)(connection) as tx:
            found = await _redrive_key(tx, source, handlers, key, by)
        yield found


async def _foresee(connection: Owned, handlers: Handlers, key: str) -> None:
    async with rehearsal(connection) as tx:
        parked = await progress.take_parked(tx, key)
    events = [handlers.read(_record(key, event), event.number).event for event in parked]
    await handlers.foresight([event for event in events if event is not None])


async def _redrive_key(tx: Tx, source: str, handlers: Handlers, key: str, by: str) -> Redriven:
    parked = await progress.take_parked(tx, key)
    handled: list[int] = []
    cause: str | None = None
    for event in parked:
        cause = await _handle(tx, source, key, handlers.read(_record(key, event), event.number))
        if cause is not None:
            break
        handled.append(event.id)
    await progress.settle_parked(tx, key, handled, cause, by)
    return Redriven(key, len(handled), len(parked) - len(handled), cause)


async def _handle(tx: Tx, source: str, key: str, delivery: Delivery) -> str | None:
    """None when it went well, else the class of what is wrong. Raises what is not the event's fault."""
    if delivery.fault is not None:
        return f"unreadable: {delivery.fault}"
    if delivery.handling is None or delivery.event is None:
        return None
    try:
        async with tx.connection.transaction():
            if delivery.traceparent:
                tx.traces[key] = delivery.traceparent
            said = await delivery.handling.call([delivery.event], tx)
            await journal.append(tx, journal.lines(tx, source, said))
    except Exception as error:
        if not is_poison(error):
            raise
        return cause_of(error)
    return None


def _record(key: str, event: Parked) -> Record:
    return Record(event.topic, event.partition, event.offset, key.encode(), event.value, event.headers)
