"""Where the clock of a case stands: a function of all that happened, in whatever order it came to be known. Pure.

What happened comes from two sides: a desk asks, extends and ends stages; what a citizen supplies comes from intake. A request is
answered by the first correction received at or after it. What cannot have happened so, or changes nothing, is left out with the
reason, and everything else counts: an extension notified after the end (介護保険法27条11項), one that ends no later, a stage that
nobody knows.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from services.routing.rules.answering import table_named
from services.routing.rules.assigning import TRIAGE, TRIAGE_TIME, USUAL_CLOCK, Facts, calendar_of, clock_of, overlaid
from services.routing.rules.calendars import Calendar, NotCovered
from services.routing.rules.clock import (
    Clock,
    Extension,
    InvalidEvent,
    Period,
    Stop,
    Stopped,
    due_after,
    local_day,
)
from services.routing.rules.rule_sets import RuleSet
from services.routing.rules.stages import Stage, StagedClock, StageDeadline, progress

Kind = Literal["correction-requested", "correction-accepted", "extended", "stage-ended"]
TRIAGE_CLOCK = Clock(Period(TRIAGE_TIME.days, "days"))
GIVEN = "given to the applicant"
"""The reason of an extension is a person's own words about a person: desk asks for one, and it stays out of routing."""
UNREADABLE = "the rules of the decision cannot be read by this release"


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that concerns a clock. `day` is the new last day of an extension, or that on which `stage` ended."""

    kind: Kind
    at: datetime
    day: date | None = None
    stage: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a clock is counted."""

    clock: Clock
    calendar: Calendar
    received: date
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class Deadline:
    """How a clock stands. While it `stands_still`, `due` is the day that was the last when it stopped."""

    due: date
    stands_still: bool = False
    stages: tuple[StageDeadline, ...] = ()
    left_out: Mapping[Happened, str] = field(default_factory=lambda: dict[Happened, str](), compare=False)
    """What does not count, and why: in words for an operator, without anybody's data."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What one more thing does: the clock after it when that stands otherwise than before, and why it does not count."""

    deadline: Deadline | None
    left_out: str | None = None


class Decided(Protocol):
    """A decision as it is stored."""

    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def rows(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def inputs(self) -> Facts: ...  # noqa: D102
    @property
    def overlays(self) -> tuple[str, ...] | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Case:
    """A case as far as its clock goes. `rule_set` is None where this release cannot read it, `cause` why a person had to decide."""

    rule_set: RuleSet | None
    decision: Decided
    cause: str | None
    received: date
    department: str
    due_on: date
    """The last day that was said when it was opened."""


def terms_of(case: Case, rule_set: RuleSet) -> Terms:
    """By what a case is counted: its row's days, else its procedure's, by the calendar of its district, from the day of receipt.

    Where no row decided it is triage's own time, and the procedure's as soon as a person has found the department.
    """
    decision, rules = case.decision, overlaid(rule_set, case.decision.overlays or ())
    procedure = str(decision.inputs.get("procedure"))
    clock, stages = rules.clocks.get(procedure) or USUAL_CLOCK, rules.stages.get(procedure, ())
    if case.cause is None:
        clock = clock_of(decision.inputs, rules, table_named(rule_set, decision.table).routes[decision.rows[0]])
    elif case.department == TRIAGE:
        clock, stages = TRIAGE_CLOCK, ()
    return Terms(clock, calendar_of(decision.inputs, rules), case.received, stages)


def deadline_of(case: Case, happened: Collection[Happened]) -> Deadline:
    """How the clock of a case stands; where it cannot be counted, as when the case was opened."""
    try:
        return Deadline(case.due_on) if case.rule_set is None else count(terms_of(case, case.rule_set), happened)
    except NotCovered:
        return Deadline(case.due_on)


def move(case: Case, happened: Collection[Happened], new: Happened) -> Moved:
    """What `new` does after all that `happened`; what is known already does nothing."""
    if case.rule_set is None:
        return Moved(None, UNREADABLE)
    terms = terms_of(case, case.rule_set)
    try:
        before, after = count(terms, happened), count(terms, {*happened, new})
    except NotCovered as error:
        return Moved(None, str(error))
    return Moved(None if after == before else after, after.left_out.get(new))


def count(terms: Terms, happened: Collection[Happened]) -> Deadline:
    """How a clock stands after all that happened. Raises NotCovered."""
    left_out: dict[Happened, str] = {}
    events = _extended(terms, [*_stops(happened, terms.received, left_out)], happened, left_out)
    ended = _ended(terms, happened, left_out)
    due_on = due_after(events, terms.clock, terms.calendar, terms.received)
    stages = _stages(terms, ended)
    if isinstance(due_on, Stopped):
        return Deadline(due_on.last, stands_still=True, stages=stages, left_out=left_out)
    return Deadline(due_on, stages=stages, left_out=left_out)


def _of(kind: Kind, happened: Iterable[Happened]) -> list[Happened]:
    """Those of a kind, oldest first."""
    return sorted(
        (one for one in happened if one.kind == kind), key=lambda one: (one.at, one.day or date.min, one.stage)
    )


def _stops(happened: Collection[Happened], received: date, left_out: dict[Happened, str]) -> Iterator[Stop]:
    corrections = _of("correction-accepted", happened)
    for asked in _of("correction-requested", happened):
        day = local_day(asked.at)
        if day < received:
            left_out[asked] = f"asked for on {day}, before the receipt on {received}"
            continue
        answer = next((one for one in corrections if one.at >= asked.at), None)
        yield Stop(day, answer and local_day(answer.at))


def _extended(
    terms: Terms, events: list[Stop | Extension], happened: Collection[Happened], left_out: dict[Happened, str]
) -> list[Stop | Extension]:
    """The events and, one after the other, the extensions that can follow them."""
    for one in _of("extended", happened):
        further = Extension(local_day(one.at), one.day or date.min, GIVEN)
        try:
            due_after([*events, further], terms.clock, terms.calendar, terms.received)
        except InvalidEvent as error:
            left_out[one] = str(error)
        else:
            events = [*events, further]
    return events


def _ended(terms: Terms, happened: Collection[Happened], left_out: dict[Happened, str]) -> dict[str, date]:
    names = [stage.name for stage in terms.stages]
    ended: dict[str, date] = {}
    for one in _of("stage-ended", happened):
        day = one.day or local_day(one.at)
        if one.stage not in names:
            left_out[one] = f"stage {one.stage}: expected one of {', '.join(names) or 'no stages'}"
        elif day < terms.received:
            left_out[one] = f"stage {one.stage}: ended on {day}, before the receipt on {terms.received}"
        else:
            ended.setdefault(one.stage, day)
    return ended


def _stages(terms: Terms, ended: Mapping[str, date]) -> tuple[StageDeadline, ...]:
    """Planned as if those that have not ended end on their last day: what is known does not change by itself from day to day."""
    if not terms.stages:
        return ()
    staged = StagedClock(terms.clock, terms.stages)
    return progress(staged, terms.calendar, terms.received, today=terms.received, ended=ended).stages
