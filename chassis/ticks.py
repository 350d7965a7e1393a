"""Numbered lanes, the producer's half: which journal rows a tick covers, and which number each gets. Pure.

A tick is what the relay promises before it publishes: a window of the journal between two snapshots, or a page of it, and
the lane counters before and after. Saved first and published second, it can be published again byte for byte.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32


@dataclass(frozen=True, slots=True)
class Tick:
    """One promise of the relay.

    It covers the rows visible in `snapshot` and not in `previous`, with `after` < id ≤ `upto`. `whole` says that the window
    holds no row beyond `upto`. `before` and `counters` are the last number of each partition before and after it.
    """

    number: int
    previous: str
    snapshot: str
    after: int
    upto: int
    whole: bool
    before: tuple[int, ...]
    counters: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an event goes: its partition, and its number on that lane."""

    partition: int
    number: int


def partition_of(key: bytes, partitions: int) -> int:
    """Librdkafka's `consistent`: CRC32 of the key. Vendors' producers and ours agree on where a key lives."""
    return crc32(key) % partitions


def horizon(snapshot: str) -> tuple[int, list[int]]:
    """`xmin:xmax:xip,…` → (xmax, transactions in progress): all that the snapshot does not see is one of these or later.

    Source: PostgreSQL, pg_snapshot's text format.
    """
    _, xmax, in_progress = snapshot.split(":")
    return int(xmax), [int(xid) for xid in in_progress.split(",") if xid]


def grown(counters: Sequence[int], partitions: int) -> tuple[int, ...]:
    """The counters of a topic that may have gained partitions; it never loses any."""
    return tuple(counters) + (0,) * (partitions - len(counters))


def follow(
    last: Tick, snapshot: str, ids: Sequence[int], partitions: Sequence[int], *, width: int, whole: bool
) -> Tick:
    """The tick after `last` that covers the rows `ids`, whose partitions (of `width`) are `partitions`.

    While `last` is not whole the next page of its window comes first; only then a new window opens, from its snapshot.
    Raises ValueError for a `width` below what was numbered before: a lane would be numbered anew.
    """
    if width < len(last.counters):
        raise ValueError(f"a topic of {len(last.counters)} partitions cannot have {width}")
    before = grown(last.counters, width)
    counters = list(before)
    for partition in partitions:
        counters[partition] += 1
    previous, after = (last.snapshot, 0) if last.whole else (last.previous, last.upto)
    return Tick(last.number + 1, previous, snapshot, after, ids[-1], whole, before, tuple(counters))


def places(tick: Tick, partitions: Sequence[int]) -> list[Place]:
    """The place of every row of a tick, in id order: the same for every repetition, whoever publishes it."""
    counters = list(tick.before)
    found: list[Place] = []
    for partition in partitions:
        counters[partition] += 1
        found.append(Place(partition, counters[partition]))
    return found


def is_whole(tick: Tick, rows: int) -> bool:
    """Whether `rows` are all that the tick promised: only then can they be given their numbers again."""
    return rows == sum(tick.counters) - sum(tick.before)


def covers(tick: Tick, partition: int, first: int, last: int) -> bool:
    """Whether a tick numbered any of `first`…`last` of a partition: where to look when a range must be sent again."""
    if partition >= len(tick.counters):
        return False
    before, after = tick.before[partition], tick.counters[partition]
    return before < after and before < last and after >= first
