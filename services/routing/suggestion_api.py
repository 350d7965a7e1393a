"""Which departments a case may be for, over HTTP: what a person who triages is shown, with what speaks for it. Nothing is applied."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from access.guard import Asking, Caller
from chassis.commands import Commands
from chassis.database import Tx
from chassis.errors import Refused
from contracts.channels import Fact, FactName
from contracts.envelope import Model
from services.routing import store, suggesting
from services.routing.rules.assigning import Facts
from services.routing.suggesting import REMARK, Texts
from services.routing.verdicts import seen


class Asked(Model):
    """A case as whoever triages has it before them: routing itself keeps only what its rules ask for."""

    model_config = ConfigDict(extra="forbid")

    facts: Annotated[dict[FactName, Fact], Field(max_length=64)]


def add_routes(app: FastAPI, commands: Commands, texts: Texts = REMARK) -> None:
    """One question, by what is stored or with all facts of the application; of those nothing is kept."""

    @app.get("/v1/cases/{case_id}/suggestions")
    async def suggestions(case_id: UUID, asking: Asking) -> JSONResponse:
        """Departments that may be responsible, from the facts that the decision names."""
        return JSONResponse(await commands.query(lambda tx: _suggested(tx, case_id, asking, {}, texts)))

    @app.post("/v1/cases/{case_id}/suggestions")
    async def suggestions_with(case_id: UUID, asked: Asked, asking: Asking) -> JSONResponse:
        """The same from all facts of the application, the free text among them."""
        return JSONResponse(await commands.query(lambda tx: _suggested(tx, case_id, asking, asked.facts, texts)))


async def _suggested(tx: Tx, case_id: UUID, asking: Caller, given: Facts, texts: Texts) -> dict[str, Any]:
    case = seen(await store.case(tx, case_id), asking)
    found = await suggesting.suggested(tx, case, given, await suggesting.past(tx, but=case_id), texts)
    if found is None:
        words = "この決定の規則は、今の版では読めません。 The rules of this decision cannot be read by this release."
        raise Refused(410, "rule-set-unreadable", words)
    return found.model_dump(mode="json", include={"case_id", "from_past", "from_text"})
