"""Pieces of work: what comes, what becomes of it, its history, and when it is overdue. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, timezone
from typing import Literal
from uuid import UUID

from services.desk.clock import Clock, Stage

State = Literal["open", "claimed", "waiting", "returned", "decided", "closed"]
Name = Literal["claim", "handover", "request-correction", "extend", "end-stage", "return", "decide", "close"]
Arriving = Literal["opened", "rerouted", "sent-to-triage"]
What = Literal[Name, Arriving, "correction-accepted", "withdrawn", "succession", "deadline-moved"]

TRIAGE = "triage"
JAPAN = timezone(timedelta(hours=9))


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of work. `staff` is who has claimed it; `last_command` the digest of the last command, by `command_key`.

    `queue` is where within the department it waits, if it has a place of its own; `overlays` were on when it was routed.
    While its clock `stands_still`, `due_on` is the day that was the last when it stopped; `told_until` is the latest day that
    an extension told the citizen.
    """

    case_id: UUID
    application_id: UUID
    receipt: str
    department: str
    procedure: str
    due_on: date
    state: State
    staff: str | None = None
    last_command: bytes | None = None
    command_key: str | None = None
    stands_still: bool = False
    queue: str | None = None
    told_until: date | None = None
    queue_names: Mapping[str, str] | None = None
    overlays: tuple[str, ...] = ()
    stages: tuple[Stage, ...] = ()

    @property
    def clock(self) -> Clock:
        """How its clock stands."""
        return Clock(self.due_on, self.stands_still, self.stages, self.told_until)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A case as routing sends it to a department. `why`, `content` (the application), `stages` and `queue_names` are JSON."""

    what: Arriving
    case_id: UUID
    application_id: UUID
    receipt: str
    department: str
    procedure: str
    due_on: date
    at: datetime
    why: bytes
    content: bytes
    stages: bytes | None = None
    queue: str | None = None
    overlays: tuple[str, ...] = ()
    queue_names: bytes | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """The clock of a case as routing says it stands now; `due_on` is None while it stands still. `note` and `stages` are JSON."""

    case_id: UUID
    at: datetime
    due_on: date | None
    stages: bytes | None
    note: bytes


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


def resumed(items: Iterable[Item], asked: Mapping[UUID, datetime], received: Mapping[UUID, datetime]) -> list[Item]:
    """The items that waited for a correction, now that it is there: back to whoever asked for it.

    `asked` is when each case asked, `received` when the last correction of its application was received: one that was on its
    way before it was asked for answers nothing, as routing's clock sees it too. The last command is forgotten: asking for the
    same again is a new wish.
    """
    return [
        replace(item, state="claimed", last_command=None)
        for item in items
        if item.state == "waiting" and asked[item.case_id] <= received[item.application_id]
    ]


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


def last_turns(turns: Iterable[Turn]) -> list[Turn]:
    """How every clock stands in the end."""
    return list({turn.case_id: turn for turn in turns}.values())


def turn_steps(turns: Iterable[Turn], items: Iterable[Item]) -> list[Step]:
    """The history of clocks that moved, in the departments that have the cases."""
    departments = {item.case_id: item.department for item in items}
    return [
        Step(turn.case_id, turn.at, "deadline-moved", departments[turn.case_id], None, turn.note)
        for turn in turns
        if turn.case_id in departments
    ]


def steps(what: What, items: Iterable[Item], at: datetime) -> list[Step]:
    """The history of what happened to items without anybody at a desk."""
    return [Step(item.case_id, at, what, item.department, None, b"{}") for item in items]


def today(now: datetime) -> date:
    """The day it is in Japan."""
    return now.astimezone(JAPAN).date()


def overdue(item: Item, today: date) -> bool:
    """Whether its day, or that of a stage, has passed undecided; the clock stands still while a correction is awaited."""
    late = item.clock.has_passed(today) or bool(item.clock.late_stages(today))
    return late and item.state in ("open", "claimed", "returned")
