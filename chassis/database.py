"""PostgreSQL: connections, transactions, time-outs. One transaction is one `Tx`."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from chassis.errors import DATABASE_FAULTS
from contracts.ids import uuid7

if TYPE_CHECKING:  # asyncpg's classes take a parameter in its stubs only
    from _typeshed import DataclassInstance

    Owned = asyncpg.Connection[asyncpg.Record]
    Connection = Owned | PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    Owned = asyncpg.Connection
    Connection = Owned | PoolConnectionProxy
    Pool = asyncpg.Pool
Clock = Callable[[], datetime]
Scope = Mapping[str, str]
"""What a transaction may see, as settings that the policies of row-level security ask for: `{"madoguchi.…": "…"}`."""

STATEMENT_SECONDS = 30
_SESSION = {
    "application_name": "madoguchi",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
    # The relay reads no further back than `journal.MARGIN`: no transaction may live nearly as long. PostgreSQL 17 and later.
    "transaction_timeout": "600s",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
}


def utc_now() -> datetime:
    """The clock on the wall; everything below `app` is handed a time instead."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tx:
    """One transaction and its moment. What a store needs of a connection, and nothing that ends the transaction.

    `traces` maps a subject to the W3C traceparent that its events carry on; handlers of the edge add to it.
    """

    connection: Connection
    now: datetime
    traces: dict[str, str] = field(default_factory=lambda: dict[str, str]())

    async def execute(self, query: str, *args: Any) -> str:
        """Run one statement; the command tag comes back."""
        return await self.connection.execute(query, *args)

    async def fetch(self, query: str, *args: Any) -> list[asyncpg.Record]:
        """Run one statement and read all its rows."""
        return await self.connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> asyncpg.Record:
        """Run one statement that answers with a row. Raises LookupError when there is none."""
        row = await self.connection.fetchrow(query, *args)
        if row is None:
            raise LookupError("the statement returned no row")
        return row

    async def fetchval(self, query: str, *args: Any) -> Any:
        """Run one statement and read one value, None when there is no row."""
        return await self.connection.fetchval(query, *args)

    def new_id(self) -> UUID:
        """A UUIDv7 of this moment."""
        return uuid7(self.now)


async def connect(dsn: str, *, planner: dict[str, str] | None = None, scope: Scope | None = None) -> Owned:
    """One connection, its time-outs set. `planner` adds settings for a connection with one kind of query.

    `scope` is that of all its transactions: said once, it costs a batch nothing.
    """
    session = _SESSION | (planner or {}) | dict(scope or {})
    return await asyncpg.connect(dsn, timeout=10, command_timeout=STATEMENT_SECONDS + 5, server_settings=session)


async def make_pool(dsn: str, size: int) -> Pool:
    """Connections for the requests of an HTTP API. Consumers and relays have their own."""
    return await asyncpg.create_pool(
        dsn, min_size=1, max_size=size, timeout=10, command_timeout=STATEMENT_SECONDS + 5, server_settings=_SESSION
    )


@asynccontextmanager
async def transaction(connection: Connection, clock: Clock = utc_now, scope: Scope | None = None) -> AsyncGenerator[Tx]:
    """Commit at the end, roll back on any exception. `scope` ends with it: the next transaction begins without any."""
    async with connection.transaction():
        tx = Tx(connection, clock())
        if scope:
            await _confine(tx, scope)
        yield tx


async def _confine(tx: Tx, scope: Scope) -> None:
    await tx.execute(
        "SELECT set_config(name, value, true) FROM unnest($1::text[], $2::text[]) x(name, value)",
        list(scope),
        list(scope.values()),
    )


@asynccontextmanager
async def rehearsal(connection: Connection, clock: Clock = utc_now) -> AsyncGenerator[Tx]:
    """A transaction that is always rolled back: what a dry run is."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        yield Tx(connection, clock())
    finally:
        await attempt.rollback()


async def close(connection: Owned | None) -> None:
    """Close within two seconds, whatever state the server is in."""
    if connection is None or connection.is_closed():
        return
    try:
        await connection.close(timeout=2)
    except DATABASE_FAULTS:
        connection.terminate()


def columns(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows turned to columns, as `unnest` takes them; the rows must not be empty."""
    return [list(column) for column in zip(*rows, strict=True)]


def columns_of(rows: Sequence["DataclassInstance"]) -> list[list[Any]]:
    """The same of dataclasses of one type, a column for every field. `astuple` copies whatever a field holds: 15 times the cost."""
    return [[getattr(row, column.name) for row in rows] for column in fields(rows[0])]


async def sleep_or(event: asyncio.Event, seconds: float) -> None:
    """Wait for `event`, `seconds` at most."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
