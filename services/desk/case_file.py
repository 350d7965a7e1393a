"""A case as the people who work on it read it: what was applied for, what was supplied since, why it came, what was done."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from chassis.database import Tx
from chassis.errors import Refused
from contracts.channels import Application
from contracts.desk import Purpose
from contracts.envelope import Event
from contracts.intake import CorrectionAccepted
from sealing.places import of_application
from services.desk import access_log, corrections, orders, rules, store, suggestions, worklist
from services.desk.callers import Asking
from services.desk.clock import Stage
from services.desk.corrections import Correction
from services.desk.refusals import Words
from services.desk.rules import Item, Step
from services.desk.seals import Seals
from services.desk.store import Papers


@dataclass(frozen=True, slots=True)
class CaseFile:
    """Everything about a case, as it is kept: sealed."""

    summary: dict[str, Any]
    item: Item
    papers: Papers
    corrections: Sequence[Correction]
    suggestions: Mapping[str, Any]
    steps: Sequence[Step]


def add_routes(app: FastAPI, seals: Seals) -> None:
    """One case to read."""

    @app.get("/v1/cases/{case_id}")
    async def case(case_id: UUID, asking: Asking, purpose: Purpose = "work") -> JSONResponse:
        """One case: its application, what was supplied since, why it came here, what was done and, in triage, who may have it.

        Who looks is noted, with the purpose, in the same transaction: no look without its entry.
        """
        return JSONResponse(
            await show(await asking.commands.run(lambda tx: _look(tx, case_id, asking.staff, purpose)), seals)
        )


async def _look(tx: Tx, case_id: UUID, staff: str, purpose: Purpose) -> tuple[CaseFile, Sequence[Event]]:
    file = await load(tx, case_id)
    return file, await access_log.note(tx, [file.item], staff, purpose)


async def load(tx: Tx, case_id: UUID) -> CaseFile:
    """Read a case. Raises Refused when there is none."""
    item = there(await store.find_item(tx, case_id))
    papers = await store.papers(tx, case_id)
    supplied = await corrections.supplied_to(tx, item.application_id)
    suggested = await suggestions.shown(tx, item)
    return CaseFile(summary(tx, item), item, papers, supplied, suggested, await store.steps_of(tx, case_id))


async def show(file: CaseFile, seals: Seals) -> dict[str, Any]:
    """The case with its seals opened, outside any transaction: a keyring may be far away. Raises KeyringAway."""
    papers, about = file.papers, file.item.application_id
    (application,) = await seals.opened([(Application, papers.content, of_application(about))])
    supplied = await seals.opened((CorrectionAccepted, found.content, found.place) for found in file.corrections)
    notes = await seals.opened((orders.noted(step.what), step.note, orders.place(step, about)) for step in file.steps)
    opened = {"at": papers.opened_at.isoformat(), "what": "opened"} | words(worklist.STEPS["opened"])
    return file.summary | {
        "opened_at": papers.opened_at.isoformat(),
        "withdrawn_at": papers.withdrawn_at.isoformat() if papers.withdrawn_at else None,
        "application": application,
        "corrections": [
            {"received_at": found.received_at.isoformat()} | content
            for found, content in zip(file.corrections, supplied, strict=True)
        ],
        "decision": json.loads(papers.why),
        "suggestions": file.suggestions,
        "history": [opened, *(_step(step, note) for step, note in zip(file.steps, notes, strict=True))],
    }


def summary(tx: Tx, item: Item) -> dict[str, Any]:
    """A case in a line of a worklist: nothing personal."""
    today = rules.today(tx.now)
    return {
        "case_id": str(item.case_id),
        "application_id": str(item.application_id),
        "receipt": item.receipt,
        "department": item.department,
        "queue": item.queue,
        "queue_names": item.queue_names,
        "overlays": item.overlays,
        "procedure": item.procedure,
        "due_on": None if item.stands_still else item.due_on.isoformat(),
        "stands_still": item.stands_still,
        "overdue": rules.overdue(item, today),
        "stages": [_stage(stage, today) for stage in item.stages],
        "state": item.state,
        "staff": item.staff,
    } | words(worklist.STATES[item.state])


def there(item: Item | None) -> Item:
    """The item, or the refusal that says there is none."""
    if item is None:
        raise Refused(404, "no-such-case", "この案件は見つかりません。番号をお確かめください。 There is no such case.")
    return item


def words(found: Words) -> dict[str, Any]:
    """Words as the API gives them."""
    return {"ja": found.ja, "en": found.en}


def _stage(stage: Stage, today: date) -> dict[str, Any]:
    return {
        "name": stage.name,
        "names": stage.names,
        "due_on": stage.due_on.isoformat(),
        "fixed": stage.fixed,
        "ended_on": stage.ended_on.isoformat() if stage.ended_on else None,
        "overdue": stage.is_overdue(today),
    }


def _step(step: Step, note: dict[str, Any]) -> dict[str, Any]:
    return {
        "at": step.at.isoformat(),
        "what": step.what,
        "department": step.department,
        "staff": step.staff,
        "note": note,
    } | words(worklist.STEPS[step.what])
