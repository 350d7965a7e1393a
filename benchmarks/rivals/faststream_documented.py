"""FastStream as its documentation shows it: a subscriber a service, a message a call, a transaction a message, a commit a message.

    DSN=… KAFKA=… python -m benchmarks.rivals.faststream_documented intake|route|notify|archive

See https://faststream.ag2.ai/latest/kafka/ (subscriber, publish, acknowledgement). Measured settings: `AckPolicy.ACK`, which is
at least once (its default, ACK_FIRST, may lose), and a `fetch_max_wait_ms` as short as ours.
"""

import asyncio
import hashlib
import logging
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from benchmarks.processes import Command
from benchmarks.rivals import Rival, feed, work
from benchmarks.rivals.table import decide
from benchmarks.rivals.work import Application, WorkerSettings, case_id, notice, validate
from benchmarks.servers import Servers

Pool = asyncpg.Pool


def commands(servers: Servers) -> Mapping[str, Command]:
    """One process a service."""
    told = {"DSN": servers.database(work.DATABASE), "KAFKA": servers.kafka}
    return {name: Command((sys.executable, "-m", __name__, name), told) for name in SUBSCRIBE}


def _options(service: str) -> dict[str, Any]:
    return {
        "group_id": f"f-{service}",
        "auto_offset_reset": "earliest",
        "ack_policy": AckPolicy.ACK,
        "fetch_max_wait_ms": 10,
    }


def intake(broker: KafkaBroker, pool: Pool) -> None:
    """Keep every id once, pass on what is new."""

    @broker.subscriber("in", **_options("intake"))  # pyright: ignore[reportUntypedFunctionDecorator]
    async def take_in(body: Application, message: KafkaMessage) -> None:  # pyright: ignore[reportUnusedFunction]
        raw = _raw(message)
        if await pool.fetchval(_INBOX, body.id) is not None:
            await broker.publish(raw.value, "accepted", key=raw.key)


def route(broker: KafkaBroker, pool: Pool) -> None:
    """Decide, open the case, pass it on."""

    @broker.subscriber("accepted", **_options("route"))  # pyright: ignore[reportUntypedFunctionDecorator]
    async def open_case(body: Application, message: KafkaMessage) -> None:  # pyright: ignore[reportUnusedFunction]
        raw, case, row = _raw(message), case_id(body.id), decide(body)
        due = datetime.now(UTC) + timedelta(hours=row.hours)
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(
                _CASE, case, body.id, body.municipality, body.kind, row.department, row.priority, due, raw.value
            )
            await connection.execute(_JOURNAL, case)
        await broker.publish(str(case).encode() + raw.value, "routed", key=raw.key)


def notify(broker: KafkaBroker, pool: Pool) -> None:
    """Request a notice of the case."""

    @broker.subscriber("routed", **_options("notify"))  # pyright: ignore[reportUntypedFunctionDecorator]
    async def request(message: KafkaMessage) -> None:  # pyright: ignore[reportUnusedFunction]
        case, body = _routed(message)
        await pool.execute(_NOTICE, UUID(case), notice(validate(body), case))


def archive(broker: KafkaBroker, pool: Pool) -> None:
    """Keep the bytes and their SHA-256."""

    @broker.subscriber("routed", **_options("archive"))  # pyright: ignore[reportUntypedFunctionDecorator]
    async def keep(message: KafkaMessage) -> None:  # pyright: ignore[reportUnusedFunction]
        case, body = _routed(message)
        await pool.execute(_ARCHIVE, UUID(case), hashlib.sha256(body).digest(), body)


SUBSCRIBE: dict[str, Callable[[KafkaBroker, Pool], None]] = {
    "intake": intake,
    "route": route,
    "notify": notify,
    "archive": archive,
}
_INBOX = "INSERT INTO w.inbox (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING id"
_CASE = """
INSERT INTO w.cases (case_id, app_id, municipality, kind, department, priority, state, due, body)
VALUES ($1, $2, $3, $4, $5, $6, 'open', $7, $8) ON CONFLICT DO NOTHING
"""
_JOURNAL = "INSERT INTO w.journal (case_id, what) VALUES ($1, 'received'), ($1, 'routed')"
_NOTICE = "INSERT INTO w.notify_req (case_id, channel, body) VALUES ($1, 'email', $2) ON CONFLICT DO NOTHING"
_ARCHIVE = "INSERT INTO w.archive (case_id, sha256, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"


def _raw(message: KafkaMessage) -> Any:
    return message.raw_message


def _routed(message: KafkaMessage) -> tuple[str, bytes]:
    value: bytes = _raw(message).value
    return value[:36].decode(), value[36:]


async def serve(service: str) -> None:
    """Run one service until it is told to end."""
    logging.disable(logging.CRITICAL)
    settings = WorkerSettings.model_validate({})
    pool = await asyncpg.create_pool(settings.dsn, min_size=4, max_size=4)
    broker = KafkaBroker(settings.kafka, logger=None)
    SUBSCRIBE[service](broker, pool)
    await FastStream(broker, logger=None).run()


FASTSTREAM = Rival("faststream", feed.prepare, feed.produce, commands, work.progress, work.counters)

if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
