"""All SQL of routing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import asyncpg

from chassis.database import Tx, columns
from chassis.errors import Transient
from services.routing.rules.lifecycle import Life, Term
from services.routing.rules.overlays import Confirmed, Request, Switch, Withdrawn
from services.routing.rules.rule_sets import RuleSet
from services.routing.shelf import SHELF


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
    cause: str | None = None
    """Why a person had to decide, where the rules did not."""


async def lock_installation(tx: Tx) -> None:
    """Of instances that start at once with nothing in force, one installs the first rules and the others see them."""
    await tx.execute("LOCK TABLE rule_set_life IN SHARE ROW EXCLUSIVE MODE")


async def keep_rule_set(tx: Tx, name: str, files: bytes) -> None:
    """Keep the files of a rule set, JSON, for ever; one that is known already stays as it is."""
    await tx.execute(
        "INSERT INTO rule_set (hash, files) VALUES ($1, convert_from($2, 'UTF8')::jsonb) ON CONFLICT (hash) DO NOTHING",
        name,
        files,
    )


async def files_of(tx: Tx, name: str) -> bytes:
    """The files of a rule set, JSON. Raises LookupError when nobody proposed it."""
    return (await tx.fetchrow("SELECT files::text FROM rule_set WHERE hash = $1", name))[0].encode()


async def rule_set(tx: Tx, name: str) -> RuleSet | None:
    """A rule set, compiled; read and compiled only where nobody has asked for it before. None when it cannot be read."""
    if name not in SHELF:
        await SHELF.put(name, await files_of(tx, name))
    return SHELF.get(name)


async def first_readable(tx: Tx, names: Sequence[str]) -> RuleSet:
    """The first of these that can be read: where a set cannot, the one before it goes on deciding. Raises Transient."""
    for name in names:
        if found := await rule_set(tx, name):
            return found
    raise Transient("no rule set that was in force can be read by this release")


async def begin_life(tx: Tx, life: Life, note: str, findings: bytes) -> bool:
    """Insert a life; whether it is new, for a set that is proposed again while it lives has one already."""
    begun = await tx.fetchval(
        """
        INSERT INTO rule_set_life
            (hash, state, proposed_by, proposed_at, note, findings, approved_by, in_force_from, proven_from, approved_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE $2 WHEN 'approved' THEN $4::timestamptz END) ON CONFLICT DO NOTHING RETURNING number
        """,
        life.hash,
        life.state,
        life.proposed_by,
        tx.now,
        note,
        findings,
        life.approved_by,
        life.in_force_from,
        life.proven_from,
    )
    return begun is not None


_LIFE = "hash, state, proposed_by, approved_by, in_force_from, proven_from"


async def lock_life(tx: Tx, name: str) -> Life | None:
    """The last life of a rule set, locked."""
    rows = await tx.fetch(
        f"SELECT {_LIFE} FROM rule_set_life WHERE hash = $1 ORDER BY number DESC LIMIT 1 FOR UPDATE", name
    )
    return Life(*rows[0]) if rows else None


async def lock_standing_lives(tx: Tx) -> list[Life]:
    """Those that are approved or in force, in the order of their approval, locked."""
    rows = await tx.fetch(
        f"""
        SELECT {_LIFE} FROM rule_set_life WHERE state IN ('approved', 'in-force')
        ORDER BY approved_at NULLS FIRST, number FOR UPDATE
        """
    )
    return [Life(*row) for row in rows]


async def save_lives(tx: Tx, lives: Sequence[Life]) -> None:
    """Write the last life of each of these sets, one after the other: two are never in force at once."""
    for life in lives:
        await tx.execute(
            """
            UPDATE rule_set_life SET state = $2, approved_by = $3, in_force_from = $4,
                approved_at = CASE $2 WHEN 'approved' THEN $5::timestamptz ELSE approved_at END
            WHERE number = (SELECT max(number) FROM rule_set_life WHERE hash = $1)
            """,
            life.hash,
            life.state,
            life.approved_by,
            life.in_force_from,
            tx.now,
        )


async def terms(tx: Tx) -> list[Term]:
    """From when which rule set decides, approved ones of the future included, in order."""
    return (await deciding(tx))[0]


async def deciding(tx: Tx) -> tuple[list[Term], list[Switch]]:
    """Terms, and every confirmed switch of an overlay, each in order: asked for with every batch, hence in one statement."""
    rows = await tx.fetch(
        """
        SELECT in_force_from AS since, hash AS name, NULL AS turn, approved_at, number FROM rule_set_life
        WHERE in_force_from IS NOT NULL AND state <> 'withdrawn'
        UNION ALL
        SELECT since, overlay, turn, NULL::timestamptz, number FROM overlay_switch WHERE confirmed_by IS NOT NULL
        ORDER BY since, approved_at NULLS FIRST, number
        """
    )
    return (
        [Term(row["since"], row["name"]) for row in rows if row["turn"] is None],
        [Switch(row["name"], row["turn"], row["since"]) for row in rows if row["turn"] is not None],
    )


async def ask_for_switch(tx: Tx, asked: Request) -> bool:
    """Insert a switch that waits for its second person; False when one of this overlay waits already."""
    asked_for = await tx.fetchval(
        """
        INSERT INTO overlay_switch (overlay, turn, requested_by, requested_at, reason, since)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING number
        """,
        asked.overlay,
        asked.turn,
        asked.staff,
        tx.now,
        asked.reason,
        asked.since,
    )
    return asked_for is not None


async def lock_request(tx: Tx, overlay: str) -> Request | None:
    """The switch of an overlay that waits, locked."""
    rows = await tx.fetch(
        """
        SELECT overlay, turn, requested_by, reason, since FROM overlay_switch
        WHERE overlay = $1 AND confirmed_by IS NULL AND withdrawn_by IS NULL FOR UPDATE
        """,
        overlay,
    )
    return Request(*rows[0]) if rows else None


async def confirm_switch(tx: Tx, confirmed: Confirmed) -> None:
    """Write who confirmed the switch that waits, and from when it holds."""
    await tx.execute(
        """
        UPDATE overlay_switch SET confirmed_by = $2, since = $3
        WHERE overlay = $1 AND confirmed_by IS NULL AND withdrawn_by IS NULL
        """,
        confirmed.overlay,
        confirmed.confirmed_by,
        confirmed.since,
    )


async def withdraw_switch(tx: Tx, withdrawn: Withdrawn) -> None:
    """Write who took back the switch that waits, and why."""
    await tx.execute(
        """
        UPDATE overlay_switch SET withdrawn_by = $2, withdrawn_at = $3, withdrawn_note = $4
        WHERE overlay = $1 AND confirmed_by IS NULL AND withdrawn_by IS NULL
        """,
        withdrawn.overlay,
        withdrawn.staff,
        tx.now,
        withdrawn.reason,
    )


async def switches_asked_for(tx: Tx, limit: int) -> list[asyncpg.Record]:
    """The newest switches, to read, whether they wait or were confirmed or withdrawn."""
    return await tx.fetch(
        """
        SELECT overlay, turn, requested_by, requested_at, reason, since, confirmed_by, withdrawn_by, withdrawn_note
        FROM overlay_switch ORDER BY number DESC LIMIT $1
        """,
        limit,
    )


async def lives(tx: Tx, limit: int) -> list[asyncpg.Record]:
    """The newest lives, to read, without their files."""
    return await tx.fetch(
        f"SELECT {_LIFE}, proposed_at, note, findings FROM rule_set_life ORDER BY number DESC LIMIT $1", limit
    )


async def open_cases(tx: Tx, cases: Sequence[RoutedCase]) -> None:
    """Insert new cases."""
    await tx.execute(
        """
        INSERT INTO routed_case (case_id, application_id, receipt, opened_at, department, due_on, decision, cause)
        SELECT * FROM unnest
            ($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::date[], $7::bytea[], $8::text[])
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
                    case.cause,
                )
                for case in cases
            ]
        ),
    )


