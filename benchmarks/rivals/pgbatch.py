"""PostgreSQL alone, as batch SQL is plainly written: a queue table a step, `DELETE … SKIP LOCKED`, a thousand rows a transaction.

`pgbatch` is the spike's own script where `shared/spike` is here, else its equal below; `pgbatch-equal` is always the latter.

    DSN=… python -m benchmarks.rivals.pgbatch intake|route|notify|archive
"""

import asyncio
import hashlib
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import uvloop

from benchmarks.processes import Command
from benchmarks.rivals import SPIKE, Rival, work
from benchmarks.rivals.table import decide
from benchmarks.rivals.work import WorkerSettings, case_id, notice, validate
from benchmarks.servers import Servers

QUEUES = ("intake", "route", "notify", "archive")
BATCH = 1000
IDLE = 0.002
Step = Callable[[asyncpg.Connection, list[bytes]], Awaitable[None]]


async def prepare(servers: Servers) -> None:
    """The tables of the work, and four queues."""
    await work.prepare(servers)
    await servers.run(work.DATABASE, "CREATE SCHEMA pq")
    for queue in QUEUES:
        await servers.run(
            work.DATABASE,
            f"CREATE TABLE pq.{queue} (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea NOT NULL)",
        )


async def produce(servers: Servers, count: int) -> None:
    """Applications in the first queue."""
    connection = await servers.connection(work.DATABASE)
    for bodies in work.batched(work.applications(count)):
        await _push(connection, "intake", bodies)


def commands(servers: Servers, *, spike: bool) -> Mapping[str, Command]:
    """One worker a queue."""
    told = {"DSN": servers.database(work.DATABASE)}
    if spike and SPIKE.exists():
        return {name: Command((sys.executable, "pgbatch.py", "work", name), told, SPIKE) for name in QUEUES}
    return {name: Command((sys.executable, "-m", __name__, name), told) for name in QUEUES}


async def progress(servers: Servers) -> dict[str, int]:
    """The work's, and how many ids intake has passed on."""
    passed = await servers.count(work.DATABASE, "SELECT last_value * is_called::int FROM pq.route_seq_seq")
    return {"intake": passed} | await work.progress(servers)


async def _push(connection: asyncpg.Connection, queue: str, bodies: list[bytes]) -> None:
    await connection.copy_records_to_table(
        queue, schema_name="pq", columns=["body"], records=[(body,) for body in bodies]
    )


async def intake(connection: asyncpg.Connection, bodies: list[bytes]) -> None:
    """Keep every id once, pass on what is new."""
    new = {validate(body).id: body for body in bodies}
    rows = await connection.fetch(
        "INSERT INTO w.inbox (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING id", list(new)
    )
    await _push(connection, "route", [new[row[0]] for row in rows])


async def route(connection: asyncpg.Connection, bodies: list[bytes]) -> None:
    """Decide, open the cases, tell the two that follow."""
    now, cases = datetime.now(UTC), list[tuple[object, ...]]()
    for body in bodies:
        found = validate(body)
        row = decide(found)
        due = now + timedelta(hours=row.hours)
        cases.append(
            (found.id, case_id(found.id), found.municipality, found.kind, row.department, row.priority, due, body)
        )
    await connection.execute(_ROUTE, *map(list, zip(*cases, strict=True)))
    following = [str(case[1]).encode() + body for case, body in zip(cases, bodies, strict=True)]
    await _push(connection, "notify", following)
    await _push(connection, "archive", following)


async def notify(connection: asyncpg.Connection, bodies: list[bytes]) -> None:
    """Request a notice of every case."""
    cases = [body[:36].decode() for body in bodies]
    notices = [notice(validate(body[36:]), case) for case, body in zip(cases, bodies, strict=True)]
    await connection.execute(_NOTIFY, [UUID(case) for case in cases], notices)


async def archive(connection: asyncpg.Connection, bodies: list[bytes]) -> None:
    """Keep the bytes and their SHA-256."""
    cases = [UUID(body[:36].decode()) for body in bodies]
    digests = [hashlib.sha256(body[36:]).digest() for body in bodies]
    await connection.execute(_ARCHIVE, cases, digests, [body[36:] for body in bodies])


STEPS: dict[str, Step] = {"intake": intake, "route": route, "notify": notify, "archive": archive}
_POP = """
DELETE FROM pq.{0} WHERE seq IN (SELECT seq FROM pq.{0} ORDER BY seq LIMIT {1} FOR UPDATE SKIP LOCKED) RETURNING body
"""
_ROUTE = """
WITH a AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::int2[], $7::timestamptz[], $8::bytea[])
    t(app, cid, mun, kind, dep, pri, due, body)
), c AS (
    INSERT INTO w.cases (case_id, app_id, municipality, kind, department, priority, state, due, body)
    SELECT cid, app, mun, kind, dep, pri, 'open', due, body FROM a ON CONFLICT DO NOTHING RETURNING case_id
)
INSERT INTO w.journal (case_id, what) SELECT case_id, x FROM c, unnest(ARRAY['received', 'routed']) x
"""
_NOTIFY = """
INSERT INTO w.notify_req (case_id, channel, body) SELECT i, 'email', b FROM unnest($1::uuid[], $2::bytea[]) t(i, b)
ON CONFLICT DO NOTHING
"""
_ARCHIVE = """
INSERT INTO w.archive (case_id, sha256, body) SELECT i, h, b FROM unnest($1::uuid[], $2::bytea[], $3::bytea[]) t(i, h, b)
ON CONFLICT DO NOTHING
"""


async def consume(queue: str) -> None:
    """Work on one queue for ever."""
    connection = await asyncpg.connect(WorkerSettings.model_validate({}).dsn)
    pop = await connection.prepare(_POP.format(queue, BATCH))
    while True:
        transaction = connection.transaction()
        await transaction.start()
        bodies = [row[0] for row in await pop.fetch()]
        if bodies:
            await STEPS[queue](connection, bodies)
            await transaction.commit()
        else:
            await transaction.rollback()
            await asyncio.sleep(IDLE)


def _rival(name: str, *, spike: bool) -> Rival:
    def start(servers: Servers) -> Mapping[str, Command]:
        return commands(servers, spike=spike)

    return Rival(name, prepare, produce, start, progress, work.counters)


PGBATCH = _rival("pgbatch", spike=True)
EQUAL = _rival("pgbatch-equal", spike=False)

if __name__ == "__main__":
    uvloop.run(consume(sys.argv[1]))
