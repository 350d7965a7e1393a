"""Disaster overlays as the desk sees them: what was switched by whom, and what is on. Routing decides it, the desk shows it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse

from chassis.database import Tx, columns_of
from contracts.overlays import AnyOverlayEvent, OverlaySwitched
from services.desk import worklist
from services.desk.callers import Asking


@dataclass(frozen=True, slots=True)
class OverlayStep:
    """One thing that happened to an overlay. `since` is when the switch takes effect, or would have; `said` is JSON."""

    overlay: str
    at: datetime
    what: str
    turn: str
    since: datetime | None
    staff: str
    said: bytes


def step_of(event: AnyOverlayEvent) -> OverlayStep:
    """An event as it is kept; `staff` is whoever did this step."""
    what = event.TYPE.removeprefix("jp.madoguchi.overlay.").removesuffix(".v1")
    staff = event.confirmed_by if isinstance(event, OverlaySwitched) else event.staff
    said = event.model_dump_json(exclude_none=True).encode()
    return OverlayStep(event.overlay, event.at, what, event.turn, getattr(event, "since", None), staff, said)


def is_on(steps: Iterable[OverlayStep], now: datetime) -> bool:
    """Whether an overlay is on, from its steps in their order: the confirmed switch that took effect last says it."""
    found = [(step.since, at, step.turn) for at, step in enumerate(steps) if step.what == "switched" and step.since]
    return max((one for one in found if one[0] <= now), default=(now, 0, "off"))[2] == "on"


async def add_overlay_steps(tx: Tx, steps: Sequence[OverlayStep]) -> None:
    """Append to the history of overlays, in order."""
    await tx.execute(
        """
        INSERT INTO overlay_step (overlay, at, what, turn, since, staff, said)
        SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::timestamptz[], $6::text[],
                             $7::bytea[])
        """,
        *columns_of(steps),
    )


async def overlay_steps(tx: Tx, most: int) -> list[OverlayStep]:
    """The histories of the overlays that something happened to last, at most so many overlays, each from its first step on."""
    rows = await tx.fetch(
        """
        SELECT overlay, at, what, turn, since, staff, said FROM overlay_step
        JOIN (SELECT overlay, max(number) AS last FROM overlay_step GROUP BY overlay ORDER BY last DESC LIMIT $1) newest
            USING (overlay)
        ORDER BY last DESC, number
        """,
        most,
    )
    return [OverlayStep(**dict(row)) for row in rows]


def add_routes(app: FastAPI) -> None:
    """One page to read."""

    @app.get("/v1/overlays")
    async def read_overlays(asking: Asking, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> JSONResponse:
        """Which overlays were ever asked for, whether each is on now, and its history, the newest step first."""
        return JSONResponse(await asking.commands.query(lambda tx: _overlays(tx, limit)))


async def _overlays(tx: Tx, limit: int) -> dict[str, Any]:
    steps = await overlay_steps(tx, limit)
    histories = [(name, list(history)) for name, history in groupby(steps, key=lambda step: step.overlay)]
    return {
        "overlays": [
            {"overlay": name, "on": is_on(history, tx.now), "history": [_said(step) for step in reversed(history)]}
            for name, history in histories
        ]
    }


def _said(step: OverlayStep) -> dict[str, Any]:
    words = worklist.OVERLAY_STEPS[step.what, step.turn]
    return {
        "at": step.at.isoformat(),
        "what": step.what,
        "turn": step.turn,
        "since": step.since.isoformat() if step.since else None,
        "staff": step.staff,
        "said": json.loads(step.said),
        "ja": words.ja,
        "en": words.en,
    }
