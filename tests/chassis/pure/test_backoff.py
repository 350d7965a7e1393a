from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from chassis.backoff import FIRST_SECONDS, MOST_SECONDS, pauses


@given(st.integers(), st.integers(1, 60))
def test_pauses_double_up_to_the_longest_and_no_further(seed: int, length: int) -> None:
    for place, seconds in enumerate(islice(pauses(seed), length)):
        longest = min(MOST_SECONDS, FIRST_SECONDS * 2**place)
        assert longest / 2 <= seconds <= longest


def test_instances_do_not_return_in_step() -> None:
    assert list(islice(pauses(1), 8)) != list(islice(pauses(2), 8))


def test_a_seed_repeats_its_pauses() -> None:
    assert list(islice(pauses(1), 8)) == list(islice(pauses(1), 8))
