"""The journal: what the service said, appended in the transaction that makes it true."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from json.encoder import encode_basestring_ascii

import asyncpg

from chassis.database import Tx
from chassis.errors import Poison
from chassis.ticks import Tick, horizon
from contracts.envelope import Event
from contracts.ids import uuid7_texts

PAGE = 4000
MARGIN = timedelta(days=2)
"""How much older than the last tick a row's `at` may be. No transaction lives for more than minutes (`transaction_timeout`), but
clocks are set, and machines sleep with a transaction open: what is behind by more than this would be passed over for good.
"""

NEWS = f"""
    SELECT id, key, payload, pg_current_snapshot()::text AS snapshot FROM (
        SELECT id, key, payload FROM chassis.journal WHERE xid >= $1::text::xid8 AND at >= least($3, now()) - $4::interval
        UNION ALL
        SELECT id, key, payload FROM chassis.journal WHERE xid = ANY($2::text[]::xid8[])
          AND at >= least($3, now()) - $4::interval
    ) news ORDER BY id LIMIT {PAGE}
"""
"""What became visible since a snapshot: its xmax, its transactions in progress, when it was taken, MARGIN."""

MOST_BYTES = 400_000
"""The largest event: a Kafka batch of ours holds at least one."""

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row as the relay reads it."""

    id: int
    key: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """One row to append: the key, the CloudEvents type, the exact bytes of the envelope."""

    key: str
    type: str
    payload: bytes


def lines(tx: Tx, source: str, events: Sequence[Event], fallback: str = "") -> list[Line]:
    """What `events` will be in the journal. Each carries on the trace of its subject, or `fallback` (W3C traceparent).

    Raises Poison for an event that no topic takes.
    """
    at = tx.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return [
        Line(subject, event.TYPE, envelope(event, event_id, source, subject, at, tx.traces.get(subject, fallback)))
        for event, event_id in zip(events, uuid7_texts(tx.now, len(events)), strict=True)
        for subject in (event.subject,)
    ]


async def append(tx: Tx, said: Sequence[Line]) -> None:
    """Append in order."""
    if said:
        await tx.execute(
            """
            INSERT INTO chassis.journal (key, type, payload)
            SELECT * FROM unnest($1::bytea[], $2::text[], $3::bytea[])
            """,
            [line.key.encode() for line in said],
            [line.type for line in said],
            [line.payload for line in said],
        )


def envelope(event: Event, event_id: str, source: str, subject: str, at: str, traceparent: str) -> bytes:
    """The exact bytes that will stand on the topic, for as long as anybody asks.

    Subject and trace can come from a vendor: the one is quoted, the other left out when it is no W3C traceparent.
    Raises Poison when no batch holds the event.
    """
    trace = f',"traceparent":"{traceparent}"' if _TRACEPARENT.fullmatch(traceparent) else ""
    opening = (
        f'{{"specversion":"1.0","id":"{event_id}","source":"{source}","type":"{event.TYPE}",'
        f'"subject":{encode_basestring_ascii(subject)},"time":"{at}","datacontenttype":"application/json"{trace},"data":'
    )
    payload = b"%b%b}" % (opening.encode(), event.to_json())
    if len(payload) > MOST_BYTES:
        raise Poison(f"an event of {len(payload)} bytes; a topic takes {MOST_BYTES}")
    return payload


async def last_tick(tx: Tx) -> tuple[Tick, datetime]:
    """The relay's state: its last promise, and when its window was opened."""
    row = await tx.fetchrow(
        """
        SELECT number, previous::text, snapshot::text, after, upto, whole, before, counters, opened_at
        FROM chassis.tick ORDER BY number DESC LIMIT 1
        """
    )
    return _tick(row), row["opened_at"]


async def is_of_this_server(tx: Tx, tick: Tick) -> bool:
    """Whether this server has had the transactions that a tick knows of: one that a dump was restored into has not."""
    xmax, _ = horizon(tick.snapshot)
    return await tx.fetchval("SELECT pg_snapshot_xmax(pg_current_snapshot()) >= $1::text::xid8", str(xmax))


