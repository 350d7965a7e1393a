"""PostgreSQL alone, as good as we can make it: no row is ever deleted or updated but one cursor a step.

The way of PgQ: what was submitted is written once to an append-only table and stays until its partition is dropped; a step
reads what follows its cursor in order, and does its work and moves the cursor in one statement, which is one transaction.
Later steps pass on eight-byte references instead of the bytes; the archive's step is SQL alone. Ids are version 7, so
indexes grow at one end. Producers take turns (an advisory lock), else a reader could pass a row that commits late: that
price, and dropping old partitions, are not measured here, in this rival's favour. So is one database for all steps, which
the product's services do not share.

    DSN=… python -m benchmarks.rivals.pgbest intake|route|notify|archive
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta

import asyncpg
import uvloop

from benchmarks.processes import Command
from benchmarks.rivals import Rival, work
from benchmarks.rivals.table import decide
from benchmarks.rivals.work import WorkerSettings, notice, validate
from benchmarks.servers import Servers
from contracts.ids import uuid7

BATCH = 2000
IDLE = 0.002
PLANNER = {"enable_seqscan": "off", "enable_bitmapscan": "off", "plan_cache_mode": "force_custom_plan", "jit": "off"}
BY_REFERENCE = {"enable_hashjoin": "off", "enable_mergejoin": "off"}
"""For the steps that fetch bytes by reference: never by reading the whole log, whatever the planner thinks of its size."""
Step = Callable[[asyncpg.Connection, int], Awaitable[int | None]]
"""From the cursor to where it stands afterwards; None when nothing waits."""


async def prepare(servers: Servers) -> None:
    """The tables of the work, and the log."""
    await work.prepare(servers)
    await servers.run(work.DATABASE, _TABLES)


async def produce(servers: Servers, count: int) -> None:
    """Applications at the end of the log."""
    connection = await servers.connection(work.DATABASE)
    for bodies in work.batched(work.applications(count, ordered=True)):
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(1)")
            await connection.copy_records_to_table(
                "submitted", schema_name="pb", columns=["body"], records=[(body,) for body in bodies]
            )
    await servers.run(work.DATABASE, "ANALYZE pb.submitted")


def commands(servers: Servers) -> Mapping[str, Command]:
    """One worker a step."""
    told = {"DSN": servers.database(work.DATABASE)}
    return {name: Command((sys.executable, "-m", __name__, name), told) for name in STEPS}


async def progress(servers: Servers) -> dict[str, int]:
    """The work's, and how many ids intake has passed on."""
    passed = await servers.count(work.DATABASE, "SELECT last_value * is_called::int FROM pb.accepted_seq_seq")
    return {"intake": passed} | await work.progress(servers)


async def intake(connection: asyncpg.Connection, cursor: int) -> int | None:
    """Keep every id once, pass on what is new."""
    rows = await connection.fetch(_SUBMITTED, cursor)
    if not rows:
        return None
    new = {validate(row[1]).id: row[0] for row in reversed(rows)}
    return await connection.fetchval(_INTAKE, list(new), list(new.values()), rows[-1][0], cursor)


async def route(connection: asyncpg.Connection, cursor: int) -> int | None:
    """Decide, open the cases, pass them on."""
    rows = await connection.fetch(_ACCEPTED, cursor)
    if not rows:
        return None
    now, cases = datetime.now(UTC), list[tuple[object, ...]]()
    for _, ref, body in rows:
        found = validate(body)
        row = decide(found)
        due = now + timedelta(hours=row.hours)
        cases.append((found.id, uuid7(now), found.municipality, found.kind, row.department, row.priority, due, ref))
    return await connection.fetchval(_ROUTE, *map(list, zip(*cases, strict=True)), rows[-1][0], cursor)


async def notify(connection: asyncpg.Connection, cursor: int) -> int | None:
    """Request a notice of every case."""
    rows = await connection.fetch(_ROUTED, cursor)
    if not rows:
        return None
    notices = [notice(validate(body), str(case)) for _, case, body in rows]
    return await connection.fetchval(_NOTIFY, [row[1] for row in rows], notices, rows[-1][0], cursor)


async def archive(connection: asyncpg.Connection, cursor: int) -> int | None:
    """Keep the bytes and their SHA-256, within the server."""
    return await connection.fetchval(_ARCHIVE, cursor)


