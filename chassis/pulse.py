"""Liveness: a loop that has not turned for too long is dead, whatever its task says, and the process must go."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


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
