"""desk over HTTP: worklists to read, cases to read, and the commands of the people who work on them."""

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import FastAPI, Path, Query
from fastapi.responses import JSONResponse

from chassis.commands import Commands
from chassis.database import Tx
from chassis.errors import Refused
from contracts.envelope import Event
from contracts.routing import Queue
from sealing.fields import personal
from services.desk import (
    access_log,
    callers,
    case_file,
    command_digests,
    handlers,
    judging,
    number_api,
    overlays,
    rules,
    search,
    store,
    succession,
    worklist,
)
from services.desk.callers import Asking, Caller
from services.desk.judging import Command
from services.desk.orders import Claim, Close, Decide, EndStage, Extend, Handover, Order, RequestCorrection, Return
from services.desk.refusals import Words
from services.desk.rules import RuleSetStep, State, Step
from services.desk.seals import Seals
from services.desk.settings import Settings
from services.desk.store import START, Place


def add_routes(app: FastAPI, commands: Commands, settings: Settings, seals: Seals) -> None:
    """The worklist and the case to read, and one route a command."""
    callers.guard(app, commands, settings)
    _add_reading(app, settings.most_cases)
    _add_commands(app, seals)
    case_file.add_routes(app, seals)
    number_api.add_routes(app, seals)
    search.add_routes(app, seals)
    succession.add_routes(app)
    overlays.add_routes(app)
    access_log.add_routes(app)


