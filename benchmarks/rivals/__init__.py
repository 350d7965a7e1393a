"""The rivals: how each is prepared, fed, started, watched and counted. The same six things of everyone."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Command
from benchmarks.servers import Servers

SPIKE = Path(__file__).parents[3] / "shared" / "spike"
ABSENT = "not measured: shared/spike is not here"


def always() -> str | None:
    """Whatever can always be measured."""
    return None


@dataclass(frozen=True, slots=True)
class Rival:
    """One way to do the work.

    `prepare` makes its databases and topics on empty servers, `produce` puts `n` applications there before anything runs,
    `commands` say how its workers are started, `progress` counts applications per stage, cheaply, and `counters` exactly:
    every one must be `n` at the end. `limit` is after how many seconds it is stopped; `absent` says why it cannot run here.
    """

    name: str
    prepare: Callable[[Servers], Awaitable[None]]
    produce: Callable[[Servers, int], Awaitable[None]]
    commands: Callable[[Servers], Mapping[str, Command]]
    progress: Callable[[Servers], Awaitable[Mapping[str, int]]]
    counters: Callable[[Servers], Awaitable[Mapping[str, int]]]
    limit: float = 180
    exports: bool = False
    absent: Callable[[], str | None] = always
