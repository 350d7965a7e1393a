"""A server that takes leave and goes a moment later: what is asked between the two is nobody's fault."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis import database
from chassis.errors import is_poison
from tests.conftest import Administrator, FreshDatabase

SECONDS_TO_HEAR_IT = 0.5


@asynccontextmanager
async def slow_to_close(dsn: str) -> AsyncGenerator[str]:
    """The same server through a relay of bytes, which hands on its last words and keeps its end to itself until we leave."""
    to, left = urlsplit(dsn), asyncio.Event()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while part := await reader.read(65_536):
                writer.write(part)
                await writer.drain()
        await left.wait()
        writer.close()

    async with asyncio.TaskGroup() as tasks:

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            upstream, sink = await asyncio.open_connection(to.hostname, to.port)
            tasks.create_task(relay(reader, sink))
            tasks.create_task(relay(upstream, writer))

        async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            yield to._replace(netloc=to.netloc.replace(f":{to.port}", f":{port}")).geturl()
        left.set()


async def test_what_is_asked_of_a_server_that_has_taken_leave_is_asked_again(
    fresh_database: FreshDatabase, by_administrator: Administrator
) -> None:
    dsn = await fresh_database("chassis", "tests.chassis")
    watching = await database.connect(dsn)
    async with slow_to_close(dsn) as slow:
        connection = await database.connect(slow)
        pid = await connection.fetchval("SELECT pg_backend_pid()")

        await by_administrator(watching, "SELECT pg_terminate_backend($1)", pid)
        await asyncio.sleep(SECONDS_TO_HEAR_IT)
        with pytest.raises(asyncpg.InternalClientError, match="another operation") as raised:
            await connection.fetch("SELECT 1")

        await database.close(connection)
    await watching.close()
    assert not is_poison(raised.value)
    assert isinstance(raised.value, database.DATABASE_FAULTS)
