"""How long to wait: after a failure, longer and longer with a jitter; after a batch, a moment. Pure."""

from collections.abc import Iterator
from random import Random

FIRST_SECONDS = 0.1
MOST_SECONDS = 10.0
LONGEST_REST = 0.010
"""Seconds. See docs/decisions/0007."""


def pauses(seed: int | None = None) -> Iterator[float]:
    """0.1 s, doubling to 10 s, each between half and all of itself. Stays below Kafka's poll interval for ever."""
    random = Random(seed)
    seconds = FIRST_SECONDS
    while True:
        yield seconds * (0.5 + random.random() / 2)
        seconds = min(MOST_SECONDS, seconds * 2)


def rest(took: float, *, full: bool) -> float:
    """Seconds to rest after a batch that took so many: none when it was full, else as many, ten milliseconds at most.

    What arrives meanwhile shares the round trips of one batch. Without a rest five services on two cores fall into batches
    of one or two events, each of which costs as much as one of fifty.
    """
    return 0 if full else min(took, LONGEST_REST)
