"""What archive does with what it reads."""

from collections.abc import Sequence

import rfc8785

from chassis.consuming import Handlers, Kept
from chassis.database import Tx
from contracts import topics
from contracts.archive import RecordSealed
from contracts.envelope import Event
from services.archive import rules, store
from services.archive.rules import Happening, Link, Record

handlers = Handlers()

_SWEPT = 200


@handlers.consumes(topics.INTAKE, topics.CASES, topics.DESK, topics.NOTICES)
async def keep(events: Sequence[Kept], tx: Tx) -> list[Event]:
    """Keep every event as it is, and seal the record of every application that has become complete.

    What arrives for a sealed application is kept beside its record, which stays as it is.
    """
    happenings = [happening(event) for event in events]
    await store.keep(tx, happenings)
    await store.mark_closing(tx, rules.closing(happenings))
    return await seal_complete(tx, await store.closing_among(tx, rules.touched(happenings)))


async def sweep(tx: Tx) -> tuple[int, list[Event]]:
    """Seal what two instances at once could not see to be complete, each knowing one half of it: a command.

    Returns how many were sealed.
    """
    sealed = await seal_complete(tx, await store.closing_for_long(tx, _SWEPT))
    return len(sealed), sealed


async def seal_complete(tx: Tx, candidates: Sequence[str]) -> list[Event]:
    """Seal the record of every candidate of which everything has arrived."""
    histories = await store.histories(tx, candidates)
    finished = [history for history in histories.values() if rules.complete(history)]
    return [announce(record, len(history)) for record, history in await seal(tx, finished)]


async def seal(tx: Tx, finished: Sequence[Sequence[Happening]]) -> list[tuple[Record, Sequence[Happening]]]:
    """Seal one record after the other, each chained to the one before."""
    sealed: list[tuple[Record, Sequence[Happening]]] = []
    for history in finished:
        link = await store.end_of_chain(tx)
        record = write(tx, history, link)
        await store.seal(tx, record)
        sealed.append((record, history))
    return sealed


def write(tx: Tx, history: Sequence[Happening], link: Link) -> Record:
    """The record of a history: canonical JSON (RFC 8785)."""
    content = rules.content(history, link, tx.new_id(), tx.now)
    return rules.seal(content, rfc8785.dumps(content), tx.now)


def happening(event: Kept) -> Happening:
    """A kept event as the rules see it."""
    return Happening(event.header.subject, event.header.id, event.header.type, event.header.time, event.body)


def announce(record: Record, events: int) -> RecordSealed:
    """That a record was sealed."""
    return RecordSealed(
        application_id=record.application_id,
        record_id=record.record_id,
        receipt=record.receipt,
        sealed_at=record.sealed_at,
        number=record.number,
        digest=record.digest.hex(),
        previous=record.previous.hex(),
        events=events,
    )
