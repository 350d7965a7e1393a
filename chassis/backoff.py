"""Pauses that grow while a dependency is away, with a jitter so that instances do not return in step. Pure."""

from collections.abc import Iterator
from random import Random

FIRST_SECONDS = 0.1
MOST_SECONDS = 10.0


def pauses(seed: int | None = None) -> Iterator[float]:
    """0.1 s, doubling to 10 s, each between half and all of itself. Stays below Kafka's poll interval for ever."""
    random = Random(seed)
    seconds = FIRST_SECONDS
    while True:
        yield seconds * (0.5 + random.random() / 2)
        seconds = min(MOST_SECONDS, seconds * 2)
