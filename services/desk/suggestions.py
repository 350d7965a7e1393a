"""Departments suggested for a case in triage: routing makes them, the desk shows them, a person decides. Nothing is applied."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.database import Tx, columns_of
from contracts.routing import DepartmentsSuggested
from services.desk.rules import TRIAGE, Item


@dataclass(frozen=True, slots=True)
class Suggested:
    """What is suggested for a case. `said` is JSON: `from_past` and `from_text`, each the likeliest department first."""

    case_id: UUID
    at: datetime
    said: bytes


NOTHING = {"at": None, "from_past": [], "from_text": []}


def suggested(event: DepartmentsSuggested) -> Suggested:
    """An event as it is kept."""
    said = event.model_dump_json(include={"from_past", "from_text"}).encode()
    return Suggested(event.case_id, event.at, said)


async def keep(tx: Tx, found: Sequence[Suggested]) -> None:
    """Write what is suggested now, at least one; of a case the last counts."""
    last = {one.case_id: one for one in found}
    await tx.execute(
        """
        INSERT INTO suggestion (case_id, at, said)
        SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::bytea[]) x(case_id, at, said) ORDER BY case_id
        ON CONFLICT (case_id) DO UPDATE SET at = EXCLUDED.at, said = EXCLUDED.said
        """,
        *columns_of(list(last.values())),
    )


async def shown(tx: Tx, item: Item) -> dict[str, Any]:
    """What is suggested for a case that waits in triage, as JSON; nothing once a department has it."""
    rows = await tx.fetch(
        "SELECT at, said FROM suggestion WHERE case_id = $1 AND $2 = $3", item.case_id, item.department, TRIAGE
    )
    return {"at": rows[0]["at"].isoformat()} | json.loads(rows[0]["said"]) if rows else NOTHING
