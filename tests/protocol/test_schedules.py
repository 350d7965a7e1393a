"""Many schedules without a violation; every planted bug found."""

from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.protocol.decisions import BUGS, Decisions, planted
from tests.protocol.schedules import violation

CHUNK = 1000


def first_violation(seeds: range) -> tuple[int, str] | None:
    decisions = Decisions()
    return next(((seed, why) for seed in seeds if (why := violation(seed, decisions))), None)


def violations(first: int, count: int) -> list[tuple[int, str]]:
    """The first violation of every chunk of schedules, on all cores."""
    chunks = [range(start, min(start + CHUNK, first + count)) for start in range(first, first + count, CHUNK)]
    with ProcessPoolExecutor() as pool:
        return [found for found in pool.map(first_violation, chunks) if found]


def test_two_thousand_schedules_lose_double_and_disorder_nothing() -> None:
    assert violations(0, 2000) == []


@pytest.mark.long
def test_a_hundred_thousand_schedules_lose_double_and_disorder_nothing() -> None:
    assert violations(10_000, 100_000) == []


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    decisions = planted(bug)

    found = next((seed for seed in range(500) if violation(seed, decisions)), None)

    assert found is not None
