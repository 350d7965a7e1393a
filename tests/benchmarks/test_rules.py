"""The benchmark of decision tables compares what is equal."""

import pytest

from benchmarks.rules import Subject, applications, subjects, targets_of

MEASURED = [
    "decide, 50 rows",
    "decide and explain, 50 rows",
    "decide, 5000 rows",
    "decide and explain, 5000 rows",
    "zen-engine, 50 rows",
    "zen-engine with trace, 50 rows",
]


@pytest.fixture(scope="module")
def found() -> dict[str, Subject]:
    """Every engine; made for who runs these, not for everybody who collects tests."""
    return {f"{one.name}, {len(one.table.rules)} rows": one for one in subjects()}


@pytest.mark.parametrize("name", MEASURED)
def test_every_engine_decides_as_the_interpreter_does(found: dict[str, Subject], name: str) -> None:
    one = found[name]

    assert one.wrong(applications(len(one.table.rules))[:60]) == 0


def test_all_that_is_measured_is_compared(found: dict[str, Subject]) -> None:
    assert [*found] == MEASURED


def test_a_run_with_a_different_answer_or_too_slow_a_decision_misses_its_target() -> None:
    rows = [{"ns": ns} for ns in (1001, 3000, 3003, 9000, 10_009, 20_000)]

    slowed = [{}, {"of_alone": 0.5, "worst_pause_ms": 20}]

    found = targets_of(rows, [{"what": "compile", "seconds": 1.2}], slowed, 1)

    assert [one["met"] for one in found] == [False, True, True, False, False, False, True, False]
