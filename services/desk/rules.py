"""What may be done with a case, by whom, in which state; when it is overdue; the words for staff. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import Literal
from uuid import UUID

State = Literal["open", "claimed", "waiting", "returned", "decided", "closed"]
Name = Literal["claim", "handover", "request-correction", "return", "decide", "close"]
What = Literal[Name, "opened", "rerouted", "sent-to-triage", "correction-accepted", "withdrawn", "succession"]

TRIAGE = "triage"
JAPAN = timezone(timedelta(hours=9))


@dataclass(frozen=True, slots=True)
class Words:
    """One thing said in Japanese and in English."""

    ja: str
    en: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command is not carried out: a stable code, and words that say what to do instead."""

    code: str
    words: Words


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of work. `staff` is who has claimed it; `last_command` the digest of the last command carried out."""

    case_id: UUID
    application_id: UUID
    receipt: str
    department: str
    procedure: str
    due_on: date
    state: State
    staff: str | None = None
    last_command: bytes | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A case as routing sends it to a department. `why` and `content` (the application) are JSON."""

    what: What
    case_id: UUID
    application_id: UUID
    receipt: str
    department: str
    procedure: str
    due_on: date
    at: datetime
    why: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done to a case. `note` is JSON: what was said with it."""

    case_id: UUID
    at: datetime
    what: What
    department: str
    staff: str | None
    note: bytes


@dataclass(frozen=True, slots=True)
class RuleSetStep:
    """One thing that happened to a rule set. `said` is JSON."""

    rule_set: str
    at: datetime
    what: str
    staff: str | None
    said: bytes


@dataclass(frozen=True, slots=True)
class Command:
    """What a member of staff wants done; `digest` tells a command sent again from another one."""

    name: Name
    staff: str
    digest: bytes
    to_staff: str | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a command: the item after it, whether anything changed, or why it is refused."""

    item: Item
    changed: bool = False
    refusal: Refusal | None = None


CLAIM_FIRST = Refusal(
    "claim-first", Words("先にこの案件の担当をお引き受けください。", "Nobody has this case: claim it first.")
)
CLAIMED_BY_ANOTHER = Refusal(
    "claimed-by-another",
    Words(
        "この案件は他の職員が担当しております。その職員に引継ぎをご依頼ください。",
        "A colleague has this case: ask them to hand it over.",
    ),
)
CORRECTION_AWAITED = Refusal(
    "correction-awaited",
    Words(
        "すでに補正をお願いしております。補正が届くまでお待ちください。",
        "A correction is already asked for: wait until it comes.",
    ),
)
RETURNED = Refusal(
    "waiting-for-routing",
    Words(
        "担当課を確認し直しております。担当課が決まるまでお待ちください。",
        "The case was returned: wait until a department is responsible for it.",
    ),
)
DECIDE_FIRST = Refusal(
    "decide-first", Words("先に審査の結果をご登録ください。", "The case is not decided: record the decision first.")
)
DECIDED = Refusal(
    "already-decided",
    Words(
        "審査の結果は登録済みです。この案件を完了してください。",
        "The case is decided: all that is left is to close it.",
    ),
)
CLOSED = Refusal(
    "case-closed",
    Words("この案件は完了しているため、操作できません。", "The case is closed: nothing more can be done with it."),
)
TO_SELF = Refusal(
    "handover-to-self",
    Words("引継ぎ先には他の職員をご指定ください。", "Name a colleague to hand the case over to."),
)
UNTIL_PAST = Refusal(
    "until-past", Words("補正の期限には本日以降の日付をご指定ください。", "`until` is past: name today or a later day.")
)

HELD: frozenset[State] = frozenset({"claimed", "waiting", "decided"})
"""The states in which a case is somebody's."""

