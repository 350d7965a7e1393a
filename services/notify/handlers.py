"""What notify does with what it reads, and with what the mail server answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import singledispatch
from typing import Any

from chassis.consuming import Batch, Handlers
from chassis.database import Tx
from contracts import topics
from contracts.desk import CaseDecided, CaseExtended, CorrectionRequested
from contracts.envelope import CloudEvent, Event
from contracts.intake import ApplicationAccepted, CorrectionAccepted, WithdrawalAccepted
from contracts.notify import (
    NoticeFailed,
    NoticeFailedV2,
    NoticeQueued,
    NoticeQueuedV2,
    NoticeSent,
    NoticeSentV2,
    NoticeWithheld,
    NoticeWithheldV2,
)
from sealing.opener import require_sealed
from sealing.places import place_of
from services.notify import mails, rules, store
from services.notify.rules import Answer, Contact, Kind, Letter, Mark, Notice, State
from services.notify.seals import Seals

handlers = Handlers()


@handlers.consumes(topics.INTAKE)
async def say_received(accepted: Batch[ApplicationAccepted], tx: Tx, seals: Seals) -> list[Event]:
    """Keep how the citizen is reached, say that the application is here, and release what waited for the address."""
    require_sealed(accepted)
    first = [_first(tx, event, seals) for event in accepted]
    early = await store.open_contacts(tx, first)
    released = await store.release(tx, early)
    said = [event for notice, contact, state in [*first, *released] for event in announce(tx, notice, contact, state)]
    return [*said, *await _say(tx, _of_masked(accepted, tx))]


@handlers.consumes(topics.INTAKE)
async def say_withdrawn(withdrawn: Batch[WithdrawalAccepted], tx: Tx) -> list[Event]:
    """The application is taken back: say so."""
    require_sealed(withdrawn)
    said = await _say(tx, [notice_of(event.data, tx, event.traceparent) for event in withdrawn])
    return [*said, *await _say(tx, _of_masked(withdrawn, tx))]


@handlers.consumes(topics.INTAKE)
async def say_masked(corrected: Batch[CorrectionAccepted], tx: Tx) -> list[Event]:
    """Of a correction nothing is said but that an Individual Number in it was made unreadable."""
    require_sealed(corrected)
    return await _say(tx, _of_masked(corrected, tx))


@handlers.consumes(topics.DESK)
async def say_what_the_desk_did(
    seen: Batch[CorrectionRequested | CaseExtended | CaseDecided], tx: Tx, seals: Seals
) -> list[Event]:
    """A desk asked, needs more time, or decided: say so, when the address is known."""
    require_sealed(seen)
    return await _say(
        tx, [_with_words(event.data, notice_of(event.data, tx, event.traceparent), seals) for event in seen]
    )


async def claim(tx: Tx, most: int, lease: timedelta) -> tuple[list[Letter], list[Event]]:
    """The next letters to send: a command."""
    return await store.claim(tx, most, lease), []


async def settle(tx: Tx, answers: Sequence[Answer], most_attempts: int, domain: str) -> tuple[list[Mark], list[Event]]:
    """Write down and announce what became of letters, as far as their claims were still good: a command."""
    marks = [rules.judge(answer, tx.now, most_attempts) for answer in answers]
    good = await store.mark(tx, marks)
    kept = [mark for mark in marks if mark.letter.notice.notice_id in good]
    tx.traces.update(_traces(kept))
    return kept, [event for mark in kept for event in _SETTLED[mark.state](tx, mark, domain)]


async def _say(tx: Tx, notices: Sequence[Notice]) -> list[Event]:
    if not notices:
        return []
    contacts = await store.contacts_of(tx, notices)
    said = [(notice, contacts[notice.application_id]) for notice in notices]
    await store.add_notices(tx, [(notice, rules.state_of(contact)) for notice, contact in said])
    return [event for notice, contact in said for event in announce(tx, notice, contact, rules.state_of(contact))]


def _of_masked(seen: Sequence[CloudEvent[Any]], tx: Tx) -> list[Notice]:
    """The notices that an Individual Number was made unreadable, for those of `seen` in which one was."""
    return [
        Notice(tx.new_id(), event.data.application_id, event.data.receipt, "individual-number", event.traceparent)
        for event in seen
        if event.data.masked
    ]


@singledispatch
def _with_words(said: object, _notice: Notice, _seals: Seals) -> Notice:
    """With what a person wrote, sealed as it came; the reasons of a decision are in no mail."""
    raise TypeError(type(said).__name__)


@_with_words.register
def _(said: CorrectionRequested | CaseExtended, notice: Notice, seals: Seals) -> Notice:
    place = place_of(said)
    return replace(notice, sealed=seals.words(said.sealed, place), place=place.event)


@_with_words.register
def _(_: CaseDecided, notice: Notice, __: Seals) -> Notice:
    return notice


def _first(tx: Tx, event: CloudEvent[ApplicationAccepted], seals: Seals) -> tuple[Notice, Contact, State]:
    contact = seals.contact(event.data.application, event.data.application_id)
    return notice_of(event.data, tx, event.traceparent), contact, rules.state_of(contact)


@singledispatch
def notice_of(event: object, _tx: Tx, _traceparent: str | None) -> Notice:
    """The notice that tells a citizen of `event`."""
    raise TypeError(type(event).__name__)


@notice_of.register
def _(event: ApplicationAccepted, tx: Tx, traceparent: str | None) -> Notice:
    return Notice(tx.new_id(), event.application_id, event.receipt, "receipt", traceparent)


@notice_of.register
def _(event: WithdrawalAccepted, tx: Tx, traceparent: str | None) -> Notice:
    return Notice(tx.new_id(), event.application_id, event.receipt, "withdrawal", traceparent)


@notice_of.register
def _(event: CorrectionRequested, tx: Tx, traceparent: str | None) -> Notice:
    return Notice(
        tx.new_id(),
        event.application_id,
        event.receipt,
        "correction",
        traceparent,
        wanted=rules.plain(event.wanted),
        until=event.until,
    )


@notice_of.register
def _(event: CaseExtended, tx: Tx, traceparent: str | None) -> Notice:
    return Notice(
        tx.new_id(),
        event.application_id,
        event.receipt,
        "extension",
        traceparent,
        until=event.until,
        reason=rules.plain(event.reason),
    )


@notice_of.register
def _(event: CaseDecided, tx: Tx, traceparent: str | None) -> Notice:
    return Notice(tx.new_id(), event.application_id, event.receipt, "result", traceparent, outcome=event.outcome)


def announce(tx: Tx, notice: Notice, contact: Contact, state: State) -> list[Event]:
    """What is said of a new notice; of one that waits for its address nothing yet."""
    return _ANNOUNCE[state](tx, notice, contact)


def _about(tx: Tx, notice: Notice) -> dict[str, Any]:
    """What every event of a notice says."""
    return {
        "application_id": notice.application_id,
        "notice_id": notice.notice_id,
        "receipt": notice.receipt,
        "kind": notice.kind,
        "at": tx.now,
    }


@dataclass(frozen=True, slots=True)
class _Version:
    """The events of one version of the contract."""

    queued: type[NoticeQueued | NoticeQueuedV2]
    sent: type[NoticeSent | NoticeSentV2]
    failed: type[NoticeFailed | NoticeFailedV2]
    withheld: type[NoticeWithheld | NoticeWithheldV2]


_V1 = _Version(NoticeQueued, NoticeSent, NoticeFailed, NoticeWithheld)
_V2 = _Version(NoticeQueuedV2, NoticeSentV2, NoticeFailedV2, NoticeWithheldV2)
_SAYS: dict[Kind, _Version] = {
    "receipt": _V1,
    "correction": _V1,
    "extension": _V2,
    "individual-number": _V2,
    "result": _V1,
    "withdrawal": _V1,
}
"""Readers of version 1 go on being told what it has words for."""


def _queued(tx: Tx, notice: Notice, contact: Contact) -> list[Event]:
    queued = _SAYS[notice.kind].queued
    return [queued(**_about(tx, notice), medium="email", language=contact.language or "ja")]


def _withheld(tx: Tx, notice: Notice, _contact: Contact) -> list[Event]:
    return [_SAYS[notice.kind].withheld(**_about(tx, notice), cause="no-address")]


_ANNOUNCE: dict[State, Callable[[Tx, Notice, Contact], list[Event]]] = {
    "queued": _queued,
    "withheld": _withheld,
    "waiting": lambda _tx, _notice, _contact: [],
}


def _sent(tx: Tx, mark: Mark, domain: str) -> list[Event]:
    notice = mark.letter.notice
    sent = _SAYS[notice.kind].sent
    return [sent(**_about(tx, notice), message_id=mails.message_id(notice.notice_id, domain))]


def _failed(tx: Tx, mark: Mark, _domain: str) -> list[Event]:
    notice, code = mark.letter.notice, mark.smtp_code or rules.NO_ANSWER
    return [_SAYS[notice.kind].failed(**_about(tx, notice), smtp_code=code, attempts=mark.attempts)]


_SETTLED: dict[State, Callable[[Tx, Mark, str], list[Event]]] = {
    "sent": _sent,
    "failed": _failed,
    "queued": lambda _tx, _mark, _domain: [],
}


def _traces(marks: Sequence[Mark]) -> dict[str, str]:
    notices = [mark.letter.notice for mark in marks]
    return {str(notice.application_id): notice.traceparent for notice in notices if notice.traceparent}
