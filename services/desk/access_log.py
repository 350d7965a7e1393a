"""Who saw or changed which case, when and why: written with every look, read by the auditor, told to a citizen who asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Path
from fastapi.responses import JSONResponse

from chassis.database import Tx
from contracts.desk import NumberPurpose, Purpose
from services.desk import rules
from services.desk.callers import Asking
from services.desk.rules import Item


@dataclass(frozen=True, slots=True)
class Access:
    """One look at a case, or one change; `purpose` is of a look."""

    case_id: UUID
    at: datetime
    department: str
    staff: str
    what: str
    purpose: str | None


CASE, NUMBERS = "view", "view-individual-numbers"
"""What somebody looked at."""


async def note(tx: Tx, item: Item, staff: str, purpose: Purpose | NumberPurpose, what: str = CASE) -> None:
    """Insert that somebody looks."""
    await tx.execute(
        "INSERT INTO case_view (case_id, at, department, staff, purpose, what) VALUES ($1, $2, $3, $4, $5, $6)",
        item.case_id,
        tx.now,
        item.department,
        staff,
        purpose,
        what,
    )


async def log(tx: Tx, receipt: str) -> list[Access]:
    """Everything that people did with the cases of a receipt number, in order.

    Without an index on receipts: it is asked seldom, and every arriving case would pay for one.
    """
    rows = await tx.fetch(
        """
        SELECT case_id, x.at, x.department, x.staff, x.what, x.purpose FROM case_item
        CROSS JOIN LATERAL (
            SELECT at, department, staff, what, purpose, number FROM case_view v WHERE v.case_id = case_item.case_id
            UNION ALL
            SELECT at, department, staff, what, NULL, number FROM case_step s
            WHERE s.case_id = case_item.case_id AND staff IS NOT NULL
        ) x
        WHERE receipt = $1 ORDER BY x.at, x.what, x.number
        """,
        receipt,
    )
    return [Access(**dict(row)) for row in rows]


def add_routes(app: FastAPI) -> None:
    """One page for the auditor."""

    @app.get("/v1/access/{receipt}")
    async def read_access(receipt: Annotated[str, Path(max_length=32)], asking: Asking) -> JSONResponse:
        """Who saw or changed the cases of an application; `citizen` is what its applicant may be told: department and day."""
        found = await asking.commands.query(lambda tx: log(tx, receipt))
        return JSONResponse({"receipt": receipt, "log": [_entry(one) for one in found], "citizen": _told(found)})


def _entry(one: Access) -> dict[str, Any]:
    return {
        "case_id": str(one.case_id),
        "at": one.at.isoformat(),
        "department": one.department,
        "staff": one.staff,
        "what": one.what,
        "purpose": one.purpose,
    }


def _told(found: Sequence[Access]) -> list[dict[str, str]]:
    """Which department had the case before it on which day (in Japan), each once: no person, and no count."""
    days = sorted({(rules.today(one.at), one.department) for one in found})
    return [{"day": day.isoformat(), "department": department} for day, department in days]
