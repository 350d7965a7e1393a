from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.lanes import Admission, Hole, Lane, admit, committable

LENGTH = 12


def offsets(numbers: Sequence[int], first: int = 0) -> list[int]:
    return list(range(first, first + len(numbers)))


def test_numbers_in_a_row_are_all_taken() -> None:
    assert admit(Lane(4), [90, 91, 92], [5, 6, 7]) == Admission(Lane(7), (0, 1, 2), 0)


def test_nothing_fetched_changes_nothing() -> None:
    waiting = Lane(4, Hole(5, 6, 12))

    assert admit(Lane(4), [], []) == Admission(Lane(4), (), 0)
    assert admit(waiting, [], []) == Admission(waiting, (), 0)


def test_what_was_seen_is_a_repeat_and_is_not_taken_again() -> None:
    assert admit(Lane(2), [0, 1, 2, 3], [1, 2, 3, 3]) == Admission(Lane(3), (2,), 3)


def test_a_missing_number_stops_the_lane_and_is_named() -> None:
    hole = Hole(3, 4, resume=11)

    assert admit(Lane(1), [10, 11, 12], [2, 5, 6]) == Admission(Lane(2, hole), (0,), 0, found=hole)


def test_a_hole_is_reported_once_and_what_lies_beyond_it_waits() -> None:
    lane = Lane(2, Hole(3, 4, resume=11))

    assert admit(lane, [13, 14], [7, 8]) == Admission(lane, (), 0)


def test_a_hole_filled_in_part_stays_a_hole() -> None:
    hole = Hole(3, 4, resume=11)

    assert admit(Lane(2, hole), [20], [3]) == Admission(Lane(3, hole), (0,), 0)


def test_a_hole_whose_resend_lost_its_beginning_stays_as_it_is() -> None:
    lane = Lane(2, Hole(3, 4, resume=11))

    assert admit(lane, [20], [4]) == Admission(lane, (), 0)


def test_a_filled_hole_rewinds_to_what_was_passed_over() -> None:
    lane = Lane(2, Hole(3, 4, resume=11))

    assert admit(lane, [20, 21, 22], [3, 4, 9]) == Admission(Lane(4), (0, 1), 0, rewind=11)


def test_a_hole_found_and_filled_within_one_batch_is_reported_and_rewound() -> None:
    hole = Hole(2, 2, resume=1)

    assert admit(Lane(), [0, 1, 2], [1, 3, 2]) == Admission(Lane(2), (0, 2), 0, rewind=1, found=hole)


def test_a_hole_before_the_first_record_rewinds_to_offset_zero() -> None:
    assert admit(Lane(), [0, 1], [2, 1]).rewind == 0


@pytest.mark.parametrize(
    "lane, expected", [(Lane(7), 30), (Lane(7, Hole(8, 9, 12)), 12), (Lane(7, Hole(8, 9, 40)), 30)]
)
def test_an_offset_is_never_committed_beyond_a_hole(lane: Lane, expected: int) -> None:
    assert committable(lane, 30) == expected


@st.composite
def logs(draw: st.DrawFn) -> list[int]:
    """A lane as a broker may hold it: some records lost, some repeated, and everything sent again at its end."""
    once = [n for n in range(1, LENGTH + 1) for _ in range(draw(st.integers(0, 2)))]
    return once + [n for n in range(1, LENGTH + 1) for _ in range(draw(st.integers(1, 2)))]


@given(logs(), st.lists(st.integers(1, 5), min_size=1, max_size=20))
def test_whatever_was_lost_or_repeated_every_number_is_taken_once_in_order(log: list[int], sizes: list[int]) -> None:
    lane, position, taken, turns = Lane(), 0, list[int](), 0
    while position < len(log):
        batch = log[position : position + sizes[turns % len(sizes)]]
        admission = admit(lane, offsets(batch, position), batch)
        taken += [batch[index] for index in admission.taken]
        lane = admission.lane
        position = position + len(batch) if admission.rewind is None else admission.rewind
        turns += 1
        assert turns < 1_000

    assert taken == list(range(1, LENGTH + 1))
    assert lane == Lane(LENGTH)


@given(st.integers(0, 20), st.lists(st.integers(1, 30), max_size=12))
def test_a_lane_moves_by_exactly_what_is_taken(seen: int, numbers: list[int]) -> None:
    admission = admit(Lane(seen), offsets(numbers), numbers)

    assert [numbers[index] for index in admission.taken] == list(range(seen + 1, admission.lane.seen + 1))


@given(st.integers(0, 20), st.lists(st.integers(1, 30), max_size=12))
def test_whoever_starts_at_the_committed_offset_finds_everything_not_taken(seen: int, numbers: list[int]) -> None:
    admission = admit(Lane(seen), offsets(numbers), numbers)
    safe = committable(admission.lane, len(numbers)) if admission.rewind is None else admission.rewind

    assert all(number <= admission.lane.seen for number in numbers[:safe])
