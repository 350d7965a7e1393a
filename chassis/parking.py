"""Parking, the decisions: who waits behind whom, and when it is us and not the messages. Pure."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


def split(items: Iterable[T], key_of: Callable[[T], str], parked: Collection[str]) -> tuple[list[T], list[T]]:
    """(free, waiting): an event whose key is parked lines up behind it, in order; every other flows on."""
    free: list[T] = []
    waiting: list[T] = []
    for item in items:
        (waiting if key_of(item) in parked else free).append(item)
    return free, waiting


def halves(items: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """Two halves in order, to close in on the guilty one."""
    middle = len(items) // 2
    return items[:middle], items[middle:]


@dataclass(slots=True)
class ParkingLimit:
    """Remembers how many of the last `window` keys had to be parked.

    More than `share` of them, and more than `least`, means that a dependency or our own code is at fault: then parking
    must stop and the consumer pause, or a bad deployment would park a city.
    """

    window: int = 1000
    share: float = 0.05
    least: int = 20
    _recent: deque[tuple[int, int]] = field(default_factory=lambda: deque[tuple[int, int]]())

    def exceeded(self, keys: int, parked: int) -> bool:
        """Whether parking `parked` of `keys` more would pass the limit. A batch that parks nothing never does."""
        if not parked:
            return False
        seen = keys + sum(total for total, _ in self._recent)
        bad = parked + sum(count for _, count in self._recent)
        return bad > self.least and bad > self.share * seen

    def count(self, keys: int, parked: int) -> None:
        """Remember what was committed, forgetting what lies further back than the window."""
        if not keys:  # watermarks alone, twice a second on a quiet day: they would fill the memory before the window
            return
        self._recent.append((keys, parked))
        while len(self._recent) > 1 and sum(total for total, _ in self._recent) - self._recent[0][0] >= self.window:
            self._recent.popleft()
