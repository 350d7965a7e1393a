"""Who saw or changed which case, when and why: written with every look, read by the auditor, told to a citizen who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from asyncpg import Record
from fastapi import FastAPI, Path, Query
from fastapi.responses import JSONResponse

from chassis.database import Tx
from contracts.desk import CaseViewed, IndividualNumbersViewed, NumberPurpose, Purpose, SearchMade
from contracts.envelope import Event
from services.desk import handlers
from services.desk.callers import Asking
from services.desk.rules import Item


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in the log: by its time, changes (0) before looks (1), by its number among its kind."""

    at: datetime
    kind: int
    number: int

    @property
    def text(self) -> str:
        """As the address of the next page has it."""
        return f"{(self.at - _EPOCH) // timedelta(microseconds=1)}-{self.kind}-{self.number}"


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
START = Place(_EPOCH, 0, 0)
PLACE = r"^[0-9]{1,17}-[01]-[0-9]{1,18}$"
"""What `place` can read; the first are microseconds, of years that there are."""


def place(text: str) -> Place:
    """The place that a text names, of the shape of `PLACE`."""
    since, kind, number = map(int, text.split("-"))
    return Place(_EPOCH + timedelta(microseconds=since), kind, number)


@dataclass(frozen=True, slots=True)
class Access:
    """One look at a case, one search that showed it, or one change; `purpose` is of looks and searches."""

    case_id: UUID
    place: Place
    department: str
    staff: str
    what: str
    purpose: str | None


@dataclass(frozen=True, slots=True)
class Day:
    """What a citizen may be told: no person, and no count."""

    day: date
    department: str


@dataclass(frozen=True, slots=True)
class Reading:
    """Somebody read the log itself."""

    number: int
    at: datetime
    staff: str


CASE, NUMBERS = "view", "view-individual-numbers"
"""What somebody looked at."""
MOST = 200
"""Of entries of the log, and of those who read it, in one answer."""
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


_LOG = """
    SELECT case_id, x.at, x.department, x.staff, x.what, x.purpose, x.kind, x.number FROM case_item
    CROSS JOIN LATERAL (
        SELECT at, department, staff, CASE WHEN search_id IS NULL THEN what ELSE 'search' END AS what, purpose, 1 AS kind, number
        FROM case_view v WHERE v.case_id = case_item.case_id
        UNION ALL
        SELECT at, department, staff, what, NULL, 0, number FROM case_step s
        WHERE s.case_id = case_item.case_id AND staff IS NOT NULL
    ) x
    WHERE receipt = $1
"""
"""Without an index on receipts: it is asked seldom, and every arriving case would pay for one."""


async def log(tx: Tx, receipt: str, after: Place, limit: int) -> list[Access]:
    """What people did with the cases of a receipt number after a place in it, in order."""
    rows = await tx.fetch(
        f"SELECT * FROM ({_LOG}) l WHERE (at, kind, number) > ($2, $3, $4) ORDER BY at, kind, number LIMIT $5",
        receipt,
        after.at,
        after.kind,
        after.number,
        limit,
    )
    return [_access(row) for row in rows]


def _access(row: Record) -> Access:
    place = Place(row["at"], row["kind"], row["number"])
    return Access(row["case_id"], place, row["department"], row["staff"], row["what"], row["purpose"])


async def days(tx: Tx, receipt: str) -> list[Day]:
    """Which department had the cases before it on which day (in Japan), each once, in order: all there are."""
    found = f"SELECT DISTINCT (at AT TIME ZONE interval '+09:00')::date AS day, department FROM ({_LOG}) l"
    return [Day(**dict(row)) for row in await tx.fetch(f"{found} ORDER BY day, department", receipt)]


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


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which page: what stands after one place, readings before one, so many of each."""

    after: Place
    before: int
    limit: int


@dataclass(frozen=True, slots=True)
class Found:
    """One page, asked for with one more of each than it holds, and what a citizen may be told of all of it."""

    log: list[Access]
    readings: list[Reading]
    days: list[Day]


async def _read_log(tx: Tx, receipt: str, wanted: Wanted, staff: str) -> tuple[Found, list[Event]]:
    found = await log(tx, receipt, wanted.after, wanted.limit + 1)
    readings = await readings_of(tx, receipt, wanted.limit + 1, wanted.before)
    told = await days(tx, receipt)
    await note_reading(tx, receipt, staff)
    return Found(found, readings, told), []


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
        after: Annotated[str, Query(pattern=PLACE)] = START.text,
        read_before: Annotated[int, Query(ge=1, le=LAST)] = LAST,
        limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
    ) -> JSONResponse:
        """Who saw or changed the cases of an application, from the first; `citizen` is what its applicant may be told: department and day.

        `read_by` is who read this log before, the newest first. `next` and `read_by_next` are the paths of what follows in each,
        null at its end. Whoever reads it now is noted in the same transaction.
        """
        wanted = Wanted(place(after), read_before, limit)
        found = await asking.commands.run(lambda tx: _read_log(tx, receipt, wanted, asking.staff))
        return JSONResponse(_page(receipt, found, limit))

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


def _page(receipt: str, found: Found, limit: int) -> dict[str, Any]:
    shown, readings = found.log[:limit], found.readings[:limit]
    path = f"/v1/access/{quote(receipt, safe='')}?limit={limit}"
    return {
        "receipt": receipt,
        "log": [_entry(one) for one in shown],
        "next": f"{path}&after={shown[-1].place.text}" if len(found.log) > limit else None,
        "citizen": [{"day": one.day.isoformat(), "department": one.department} for one in found.days],
        "read_by": _read_by(readings),
        "read_by_next": f"{path}&read_before={readings[-1].number}" if len(found.readings) > limit else None,
    }


def _entry(one: Access) -> dict[str, Any]:
    return {
        "case_id": str(one.case_id),
        "at": one.place.at.isoformat(),
        "department": one.department,
        "staff": one.staff,
        "what": one.what,
        "purpose": one.purpose,
    }


def _read_by(readings: Sequence[Reading]) -> list[dict[str, str]]:
    return [{"at": one.at.isoformat(), "staff": one.staff} for one in readings]
