"""What routing does with what it reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from chassis.consuming import Batch, Handlers
from chassis.database import Tx
from contracts import topics
from contracts.channels import Application
from contracts.desk import CaseExtended, CaseReturned, CorrectionRequested, StageEnded
from contracts.envelope import Event
from contracts.intake import ApplicationAccepted, CorrectionAccepted
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage, Decision
from contracts.rule_sets import RuleSetCameIntoForce, RuleSetSuperseded
from services.routing import clocking, moves, questions, store
from services.routing.clocking import Running
from services.routing.deciding import Decided, decide
from services.routing.moves import Move
from services.routing.rules import assigning, lifecycle
from services.routing.rules.clock import local_day
from services.routing.rules.deadlines import Deadline
from services.routing.rules.lifecycle import Succession
from services.routing.rules.overlays import active
from services.routing.rules.phrasing import names_of
from services.routing.rules.rule_sets import RuleSet
from services.routing.store import RoutedCase

handlers = Handlers()


@handlers.consumes(topics.INTAKE)
async def route(accepted: Batch[ApplicationAccepted], tx: Tx) -> list[Event]:
    """Make departments responsible for every accepted application, by the rules of the time it was received, or ask a person."""
    rules = await _rules(tx, [event.data.received_at for event in accepted])
    routed = [case for event, rule in zip(accepted, rules, strict=True) for case in _decide(tx, event.data, rule)]
    await store.open_cases(tx, [case for case, _ in routed])
    await questions.keep(tx, questions.asked_by(event for _, event in routed))
    return [event for _, event in routed]


@handlers.consumes(topics.DESK)
async def take_back(returned: Batch[CaseReturned], tx: Tx) -> list[Event]:
    """Give a returned case to the department its desk names, or to triage."""
    (now,) = await _rules(tx, [tx.now])
    cases = await store.cases(tx, [event.data.case_id for event in returned])
    clocks = await clocking.running(tx, cases.values())
    moved = [_move(tx, event.data, clocks[event.data.case_id], now.rule_set) for event in returned]
    await store.move_cases(tx, [(move.case_id, move.to_department) for move, _ in moved])
    await moves.add_moves(tx, [move for move, _ in moved])
    await questions.keep(tx, questions.asked_by(event for _, event in moved))
    return [event for _, event in moved]


@handlers.consumes(topics.DESK)
async def stop_and_extend(said: Batch[CorrectionRequested | CaseExtended | StageEnded], tx: Tx) -> list[Event]:
    """A desk asked for a correction, gave notice of an extension, or ended a stage: the case's clock moves."""
    return await clocking.move_clocks(tx, [clocking.clock_event(event.data) for event in said])


@handlers.consumes(topics.INTAKE)
async def go_on(accepted: Batch[CorrectionAccepted], tx: Tx) -> list[Event]:
    """What was asked for is there: the clocks that stood still go on from the day on which it came."""
    return await clocking.move_clocks(tx, [clocking.clock_event(event.data) for event in accepted])


