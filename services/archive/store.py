"""All SQL of archive."""

from collections.abc import Collection, Sequence

import asyncpg

from chassis.database import Tx, columns
from services.archive.rules import Happening, Link, Record


async def keep(tx: Tx, happenings: Sequence[Happening]) -> None:
    """Insert."""
    await tx.execute(
        """
        INSERT INTO event (subject, id, type, time, body)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[])
        """,
        *columns([(event.subject, event.id, event.type, event.time, event.body) for event in happenings]),
    )


async def mark_closing(tx: Tx, subjects: Collection[str]) -> None:
    """Remember applications that have a closed case; one whose record is sealed stays sealed."""
    if subjects:
        await tx.execute(
            """
            INSERT INTO closing (subject, since)
            SELECT s, $2 FROM unnest($1::text[]) s WHERE NOT EXISTS (SELECT FROM record WHERE application_id = s::uuid)
            ON CONFLICT DO NOTHING
            """,
            sorted(subjects),
            tx.now,
        )


async def closing_among(tx: Tx, subjects: Collection[str]) -> list[str]:
    """Which of `subjects` have a closed case and no record, locked in the order of their ids."""
    if not subjects:
        return []
    rows = await tx.fetch(
        "SELECT subject FROM closing WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE", list(subjects)
    )
    return [row[0] for row in rows]


async def closing_for_long(tx: Tx, most: int) -> list[str]:
    """Applications that have been closing for a while, the oldest first, but those somebody else is looking at now."""
    rows = await tx.fetch(
        """
        SELECT subject FROM closing WHERE since < $1::timestamptz - interval '2 seconds'
        ORDER BY since LIMIT $2 FOR UPDATE SKIP LOCKED
        """,
        tx.now,
        most,
    )
    return [row[0] for row in rows]


async def histories(tx: Tx, subjects: Sequence[str]) -> dict[str, list[Happening]]:
    """All that was kept of these applications."""
    if not subjects:
        return {}
    rows = await tx.fetch(
        "SELECT subject, id, type, time, body FROM event WHERE subject = ANY($1::text[])", list(subjects)
    )
    found: dict[str, list[Happening]] = {subject: [] for subject in subjects}
    for row in rows:
        found[row["subject"]].append(Happening(**dict(row)))
    return found


async def end_of_chain(tx: Tx) -> Link:
    """The end of the chain, locked: whoever comes next waits for what is sealed now."""
    row = await tx.fetchrow("SELECT number, digest FROM chain FOR UPDATE")
    return Link(row["number"], row["digest"])


async def seal(tx: Tx, record: Record) -> None:
    """Insert a record and make it the end of the chain; its application is no longer looked at."""
    await tx.execute(
        """
        WITH sealed AS (
            INSERT INTO record (number, record_id, application_id, receipt, sealed_at, previous, digest, body)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ), moved AS (
            UPDATE chain SET number = $1, digest = $7
        )
        DELETE FROM closing WHERE subject = $3::uuid::text
        """,
        record.number,
        record.record_id,
        record.application_id,
        record.receipt,
        record.sealed_at,
        record.previous,
        record.digest,
        record.body,
    )


async def record_of(tx: Tx, receipt: str) -> asyncpg.Record | None:
    """A record: its ids, body and digest."""
    return await tx.connection.fetchrow(
        "SELECT application_id, record_id, body, digest FROM record WHERE receipt = $1", receipt
    )


async def records_after(tx: Tx, number: int, limit: int) -> list[asyncpg.Record]:
    """The records after `number`, in order, without their bodies."""
    return await tx.fetch(
        "SELECT number, receipt, sealed_at, previous, digest FROM record WHERE number > $1 ORDER BY number LIMIT $2",
        number,
        limit,
    )


async def bodies_after(tx: Tx, number: int, limit: int) -> list[tuple[int, bytes, bytes]]:
    """(number, digest, body) of the records after `number`, in order."""
    rows = await tx.fetch(
        "SELECT number, digest, body FROM record WHERE number > $1 ORDER BY number LIMIT $2", number, limit
    )
    return [(row[0], row[1], row[2]) for row in rows]
