"""Who read which record, when and why: written with every look, read by the auditor, told to a citizen who asks."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import FastAPI, Path, Query
from fastapi.responses import JSONResponse

from access.guard import Asking
from chassis.commands import Commands
from chassis.database import Tx
from contracts.archive import RecordViewed
from contracts.desk import Purpose
from contracts.envelope import Event

MOST = 200
LAST = 2**63 - 1
"""The largest of PostgreSQL's."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a record."""

    number: int
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


async def log(tx: Tx, receipt: str, after: int, limit: int) -> list[Look]:
    """The looks at the record of a receipt number after one of that number, in order."""
    rows = await tx.fetch(
        """
        SELECT number, at, staff, purpose FROM record_view
        WHERE record = (SELECT number FROM record WHERE receipt = $1) AND number > $2 ORDER BY number LIMIT $3
        """,
        receipt,
        after,
        limit,
    )
    return [Look(**dict(row)) for row in rows]


async def days(tx: Tx, receipt: str) -> list[date]:
    """On which days (in Japan) the record was read, each once, in order: all there are."""
    rows = await tx.fetch(
        """
        SELECT DISTINCT (at AT TIME ZONE interval '+09:00')::date AS day FROM record_view
        WHERE record = (SELECT number FROM record WHERE receipt = $1) ORDER BY day
        """,
        receipt,
    )
    return [row["day"] for row in rows]


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody read the log itself."""

    number: int
    at: datetime
    staff: str


async def readings_of(tx: Tx, receipt: str, before: int, limit: int) -> list[Reading]:
    """Who read the log of a receipt number before one of that number, the newest first."""
    rows = await tx.fetch(
        "SELECT number, at, staff FROM log_reading WHERE receipt = $1 AND number < $2 ORDER BY number DESC LIMIT $3",
        receipt,
        before,
        limit,
    )
    return [Reading(**dict(row)) for row in rows]


async def note_reading(tx: Tx, receipt: str, staff: str) -> None:
    """Insert that somebody reads it."""
    await tx.execute("INSERT INTO log_reading (at, staff, receipt) VALUES ($1, $2, $3)", tx.now, staff, receipt)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page: looks after one, readings before one, so many of each."""

    after: int
    before: int
    limit: int


@dataclass(frozen=True, slots=True)
class Found:
    """One page, asked for with one more of each than it holds, and what a citizen may be told of all of it."""

    looks: list[Look]
    readings: list[Reading]
    days: list[date]


async def _read_log(tx: Tx, receipt: str, wanted: Wanted, staff: str) -> tuple[Found, list[Event]]:
    looks = await log(tx, receipt, wanted.after, wanted.limit + 1)
    readings = await readings_of(tx, receipt, wanted.before, wanted.limit + 1)
    found = Found(looks, readings, await days(tx, receipt))
    await note_reading(tx, receipt, staff)
    return found, []


def add_routes(app: FastAPI, commands: Commands) -> None:
    """One page for the auditor."""

    @app.get("/v1/access/{receipt}")
    async def read_access(
        receipt: Annotated[str, Path(max_length=32)],
        asking: Asking,
        after: Annotated[int, Query(ge=0, le=LAST)] = 0,
        read_before: Annotated[int, Query(ge=1, le=LAST)] = LAST,
        limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
    ) -> JSONResponse:
        """Who read the record of an application, from the first; `citizen` is what its applicant may be told: the days, and no person.

        `read_by` is who read this log before, the newest first. `next` and `read_by_next` are the paths of what follows in each,
        null at its end. Whoever reads it now is noted in the same transaction.
        """
        wanted = Wanted(after, read_before, limit)
        return JSONResponse(
            _page(receipt, await commands.run(lambda tx: _read_log(tx, receipt, wanted, asking.staff)), limit)
        )


def _page(receipt: str, found: Found, limit: int) -> dict[str, Any]:
    looks, readings = found.looks[:limit], found.readings[:limit]
    path = f"/v1/access/{quote(receipt, safe='')}?limit={limit}"
    return {
        "receipt": receipt,
        "log": [_entry(one) for one in looks],
        "next": f"{path}&after={looks[-1].number}" if len(found.looks) > limit else None,
        "citizen": [{"day": day.isoformat()} for day in found.days],
        "read_by": [{"at": one.at.isoformat(), "staff": one.staff} for one in readings],
        "read_by_next": f"{path}&read_before={readings[-1].number}" if len(found.readings) > limit else None,
    }


def _entry(one: Look) -> dict[str, Any]:
    return {"at": one.at.isoformat(), "staff": one.staff, "purpose": one.purpose}
