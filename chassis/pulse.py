"""Liveness: a loop that has not turned for too long is dead, whatever its task says, and the process must go.

Whoever watches the loops is a task beside them. When nothing turns any more, since a call blocks the event loop or a library's
thread keeps the interpreter's lock, nobody watches: then a thread of faulthandler's, which needs neither, ends the process.
"""

import asyncio
import faulthandler
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

LAST_SECONDS = 10.0


class Stalled(Exception):
    """A loop has stopped turning. The process ends; its supervisor starts another."""


@dataclass(slots=True)
class Pulse:
    """When each loop last turned, in seconds of a monotonic clock."""

    limit: float
    clock: Callable[[], float] = time.monotonic
    beats: dict[str, float] = field(default_factory=lambda: dict[str, float]())
    ready: dict[str, bool] = field(default_factory=lambda: dict[str, bool]())

    def beat(self, loop: str) -> None:
        """The loop has turned."""
        self.beats[loop] = self.clock()

    def is_ready(self, loop: str, *, ready: bool) -> None:
        """The loop can (or cannot) do its work now: its dependencies are there."""
        self.ready[loop] = ready

    def stalled(self) -> list[str]:
        """The loops that have not turned within the limit."""
        now = self.clock()
        return [loop for loop, last in self.beats.items() if now - last > self.limit]

    def unready(self) -> list[str]:
        """The loops whose dependencies are away."""
        return [loop for loop, ready in self.ready.items() if not ready]


@contextmanager
def deadman(seconds: float) -> Generator[None]:
    """Within this the process ends, with code 1, when the running event loop stands still for so many seconds.

    After it the process has LAST_SECONDS to end by itself: Python waits for every thread, for one that hangs in a library too.
    Where each thread stood then is on standard error: files, lines and names of functions, never a value.
    """
    loop = asyncio.get_running_loop()

    def put_off() -> None:
        nonlocal next_time
        faulthandler.dump_traceback_later(seconds, exit=True)
        next_time = loop.call_later(min(1, seconds / 4), put_off)

    next_time = loop.call_soon(put_off)
    try:
        yield
    finally:
        next_time.cancel()
        faulthandler.dump_traceback_later(LAST_SECONDS, exit=True)