async def bring_into_force(tx: Tx) -> tuple[list[str], list[Event]]:
    """Announce the approved rule sets whose time has come: a command. Returns their hashes."""
    coming = lifecycle.successions(await store.lock_standing_lives(tx), tx.now)
    await store.save_lives(tx, [life for one in coming for life in lifecycle.changed(one)])
    return [one.coming.hash for one in coming], [event for one in coming for event in _in_force(tx, one)]


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides an application: the rule set of its time, and the overlays that were on."""

    rule_set: RuleSet
    overlays: tuple[str, ...]


async def _rules(tx: Tx, instants: Sequence[datetime]) -> list[Rules]:
    """What decides at each instant."""
    terms, switches = await store.deciding(tx)
    return [
        Rules(await store.first_readable(tx, lifecycle.deciding(terms, instant)), tuple(active(switches, instant)))
        for instant in instants
    ]


def _in_force(tx: Tx, succession: Succession) -> list[Event]:
    coming, since = succession.coming.hash, succession.coming.in_force_from or tx.now
    ended = [] if succession.superseded is None else [succession.superseded.hash]
    return [
        *(RuleSetSuperseded(rule_set=name, at=tx.now, by=coming, until=since) for name in ended),
        RuleSetCameIntoForce(rule_set=coming, at=tx.now, in_force_from=since),
    ]


def _decide(tx: Tx, accepted: ApplicationAccepted, rules: Rules) -> list[tuple[RoutedCase, Event]]:
    """One case and what is said of it for every department that an application concerns."""
    day = local_day(accepted.received_at)
    decided = decide(rules.rule_set, rules.overlays, _facts(accepted.application), day)
    cases = len(decided) if len(decided) > 1 else None
    return [_case(tx, accepted, one, cases) for one in decided]


def _case(tx: Tx, accepted: ApplicationAccepted, decided: Decided, cases: int | None) -> tuple[RoutedCase, Event]:
    found = decided.assignment
    case = RoutedCase(
        tx.new_id(),
        accepted.application_id,
        accepted.receipt,
        tx.now,
        found.department,
        found.due_on,
        decided.stored,
        found.cause,
    )
    return case, _ANNOUNCE[found.cause is None](case, decided, accepted.application, cases)


def _facts(application: Application) -> assigning.Facts:
    """What rules may see: never the applicant."""
    return application.facts | {
        "procedure": application.procedure,
        "channel": application.channel,
        "municipality": application.municipality,
    }


def _opened(case: RoutedCase, decided: Decided, application: Application, cases: int | None) -> Event:
    return CaseOpened(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        opened_at=case.opened_at,
        department=case.department,
        due_on=case.due_on,
        decision=decided.decision,
        application=application,
        cases=cases,
        stages=clocking.stages_due(decided.stages, decided.labels),
        queue=decided.assignment.queue,
        queue_names=names_of(decided.assignment.queue or "", decided.labels),
    )


def _sent_to_triage(case: RoutedCase, decided: Decided, application: Application, cases: int | None) -> Event:
    return CaseSentToTriage(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        sent_at=case.opened_at,
        cause=decided.assignment.cause or "no-match",
        due_on=case.due_on,
        decision=decided.decision,
        application=application,
        cases=cases,
    )


_ANNOUNCE: dict[bool, Callable[[RoutedCase, Decided, Application, int | None], Event]] = {
    True: _opened,
    False: _sent_to_triage,
}


def _move(tx: Tx, returned: CaseReturned, running: Running, rule_set: RuleSet) -> tuple[Move, Event]:
    case = running.routed
    department = assigning.reassign(returned.suggestion, case.department, rule_set, local_day(tx.now))
    move = Move(case.case_id, case.department, department or assigning.TRIAGE, returned.reason)
    deadline = clocking.deadline_in(running, move.to_department)
    return move, _MOVED[department is None](tx, returned, running, move.to_department, deadline)


def _rerouted(tx: Tx, returned: CaseReturned, running: Running, department: str, deadline: Deadline) -> Event:
    case = running.routed
    return CaseRerouted(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        rerouted_at=tx.now,
        from_department=case.department,
        department=department,
        due_on=deadline.due,
        reason=returned.reason,
        application=returned.application,
        stages=clocking.stages_due(deadline.stages, clocking.labels_of(running)),
    )


def _returned_to_triage(tx: Tx, returned: CaseReturned, running: Running, _: str, deadline: Deadline) -> Event:
    case = running.routed
    before = Decision.model_validate_json(case.decision)
    return CaseSentToTriage(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        sent_at=tx.now,
        cause="returned",
        due_on=deadline.due,
        decision=before.model_copy(update={"reason": returned.reason}),
        application=returned.application,
    )


_MOVED: dict[bool, Callable[[Tx, CaseReturned, Running, str, Deadline], Event]] = {
    False: _rerouted,
    True: _returned_to_triage,
}
