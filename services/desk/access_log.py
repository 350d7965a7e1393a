"""Who saw or changed which case, when and why: written with every look, read by the auditor, told to a citizen who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import FastAPI, Path, Query
from fastapi.responses import JSONResponse

from chassis.database import Tx
from contracts.desk import CaseViewed, IndividualNumbersViewed, NumberPurpose, Purpose, SearchMade
from contracts.envelope import Event
from services.desk import handlers, rules
from services.desk.callers import Asking
from services.desk.rules import Item


@dataclass(frozen=True, slots=True)
class Access:
    """One look at a case, one search that showed it, or one change; `purpose` is of looks and searches."""

    case_id: UUID
    at: datetime
    department: str
    staff: str
    what: str
    purpose: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody read the log itself."""

    number: int
    at: datetime
    staff: str


CASE, NUMBERS = "view", "view-individual-numbers"
"""What somebody looked at."""
MOST_READINGS = 200
LAST = 2**63 - 1
"""The largest of PostgreSQL's."""


async def note(
    tx: Tx, items: Sequence[Item], staff: str, purpose: Purpose, search_id: UUID | None = None
) -> list[CaseViewed]:
    """Insert that somebody looks at these, or was shown them by a search; what is to be announced."""
    await _insert(tx, items, staff, purpose, CASE, search_id)
    said = {"staff": staff, "purpose": purpose, "search_id": search_id}
    return [CaseViewed.model_validate(handlers.about(item, tx) | said) for item in items]


async def note_numbers(tx: Tx, item: Item, staff: str, purpose: NumberPurpose) -> IndividualNumbersViewed:
    """Insert that somebody looks at the Individual Numbers of a case; what is to be announced."""
    await _insert(tx, [item], staff, purpose, NUMBERS)
    return IndividualNumbersViewed.model_validate(handlers.about(item, tx) | {"staff": staff, "purpose": purpose})


async def _insert(
    tx: Tx, items: Sequence[Item], staff: str, purpose: str, what: str, search_id: UUID | None = None
) -> None:
    await tx.execute(
        """
        INSERT INTO case_view (case_id, at, department, staff, purpose, what, search_id)
        SELECT case_id, $3, department, $4, $5, $6, $7 FROM unnest($1::uuid[], $2::text[]) x(case_id, department)
        """,
        [item.case_id for item in items],
        [item.department for item in items],
        tx.now,
        staff,
        purpose,
        what,
        search_id,
    )


