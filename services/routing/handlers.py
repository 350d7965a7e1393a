"""What routing does with what it reads."""

from collections.abc import Callable
from uuid import UUID

from chassis.consuming import Batch, Handlers
from chassis.database import Tx
from contracts import topics
from contracts.channels import Application
from contracts.desk import CaseReturned
from contracts.envelope import Event
from contracts.intake import ApplicationAccepted
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage, Decision
from services.routing import store
from services.routing.rules import assigning as rules
from services.routing.rules.assigning import Assignment, Table
from services.routing.store import RoutedCase

handlers = Handlers()


@handlers.consumes(topics.INTAKE)
async def route(accepted: Batch[ApplicationAccepted], tx: Tx) -> list[Event]:
    """Make a department responsible for every accepted application, or ask a person."""
    table = await store.rules_in_force(tx)
    routed = [_decide(tx, event.data, table) for event in accepted]
    await store.open_cases(tx, [case for case, _ in routed])
    return [event for _, event in routed]


@handlers.consumes(topics.DESK)
async def take_back(returned: Batch[CaseReturned], tx: Tx) -> list[Event]:
    """Give a returned case to the department its desk names, or to triage."""
    table = await store.rules_in_force(tx)
    cases = await store.cases(tx, [event.data.case_id for event in returned])
    moves = [_move(tx, event.data, cases[event.data.case_id], table) for event in returned]
    await store.move_cases(tx, [(case_id, department) for case_id, department, _ in moves])
    return [event for _, _, event in moves]


def _decide(tx: Tx, accepted: ApplicationAccepted, table: Table) -> tuple[RoutedCase, Event]:
    application = accepted.application
    assignment = rules.assign(_facts(application), table, accepted.received_at)
    decision = _decision(assignment, table)
    case_id = tx.new_id()
    case = RoutedCase(
        case_id,
        accepted.application_id,
        accepted.receipt,
        tx.now,
        assignment.department,
        assignment.due_on,
        decision.__pydantic_serializer__.to_json(decision),
    )
    return case, _ANNOUNCE[assignment.cause is None](case, assignment, decision, application)


def _facts(application: Application) -> rules.Facts:
    """What rules may see: never the applicant."""
    return application.facts | {
        "procedure": application.procedure,
        "channel": application.channel,
        "municipality": application.municipality,
    }


def _decision(assignment: Assignment, table: Table) -> Decision:
    return Decision(
        rule_set=table.hash,
        table=table.name,
        rows=assignment.rows,
        inputs=assignment.inputs,
        reason=assignment.reason,
    )


def _opened(case: RoutedCase, _: Assignment, decision: Decision, application: Application) -> Event:
    return CaseOpened(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        opened_at=case.opened_at,
        department=case.department,
        due_on=case.due_on,
        decision=decision,
        application=application,
    )


def _sent_to_triage(case: RoutedCase, assignment: Assignment, decision: Decision, application: Application) -> Event:
    return CaseSentToTriage(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        sent_at=case.opened_at,
        cause=assignment.cause or "no-match",
        due_on=case.due_on,
        decision=decision,
        application=application,
    )


_ANNOUNCE: dict[bool, Callable[[RoutedCase, Assignment, Decision, Application], Event]] = {
    True: _opened,
    False: _sent_to_triage,
}


def _move(tx: Tx, returned: CaseReturned, case: RoutedCase, table: Table) -> tuple[UUID, str, Event]:
    department = rules.reassign(returned.suggestion, case.department, table)
    return case.case_id, department or "triage", _MOVED[department is None](tx, returned, case, department or "triage")


def _rerouted(tx: Tx, returned: CaseReturned, case: RoutedCase, department: str) -> Event:
    return CaseRerouted(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        rerouted_at=tx.now,
        from_department=case.department,
        department=department,
        due_on=case.due_on,
        reason=returned.reason,
        application=returned.application,
    )


def _returned_to_triage(tx: Tx, returned: CaseReturned, case: RoutedCase, _: str) -> Event:
    before = Decision.model_validate_json(case.decision)
    return CaseSentToTriage(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        sent_at=tx.now,
        cause="returned",
        due_on=case.due_on,
        decision=before.model_copy(update={"reason": returned.reason}),
        application=returned.application,
    )


_MOVED: dict[bool, Callable[[Tx, CaseReturned, RoutedCase, str], Event]] = {False: _rerouted, True: _returned_to_triage}
