"""All SQL of routing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from chassis.database import Tx, columns
from services.routing.rules.assigning import Table, compile_table


@dataclass(frozen=True, slots=True)
class RoutedCase:
    """A case as it is stored; `decision` is JSON."""

    case_id: UUID
    application_id: UUID
    receipt: str
    opened_at: datetime
    department: str
    due_on: date
    decision: bytes


async def load_rules(tx: Tx, table: Table, content: str, departments: str) -> None:
    """Keep a rule set for ever; one that is known already stays as it is."""
    await tx.execute(
        """
        INSERT INTO rule_set (hash, name, content, departments) VALUES ($1, $2, $3, $4) ON CONFLICT (hash) DO NOTHING
        """,
        table.hash,
        table.name,
        content,
        departments,
    )


async def put_in_force(tx: Tx, rule_set: str) -> None:
    """Let a rule set decide from now on, unless it does already."""
    await tx.execute(
        """
        INSERT INTO in_force (since, hash)
        SELECT $1, $2 WHERE $2 IS DISTINCT FROM (SELECT hash FROM in_force ORDER BY number DESC LIMIT 1)
        """,
        tx.now,
        rule_set,
    )


async def rules_in_force(tx: Tx) -> Table:
    """The rule set in force, compiled."""
    row = await tx.fetchrow(
        """
        SELECT name, content, departments FROM rule_set
        WHERE hash = (SELECT hash FROM in_force ORDER BY number DESC LIMIT 1)
        """
    )
    return compile_table(row["name"], row["content"], row["departments"])


async def open_cases(tx: Tx, cases: Sequence[RoutedCase]) -> None:
    """Insert new cases."""
    await tx.execute(
        """
        INSERT INTO routed_case (case_id, application_id, receipt, opened_at, department, due_on, decision)
        SELECT * FROM unnest
            ($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::date[], $7::bytea[])
        """,
        *columns(
            [
                (
                    case.case_id,
                    case.application_id,
                    case.receipt,
                    case.opened_at,
                    case.department,
                    case.due_on,
                    case.decision,
                )
                for case in cases
            ]
        ),
    )


async def cases(tx: Tx, case_ids: Sequence[UUID]) -> dict[UUID, RoutedCase]:
    """The cases of these ids, locked in the order of their ids: what follows is committed in order per key."""
    rows = await tx.fetch(
        """
        SELECT case_id, application_id, receipt, opened_at, department, due_on, decision
        FROM routed_case WHERE case_id = ANY($1::uuid[]) ORDER BY case_id FOR UPDATE
        """,
        list(case_ids),
    )
    return {row["case_id"]: RoutedCase(**dict(row)) for row in rows}


async def move_cases(tx: Tx, moves: Sequence[tuple[UUID, str]]) -> None:
    """Write (case, department) of cases that moved."""
    await tx.execute(
        """
        UPDATE routed_case SET department = x.department
        FROM unnest($1::uuid[], $2::text[]) x(case_id, department) WHERE routed_case.case_id = x.case_id
        """,
        *columns(moves),
    )
