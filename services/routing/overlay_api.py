"""Disaster overlays over HTTP: one person asks for a switch, another confirms it, or somebody takes it back."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Path, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, ConfigDict

from access.guard import Asking
from chassis.commands import Commands
from chassis.database import Tx
from contracts.desk import Staff
from contracts.envelope import Event, Model
from contracts.overlays import OverlayName, OverlaySwitched, OverlaySwitchRequested, OverlaySwitchWithdrawn, Turn
from contracts.rule_sets import Note
from services.routing import store
from services.routing.rules import lifecycle, overlays
from services.routing.rules.overlays import Request, Switch
from services.routing.verdicts import taken

OverlayPath = Annotated[OverlayName, Path()]


class Order(Model):
    """A switch that somebody wants; without `since`, as soon as it is confirmed."""

    model_config = ConfigDict(extra="forbid")

    staff: Staff = ""
    """The caller's own name, or nothing: it is written in when the order is signed."""

    turn: Turn
    reason: Note
    since: AwareDatetime | None = None


class Confirmation(Model):
    """A second person agrees."""

    model_config = ConfigDict(extra="forbid")

    staff: Staff = ""


class Withdrawal(Confirmation):
    """Somebody takes the request back, and says why."""

    reason: Note


def add_routes(app: FastAPI, commands: Commands) -> None:
    """Overlays to read, to ask for, to confirm and to take back; 409 with what to do instead."""

    @app.get("/v1/overlays")
    async def read_overlays(limit: Annotated[int, Query(ge=1, le=100)] = 20) -> JSONResponse:
        """Which overlays the rules in force have, which are on, and the switches asked for last."""
        return JSONResponse(await commands.query(lambda tx: _overlays(tx, limit)))

    @app.post("/v1/overlays/{name}/switch")
    async def switch(name: OverlayPath, order: Order, asking: Asking) -> JSONResponse:
        signed = asking.signed(order)
        return JSONResponse(await commands.run(lambda tx: _ask(tx, name, signed)))

    @app.post("/v1/overlays/{name}/confirm")
    async def confirm(name: OverlayPath, order: Confirmation, asking: Asking) -> JSONResponse:
        signed = asking.signed(order)
        return JSONResponse(await commands.run(lambda tx: _confirm(tx, name, signed.staff)))

    @app.post("/v1/overlays/{name}/withdraw")
    async def withdraw(name: OverlayPath, order: Withdrawal, asking: Asking) -> JSONResponse:
        signed = asking.signed(order)
        return JSONResponse(await commands.run(lambda tx: _withdraw(tx, name, signed)))


async def _ask(tx: Tx, name: str, order: Order) -> tuple[dict[str, Any], list[Event]]:
    known, switches = await _known(tx)
    wanted = Request(name, order.turn, order.staff, order.reason, order.since or tx.now)
    asked = taken(overlays.request(wanted, known, switches, tx.now))
    if not await store.ask_for_switch(tx, asked):
        taken(overlays.WAITING)
    return {"overlay": name, "turn": asked.turn, "confirmed_by": None}, [
        OverlaySwitchRequested.model_validate(asdict(asked) | {"at": tx.now})
    ]


async def _confirm(tx: Tx, name: str, staff: str) -> tuple[dict[str, Any], list[Event]]:
    confirmed = taken(overlays.confirm(await store.lock_request(tx, name), staff, tx.now))
    await store.confirm_switch(tx, confirmed)
    answer = {"overlay": name, "turn": confirmed.turn, "confirmed_by": staff, "since": confirmed.since.isoformat()}
    return answer, [OverlaySwitched.model_validate(asdict(confirmed) | {"at": tx.now})]


async def _withdraw(tx: Tx, name: str, order: Withdrawal) -> tuple[dict[str, Any], list[Event]]:
    withdrawn = taken(overlays.withdraw(await store.lock_request(tx, name), order.staff, order.reason))
    await store.withdraw_switch(tx, withdrawn)
    answer = {"overlay": name, "turn": withdrawn.turn, "withdrawn_by": withdrawn.staff}
    return answer, [OverlaySwitchWithdrawn.model_validate(asdict(withdrawn) | {"at": tx.now})]


async def _overlays(tx: Tx, limit: int) -> dict[str, Any]:
    known, switches = await _known(tx)
    return {
        "known": known,
        "on": overlays.active(switches, tx.now),
        "switches": [
            dict(row) | {"requested_at": row["requested_at"].isoformat(), "since": row["since"].isoformat()}
            for row in await store.switches_asked_for(tx, limit)
        ],
    }


async def _known(tx: Tx) -> tuple[list[str], list[Switch]]:
    """The overlays of the rules in force, and all switches."""
    terms, switches = await store.deciding(tx)
    rule_set = await store.first_readable(tx, lifecycle.deciding(terms, tx.now))
    return list(rule_set.overlays), switches
