"""All SQL of intake."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from chassis.database import Tx, columns, columns_of
from services.intake.rules import Before, Digest, Known, Said, Sent
from services.intake.timeline import Step

SubmissionKey = tuple[str, str]
"""(source, id)."""


@dataclass(frozen=True, slots=True)
class NewApplication:
    """What is kept of an application beside its event in the journal."""

    application_id: UUID
    receipt: str
    source: str
    digest: Digest
    received_at: datetime
    procedure: str
    channel: str

    def known(self) -> Known:
        """As the rules see it, now that it is there."""
        return Known(
            self.application_id,
            self.receipt,
            self.source,
            self.digest.value,
            self.received_at,
            "open",
            self.procedure,
            self.channel,
            self.digest.key,
        )


async def claim_submissions(tx: Tx, submissions: Sequence[Sent]) -> set[SubmissionKey]:
    """Insert a row for each; returns those that had not come before."""
    rows = await tx.fetch(
        """
        INSERT INTO submission (source, id, digest, received_at, application_id, outcome, digest_key)
        SELECT s, i, d, $5, a, 'accepted', k
        FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[], $6::text[]) x(s, i, d, a, k)
        ON CONFLICT DO NOTHING RETURNING source, id
        """,
        [sent.source for sent in submissions],
        [sent.id for sent in submissions],
        [sent.digest.value for sent in submissions],
        [sent.application_id for sent in submissions],
        tx.now,
        [sent.digest.key for sent in submissions],
    )
    return {(row[0], row[1]) for row in rows}


async def said_before(tx: Tx, again: Collection[Sent]) -> list[Said]:
    """All that was ever said under these sources and ids: the first time, and each contradiction that was reported."""
    if not again:
        return []
    rows = await tx.fetch(
        """
        SELECT source, id, digest, digest_key FROM unnest($1::text[], $2::text[]) x(s, i) CROSS JOIN LATERAL (
            SELECT source, id, digest, digest_key FROM submission WHERE (source, id) = (s, i)
            UNION ALL SELECT source, id, digest, digest_key FROM contradiction WHERE (source, id) = (s, i)) before
        """,
        *columns(sorted({(sent.source, sent.id) for sent in again})),
    )
    return [Said(**dict(row)) for row in rows]


async def add_contradictions(tx: Tx, found: Collection[Sent]) -> None:
    """Insert: each is reported once for ever."""
    if found:
        await tx.execute(
            """
            INSERT INTO contradiction (source, id, digest, digest_key, received_at)
            SELECT s, i, d, k, $5 FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[]) x(s, i, d, k)
            ON CONFLICT DO NOTHING
            """,
            *columns([(sent.source, sent.id, sent.digest.value, sent.digest.key) for sent in found]),
            tx.now,
        )


async def next_numbers(tx: Tx, count: int) -> list[int]:
    """Fresh numbers for receipts; a gap after a rollback is of no account."""
    rows = await tx.fetch("SELECT nextval('receipt_sequence') FROM generate_series(1, $1)", count)
    return [row[0] for row in rows]


async def add_applications(tx: Tx, applications: Sequence[NewApplication]) -> dict[UUID, Known]:
    """Insert; returns the applications that were not there before, of several under one id the one that is there now."""
    if not applications:
        return {}
    rows = await tx.fetch(
        """
        INSERT INTO application (application_id, receipt, source, digest, digest_key, received_at, procedure, channel)
        SELECT * FROM unnest
            ($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::text[], $6::timestamptz[], $7::text[], $8::text[])
        ON CONFLICT DO NOTHING RETURNING receipt
        """,
        *columns(
            [
                (
                    new.application_id,
                    new.receipt,
                    new.source,
                    new.digest.value,
                    new.digest.key,
                    new.received_at,
                    new.procedure,
                    new.channel,
                )
                for new in applications
            ]
        ),
    )
    added = {row[0] for row in rows}
    return {new.application_id: new.known() for new in applications if new.receipt in added}


async def known(tx: Tx, application_ids: Collection[UUID]) -> dict[UUID, Known]:
    """The applications there are, locked in the order of their ids: what follows is committed in order per key."""
    if not application_ids:
        return {}
    rows = await tx.fetch(
        """
        SELECT application_id, receipt, source, digest, received_at, state, procedure, channel, digest_key FROM application
        WHERE application_id = ANY($1::uuid[]) ORDER BY application_id FOR UPDATE
        """,
        list(application_ids),
    )
    return {row["application_id"]: Known(**dict(row)) for row in rows}


async def submission(tx: Tx, key: SubmissionKey) -> tuple[Said, Before] | None:
    """What came before under this source and id, and what became of it."""
    row = await tx.connection.fetchrow(
        """
        SELECT source, id, digest, digest_key, application_id, outcome, fault FROM submission WHERE (source, id) = ($1, $2)
        """,
        *key,
    )
    return (Said(*row[:4]), Before(*row[4:])) if row else None


async def set_outcomes(tx: Tx, outcomes: Sequence[tuple[str, str, str, str | None, str | None]]) -> None:
    """Write (source, id, outcome, codes of its faults, the faults as JSON) of the submissions that were not accepted."""
    if outcomes:
        await tx.execute(
            """
            UPDATE submission SET outcome = x.o, fault = x.f, faults = x.w::jsonb
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) x(s, i, o, f, w)
            WHERE (source, id) = (x.s, x.i)
            """,
            *columns(outcomes),
        )


async def set_state(tx: Tx, state: str, application_ids: Sequence[UUID | str]) -> None:
    """Mark applications withdrawn or closed."""
    if application_ids:
        await tx.execute(
            "UPDATE application SET state = $1 WHERE application_id = ANY($2::uuid[])", state, application_ids
        )


async def add_steps(tx: Tx, steps: Sequence[tuple[UUID | str, Step]]) -> None:
    """Insert (application, step) of what happened to applications."""
    if steps:
        await tx.execute(
            """
            INSERT INTO progress (application_id, at, type, department, due_on, case_id, cases, cause)
            SELECT * FROM unnest
                ($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::date[], $6::uuid[], $7::int[], $8::text[])
            """,
            [application_id for application_id, _ in steps],
            *columns_of([step for _, step in steps]),
        )


async def settle(tx: Tx, application_ids: Collection[str], opening: Collection[str], closing: str) -> None:
    """Close those of which every case that was opened is closed; open those again of which a case came late.

    Openings and closings stand on different topics: the closing of one case may be read before the opening of another.
    """
    if application_ids:
        await tx.execute(
            """
            WITH unfinished AS (
                SELECT DISTINCT application_id FROM progress opened
                WHERE application_id = ANY($1::uuid[]) AND type = ANY($2::text[]) AND case_id IS NOT NULL AND NOT EXISTS (
                    SELECT FROM progress closed WHERE closed.application_id = opened.application_id
                    AND closed.case_id = opened.case_id AND closed.type = $3)
                UNION
                SELECT application_id FROM progress WHERE application_id = ANY($1::uuid[]) AND type = ANY($2::text[])
                GROUP BY application_id HAVING count(DISTINCT case_id) < max(cases)
            )
            UPDATE application a SET state = CASE
                WHEN u.application_id IS NULL THEN 'closed' WHEN a.state = 'closed' THEN 'open' ELSE a.state END
            FROM unnest($1::uuid[]) x(id) LEFT JOIN unfinished u ON u.application_id = x.id WHERE a.application_id = x.id
            """,
            list(application_ids),
            list(opening),
            closing,
        )


async def by_receipt(tx: Tx, receipt: str, sources: Collection[str]) -> asyncpg.Record | None:
    """The application of a receipt number, when one of these sources has handed it in."""
    return await tx.connection.fetchrow(
        """
        SELECT application_id, receipt, received_at, procedure, channel, state FROM application
        WHERE receipt = $1 AND source = ANY($2::text[])
        """,
        receipt,
        list(sources),
    )


async def steps_of(tx: Tx, application_id: UUID) -> list[Step]:
    """What happened to an application, oldest first."""
    rows = await tx.fetch(
        """
        SELECT at, type, department, due_on, case_id, cases, cause FROM progress WHERE application_id = $1 ORDER BY at, type
        """,
        application_id,
    )
    return [Step(**dict(row)) for row in rows]
