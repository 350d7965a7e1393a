"""The chassis's decisions under random schedules. See the package's docstring, and `running.py` for one schedule's course."""

from functools import cache

import pytest

from tests.simulation.bugs import BUGS
from tests.simulation.running import first_failure, first_failure_of_many, needed, run

PROCESSES = 2
MOST = 300
"""Within how many schedules each planted bug must be found. The slowest needs about 60."""


def test_no_schedule_loses_doubles_or_reorders_anything() -> None:
    assert first_failure(range(2_000)) is None


@pytest.mark.long
def test_a_hundred_thousand_schedules_lose_double_or_reorder_nothing() -> None:
    assert first_failure_of_many(1_000_000, 100_000, PROCESSES) is None


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    assert needed(BUGS[name], MOST) is not None


@pytest.mark.parametrize(
    "happening",
    [
        "reports Hole",
        "rewinds",
        "cannot rewind",
        "falls asleep",
        "pauses",
        "grows",
        "is fenced at",
        "parked",
        "which was owed",
    ],
)
def test_schedules_are_not_too_tame(happening: str) -> None:
    assert any(happening in line for line in traces())


@cache
def traces() -> list[str]:
    """What happens in 400 schedules. The rarest of it, a pause for too many parked keys, happens in 9 of them."""
    trace: list[str] = []
    for seed in range(400):
        run(seed, trace=trace)
    return trace


def test_a_seed_repeats_its_schedule_word_for_word() -> None:
    first: list[str] = []
    again: list[str] = []
    run(7, trace=first)
    run(7, trace=again)

    assert first
    assert first == again