# Deciding and returning are open while a correction is awaited: it may never come.
TABLE: Mapping[Name, Mapping[State, State | Refusal]] = {
    "claim": {
        "open": "claimed",
        "claimed": "claimed",
        "waiting": "waiting",
        "returned": RETURNED,
        "decided": "decided",
        "closed": CLOSED,
    },
    "handover": {
        "open": CLAIM_FIRST,
        "claimed": "claimed",
        "waiting": "waiting",
        "returned": RETURNED,
        "decided": "decided",
        "closed": CLOSED,
    },
    "request-correction": {
        "open": CLAIM_FIRST,
        "claimed": "waiting",
        "waiting": CORRECTION_AWAITED,
        "returned": RETURNED,
        "decided": DECIDED,
        "closed": CLOSED,
    },
    "return": {
        "open": CLAIM_FIRST,
        "claimed": "returned",
        "waiting": "returned",
        "returned": RETURNED,
        "decided": DECIDED,
        "closed": CLOSED,
    },
    "decide": {
        "open": CLAIM_FIRST,
        "claimed": "decided",
        "waiting": "decided",
        "returned": RETURNED,
        "decided": DECIDED,
        "closed": CLOSED,
    },
    "close": {
        "open": CLAIM_FIRST,
        "claimed": DECIDE_FIRST,
        "waiting": DECIDE_FIRST,
        "returned": RETURNED,
        "decided": "closed",
        "closed": CLOSED,
    },
}


def judge(item: Item, command: Command, today: date) -> Verdict:
    """Carry out a command, recognise it when it is the last one again, or refuse it."""
    if command.digest == item.last_command:
        return Verdict(item)
    found = _refusal(item, command, today) or TABLE[command.name][item.state]
    if isinstance(found, Refusal):
        return Verdict(item, refusal=found)
    if command.name == "claim" and item.state in HELD:
        return Verdict(item)
    after = replace(item, state=found, staff=_staff_after(command), last_command=command.digest)
    return Verdict(after, changed=True)


def _refusal(item: Item, command: Command, today: date) -> Refusal | None:
    """What stands against a command whatever the table says."""
    if item.state in HELD and item.staff != command.staff:
        return CLAIMED_BY_ANOTHER
    if command.to_staff == command.staff:
        return TO_SELF
    return UNTIL_PAST if command.until is not None and command.until < today else None


def _staff_after(command: Command) -> str | None:
    if command.name == "return":
        return None
    return command.to_staff or command.staff


def digest(name: Name, body: bytes) -> bytes:
    """What a command sent again has in common with the first."""
    return hashlib.sha256(name.encode() + b"\0" + body).digest()


def resumed(items: Iterable[Item]) -> list[Item]:
    """The items that waited for a correction, now that it is there: back to whoever asked for it.

    The last command is forgotten: asking for the same again is a new wish.
    """
    return [replace(item, state="claimed", last_command=None) for item in items if item.state == "waiting"]


def handed_on(items: Iterable[Item]) -> list[Item]:
    """The items of a department that ended, on their way to its successor."""
    return [replace(item, state="returned", staff=None, last_command=None) for item in items]


def withdrawn(items: Iterable[Item]) -> list[Item]:
    """The items of an application that was taken back."""
    return [replace(item, state="closed", last_command=None) for item in items]


def closed(items: Iterable[Item]) -> list[Item]:
    """Those that are closed."""
    return [item for item in items if item.state == "closed"]


def last_of_each(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """Where every case came to in the end, in the order of their ids."""
    last = {arrival.case_id: arrival for arrival in arrivals}
    return sorted(last.values(), key=lambda arrival: arrival.case_id)


def arrival_steps(arrivals: Iterable[Arrival], moved: Iterable[Item]) -> list[Step]:
    """The history of what came to other departments; a case that was decided or closed stayed where it was."""
    ids = {item.case_id for item in moved}
    return [
        Step(arrival.case_id, arrival.at, arrival.what, arrival.department, None, arrival.why)
        for arrival in arrivals
        if arrival.case_id in ids
    ]


def steps(what: What, items: Iterable[Item], at: datetime) -> list[Step]:
    """The history of what happened to items without anybody at a desk."""
    return [Step(item.case_id, at, what, item.department, None, b"{}") for item in items]


def today(now: datetime) -> date:
    """The day it is in Japan."""
    return now.astimezone(JAPAN).date()


def overdue(item: Item, today: date) -> bool:
    """Whether its day has passed undecided; the clock stands still while a correction is awaited."""
    return item.due_on < today and item.state in ("open", "claimed", "returned")
