from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from chassis.backoff import FIRST_SECONDS, LONGEST_REST, MOST_SECONDS, pauses, rest


@given(st.integers(), st.integers(1, 60))
def test_pauses_double_up_to_the_longest_and_no_further(seed: int, length: int) -> None:
    for place, seconds in enumerate(islice(pauses(seed), length)):
        longest = min(MOST_SECONDS, FIRST_SECONDS * 2**place)
        assert longest / 2 <= seconds <= longest


def test_instances_do_not_return_in_step() -> None:
    assert list(islice(pauses(1), 8)) != list(islice(pauses(2), 8))


def test_a_seed_repeats_its_pauses() -> None:
    assert list(islice(pauses(1), 8)) == list(islice(pauses(1), 8))


@given(st.floats(0, 100))
def test_a_batch_that_was_not_full_is_followed_by_a_rest_of_its_own_length_and_not_long(took: float) -> None:
    assert rest(took, full=False) == min(took, LONGEST_REST)


def test_nobody_rests_while_there_is_more() -> None:
    assert rest(3.0, full=True) == 0