async def case(tx: Tx, case_id: UUID) -> RoutedCase | None:
    """A case as it is now, to read."""
    rows = await tx.fetch(
        """
        SELECT case_id, application_id, receipt, opened_at, department, due_on, decision, cause
        FROM routed_case WHERE case_id = $1
        """,
        case_id,
    )
    return RoutedCase(**dict(rows[0])) if rows else None


async def cases(tx: Tx, case_ids: Sequence[UUID]) -> dict[UUID, RoutedCase]:
    """The cases of these ids, locked in the order of their ids: what follows is committed in order per key."""
    rows = await tx.fetch(
        """
        SELECT case_id, application_id, receipt, opened_at, department, due_on, decision, cause
        FROM routed_case WHERE case_id = ANY($1::uuid[]) ORDER BY case_id FOR UPDATE
        """,
        list(case_ids),
    )
    return {row["case_id"]: RoutedCase(**dict(row)) for row in rows}


async def lock_cases_of(tx: Tx, application_ids: Collection[UUID]) -> list[RoutedCase]:
    """All cases of these applications, locked in the order of their ids."""
    rows = await tx.fetch(
        """
        SELECT case_id, application_id, receipt, opened_at, department, due_on, decision, cause
        FROM routed_case WHERE application_id = ANY($1::uuid[]) ORDER BY case_id FOR UPDATE
        """,
        list(application_ids),
    )
    return [RoutedCase(**dict(row)) for row in rows]


async def move_cases(tx: Tx, moves: Sequence[tuple[UUID, str]]) -> None:
    """Write (case, department) of cases that moved."""
    await tx.execute(
        """
        UPDATE routed_case SET department = x.department
        FROM unnest($1::uuid[], $2::text[]) x(case_id, department) WHERE routed_case.case_id = x.case_id
        """,
        *columns(moves),
    )