def _add_reading(app: FastAPI, most: int) -> None:
    @app.get("/v1/departments/{code}/cases")
    async def read_worklist(
        asking: Asking,
        code: Annotated[str, Path(max_length=64)],
        state: State | None = None,
        queue: Annotated[Queue | None, Query()] = None,
        limit: Annotated[int, Query(ge=1)] = 50,
        after: Annotated[str, Query(max_length=64)] = "",
    ) -> JSONResponse:
        """A department's cases, the most urgent first; with `queue` those of one of its queues; without `state`, those not closed.

        `next` is the path of the following page, null on the last. 422 when `after` is not from such a path.
        """
        place = _place(after)
        wanted = _Wanted(code, state, queue)
        return JSONResponse(await asking.commands.query(lambda tx: _worklist(tx, wanted, place, min(limit, most))))

    @app.get("/v1/rule-sets")
    async def read_rule_sets(asking: Asking, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> JSONResponse:
        """What happened to the rules by which cases come to departments: the rule set that moved last comes first."""
        return JSONResponse(await asking.commands.query(lambda tx: _rule_sets(tx, limit)))


def _add_commands(app: FastAPI, seals: Seals) -> None:
    """Each answers 200 with the case's state, also when the last command is sent again; 409 with what to do instead."""

    async def run(case_id: UUID, order: Order, asking: Caller) -> JSONResponse:
        commands, order = asking.commands, asking.signed(order)
        name = await _foresee(commands, case_id, order, seals)
        command = order.command(command_digests.digest(seals.index, name, order.digest()))
        return JSONResponse(await commands.run(lambda tx: _obey(tx, case_id, order, command, seals)))

    @app.post("/v1/cases/{case_id}/claim")
    async def claim(case_id: UUID, order: Claim, asking: Asking) -> JSONResponse:
        return await run(case_id, order, asking)

    @app.post("/v1/cases/{case_id}/handover")
    async def handover(case_id: UUID, order: Handover, asking: Asking) -> JSONResponse:
        return await run(case_id, order, asking)

    @app.post("/v1/cases/{case_id}/request-correction")
    async def request_correction(case_id: UUID, order: RequestCorrection, asking: Asking) -> JSONResponse:
        return await run(case_id, order, asking)

    @app.post("/v1/cases/{case_id}/extend")
    async def extend(case_id: UUID, order: Extend, asking: Asking) -> JSONResponse:
        return await run(case_id, order, asking)

    @app.post("/v1/cases/{case_id}/end-stage")
    async def end_stage(case_id: UUID, order: EndStage, asking: Asking) -> JSONResponse:
        return await run(case_id, order, asking)

    @app.post("/v1/cases/{case_id}/return")
    async def give_back(case_id: UUID, order: Return, asking: Asking) -> JSONResponse:
        return await run(case_id, order, asking)

    @app.post("/v1/cases/{case_id}/decide")
    async def decide(case_id: UUID, order: Decide, asking: Asking) -> JSONResponse:
        return await run(case_id, order, asking)

    @app.post("/v1/cases/{case_id}/close")
    async def close(case_id: UUID, order: Close, asking: Asking) -> JSONResponse:
        return await run(case_id, order, asking)


async def _foresee(commands: Commands, case_id: UUID, order: Order, seals: Seals) -> str:
    """Have the keys at hand for what is to be sealed; a command that says nothing personal waits for no keyring.

    Returns the name of the key by which the digest of the command is made.
    """
    if not personal(order):
        return judging.PLAIN
    return await seals.foresee_writing(await commands.query(lambda tx: _content(tx, case_id)), commands.clock())


async def _obey(
    tx: Tx, case_id: UUID, order: Order, command: Command, seals: Seals
) -> tuple[dict[str, Any], list[Event]]:
    """Carry out a command under the lock of its case; what is refused or was done already announces nothing."""
    verdict = judging.judge(case_file.there(await store.lock_item(tx, case_id)), command, rules.today(tx.now))
    if verdict.refusal:
        raise Refused(409, verdict.refusal.code, _both(verdict.refusal.words))
    item = verdict.item
    if not verdict.changed:
        return case_file.summary(tx, item), []
    application = json.loads((await store.papers(tx, case_id)).content)
    event = order.event(handlers.about(item, tx) | {"application": application})
    event = seals.sealed(event, application, tx.now)
    await store.save_items(tx, [item])
    await store.add_steps(tx, [Step(case_id, tx.now, order.NAME, item.department, order.staff, order.note(event))])
    return case_file.summary(tx, item), [event]


async def _content(tx: Tx, case_id: UUID) -> Any:
    """The application of a case as it is kept, sealed."""
    case_file.there(await store.find_item(tx, case_id))
    return json.loads((await store.papers(tx, case_id)).content)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Whose cases, and which of them."""

    department: str
    state: State | None
    queue: str | None


async def _worklist(tx: Tx, wanted: _Wanted, after: Place, limit: int) -> dict[str, Any]:
    found = await store.worklist(tx, wanted.department, wanted.state, wanted.queue, after, limit + 1)
    items, following = worklist.page(found, limit)
    query = {"state": wanted.state, "queue": wanted.queue, "limit": limit, "after": following}
    path = f"/v1/departments/{wanted.department}/cases?" + urlencode(
        {name: value for name, value in query.items() if value}
    )
    return {"cases": [case_file.summary(tx, item) for item in items], "next": path if following else None}


async def _rule_sets(tx: Tx, limit: int) -> dict[str, Any]:
    steps = await store.rule_set_steps(tx, limit)
    return {
        "rule_sets": [
            {"rule_set": name, "history": [_rule_set_step(step) for step in history]}
            for name, history in groupby(steps, key=lambda step: step.rule_set)
        ]
    }


def _rule_set_step(step: RuleSetStep) -> dict[str, Any]:
    said = json.loads(step.said)
    words = worklist.RULE_SET_STEPS[step.what]
    return {
        "at": step.at.isoformat(),
        "what": step.what,
        "staff": step.staff,
        "said": said,
        "ja": words.ja,
        "en": words.en,
    }


def _place(after: str) -> Place:
    place = worklist.read_cursor(after) if after else START
    if place is None:
        words = "`after` が正しくありません。最初のページからご覧ください。 Not a cursor: begin at the first page."
        raise Refused(422, "not-a-cursor", words)
    return place


def _both(words: Words) -> str:
    return f"{words.ja} {words.en}"
