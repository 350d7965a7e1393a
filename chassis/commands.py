"""Commands over HTTP: state and announcement in one transaction, the relay woken after it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from chassis import journal
from chassis.database import Clock, Pool, Scope, Tx, transaction, utc_now
from chassis.telemetry import new_traceparent
from contracts.envelope import Event

T = TypeVar("T")
Command = Callable[[Tx], Awaitable[tuple[T, Sequence[Event]]]]


@dataclass(slots=True)
class Commands:
    """Runs commands of one service. Kafka may be away: what they announce waits in the journal.

    Without a scope they see no row that a policy guards: whoever is asked for something says on whose behalf, by `within`.
    """

    source: str
    pool: Pool
    committed: Callable[[], None]
    clock: Clock = utc_now
    scope: Scope = field(default_factory=lambda: dict[str, str]())

    def within(self, scope: Scope) -> "Commands":
        """The same, seeing what `scope` lets them see."""
        return replace(self, scope=scope)

    async def run(self, command: Command[T], traceparent: str | None = None) -> T:
        """Run `command`, append what it announces, commit, answer. Raises what the command raises, nothing saved."""
        trace = traceparent or new_traceparent()
        async with self.pool.acquire(timeout=5) as connection, transaction(connection, self.clock, self.scope) as tx:
            answer, events = await command(tx)
            await journal.append(tx, journal.lines(tx, self.source, events, trace))
        if events:
            self.committed()
        return answer

    async def query(self, question: Callable[[Tx], Awaitable[T]]) -> T:
        """Read, in one transaction."""
        async with self.pool.acquire(timeout=5) as connection, transaction(connection, self.clock, self.scope) as tx:
            return await question(tx)
