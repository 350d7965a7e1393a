"""What intake does with what it reads."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import singledispatch
from uuid import UUID

from chassis.consuming import Handlers, Verbatim
from chassis.database import Tx
from contracts import topics
from contracts.channels import ApplicationSubmitted, ApplicationWithdrawn, CorrectionSubmitted
from contracts.envelope import Event, Header, Model
from contracts.intake import (
    ApplicationAccepted,
    ApplicationRejected,
    CorrectionAccepted,
    Fault,
    Masked,
    Origin,
    WithdrawalAccepted,
)
from contracts.reading import Submission
from services.intake import rules, store, timeline
from services.intake.guarding import Guarded, Place
from services.intake.rejections import fault_of
from services.intake.rules import Known, Sent, Verdict
from services.intake.seals import Seals
from services.intake.senders import admitted
from services.intake.store import NewApplication
from services.intake.timeline import Step

handlers = Handlers()


class ProgressData(Model):
    """What a citizen may see of an event."""

    case_id: UUID | None = None
    cases: int | None = None
    department: str | None = None
    due_on: date | None = None
    cause: str | None = None


class Progress(Header):
    """Any event about an application, as far as the timeline shows it."""

    data: ProgressData


@dataclass(frozen=True, slots=True)
class Judged:
    """A submission and what became of it."""

    submission: Submission
    verdict: Verdict
    masked: tuple[str, ...] = ()
    numbers: Mapping[Place, str] = field(default_factory=lambda: dict[Place, str](), repr=False)


@handlers.consumes(topics.APPLICATIONS, topics.OF_A_CHANNEL)
async def take_in(received: Sequence[Verbatim], tx: Tx, seals: Seals, own: Sequence[str]) -> list[Event]:
    """Everything that channels published as themselves: accepted once, recognised when repeated, refused with every reason.

    `own` are patterns of the sources that the city's own channels may name.
    """
    guarded = await admitted(tx, received, seals, own)
    submissions = [found.submission for found in guarded]
    tx.traces.update({sent.subject: sent.traceparent for sent in submissions if sent.traceparent})
    sent = [sent_of(found, seals) for found in guarded]
    fresh, again = rules.divide(sent, await store.claim_submissions(tx, sent))
    reused = rules.contradictions(again, await store.said_before(tx, again.values()))
    await store.add_contradictions(tx, [again[index] for index in reused])
    judged = await _judge(tx, [guarded[index] for index in fresh], [sent[index] for index in fresh], seals)
    await note_outcomes(tx, judged)
    return [
        *(event for found in judged for event in announce(tx, found, seals)),
        *(rejected(tx, submissions[index], [fault_of(rules.ID_REUSED)]) for index in reused),
    ]


@handlers.consumes(topics.CASES, topics.DESK, topics.NOTICES, topics.RECORDS)
async def note_progress(seen: Sequence[Progress], tx: Tx) -> list[Event]:
    """What happened to applications elsewhere, for their timelines."""
    progress = [event for event in seen if rules.is_about_an_application(event.type)]
    await store.add_steps(tx, [_step(event) for event in progress])
    touched = {event.subject for event in progress if rules.may_settle(event.type, event.data.cases)}
    await store.settle(tx, touched, rules.OPENING, rules.CLOSING)
    return []


def _step(event: Progress) -> tuple[str, Step]:
    data = event.data
    return event.subject, Step(
        event.time, event.type, data.department, data.due_on, data.case_id, data.cases, data.cause
    )


async def claim(tx: Tx, sent: Sequence[Sent]) -> set[tuple[str, str]]:
    """Which (source, id) are new."""
    return await store.claim_submissions(tx, sent)


async def note_outcomes(tx: Tx, judged: Sequence[Judged]) -> None:
    """Write down what became of submissions: what was claimed counts as accepted until then."""
    await store.set_outcomes(tx, [_outcome(found) for found in judged if found.verdict.outcome != "accepted"])


async def judge(tx: Tx, guarded: Sequence[Guarded], sent: Sequence[Sent], seals: Seals) -> list[Judged]:
    """Save what is new, and judge every submission: applications first, then what belongs to one, in their order."""
    return await _judge(tx, guarded, sent, seals)


async def _judge(tx: Tx, guarded: Sequence[Guarded], sent: Sequence[Sent], seals: Seals) -> list[Judged]:
    applications = [
        (this, found.submission.event)
        for this, found in zip(sent, guarded, strict=True)
        if isinstance(found.submission.event, ApplicationSubmitted)
    ]
    numbers = await store.next_numbers(tx, len(applications))
    new = [_new(tx, this, event, number) for (this, event), number in zip(applications, numbers, strict=True)]
    added = await store.add_applications(tx, new)
    known = added | await store.known(tx, rules.referred(sent) - added.keys())
    verdicts = rules.judge(sent, known, added.keys())
    await store.set_state(tx, "withdrawn", rules.withdrawn(sent, verdicts))
    judged = [_judged(found, verdict, seals) for found, verdict in zip(guarded, verdicts, strict=True)]
    await store.add_steps(tx, [step for found in judged for step in _own_steps(tx, found)])
    return judged


def _judged(found: Guarded, verdict: Verdict, seals: Seals) -> Judged:
    """Now its procedure is known: that of the application, whoever spoke of it."""
    settled = found.of(verdict.known.procedure, seals.bases) if verdict.known else found
    return Judged(settled.submission, verdict, settled.masked, settled.numbers)


def _own_steps(tx: Tx, found: Judged) -> list[tuple[UUID | str, Step]]:
    kind = _KIND[type(found.submission.event)]
    return timeline.own_steps(tx.now, found.verdict, kind, masked=bool(found.masked))


def announce(tx: Tx, found: Judged, seals: Seals) -> list[Event]:
    """The events of one verdict; a repeat announces nothing."""
    return _ANNOUNCE[found.verdict.outcome](tx, found, seals)


def rejected(tx: Tx, sent: Submission, faults: Sequence[Fault]) -> ApplicationRejected:
    """The refusal of a submission, every fault named."""
    return ApplicationRejected(key=sent.subject, received_at=tx.now, origin=_origin(sent), faults=tuple(faults))


def faults_of(found: Judged) -> list[Fault]:
    """What was wrong when it was read, and what intake has against it."""
    return [*found.submission.faults, *(fault_of(fault) for fault in found.verdict.faults)]


@singledispatch
def accepted(event: object, _tx: Tx, _known: Known, _origin: Origin, _masked: Masked) -> Event:
    """The event that says a submission of this kind is accepted."""
    raise TypeError(type(event).__name__)


@accepted.register
def _(event: ApplicationSubmitted, tx: Tx, known: Known, origin: Origin, masked: Masked) -> Event:
    return ApplicationAccepted(
        application_id=event.application_id,
        receipt=known.receipt,
        received_at=tx.now,
        origin=origin,
        application=event.application,
        masked=masked,
    )


@accepted.register
def _(event: CorrectionSubmitted, tx: Tx, known: Known, origin: Origin, masked: Masked) -> Event:
    return CorrectionAccepted(
        application_id=event.application_id,
        receipt=known.receipt,
        received_at=tx.now,
        origin=origin,
        facts=event.facts,
        message=event.message,
        individual_number=event.individual_number,
        attachments=event.attachments,
        masked=masked,
    )


@accepted.register
def _(event: ApplicationWithdrawn, tx: Tx, known: Known, origin: Origin, masked: Masked) -> Event:
    return WithdrawalAccepted(
        application_id=event.application_id,
        receipt=known.receipt,
        received_at=tx.now,
        origin=origin,
        message=event.message,
        masked=masked,
    )


def _accepted(tx: Tx, found: Judged, seals: Seals) -> list[Event]:
    known, sent = found.verdict.application, found.submission
    event = accepted(sent.event, tx, known, _origin(sent), found.masked or None)
    numbers = {".".join(map(str, place)).removeprefix("application."): text for place, text in found.numbers.items()}
    return [seals.sealed(event, known.procedure, tx.now, numbers)]


_ANNOUNCE: dict[str, Callable[[Tx, Judged, Seals], list[Event]]] = {
    "accepted": _accepted,
    "rejected": lambda tx, found, _seals: [rejected(tx, found.submission, faults_of(found))],
    "repeated": lambda _tx, _found, _seals: [],
}
_KIND: dict[type, str] = {
    ApplicationSubmitted: "application",
    CorrectionSubmitted: "correction",
    ApplicationWithdrawn: "withdrawal",
    type(None): "unreadable",
}


def sent_of(guarded: Guarded, seals: Seals) -> Sent:
    """A submission as the rules see it. Raises KeyringAway."""
    submission, event = guarded.submission, guarded.submission.event
    return Sent(
        submission.source,
        submission.id,
        getattr(event, "application_id", None),
        _KIND[type(event)],
        seals.digests.digest(submission.digest),
        misread=guarded.misread,
    )


def _new(tx: Tx, sent: Sent, event: ApplicationSubmitted, number: int) -> NewApplication:
    return NewApplication(
        event.application_id,
        rules.receipt_number(number),
        sent.source,
        sent.digest,
        tx.now,
        event.application.procedure,
        event.application.channel,
    )


def _outcome(found: Judged) -> tuple[str, str, str, str | None, str | None]:
    sent, outcome, faults = found.submission, found.verdict.outcome, faults_of(found)
    if not faults:
        return sent.source, sent.id, outcome, None, None
    words = json.dumps([fault.model_dump() for fault in faults], ensure_ascii=False)
    return sent.source, sent.id, outcome, ",".join(sorted({fault.code for fault in faults})), words


def _origin(sent: Submission) -> Origin:
    return Origin(source=sent.source, id=sent.id)
