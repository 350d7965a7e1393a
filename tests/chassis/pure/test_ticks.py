from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.ticks import Place, Tick, covers, follow, grown, horizon, partition_of, places

FIRST = Tick(0, "1:1:", "1:1:", 0, 0, whole=True, before=(), counters=())
PARTITIONS = st.lists(st.integers(0, 3), min_size=1, max_size=12)


def said(last: Tick, partitions: Sequence[int], *, width: int = 4, whole: bool = True) -> Tick:
    ids = range(last.upto + 1, last.upto + 1 + len(partitions))
    return follow(last, f"1:{last.number + 2}:", ids, partitions, width=width, whole=whole)


@pytest.mark.parametrize("key, crc", [(b"", 0), (b"123456789", 0xCBF43926)])
def test_a_key_lives_where_librdkafka_puts_it(key: bytes, crc: int) -> None:
    assert [partition_of(key, width) for width in (1, 6, 12)] == [crc % 1, crc % 6, crc % 12]


@pytest.mark.parametrize(
    "snapshot, expected", [("10:10:", (10, [])), ("10:20:10,14,15", (20, [10, 14, 15])), ("1:2:1", (2, [1]))]
)
def test_a_snapshot_does_not_see_what_was_in_progress_or_later(snapshot: str, expected: tuple[int, list[int]]) -> None:
    assert horizon(snapshot) == expected


def test_a_topic_that_grew_gains_counters_at_zero() -> None:
    assert grown((3, 5), 4) == (3, 5, 0, 0)
    assert grown((3, 5), 2) == (3, 5)


def test_a_new_window_opens_where_the_whole_one_closed() -> None:
    last = replace(FIRST, number=6, snapshot="8:9:8", upto=40, counters=(7, 2))

    tick = follow(last, "9:12:", [38, 45], [0, 1], width=2, whole=False)

    assert tick == Tick(7, "8:9:8", "9:12:", 0, 45, whole=False, before=(7, 2), counters=(8, 3))


def test_the_next_page_belongs_to_the_window_of_the_last_one() -> None:
    last = Tick(7, "8:9:8", "9:12:", 0, 45, whole=False, before=(7, 2), counters=(8, 3))

    tick = follow(last, "9:12:", [46], [1], width=2, whole=True)

    assert tick == Tick(8, "8:9:8", "9:12:", 45, 46, whole=True, before=(8, 3), counters=(8, 4))


def test_numbers_go_on_where_the_counters_stood() -> None:
    tick = said(replace(FIRST, counters=(7, 2)), [1, 0, 1], width=2)

    assert places(tick, [1, 0, 1]) == [Place(1, 3), Place(0, 8), Place(1, 4)]


@given(st.lists(PARTITIONS, min_size=1, max_size=5))
def test_every_lane_is_numbered_without_a_gap_across_ticks(ticks: list[list[int]]) -> None:
    lanes: dict[int, list[int]] = {}
    tick = FIRST
    for partitions in ticks:
        tick = said(tick, partitions)
        for place in places(tick, partitions):
            lanes.setdefault(place.partition, []).append(place.number)

    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in lanes.values())
    assert tick.counters == tuple(len(lanes.get(partition, [])) for partition in range(4))


@given(PARTITIONS, PARTITIONS, st.integers(0, 4), st.integers(1, 12), st.integers(0, 12))
def test_a_tick_covers_a_range_when_it_numbered_any_of_it(
    before: list[int], partitions: list[int], partition: int, first: int, more: int
) -> None:
    tick, last = said(said(FIRST, before), partitions), first + more
    numbered = {place.number for place in places(tick, partitions) if place.partition == partition}

    assert covers(tick, partition, first, last) == bool(numbered & set(range(first, last + 1)))
