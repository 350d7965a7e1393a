"""The chassis's decisions, one by one."""

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import backoff, batches, lanes, parking, ticks
from chassis.errors import Fenced, Poison, Transient, is_poison, name_of
from chassis.lanes import Hole, Lane
from chassis.parking import ParkingLimit
from chassis.ticks import Tick


class TestLanes:
    def test_what_follows_is_taken(self) -> None:
        found = lanes.admit(Lane(3), [10, 11], [4, 5])

        assert (found.taken, found.lane, found.repeats) == ((0, 1), Lane(5), 0)

    def test_what_was_seen_is_dropped(self) -> None:
        found = lanes.admit(Lane(5), [10, 11, 12], [4, 5, 6])

        assert (found.taken, found.lane.seen, found.repeats) == ((2,), 6, 2)

    def test_a_missing_number_is_a_hole_and_nothing_beyond_it_is_taken(self) -> None:
        found = lanes.admit(Lane(3), [10, 11, 12], [4, 7, 8])

        assert found.taken == (0,)
        assert found.found == Hole(5, 6, 11)
        assert lanes.committable(found.lane, 13) == 11

    def test_a_hole_that_is_filled_is_read_on_from_where_it_was(self) -> None:
        before = lanes.admit(Lane(3), [11, 12], [7, 8]).lane

        found = lanes.admit(before, [13, 14, 15, 16], [9, 4, 5, 6])

        assert (found.taken, found.lane, found.rewind) == ((1, 2, 3), Lane(6), 11)

    def test_half_a_resend_leaves_the_hole_open(self) -> None:
        before = lanes.admit(Lane(3), [11], [7]).lane

        found = lanes.admit(before, [12], [4])

        assert (found.taken, found.rewind, found.lane.hole) == ((0,), None, before.hole)

    @given(st.lists(st.integers(1, 12), max_size=30), st.integers(0, 6))
    def test_only_the_next_number_is_ever_taken(self, numbers: list[int], seen: int) -> None:
        found = lanes.admit(Lane(seen), list(range(len(numbers))), numbers)

        taken = [numbers[index] for index in found.taken]
        assert taken == list(range(seen + 1, seen + 1 + len(taken)))
        assert found.lane.seen == seen + len(taken)


class TestTicks:
    LAST = Tick(7, "1:5:", "1:9:", 0, 40, True, (2, 3), (5, 6))  # noqa: FBT003

    def test_a_window_opens_where_the_last_one_ended(self) -> None:
        following = ticks.follow(self.LAST, "9:12:10", [41, 44], [1, 0], width=2, whole=True)

        assert (following.number, following.previous, following.after, following.upto) == (8, "1:9:", 0, 44)
        assert (following.before, following.counters) == ((5, 6), (6, 7))

    def test_the_next_page_of_a_window_stays_in_it(self) -> None:
        paged = ticks.follow(self.LAST, "9:12:", [41], [0], width=2, whole=False)

        following = ticks.follow(paged, paged.snapshot, [42], [0], width=2, whole=True)

        assert (following.previous, following.snapshot, following.after) == ("1:9:", "9:12:", 41)

    def test_a_topic_that_grew_starts_its_new_lanes_at_one(self) -> None:
        following = ticks.follow(self.LAST, "9:12:", [41], [3], width=4, whole=True)

        assert following.counters == (5, 6, 0, 1)
        assert ticks.places(following, [3])[0] == ticks.Place(3, 1)

    def test_the_partition_of_a_key_is_librdkafkas(self) -> None:
        # crc32("") is 0; crc32("123456789") is 0xCBF43926, the check value of CRC-32/ISO-HDLC.
        assert ticks.partition_of(b"", 4) == 0
        assert ticks.partition_of(b"123456789", 7) == 0xCBF43926 % 7

    def test_a_snapshot_is_read_as_postgresql_writes_it(self) -> None:
        assert ticks.horizon("10:20:10,14,15") == (20, [10, 14, 15])
        assert ticks.horizon("10:10:") == (10, [])

    def test_a_tick_knows_which_numbers_it_gave(self) -> None:
        assert ticks.covers(self.LAST, 0, 3, 3)
        assert not ticks.covers(self.LAST, 0, 1, 2)
        assert not ticks.covers(self.LAST, 0, 6, 9)
        assert not ticks.covers(self.LAST, 5, 1, 9)


class TestParking:
    def test_only_those_whose_key_is_parked_wait(self) -> None:
        assert parking.split(["a1", "b1", "a2"], lambda item: item[0], {"a"}) == (["b1"], ["a1", "a2"])

    def test_one_bad_message_in_a_small_batch_may_be_parked(self) -> None:
        assert not ParkingLimit().exceeded(1, 1)

    def test_when_many_keys_would_park_it_is_not_the_messages(self) -> None:
        assert ParkingLimit().exceeded(100, 50)

    def test_the_limit_remembers_and_forgets(self) -> None:
        limit = ParkingLimit(window=100, share=0.05, least=5)
        for _ in range(5):
            limit.count(10, 1)
        assert limit.exceeded(1, 1)
        assert not limit.exceeded(1, 0)
        for _ in range(20):
            limit.count(50, 0)
        assert not limit.exceeded(1, 1)


class TestBatches:
    @given(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from("abc"))))
    def test_every_key_keeps_its_order_and_nothing_is_lost(self, items: list[tuple[str, str]]) -> None:
        numbered = [(kind, key, place) for place, (kind, key) in enumerate(items)]

        found = batches.runs(numbered, lambda item: item[0], lambda item: item[1])

        flat = [item for run in found for item in run.items]
        assert sorted(flat, key=lambda item: item[2]) == numbered
        for key in "abc":
            places = [item[2] for item in flat if item[1] == key]
            assert places == sorted(places)
        assert all(item[0] == run.kind for run in found for item in run.items)

    def test_events_of_one_kind_are_one_batch(self) -> None:
        assert len(batches.runs(["xa", "xb", "xa"], lambda item: item[0], lambda item: item[1])) == 1


class TestErrors:
    @pytest.mark.parametrize("error", [ValueError(), KeyError("x"), Poison("x"), asyncpg.UniqueViolationError("x")])
    def test_what_is_about_the_message_is_poison(self, error: Exception) -> None:
        assert is_poison(error)

    @pytest.mark.parametrize(
        "error",
        [
            OSError(),
            TimeoutError(),
            Transient("x"),
            Fenced("x"),
            MemoryError(),
            asyncpg.DeadlockDetectedError("x"),
            asyncpg.DiskFullError("x"),
            asyncpg.AdminShutdownError("x"),
            asyncpg.UndefinedTableError("x"),
            asyncpg.ConnectionDoesNotExistError("x"),
            asyncpg.InterfaceError("x"),
        ],
    )
    def test_what_is_about_the_world_is_not(self, error: Exception) -> None:
        assert not is_poison(error)

    def test_only_the_class_of_an_error_is_named(self) -> None:
        assert name_of(ValueError("釧路 花子")) == "builtins.ValueError"
        assert "花子" not in name_of(asyncpg.UniqueViolationError("花子"))


def test_pauses_grow_to_ten_seconds_and_never_stand_still() -> None:
    pauses = [pause for pause, _ in zip(backoff.pauses(1), range(30), strict=False)]

    assert 0.05 <= pauses[0] <= 0.1
    assert max(pauses) <= backoff.MOST_SECONDS
    assert min(pauses[10:]) >= backoff.MOST_SECONDS / 2