async def note_search(tx: Tx, made: SearchMade) -> None:
    """Insert that somebody searched."""
    await tx.execute(
        """
        INSERT INTO search_made (search_id, at, department, staff, field, purpose, found) VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        made.search_id,
        made.at,
        made.department,
        made.staff,
        made.field,
        made.purpose,
        made.found,
    )


async def searches(tx: Tx, before: UUID | None, limit: int) -> list[SearchMade]:
    """The searches before one, of all departments that the transaction may see, the newest first."""
    rows = await tx.fetch(
        """
        SELECT search_id, at, department, staff, field, purpose, found FROM search_made
        WHERE $1::uuid IS NULL OR search_id < $1 ORDER BY search_id DESC LIMIT $2
        """,
        before,
        limit,
    )
    return [SearchMade.model_validate(dict(row)) for row in rows]


async def log(tx: Tx, receipt: str) -> list[Access]:
    """Everything that people did with the cases of a receipt number, in order.

    Without an index on receipts: it is asked seldom, and every arriving case would pay for one.
    """
    rows = await tx.fetch(
        """
        SELECT case_id, x.at, x.department, x.staff, x.what, x.purpose FROM case_item
        CROSS JOIN LATERAL (
            SELECT at, department, staff, CASE WHEN search_id IS NULL THEN what ELSE 'search' END AS what, purpose, number
            FROM case_view v WHERE v.case_id = case_item.case_id
            UNION ALL
            SELECT at, department, staff, what, NULL, number FROM case_step s
            WHERE s.case_id = case_item.case_id AND staff IS NOT NULL
        ) x
        WHERE receipt = $1 ORDER BY x.at, x.what, x.number
        """,
        receipt,
    )
    return [Access(**dict(row)) for row in rows]


async def readings_of(tx: Tx, receipt: str | None, limit: int, before: int = LAST) -> list[Reading]:
    """Who read the log of a receipt number, or where that is None the searches: the last so many before one, the newest first."""
    rows = await tx.fetch(
        """
        SELECT number, at, staff FROM log_reading WHERE receipt IS NOT DISTINCT FROM $1 AND number < $3
        ORDER BY number DESC LIMIT $2
        """,
        receipt,
        limit,
        before,
    )
    return [Reading(**dict(row)) for row in rows]


async def note_reading(tx: Tx, receipt: str | None, staff: str) -> None:
    """Insert that somebody reads it."""
    await tx.execute("INSERT INTO log_reading (at, staff, receipt) VALUES ($1, $2, $3)", tx.now, staff, receipt)


async def _read_log(
    tx: Tx, receipt: str, before: int, staff: str
) -> tuple[tuple[list[Access], list[Reading]], list[Event]]:
    found = await log(tx, receipt), await readings_of(tx, receipt, MOST_READINGS + 1, before)
    await note_reading(tx, receipt, staff)
    return found, []


async def _read_searches(
    tx: Tx, before: UUID | None, limit: int, staff: str
) -> tuple[tuple[list[SearchMade], list[Reading]], list[Event]]:
    found = await searches(tx, before, limit), await readings_of(tx, None, limit)
    await note_reading(tx, None, staff)
    return found, []


def add_routes(app: FastAPI) -> None:
    """Two pages for the auditor."""

    @app.get("/v1/access/{receipt}")
    async def read_access(
        receipt: Annotated[str, Path(max_length=32)],
        asking: Asking,
        read_before: Annotated[int, Query(ge=1, le=LAST)] = LAST,
    ) -> JSONResponse:
        """Who saw or changed the cases of an application; `citizen` is what its applicant may be told: department and day.

        `read_by` is who read this log before, the newest first, and `read_by_next` the path of those before them, null when
        there are none. Whoever reads it now is noted in the same transaction.
        """
        found, readings = await asking.commands.run(lambda tx: _read_log(tx, receipt, read_before, asking.staff))
        told = {"log": [_entry(one) for one in found], "citizen": _told(found)}
        return JSONResponse({"receipt": receipt} | told | _readings(receipt, readings))

    @app.get("/v1/searches")
    async def read_searches(
        asking: Asking, before: UUID | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
    ) -> JSONResponse:
        """Who searched for which kind of value, the newest first; `next` is the path of the following page, null on the last.

        `read_by` is who read this before, the last so many. Whoever reads it now is noted in the same transaction.
        """
        found, readings = await asking.commands.run(lambda tx: _read_searches(tx, before, limit, asking.staff))
        following = f"/v1/searches?before={found[-1].search_id}&limit={limit}" if len(found) == limit else None
        told = {"searches": [one.model_dump(mode="json") for one in found], "read_by": _read_by(readings)}
        return JSONResponse(told | {"next": following})


def _entry(one: Access) -> dict[str, Any]:
    return {
        "case_id": str(one.case_id),
        "at": one.at.isoformat(),
        "department": one.department,
        "staff": one.staff,
        "what": one.what,
        "purpose": one.purpose,
    }


def _readings(receipt: str, found: Sequence[Reading]) -> dict[str, Any]:
    """One page of `found`, which was asked for with one more than it holds."""
    shown = found[:MOST_READINGS]
    path = f"/v1/access/{quote(receipt, safe='')}?read_before="
    following = f"{path}{shown[-1].number}" if len(found) > len(shown) else None
    return {"read_by": _read_by(shown), "read_by_next": following}


def _read_by(readings: Sequence[Reading]) -> list[dict[str, str]]:
    return [{"at": one.at.isoformat(), "staff": one.staff} for one in readings]


def _told(found: Sequence[Access]) -> list[dict[str, str]]:
    """Which department had the case before it on which day (in Japan), each once: no person, and no count."""
    days = sorted({(rules.today(one.at), one.department) for one in found})
    return [{"day": day.isoformat(), "department": department} for day, department in days]
