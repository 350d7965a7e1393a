"""What a consumer writes beside the service's own state: watermarks and parked events. All its SQL."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chassis.consuming import Delivery
from chassis.database import Tx
from chassis.errors import Fenced


@dataclass(frozen=True, slots=True)
class LaneKey:
    """Which lane."""

    source: str
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Parked:
    """One parked event, its original bytes included."""

    id: int
    topic: str
    partition: int
    offset: int
    number: int | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes
    cause: str
    attempts: int


@dataclass(frozen=True, slots=True)
class ParkedKey:
    """One key that waits, as a person reads it: no payload."""

    key: str
    since: str
    events: int
    topic: str
    cause: str
    attempts: int


async def watermarks(tx: Tx, lanes: Sequence[LaneKey]) -> dict[LaneKey, int]:
    """The watermark of every lane, a row made for one met for the first time."""
    columns = [lane.source for lane in lanes], [lane.topic for lane in lanes], [lane.partition for lane in lanes]
    await tx.execute(
        """
        INSERT INTO chassis.lane (source, topic, partition, seen)
        SELECT s, t, p, 0 FROM unnest($1::text[], $2::text[], $3::int[]) x(s, t, p) ON CONFLICT DO NOTHING
        """,
        *columns,
    )
    rows = await tx.fetch(
        """
        SELECT source, topic, partition, seen FROM chassis.lane
        WHERE (source, topic, partition) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::int[]))
        """,
        *columns,
    )
    return {LaneKey(row["source"], row["topic"], row["partition"]): row["seen"] for row in rows}


async def enter(tx: Tx, moves: Mapping[LaneKey, tuple[int, int]], keys: Iterable[str]) -> set[str]:
    """Move watermarks from an expected number to the one reached, and say which of `keys` are parked.

    Raises Fenced when a watermark has moved without us. The rows of parked keys stay locked, so that no redrive finishes
    before we have lined up.
    """
    ordered = sorted(moves.items(), key=lambda move: (move[0].topic, move[0].partition))
    parked = await tx.fetchval(
        "SELECT chassis.enter($1::text[], $2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::text[])",
        [lane.source for lane, _ in ordered],
        [lane.topic for lane, _ in ordered],
        [lane.partition for lane, _ in ordered],
        [expected for _, (expected, _) in ordered],
        [reached for _, (_, reached) in ordered],
        list(keys),
    )
    if parked is None:
        raise Fenced("another instance has advanced this lane")
    return set(parked)


async def park(tx: Tx, deliveries: Sequence[tuple[Delivery, str]]) -> None:
    """Park events with the class of their cause, in order, and their keys; one that is parked already is read a second time."""
    if not deliveries:
        return
    await tx.execute(
        "INSERT INTO chassis.parked_key (key) SELECT DISTINCT unnest($1::text[]) ON CONFLICT DO NOTHING",
        [delivery.key for delivery, _ in deliveries],
    )
    for delivery, cause in deliveries:
        record = delivery.record
        headers = [part for name, value in record.headers for part in (name.encode(), value)]
        await tx.execute(
            """
            INSERT INTO chassis.parked_event (key, topic, partition, "offset", number, headers, value, cause, digest)
            VALUES ($1, $2, $3, $4, $5, $6::bytea[], $7, $8, $9) ON CONFLICT DO NOTHING
            """,
            delivery.key,
            record.topic,
            record.partition,
            record.offset,
            delivery.number,
            headers,
            record.value or b"",
            cause,
            # Of the headers too, where a binary event has its id: a topic made anew has other records at the same places.
            hashlib.sha256(b"\0".join((record.value or b"", *headers))).digest(),
        )


async def parked_keys(tx: Tx, limit: int) -> list[ParkedKey]:
    """The keys that wait, the longest first."""
    rows = await tx.fetch(
        """
        SELECT k.key, to_char(k.since, 'YYYY-MM-DD HH24:MI:SSOF') AS since, count(*) AS events,
               (array_agg(e.topic ORDER BY e.id))[1] AS topic, (array_agg(e.cause ORDER BY e.id))[1] AS cause,
               max(e.attempts) AS attempts
        FROM chassis.parked_key k JOIN chassis.parked_event e USING (key)
        GROUP BY k.key, k.since ORDER BY k.since, k.key LIMIT $1
        """,
        limit,
    )
    return [ParkedKey(**dict(row)) for row in rows]


async def take_parked(tx: Tx, key: str) -> list[Parked]:
    """The events of one key in their order; the key is locked until the transaction ends."""
    await tx.execute("SELECT 1 FROM chassis.parked_key WHERE key = $1 FOR UPDATE", key)
    rows = await tx.fetch(
        """
        SELECT id, topic, partition, "offset", number, headers, value, cause, attempts
        FROM chassis.parked_event WHERE key = $1 ORDER BY id
        """,
        key,
    )
    return [
        Parked(
            row["id"],
            row["topic"],
            row["partition"],
            row["offset"],
            row["number"],
            _pairs(row["headers"]),
            row["value"],
            row["cause"],
            row["attempts"],
        )
        for row in rows
    ]


async def settle_parked(tx: Tx, key: str, handled: Sequence[int], cause: str | None, by: str) -> None:
    """Forget the events that were handled, count the attempt of the one that was not, free the key when none is left."""
    await tx.execute("DELETE FROM chassis.parked_event WHERE id = ANY($1::bigint[])", list(handled))
    if cause is not None:
        await tx.execute(
            """
            UPDATE chassis.parked_event SET attempts = attempts + 1, cause = $2
            WHERE id = (SELECT min(id) FROM chassis.parked_event WHERE key = $1)
            """,
            key,
            cause,
        )
    left = await tx.fetchval("SELECT count(*) FROM chassis.parked_event WHERE key = $1", key)
    if left == 0:
        await tx.execute("DELETE FROM chassis.parked_key WHERE key = $1", key)
    await tx.execute(
        "INSERT INTO chassis.redrive (by, key, handled, left_over, cause) VALUES ($1, $2, $3, $4, $5)",
        by,
        key,
        len(handled),
        left,
        cause,
    )


def _pairs(parts: Sequence[bytes]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name.decode(), value) for name, value in zip(parts[::2], parts[1::2], strict=True))
