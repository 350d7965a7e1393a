from hypothesis import given
from hypothesis import strategies as st

from chassis.parking import ParkingLimit, halves, split

EVENTS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers()), max_size=20)


def key_of(event: tuple[str, int]) -> str:
    return event[0]


def test_events_of_a_parked_key_line_up_and_the_others_flow_on() -> None:
    events = [("a", 1), ("b", 1), ("a", 2), ("c", 1)]

    assert split(events, key_of, {"a"}) == ([("b", 1), ("c", 1)], [("a", 1), ("a", 2)])


@given(EVENTS, st.sets(st.sampled_from("abcd")))
def test_nothing_is_lost_between_free_and_waiting(events: list[tuple[str, int]], parked: set[str]) -> None:
    free, waiting = split(events, key_of, parked)

    assert free == [event for event in events if event[0] not in parked]
    assert waiting == [event for event in events if event[0] in parked]


@given(st.lists(st.integers(), min_size=2))
def test_halves_are_both_smaller_and_keep_the_order(items: list[int]) -> None:
    first, second = halves(items)

    assert [*first, *second] == items
    assert 0 < len(first) <= len(second) < len(items)


def test_few_bad_messages_never_pass_the_limit() -> None:
    limit = ParkingLimit(window=100, share=0.05, least=20)

    assert not limit.exceeded(keys=20, parked=20)


def test_when_most_of_a_batch_is_bad_it_is_not_the_messages() -> None:
    limit = ParkingLimit(window=100, share=0.05, least=20)

    assert limit.exceeded(keys=21, parked=21)
    assert not limit.exceeded(keys=1_000, parked=21)


def test_bad_messages_that_trickle_in_add_up() -> None:
    limit = ParkingLimit(window=100, share=0.05, least=20)
    for _ in range(20):
        limit.count(keys=1, parked=1)

    assert limit.exceeded(keys=1, parked=1)


def test_a_batch_that_parks_nothing_never_passes_the_limit() -> None:
    limit = ParkingLimit(window=100, share=0.05, least=20)
    for _ in range(50):
        limit.count(keys=1, parked=1)

    assert not limit.exceeded(keys=1, parked=0)


def test_what_lies_beyond_the_window_is_forgotten() -> None:
    limit = ParkingLimit(window=100, share=0.05, least=20)
    limit.count(keys=50, parked=50)
    for _ in range(10):
        limit.count(keys=10, parked=0)

    assert not limit.exceeded(keys=10, parked=1)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=40))
def test_the_limit_remembers_no_less_than_its_window(batches: list[tuple[int, int]]) -> None:
    limit = ParkingLimit(window=100)
    for keys, parked in batches:
        limit.count(keys, min(keys, parked))

    remembered = sum(keys for keys, _ in limit._recent)
    assert remembered >= min(100, sum(keys for keys, _ in batches))
    assert remembered - limit._recent[0][0] < 100 if limit._recent else remembered == 0


def test_what_holds_no_key_takes_no_memory() -> None:
    limit = ParkingLimit(window=100)
    for _ in range(1_000):
        limit.count(keys=0, parked=0)

    assert not limit._recent
