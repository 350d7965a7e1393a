"""A department that ended hands its open cases on to its successor: an explicit step by a person, written in every case."""

import json
from typing import Annotated, Any

from fastapi import FastAPI, Path
from fastapi.responses import JSONResponse
from pydantic import ConfigDict

from chassis.database import Tx
from chassis.errors import Refused
from contracts.desk import CaseReturned, Reason, Staff
from contracts.envelope import Event, Model
from contracts.routing import DepartmentCode
from services.desk import handlers, rules, store
from services.desk.callers import Asking
from services.desk.rules import Item, Step

MOST = 500
"""Cases a call hands on: a transaction stays short, and whoever calls goes on until none is left."""


class Succession(Model):
    """Who takes over, and why."""

    model_config = ConfigDict(extra="forbid")

    staff: Staff = ""
    """The caller's own name, or nothing."""

    to: DepartmentCode
    reason: Reason


def add_routes(app: FastAPI) -> None:
    """One command."""

    @app.post("/v1/departments/{code}/succession")
    async def succeed(code: Annotated[str, Path(max_length=64)], order: Succession, asking: Asking) -> JSONResponse:
        """Return a department's undecided cases, naming its successor; routing moves them. `left` says whether to call again.

        A successor that does not exist today sends them to triage, where a person looks: nothing is lost.
        """
        if code in (order.to, rules.TRIAGE):
            words = (
                "引き継ぐ課と後の課をお確かめください。 Name a department that ended and another one that takes over."
            )
            raise Refused(422, "no-succession", words)
        signed = asking.signed(order)
        return JSONResponse(await asking.commands.run(lambda tx: _succeed(tx, code, signed)))


async def _succeed(tx: Tx, code: str, order: Succession) -> tuple[dict[str, Any], list[Event]]:
    found = await store.lock_undecided(tx, code, MOST + 1)
    items = rules.handed_on(found[:MOST])
    note = order.model_dump_json().encode()
    await store.save_items(tx, items)
    await store.add_steps(tx, [Step(item.case_id, tx.now, "succession", code, order.staff, note) for item in items])
    applications = await store.applications_of(tx, [item.application_id for item in items])
    events = [_returned(tx, item, order, applications[item.application_id]) for item in items]
    return {"handed_on": len(items), "left": len(found) > MOST}, events


def _returned(tx: Tx, item: Item, order: Succession, application: bytes) -> Event:
    said = {
        "staff": order.staff,
        "reason": order.reason,
        "suggestion": order.to,
        "application": json.loads(application),
    }
    return CaseReturned.model_validate(handlers.about(item, tx) | said)
