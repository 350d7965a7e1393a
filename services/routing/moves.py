"""SQL about moves of cases between departments: what routing remembers of what people corrected."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from uuid import UUID

import asyncpg

from chassis.database import Tx, columns
from services.routing.rules.assigning import TRIAGE
from services.routing.rules.reroutes import Kept, Reroute, ended_at, join_moves


@dataclass(frozen=True, slots=True)
class Move:
    """A case that staff moved; `reason` is in their own words, for staff only."""

    case_id: UUID
    from_department: str
    to_department: str
    reason: str


async def add_moves(tx: Tx, moves: Sequence[Move]) -> None:
    """Insert moves made now, at least one."""
    await tx.execute(
        """
        INSERT INTO case_move (case_id, moved_at, from_department, to_department, reason)
        SELECT x.case_id, $1, x.source, x.target, x.reason
        FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) x(case_id, source, target, reason)
        """,
        tx.now,
        *columns([(move.case_id, move.from_department, move.to_department, move.reason) for move in moves]),
    )


async def past_moves(tx: Tx, limit: int, *, but: UUID | None = None) -> list[Reroute | Kept]:
    """The cases of the newest `limit` moves, each as people left it; those that wait in triage, and `but`, are left out.

    Facts are those that the stored decision names.
    """
    rows = await tx.fetch(
        """
        SELECT case_id, moved_at, from_department, to_department, reason, decision, cause
        FROM case_move JOIN routed_case USING (case_id)
        WHERE case_id IN (SELECT case_id FROM case_move ORDER BY number DESC LIMIT $1)
            AND case_id IS DISTINCT FROM $2
        ORDER BY case_id, number
        """,
        limit,
        but,
    )
    cases = [join_moves(list(map(_reroute, moved))) for _, moved in groupby(rows, itemgetter("case_id"))]
    return [case for case in cases if ended_at(case) != TRIAGE]


async def kept_cases(tx: Tx, limit: int, *, but: UUID | None = None) -> list[Kept]:
    """The cases opened last that nobody moved, at most `limit`, without those that wait in triage, and without `but`."""
    rows = await tx.fetch(
        """
        SELECT department, decision FROM routed_case
        WHERE department <> $1 AND NOT EXISTS (SELECT FROM case_move WHERE case_move.case_id = routed_case.case_id)
            AND case_id IS DISTINCT FROM $3
        ORDER BY opened_at DESC, case_id DESC LIMIT $2
        """,
        TRIAGE,
        limit,
        but,
    )
    return [Kept(json.loads(row["decision"])["inputs"], row["department"]) for row in rows]


def _reroute(row: asyncpg.Record) -> Reroute:
    decision = json.loads(row["decision"])
    decided_by = decision["rows"][0] if row["cause"] is None else None
    return Reroute(
        decision["inputs"], row["from_department"], row["to_department"], row["reason"], decided_by, row["moved_at"]
    )
