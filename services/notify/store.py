"""All SQL of notify."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from uuid import UUID

import asyncpg

from chassis.database import Tx, columns
from services.notify.rules import Contact, Letter, Mark, Notice, State

PRESENT = 7_260_200
"""The advisory lock that every instance holds, shared, while it sends."""


async def open_contacts(tx: Tx, contacts: Sequence[tuple[Notice, Contact, State]]) -> set[UUID]:
    """Insert the contact and the first notice of each application; returns those about which a notice came earlier.

    Rows are locked in the order of their ids, as in `contacts_of`.
    """
    rows = await tx.fetch(
        """
        WITH known AS (
            INSERT INTO contact (application_id, receipt, language, sealed, early)
            SELECT a, r, l, c, false
            FROM unnest($2::uuid[], $3::text[], $6::text[], $9::bytea[]) x(a, r, l, c) ORDER BY a
            ON CONFLICT (application_id) DO UPDATE SET language = excluded.language, sealed = excluded.sealed
            RETURNING application_id, early
        ), written AS (
            INSERT INTO notice (notice_id, application_id, kind, traceparent, state, next_attempt_at)
            SELECT n, a, k, t, s, $8 FROM unnest($1::uuid[], $2::uuid[], $4::text[], $5::text[], $7::text[]) x(n, a, k, t, s)
        )
        SELECT application_id FROM known WHERE early
        """,
        *columns(
            [
                (
                    new.notice_id,
                    new.application_id,
                    new.receipt,
                    new.kind,
                    new.traceparent,
                    to.language,
                    state,
                )
                for new, to, state in contacts
            ]
        ),
        tx.now,
        [to.sealed for _, to, _ in contacts],
    )
    return {row[0] for row in rows}


async def contacts_of(tx: Tx, notices: Sequence[Notice]) -> dict[UUID, Contact]:
    """The contact of each, locked; of an application that has not arrived yet a row is made, to be found by it."""
    receipts = {notice.application_id: notice.receipt for notice in notices}
    rows = await tx.fetch(
        """
        INSERT INTO contact (application_id, receipt, early)
        SELECT a, r, true FROM unnest($1::uuid[], $2::text[]) x(a, r) ORDER BY a
        ON CONFLICT (application_id) DO UPDATE SET receipt = excluded.receipt
        RETURNING application_id, language, sealed
        """,
        list(receipts),
        list(receipts.values()),
    )
    return {row[0]: Contact(row[1], row[2]) for row in rows}


async def add_notices(tx: Tx, notices: Sequence[tuple[Notice, State]]) -> None:
    """Insert."""
    await tx.execute(
        """
        INSERT INTO notice
            (notice_id, application_id, kind, traceparent, outcome, wanted, until, reason, sealed, place, state, next_attempt_at)
        SELECT x.*, $12 FROM unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::date[], $8::text[], $9::bytea[],
            $10::text[], $11::text[]) x
        """,
        *columns(
            [
                (
                    new.notice_id,
                    new.application_id,
                    new.kind,
                    new.traceparent,
                    new.outcome,
                    new.wanted,
                    new.until,
                    new.reason,
                    new.sealed,
                    new.place,
                    state,
                )
                for new, state in notices
            ]
        ),
        tx.now,
    )


async def release(tx: Tx, application_ids: Collection[UUID]) -> list[tuple[Notice, Contact, State]]:
    """Queue or withhold the notices that waited for these contacts."""
    if not application_ids:
        return []
    rows = await tx.fetch(
        """
        UPDATE notice n SET next_attempt_at = $2,
            state = CASE WHEN c.sealed IS NULL THEN 'withheld' ELSE 'queued' END
        FROM contact c
        WHERE c.application_id = n.application_id AND n.state = 'waiting' AND n.application_id = ANY($1::uuid[])
        RETURNING n.*, c.receipt, c.language, c.sealed AS contact
        """,
        list(application_ids),
        tx.now,
    )
    return [(_notice(row), Contact(row["language"], row["contact"]), row["state"]) for row in rows]


async def any_due(tx: Tx) -> bool:
    """Whether there is anything to send."""
    return await tx.fetchval(
        "SELECT EXISTS (SELECT FROM notice WHERE state IN ('queued', 'sending') AND next_attempt_at <= $1)", tx.now
    )


async def claim(tx: Tx, most: int, lease: timedelta) -> list[Letter]:
    """Claim notices that are due, those among them whose claimant has let his lease pass."""
    rows = await tx.fetch(
        """
        WITH due AS MATERIALIZED (
            SELECT notice_id FROM notice WHERE state IN ('queued', 'sending') AND next_attempt_at <= $1
            ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE notice n SET state = 'sending', attempts = n.attempts + 1, next_attempt_at = $3
        FROM due, contact c WHERE n.notice_id = due.notice_id AND c.application_id = n.application_id
        RETURNING n.*, c.receipt, c.language, c.sealed AS contact
        """,
        tx.now,
        most,
        tx.now + lease,
    )
    return [Letter(_notice(row), "", row["language"], row["attempts"], row["contact"]) for row in rows]


async def mark(tx: Tx, marks: Sequence[Mark]) -> set[UUID]:
    """Write down what became of claimed notices; returns those whose claim was still good."""
    rows = await tx.fetch(
        """
        UPDATE notice SET state = x.s, attempts = x.a, next_attempt_at = x.d, smtp_code = x.c
        FROM unnest($1::uuid[], $2::int[], $3::text[], $4::int[], $5::timestamptz[], $6::int[]) x(n, claimed, s, a, d, c)
        WHERE notice_id = x.n AND attempts = x.claimed AND state = 'sending'
        RETURNING notice_id
        """,
        *columns(
            [
                (
                    it.letter.notice.notice_id,
                    it.letter.attempts,
                    it.state,
                    it.attempts,
                    it.next_attempt_at,
                    it.smtp_code,
                )
                for it in marks
            ]
        ),
    )
    return {row[0] for row in rows}


async def is_alone(tx: Tx) -> bool:
    """Whether no other instance is sending; if so none can start to until `be_present`."""
    return await tx.fetchval("SELECT pg_try_advisory_lock($1)", PRESENT)


async def be_present(tx: Tx) -> None:
    """Hold the lock, shared, as long as this connection lives."""
    await tx.execute("SELECT pg_advisory_lock_shared($1)", PRESENT)


async def stop_being_alone(tx: Tx) -> None:
    """Let others start."""
    await tx.execute("SELECT pg_advisory_unlock($1)", PRESENT)


async def end_leases(tx: Tx) -> None:
    """Take up what is claimed at once."""
    await tx.execute("UPDATE notice SET next_attempt_at = $1 WHERE state = 'sending'", tx.now)


def _notice(row: asyncpg.Record) -> Notice:
    return Notice(
        row["notice_id"],
        row["application_id"],
        row["receipt"],
        row["kind"],
        row["traceparent"],
        row["outcome"],
        row["wanted"],
        row["until"],
        row["reason"],
        row["sealed"],
        row["place"],
    )
