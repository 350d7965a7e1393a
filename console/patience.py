"""Trying again while a server is away, for as long as it makes sense."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from channels.bulk.errors import KafkaAway
from chassis.errors import DATABASE_FAULTS, Transient

T = TypeVar("T")
PAUSE = 1.0
SERVER_SAYS_LATER = {"08", "53", "57"}
"""Classes of SQLSTATE: connection, resources, operator intervention. PostgreSQL, appendix A."""

PASSING = (*DATABASE_FAULTS, Transient, KafkaError, KafkaAway, httpx.TransportError)


def is_passing(error: BaseException) -> bool:
    """Whether waiting may help: a server is away, or has just come back."""
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_passing, error.exceptions))
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in SERVER_SAYS_LATER
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.is_server_error
    return isinstance(error, PASSING)


@dataclass(frozen=True, slots=True)
class Patience:
    """Until when to try again, and what to do before each further attempt."""

    deadline: float
    mend: Callable[[], Awaitable[None]]

    @property
    def over(self) -> bool:
        """Whether time is up."""
        return time.monotonic() > self.deadline

    async def persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The answer of `attempt`, asked again while a server is away. Raises what waiting cannot cure."""
        while True:
            try:
                return await attempt()
            except Exception as error:
                if not is_passing(error) or self.over:
                    raise
            await asyncio.sleep(PAUSE)
            await self.mend()


def patience(seconds: float, mend: Callable[[], Awaitable[None]] | None = None) -> Patience:
    """Patience for so many seconds from now."""
    return Patience(time.monotonic() + seconds, mend or _nothing)


async def _nothing() -> None:
    return
