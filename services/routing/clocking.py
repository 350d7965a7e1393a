"""The clocks of cases: from what desks and citizens say to where each stands now."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from uuid import UUID

from chassis.database import Tx
from contracts.desk import CaseExtended, CorrectionRequested, StageEnded
from contracts.envelope import Event
from contracts.intake import CorrectionAccepted
from contracts.routing import DeadlineMoved, Decision, StageDue
from services.routing import clock_events, store
from services.routing.clock_events import ClockEvent, LeftOut
from services.routing.rules import deadlines
from services.routing.rules.clock import local_day
from services.routing.rules.deadlines import Deadline, Happened, Moved
from services.routing.rules.phrasing import Labels, names_of
from services.routing.rules.rule_sets import RuleSet
from services.routing.rules.stages import StageDeadline
from services.routing.store import RoutedCase


@dataclass(frozen=True, slots=True)
class Running:
    """A case and all that has happened to its clock."""

    routed: RoutedCase
    case: deadlines.Case
    happened: set[Happened]


async def move_clocks(tx: Tx, said: Sequence[ClockEvent]) -> list[Event]:
    """Keep what was said, whatever order it comes in, and announce every clock that stands otherwise because of it."""
    cases = await running(tx, await store.lock_cases_of(tx, {event.application_id for event in said}))
    moved = list(_moves(cases.values(), said))
    await clock_events.keep_clock_events(tx, [(event, _left_out(found)) for event, found in moved])
    return [
        _announced(tx, one, event.happened, result.deadline)
        for event, found in moved
        for one, result in found
        if result.deadline is not None
    ]


async def running(tx: Tx, cases: Collection[RoutedCase]) -> dict[UUID, Running]:
    """These cases with all that has happened to their clocks until now."""
    decisions = {case.case_id: Decision.model_validate_json(case.decision) for case in cases}
    rule_sets = {name: await store.rule_set(tx, name) for name in {one.rule_set for one in decisions.values()}}
    known = defaultdict[UUID, list[ClockEvent]](list)
    for event in await clock_events.clock_events(tx, {case.application_id for case in cases}):
        known[event.application_id].append(event)
    return {
        case.case_id: _running(case, decisions[case.case_id], rule_sets, known[case.application_id]) for case in cases
    }


def deadline_in(one: Running, department: str) -> Deadline:
    """How the clock of a case stands once it is this department's, or triage's."""
    return deadlines.deadline_of(replace(one.case, department=department), one.happened)


def labels_of(one: Running) -> Labels:
    """What people call what the rules of a case call by a code; nothing where this release cannot read them."""
    return one.case.rule_set.labels if one.case.rule_set else {}


async def take_untold(tx: Tx) -> tuple[list[LeftOut], list[Event]]:
    """What did not count and is not logged yet; from now on it is: a command."""
    return await clock_events.take_untold(tx), []


@singledispatch
def clock_event(event: object) -> ClockEvent:
    """What an event does to clocks."""
    raise TypeError(type(event).__name__)


@clock_event.register
def _(event: CorrectionRequested) -> ClockEvent:
    return ClockEvent(event.application_id, event.case_id, Happened("correction-requested", event.at))


@clock_event.register
def _(event: CorrectionAccepted) -> ClockEvent:
    return ClockEvent(event.application_id, None, Happened("correction-accepted", event.received_at))


@clock_event.register
def _(event: CaseExtended) -> ClockEvent:
    return ClockEvent(event.application_id, event.case_id, Happened("extended", event.at, event.until))


@clock_event.register
def _(event: StageEnded) -> ClockEvent:
    return ClockEvent(
        event.application_id, event.case_id, Happened("stage-ended", event.at, event.ended_on, event.stage)
    )


def stages_due(stages: Sequence[StageDeadline], labels: Labels) -> tuple[StageDue, ...] | None:
    """Stages as they are announced, with what people call them."""
    due = (
        StageDue(
            name=one.name,
            due_on=one.due,
            fixed=one.fixed,
            ended_on=one.ended,
            names=names_of(one.name, labels),
        )
        for one in stages
    )
    return tuple(due) or None


def _running(
    routed: RoutedCase, decision: Decision, rule_sets: dict[str, RuleSet | None], known: Sequence[ClockEvent]
) -> Running:
    received = decision.received_on or local_day(routed.opened_at)
    case = deadlines.Case(
        rule_sets[decision.rule_set], decision, routed.cause, received, routed.department, routed.due_on
    )
    return Running(routed, case, {event.happened for event in known if event.is_about(routed.case_id)})


def _moves(
    cases: Collection[Running], said: Sequence[ClockEvent]
) -> Iterator[tuple[ClockEvent, list[tuple[Running, Moved]]]]:
    """What each event does to each case that it is about, one event after the other."""
    by_application = defaultdict[UUID, list[Running]](list)
    for case in cases:
        by_application[case.routed.application_id].append(case)
    for event in said:
        meant = [case for case in by_application[event.application_id] if event.is_about(case.routed.case_id)]
        yield event, [(case, deadlines.move(case.case, case.happened, event.happened)) for case in meant]
        for case in meant:
            case.happened.add(event.happened)


def _left_out(found: Sequence[tuple[Running, Moved]]) -> str | None:
    return next((moved.left_out for _, moved in found if moved.left_out), None)


def _announced(tx: Tx, one: Running, why: Happened, deadline: Deadline) -> Event:
    case, labels = one.routed, labels_of(one)
    return DeadlineMoved(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        at=tx.now,
        cause=why.kind,
        due_on=None if deadline.stands_still else deadline.due,
        stages=stages_due(deadline.stages, labels),
    )