STEPS: dict[str, Step] = {"intake": intake, "route": route, "notify": notify, "archive": archive}
_TABLES = """
CREATE SCHEMA pb;
CREATE TABLE pb.submitted (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)
    WITH (autovacuum_enabled = off);
CREATE TABLE pb.accepted (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ref bigint NOT NULL)
    WITH (autovacuum_enabled = off);
CREATE TABLE pb.routed (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id uuid NOT NULL, ref bigint NOT NULL)
    WITH (autovacuum_enabled = off);
CREATE TABLE pb.cursor (step text PRIMARY KEY, seq bigint NOT NULL) WITH (fillfactor = 50);
INSERT INTO pb.cursor SELECT step, 0 FROM unnest(ARRAY['intake', 'route', 'notify', 'archive']) step;
"""
_SUBMITTED = f"SELECT seq, body FROM pb.submitted WHERE seq > $1 ORDER BY seq LIMIT {BATCH}"
_ACCEPTED = f"""
SELECT a.seq, a.ref, s.body FROM (SELECT seq, ref FROM pb.accepted WHERE seq > $1 ORDER BY seq LIMIT {BATCH}) a
JOIN pb.submitted s ON s.seq = a.ref ORDER BY a.seq
"""
_ROUTED = f"""
SELECT r.seq, r.case_id, s.body FROM (SELECT * FROM pb.routed WHERE seq > $1 ORDER BY seq LIMIT {BATCH}) r
JOIN pb.submitted s ON s.seq = r.ref ORDER BY r.seq
"""
_INTAKE = """
WITH a AS (SELECT * FROM unnest($1::uuid[], $2::bigint[]) t(id, ref)),
n AS (INSERT INTO w.inbox (id) SELECT id FROM a ON CONFLICT DO NOTHING RETURNING id),
q AS (INSERT INTO pb.accepted (ref) SELECT ref FROM a JOIN n USING (id) ORDER BY ref)
UPDATE pb.cursor SET seq = $3 WHERE step = 'intake' AND seq = $4 RETURNING seq
"""
_ROUTE = """
WITH a AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::int2[], $7::timestamptz[], $8::bigint[])
    t(app, cid, mun, kind, dep, pri, due, ref)
), c AS (
    INSERT INTO w.cases (case_id, app_id, municipality, kind, department, priority, state, due, body)
    SELECT cid, app, mun, kind, dep, pri, 'open', due, s.body FROM a JOIN pb.submitted s ON s.seq = a.ref
), j AS (
    INSERT INTO w.journal (case_id, what) SELECT cid, x FROM a, unnest(ARRAY['received', 'routed']) x
), q AS (
    INSERT INTO pb.routed (case_id, ref) SELECT cid, ref FROM a
)
UPDATE pb.cursor SET seq = $9 WHERE step = 'route' AND seq = $10 RETURNING seq
"""
_NOTIFY = """
WITH n AS (INSERT INTO w.notify_req (case_id, channel, body)
           SELECT i, 'email', b FROM unnest($1::uuid[], $2::bytea[]) t(i, b))
UPDATE pb.cursor SET seq = $3 WHERE step = 'notify' AND seq = $4 RETURNING seq
"""
_ARCHIVE = f"""
WITH r AS (SELECT * FROM pb.routed WHERE seq > $1 ORDER BY seq LIMIT {BATCH}),
a AS (INSERT INTO w.archive (case_id, sha256, body)
      SELECT r.case_id, sha256(s.body), s.body FROM r JOIN pb.submitted s ON s.seq = r.ref)
UPDATE pb.cursor SET seq = (SELECT max(seq) FROM r)
WHERE step = 'archive' AND seq = $1 AND EXISTS (SELECT FROM r) RETURNING seq
"""


async def consume(step: str) -> None:
    """Do one step for ever. The cursor is moved from where we know it: a second worker of the step would move nothing."""
    planner = PLANNER if step == "intake" else PLANNER | BY_REFERENCE
    connection = await asyncpg.connect(WorkerSettings.model_validate({}).dsn, server_settings=planner)
    cursor = await connection.fetchval("SELECT seq FROM pb.cursor WHERE step = $1", step)
    while True:
        reached = await STEPS[step](connection, cursor)
        cursor = reached or cursor
        if reached is None:
            await asyncio.sleep(IDLE)


PGBEST = Rival("pgbest", prepare, produce, commands, progress, work.counters)

if __name__ == "__main__":
    uvloop.run(consume(sys.argv[1]))
