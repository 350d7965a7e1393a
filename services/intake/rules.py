"""What intake decides: accepted, repeated or rejected; the receipt number; what settles an application. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

Outcome = Literal["accepted", "repeated", "rejected"]
State = Literal["open", "withdrawn", "closed"]


@dataclass(frozen=True, slots=True)
class Digest:
    """What is kept of a content, to tell a repeat from a contradiction: `value`, made by the key of that name.

    `under` makes it by another key: what came before may have been kept under one of last year. None under one that is gone.
    """

    value: bytes
    key: str | None
    under: Callable[[str | None], bytes | None] = field(compare=False, repr=False)

    def is_of(self, value: bytes, key: str | None) -> bool:
        """Whether a digest that was kept is of the same content."""
        return value == (self.value if key == self.key else self.under(key))


@dataclass(frozen=True, slots=True)
class Said:
    """What was said under a source and an id before: the digest, and the name of its key."""

    source: str
    id: str
    digest: bytes
    digest_key: str | None


@dataclass(frozen=True, slots=True)
class Before:
    """What became of a submission: the application that it spoke of, which need not be its source's own when it was refused.

    `codes` are those of its faults, None where it was not refused.
    """

    application_id: UUID | None
    outcome: Outcome
    codes: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """An application the city holds; `digest` is of its content, by the key of that name."""

    application_id: UUID
    receipt: str
    source: str
    digest: bytes
    received_at: datetime
    state: State
    procedure: str
    channel: str
    digest_key: str | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: where, a stable code, and words that say what to do."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Sent:
    """One submission. `application_id` is None when it could not be read."""

    source: str
    id: str
    application_id: UUID | None
    kind: str
    digest: Digest
    misread: bool = False
    """Whether what stood in the field for an Individual Number is none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one submission."""

    outcome: Outcome
    known: Known | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def application(self) -> Known:
        """The application that it is about. Raises LookupError for a refusal that is about none."""
        if self.known is None:
            raise LookupError("a refusal is about no application")
        return self.known


ID_REUSED = Fault("id", "id-reused", "This id came before with another content. Give a new event a new id.")
REFUSED_BEFORE = "refused-before"
"""Over HTTP a refusal leaves nothing behind; on Kafka, where nobody can mend at once, it stays."""
TAKEN = Fault("subject", "application-id-taken", "This application id is taken by another content. Mint a new UUIDv7.")
UNKNOWN = Fault("application_id", "unknown-application", "No such application of this source. Submit it first.")
OVER = Fault(
    "application_id", "application-over", "The application is withdrawn or closed: nothing can be added to it."
)

CAN_ASK_BACK = frozenset({"portal", "counter", "web", "line", "phone"})
"""Channels over which the citizen is asked at once to mend what is wrong; on others what can be kept is kept."""
MISREAD = Fault(
    "data.individual_number",
    "individual-number-misread",
    "個人番号（マイナンバー）が正しくありません。カードや通知書の12桁の番号をお確かめのうえ、もう一度お送りください。"
    " These are not the twelve digits of an Individual Number: compare them with the card, or leave the field out, and send again.",
)

TO_MEND = frozenset({MISREAD.code})
"""What is wrong with a submission itself, and is found only when its application is known."""


def divide(submissions: Sequence[Sent], fresh: Collection[tuple[str, str]]) -> tuple[list[int], dict[int, Sent]]:
    """Indexes of the first submission under each fresh (source, id), and all the others: they came before."""
    first: dict[tuple[str, str], int] = {}
    for index, sent in enumerate(submissions):
        if (sent.source, sent.id) in fresh:
            first.setdefault((sent.source, sent.id), index)
    chosen = set(first.values())
    return list(first.values()), {index: sent for index, sent in enumerate(submissions) if index not in chosen}


def contradictions(again: Mapping[int, Sent], said: Collection[Said]) -> list[int]:
    """Indexes of what came again and says something that was never said before under its source and id, each content once."""
    before: dict[tuple[str, str], list[Said]] = {}
    for one in said:
        before.setdefault((one.source, one.id), []).append(one)
    first: dict[tuple[str, str, bytes], int] = {}
    for index, sent in again.items():
        if not any(sent.digest.is_of(one.digest, one.digest_key) for one in before.get((sent.source, sent.id), ())):
            first.setdefault((sent.source, sent.id, sent.digest.value), index)
    return list(first.values())


def against(sent: Sent, said: Said | None, before: Before | None) -> Fault | None:
    """What stands against a submission whose source and id came before; None where it is the same again, and was not refused."""
    if said is None or before is None or not sent.digest.is_of(said.digest, said.digest_key):
        return ID_REUSED
    if before.outcome != "rejected":
        return None
    codes = ", ".join((before.codes or "").split(","))
    message = (
        f"この event は前に届き、受け付けられていません（{codes}）。直したうえで、別の id でお送りください。"
        f" This event came before and was refused ({codes}): mend it, and send it again under another id."
    )
    return Fault("id", REFUSED_BEFORE, message)


def referred(submissions: Sequence[Sent]) -> set[UUID]:
    """The applications that are spoken of."""
    return {sent.application_id for sent in submissions if sent.application_id is not None}


def judge(submissions: Sequence[Sent], known: Mapping[UUID, Known], added: Collection[UUID]) -> list[Verdict]:
    """A verdict for every submission, in order.

    The first submission of an application just added is accepted; a further one is the same again, or a contradiction.
    """
    states = dict(known)
    unclaimed = set(added)
    verdicts: list[Verdict] = []
    for sent in submissions:
        found = states.get(sent.application_id) if sent.application_id else None
        verdict = _verdict(sent, found, is_new=sent.application_id in unclaimed)
        if verdict.outcome == "accepted" and found is not None:
            unclaimed.discard(found.application_id)
            if sent.kind == "withdrawal":
                states[found.application_id] = replace(found, state="withdrawn")
        verdicts.append(verdict)
    return verdicts


def _verdict(sent: Sent, found: Known | None, *, is_new: bool) -> Verdict:
    if sent.kind == "unreadable":
        return Verdict("rejected")
    if sent.kind == "application":
        return _judge_application(sent, found, is_new=is_new)
    return _judge_followup(sent, found)


def _judge_application(sent: Sent, found: Known | None, *, is_new: bool) -> Verdict:
    if found is not None and found.source == sent.source and sent.digest.is_of(found.digest, found.digest_key):
        return Verdict("accepted" if is_new else "repeated", found)
    return Verdict("rejected", None, (TAKEN,))


def _judge_followup(sent: Sent, found: Known | None) -> Verdict:
    if found is None or found.source != sent.source:
        return Verdict("rejected", None, (UNKNOWN,))
    if found.state != "open":
        return Verdict("rejected", found, (OVER,))
    if sent.misread and found.channel in CAN_ASK_BACK:
        return Verdict("rejected", found, (MISREAD,))
    return Verdict("accepted", found)


def withdrawn(submissions: Sequence[Sent], verdicts: Sequence[Verdict]) -> list[UUID]:
    """The applications that were taken back."""
    return [
        verdict.known.application_id
        for sent, verdict in zip(submissions, verdicts, strict=True)
        if sent.kind == "withdrawal" and verdict.outcome == "accepted" and verdict.known is not None
    ]


def is_about_an_application(event_type: str) -> bool:
    """Whether an event of this type belongs on a timeline: those of rule sets and overlays concern nobody's application.

    What is suggested to whoever triages is for staff: it is no step, and may be wrong. Who looked at a case or a record, or
    for it, is told on request, from the access log, and is no step either.
    """
    return not event_type.startswith(
        (
            "jp.madoguchi.rule-set.",
            "jp.madoguchi.overlay.",
            "jp.madoguchi.case.departments-suggested.",
            "jp.madoguchi.case.viewed.",
            "jp.madoguchi.case.individual-numbers-viewed.",
            "jp.madoguchi.search.",
            "jp.madoguchi.record.viewed.",
        )
    )


OPENING = ("jp.madoguchi.case.opened.v1", "jp.madoguchi.case.sent-to-triage.v1")
CLOSING = "jp.madoguchi.case.closed.v1"


def may_settle(event_type: str, cases: int | None) -> bool:
    """Whether an event can change if an application is closed: a case was closed, or one of several opened late.

    `cases` is how many cases the application opened, None for one: its opening is never late.
    """
    return event_type == CLOSING or (event_type in OPENING and cases is not None)


def check_digit(digits: str) -> str:
    """ISO/IEC 7064 MOD 11,10: finds every single wrong digit and nearly every swap of neighbours."""
    product = 10
    for digit in digits:
        total = (product + int(digit)) % 10 or 10
        product = total * 2 % 11
    return str((11 - product) % 10)


def receipt_number(sequence: int) -> str:
    """`0000-0012-3456-7`: twelve digits and their check digit. Digits only, so that it can be read out and keyed in."""
    digits = f"{sequence:012d}"
    return _written(digits + check_digit(digits))


def receipt_of(text: str) -> str | None:
    """The receipt number that `text` says, with or without hyphens; None when its check digit is wrong, or it is none."""
    digits = text.replace("-", "")
    is_one = digits.isascii() and digits.isdigit() and len(digits) == 13 and check_digit(digits[:12]) == digits[12]
    return _written(digits) if is_one else None


def _written(digits: str) -> str:
    return "-".join((digits[:4], digits[4:8], digits[8:12], digits[12:]))