async def save_tick(tx: Tx, tick: Tick, opened_at: datetime) -> None:
    """Promise. Raises asyncpg.UniqueViolationError when another relay has promised under this number.

    `opened_at` is a time before the window's snapshot was taken, for every page of the window: what the window does not
    see was not begun long before.
    """
    await tx.execute(
        """
        INSERT INTO chassis.tick (number, previous, snapshot, after, upto, whole, before, counters, opened_at)
        VALUES ($1, $2::text::pg_snapshot, $3::text::pg_snapshot, $4, $5, $6, $7, $8, $9)
        """,
        tick.number,
        tick.previous,
        tick.snapshot,
        tick.after,
        tick.upto,
        tick.whole,
        list(tick.before),
        list(tick.counters),
        opened_at,
    )


async def window(tx: Tx, since: str, since_at: datetime) -> tuple[str | None, list[Entry]]:
    """(snapshot, rows) that became visible since the snapshot `since`, in id order, a page of them at most.

    `since_at` only spares it old days; one that lies ahead of PostgreSQL's clock, which was set back, does not count.
    """
    xmax, in_progress = horizon(since)
    rows = await tx.fetch(
        NEWS,
        str(xmax),
        [str(xid) for xid in in_progress],
        since_at,
        MARGIN,
    )
    return (rows[0]["snapshot"] if rows else None), _entries(rows)


async def page(tx: Tx, tick: Tick) -> list[Entry]:
    """The next page of the window of a tick that was not whole."""
    return _entries(
        await tx.fetch(
            f"""
            SELECT id, key, payload FROM chassis.journal
            WHERE id > $1 AND pg_visible_in_snapshot(xid, $2::text::pg_snapshot)
              AND NOT pg_visible_in_snapshot(xid, $3::text::pg_snapshot)
            ORDER BY id LIMIT {PAGE}
            """,
            tick.upto,
            tick.snapshot,
            tick.previous,
        )
    )


async def promised(tx: Tx, tick: Tick) -> list[Entry]:
    """The rows a tick covers, to publish them again."""
    return _entries(
        await tx.fetch(
            """
            SELECT id, key, payload FROM chassis.journal
            WHERE id > $1 AND id <= $2 AND pg_visible_in_snapshot(xid, $3::text::pg_snapshot)
              AND NOT pg_visible_in_snapshot(xid, $4::text::pg_snapshot)
            ORDER BY id
            """,
            tick.after,
            tick.upto,
            tick.snapshot,
            tick.previous,
        )
    )


async def ticks_of(tx: Tx, partition: int, first: int, last: int) -> list[Tick]:
    """The promises that numbered `first`…`last` of a partition, oldest first."""
    rows = await tx.fetch(
        """
        SELECT number, previous::text, snapshot::text, after, upto, whole, before, counters FROM chassis.tick
        WHERE before[$1] < $3 AND counters[$1] >= $2 AND before[$1] < counters[$1] ORDER BY number
        """,
        partition + 1,
        first,
        last,
    )
    return [_tick(row) for row in rows]


_WAIT_BRIEFLY = "SET LOCAL lock_timeout = '500ms'"


async def make_partitions(tx: Tx, today: date) -> None:
    """Partitions from yesterday to three days ahead: the journal never meets a day without one.

    Raises asyncpg.LockNotAvailableError when somebody reads the journal for long, as a back-up does: who appends waits behind
    this, so it does not wait for long. Rows of a day without a partition have a place of their own meanwhile.
    """
    await tx.execute(_WAIT_BRIEFLY)
    for ahead in range(-1, 4):
        await tx.execute("SELECT chassis.make_journal_partition($1)", today + timedelta(days=ahead))


async def drop_partitions(tx: Tx, before: date) -> list[str]:
    """Drop the days before `before`, and the ticks that promised them. Returns the partitions' names.

    Raises asyncpg.InsufficientPrivilegeError for a `before` later than yesterday, and LockNotAvailableError like `make_partitions`.
    """
    await tx.execute(_WAIT_BRIEFLY)
    rows = await tx.fetch("SELECT chassis.drop_journal_partitions($1)", before)
    return [row[0] for row in rows]


def _tick(row: asyncpg.Record) -> Tick:
    return Tick(
        row["number"],
        row["previous"],
        row["snapshot"],
        row["after"],
        row["upto"],
        row["whole"],
        tuple(row["before"]),
        tuple(row["counters"]),
    )


def _entries(rows: Sequence[asyncpg.Record]) -> list[Entry]:
    return [Entry(row["id"], row["key"], row["payload"]) for row in rows]
