"""The decisions under test, and the bugs that can be planted in them or beside them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chassis import lanes, parking, ticks
from chassis.lanes import Admission, Lane
from chassis.ticks import Place, Tick

BUGS = (
    "publish before save",
    "cursor by id",
    "no row lock",
    "unfenced watermark",
    "bare limit",
    "republish renumbered",
    "growth not saved",
    "hole skipped",
    "parked key not respected",
    "redrive out of order",
)


@dataclass(frozen=True, slots=True)
class Decisions:
    """The functions of the chassis; `bug` names one that is planted."""

    bug: str = ""
    admit: Callable[[Lane, Sequence[int], Sequence[int]], Admission] = lanes.admit
    committable: Callable[[Lane, int], int] = lanes.committable
    follow: Callable[..., Tick] = ticks.follow
    places: Callable[[Tick, Sequence[int]], list[Place]] = ticks.places
    partition_of: Callable[[bytes, int], int] = ticks.partition_of
    horizon: Callable[[str], tuple[int, list[int]]] = ticks.horizon
    covers: Callable[[Tick, int, int, int], bool] = ticks.covers
    split: Callable[[Iterable[Any], Callable[[Any], str], Any], tuple[list[Any], list[Any]]] = parking.split


def planted(bug: str) -> Decisions:
    """The decisions with one bug; some bugs are not in a decision but in what the world makes of it."""
    broken: dict[str, dict[str, Any]] = {
        "bare limit": {"follow": _follow_as_if_whole},
        "hole skipped": {"admit": _admit_whatever_is_newer},
        "parked key not respected": {"split": _split_nobody},
    }
    return replace(Decisions(bug), **broken.get(bug, {}))


def _follow_as_if_whole(*arguments: Any, **options: Any) -> Tick:
    return ticks.follow(*arguments, **{**options, "whole": True})


def _admit_whatever_is_newer(lane: Lane, _offsets: Sequence[int], numbers: Sequence[int]) -> Admission:
    seen, taken = lane.seen, list[int]()
    for index, number in enumerate(numbers):
        if number > seen:
            seen = number
            taken.append(index)
    return Admission(Lane(seen), tuple(taken), 0)


def _split_nobody(items: Iterable[Any], _key: Callable[[Any], str], _parked: object) -> tuple[list[Any], list[Any]]:
    return list(items), []
