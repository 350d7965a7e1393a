"""Numbered lanes, the reader's half: which records of a lane are next, repeated, or beyond a hole. Pure.

A lane is (source, topic, partition). Its producer numbers its events 1, 2, 3 …; its reader keeps the last number it has
processed. The numbers make a network that may repeat and lose exact at its ends, as TCP's do.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hole:
    """Numbers `first`…`last` never came. `resume` is the offset of the first record beyond them."""

    first: int
    last: int
    resume: int


@dataclass(frozen=True, slots=True)
class Lane:
    """How far a reader is: the last number processed, and the hole it waits before, if any."""

    seen: int = 0
    hole: Hole | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """What a reader may do with the records it fetched.

    `taken` are indexes into them, in order. `rewind` is an offset to read from again: a hole was filled, and what lies
    beyond it was passed over while waiting. `found` is a hole seen for the first time.
    """

    lane: Lane
    taken: tuple[int, ...]
    repeats: int
    rewind: int | None = None
    found: Hole | None = None


def admit(lane: Lane, offsets: Sequence[int], numbers: Sequence[int]) -> Admission:
    """Sort the records of one lane, fetched in order, into next, repeated and beyond a hole.

    A missing number is never skipped: what comes after it waits, until the producer has sent the missing range again (it
    arrives behind what waits, so the reader reads on, looking for it, and then rewinds).
    """
    if _is_straight(lane, numbers):
        return Admission(Lane(numbers[-1]), tuple(range(len(numbers))), 0)
    seen, hole, found, repeats = lane.seen, lane.hole, None, 0
    taken: list[int] = []
    for index, number in enumerate(numbers):
        if number <= seen:
            repeats += 1
        elif number == seen + 1:
            taken.append(index)
            seen = number
            if hole is not None and seen >= hole.last:
                return Admission(Lane(seen), tuple(taken), repeats, rewind=hole.resume, found=found)
        elif hole is None:
            hole = found = Hole(seen + 1, number - 1, offsets[index])
    return Admission(Lane(seen, hole), tuple(taken), repeats, found=found)


def _is_straight(lane: Lane, numbers: Sequence[int]) -> bool:
    """Nearly always: no hole, no repeat, nothing missing. Decided without a loop in Python."""
    return lane.hole is None and list(numbers) == list(range(lane.seen + 1, lane.seen + 1 + len(numbers))) != []


def committable(lane: Lane, next_offset: int) -> int:
    """The offset a reader may commit: never past a hole, or a restart would forget to look for it."""
    return next_offset if lane.hole is None else min(lane.hole.resume, next_offset)
