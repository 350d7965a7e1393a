"""Why a case is where it is, over HTTP: for staff and for the citizen, in three registers."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse

from access.guard import Asking, Caller
from chassis.commands import Commands
from chassis.database import Tx
from chassis.errors import Refused
from contracts.routing import Decision, DepartmentCode
from services.routing import store
from services.routing.rules import answering
from services.routing.verdicts import seen


def add_routes(app: FastAPI, commands: Commands) -> None:
    """One question. It is answered from the stored decision and the rule set that it names, whatever is in force today."""

    @app.get("/v1/cases/{case_id}/explanation")
    async def explanation(
        case_id: UUID, asking: Asking, why_not: Annotated[DepartmentCode | None, Query(max_length=64)] = None
    ) -> JSONResponse:
        """Why the rules decided as they did; with `why_not`, also why not for that department."""
        return JSONResponse(await commands.query(lambda tx: _explained(tx, case_id, asking, why_not)))


async def _explained(tx: Tx, case_id: UUID, asking: Caller, other: str | None) -> dict[str, Any]:
    case = seen(await store.case(tx, case_id), asking)
    decision = Decision.model_validate_json(case.decision)
    rule_set = await store.rule_set(tx, decision.rule_set)
    if rule_set is None:
        words = "この決定の規則は、今の版では読めません。決定の理由：{} The rules of this decision cannot be read by this release."
        raise Refused(410, "rule-set-unreadable", words.format(decision.reason))
    table = answering.table_named(rule_set, decision.table)
    return {
        "case_id": str(case_id),
        "decision": decision.model_dump(mode="json", exclude_none=True),
        "because": answering.say_why(table, decision, case.cause, rule_set.labels),
    } | ({"why_not": asdict(answering.say_why_not(rule_set, decision, other))} if other else {})
