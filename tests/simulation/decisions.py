"""What is under test: the chassis's pure functions, and the seams of the code around them that a bug can be planted in.

The defaults are the real functions and, for the seams, what the code around them must do.
"""

import operator
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from chassis import batches, lanes, parking, ticks
from chassis.batches import Run
from chassis.consumer import followed
from chassis.lanes import Admission, Lane
from chassis.ticks import Place, Tick
from tests.simulation.world.inbox import Delivery
from tests.simulation.world.kafka import Kafka
from tests.simulation.world.postgres import Postgres, Row

Moves = dict[Any, tuple[int, int]]


class Follow(Protocol):
    """The signature of ticks.follow."""

    def __call__(
        self, last: Tick, snapshot: str, ids: Sequence[int], partitions: Sequence[int], /, *, width: int, whole: bool
    ) -> Tick: ...


class Opened(Protocol):
    """The signature of `opened`."""

    def __call__(self, since: int, read_at: int, /, *, continues: bool) -> int: ...


@dataclass(slots=True)
class Lead:
    """What a relay holds: its last promise, and when the window of that promise was opened."""

    tick: Tick
    since: int


def next_page(postgres: Postgres, horizon: Callable[[str], tuple[int, list[int]]], lead: Lead) -> tuple[str, list[Row]]:
    """relay._next_page: the next page of a window that is not whole, or else a new window."""
    if not lead.tick.whole and (rows := postgres.page(lead.tick)):
        return lead.tick.snapshot, rows
    snapshot, rows = postgres.window(horizon(lead.tick.snapshot), lead.since)
    if rows:  # an empty page after a full one: the window ended exactly at a page's end
        lead.tick = replace(lead.tick, whole=True)
    return snapshot, rows


def opened(since: int, read_at: int, *, continues: bool) -> int:
    """When the window was opened from which the next one reads on: a page does not open one."""
    return since if continues else read_at


def never_fewer(seen: int, tick: Tick) -> int:
    """A topic never loses partitions; a broker that says so has not heard of its growth."""
    return max(seen, len(tick.counters))


def offset_after(admission: Admission, next_offset: int, committable: Callable[[Lane, int], int]) -> int:
    """Which offset to commit after a batch."""
    return committable(admission.lane, next_offset) if admission.rewind is None else admission.rewind


@dataclass(frozen=True, slots=True)
class Decisions:
    """Every decision of a relay, a consumer, a redrive."""

    # chassis, pure
    partition_of: Callable[[bytes, int], int] = ticks.partition_of
    horizon: Callable[[str], tuple[int, list[int]]] = ticks.horizon
    follow: Follow = ticks.follow
    places: Callable[[Tick, Sequence[int]], list[Place]] = ticks.places
    covers: Callable[[Tick, int, int, int], bool] = ticks.covers
    admit: Callable[[Lane, Sequence[int], Sequence[int]], Admission] = lanes.admit
    committable: Callable[[Lane, int], int] = lanes.committable
    split: Callable[[Iterable[Any], Callable[[Any], str], Collection[str]], tuple[list[Any], list[Any]]] = parking.split
    halves: Callable[[Sequence[Any]], tuple[Sequence[Any], Sequence[Any]]] = parking.halves
    runs: Callable[[Iterable[Any], Callable[[Any], str], Callable[[Any], str]], Sequence[Run[Any, Any]]] = batches.runs

    # the writer's seam
    locks_rows: bool = True

    # the relay's seams
    promises_first: bool = True
    next_page: Callable[[Postgres, Callable[[str], tuple[int, list[int]]], Lead], tuple[str, list[Row]]] = next_page
    promised: Callable[[Postgres, Tick], list[Row]] = Postgres.promised
    opened: Opened = opened
    width: Callable[[int, Tick], int] = never_fewer
    width_of: Callable[[Tick, Kafka], int] = lambda tick, _: len(tick.counters)
    resumed: Callable[[Tick, Kafka], Tick] = lambda tick, _: tick

    # the consumer's seams
    is_unmoved: Callable[[int, int], bool] = operator.eq
    followed: Callable[[Moves, Moves], Moves] = followed
    writes_what_is_owed: bool = True
    """Whether watermarks moved over what nobody handles are written before their offsets are told."""
    ends_after_failed_rewind: bool = True
    forgets_after_refusal: bool = False
    offset_after: Callable[[Admission, int, Callable[[Lane, int], int]], int] = offset_after

    # the redrive's seam
    in_order: Callable[[list[Delivery]], list[Delivery]] = list


REAL = Decisions()
