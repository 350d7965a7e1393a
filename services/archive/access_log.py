"""Who read which record, when and why: written with every look, read by the auditor, told to a citizen who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Path
from fastapi.responses import JSONResponse

from access.guard import Asking
from chassis.commands import Commands
from chassis.database import Tx
from contracts.archive import RecordViewed
from contracts.desk import Purpose
from contracts.envelope import Event

JAPAN = timezone(timedelta(hours=9))


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a record."""

    at: datetime
    staff: str
    purpose: str


async def note(tx: Tx, receipt: str, ids: tuple[UUID, UUID], staff: str, purpose: Purpose) -> RecordViewed:
    """Insert that somebody reads a record, which is there; `ids` are its application's and its own. What is to be announced."""
    await tx.execute(
        """
        INSERT INTO record_view (record, at, staff, purpose) SELECT number, $2, $3, $4 FROM record WHERE receipt = $1
        """,
        receipt,
        tx.now,
        staff,
        purpose,
    )
    application_id, record_id = ids
    return RecordViewed(
        application_id=application_id, record_id=record_id, receipt=receipt, at=tx.now, staff=staff, purpose=purpose
    )


async def log(tx: Tx, receipt: str) -> list[Look]:
    """Every look at the record of a receipt number, in order."""
    rows = await tx.fetch(
        """
        SELECT at, staff, purpose FROM record_view WHERE record = (SELECT number FROM record WHERE receipt = $1)
        ORDER BY number
        """,
        receipt,
    )
    return [Look(**dict(row)) for row in rows]


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody read the log itself."""

    at: datetime
    staff: str


async def readings_of(tx: Tx, receipt: str) -> list[Reading]:
    """Who read the log of a receipt number, in order."""
    rows = await tx.fetch("SELECT at, staff FROM log_reading WHERE receipt = $1 ORDER BY number", receipt)
    return [Reading(**dict(row)) for row in rows]


async def note_reading(tx: Tx, receipt: str, staff: str) -> None:
    """Insert that somebody reads it."""
    await tx.execute("INSERT INTO log_reading (at, staff, receipt) VALUES ($1, $2, $3)", tx.now, staff, receipt)


async def _read_log(tx: Tx, receipt: str, staff: str) -> tuple[tuple[list[Look], list[Reading]], list[Event]]:
    found = await log(tx, receipt), await readings_of(tx, receipt)
    await note_reading(tx, receipt, staff)
    return found, []


def add_routes(app: FastAPI, commands: Commands) -> None:
    """One page for the auditor."""

    @app.get("/v1/access/{receipt}")
    async def read_access(receipt: Annotated[str, Path(max_length=32)], asking: Asking) -> JSONResponse:
        """Who read the record of an application; `citizen` is what its applicant may be told: the days, and no person.

        `read_by` is who read this log before. Whoever reads it now is noted in the same transaction.
        """
        found, readings = await commands.run(lambda tx: _read_log(tx, receipt, asking.staff))
        read_by = [{"at": one.at.isoformat(), "staff": one.staff} for one in readings]
        told = {"log": [_entry(one) for one in found], "citizen": _told(found), "read_by": read_by}
        return JSONResponse({"receipt": receipt} | told)


def _entry(one: Look) -> dict[str, Any]:
    return {"at": one.at.isoformat(), "staff": one.staff, "purpose": one.purpose}


def _told(found: Sequence[Look]) -> list[dict[str, str]]:
    """On which days (in Japan) the record was read, each once."""
    return [{"day": day.isoformat()} for day in sorted({one.at.astimezone(JAPAN).date() for one in found})]
