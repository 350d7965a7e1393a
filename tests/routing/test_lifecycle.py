"""The life of a rule set."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from services.routing.rules import lifecycle
from services.routing.rules.lifecycle import Life, Refusal, State, Step, Term

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TESTED = Life("aa", "back-tested", "sato")


def test_a_candidate_without_errors_is_checked_and_one_with_errors_goes_no_further() -> None:
    assert lifecycle.proposed("aa", "sato", 0).state == "checked"
    faulty = lifecycle.proposed("aa", "sato", 2)

    assert faulty.state == "candidate"
    assert lifecycle.back_test(faulty) == lifecycle.FAULTY
    assert lifecycle.approve(faulty, "tanaka", NOW, NOW) == lifecycle.FAULTY


def test_nothing_is_approved_untested() -> None:
    assert lifecycle.approve(Life("aa", "checked", "sato"), "tanaka", NOW, NOW) == lifecycle.TEST_FIRST


def test_a_second_person_approves_from_now_or_later() -> None:
    assert lifecycle.approve(TESTED, "sato", NOW, NOW) == lifecycle.SECOND_PERSON
    assert lifecycle.approve(TESTED, "tanaka", NOW - HOUR, NOW) == lifecycle.FROM_PAST
    assert lifecycle.approve(TESTED, "tanaka", NOW + HOUR, NOW) == Life("aa", "approved", "sato", "tanaka", NOW + HOUR)


@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("step", get_args(Step))
def test_every_step_in_every_state_is_taken_or_refused_with_what_to_do(step: Step, state: State) -> None:
    after = lifecycle.TABLE[step][state]

    assert not isinstance(after, Refusal) or (after.words.ja and after.words.en)


@pytest.mark.parametrize("state", ["in-force", "superseded"])
def test_what_is_or_was_in_force_is_never_withdrawn(state: State) -> None:
    assert lifecycle.withdraw(Life("aa", state, "sato", "tanaka", NOW), NOW) == lifecycle.IN_FORCE


def test_an_approved_set_is_withdrawn_until_its_instant_and_never_after() -> None:
    life = Life("aa", "approved", "sato", "tanaka", NOW)

    assert lifecycle.withdraw(life, NOW - HOUR) == Life("aa", "withdrawn", "sato", "tanaka", NOW)
    assert lifecycle.withdraw(life, NOW) == lifecycle.IN_FORCE


def test_a_set_checked_for_a_later_day_is_not_approved_for_an_earlier_one() -> None:
    life = lifecycle.back_test(lifecycle.proposed("aa", "sato", 0, NOW + HOUR))
    assert isinstance(life, Life)

    assert lifecycle.approve(life, "tanaka", NOW, NOW) == lifecycle.UNPROVEN_THEN
    assert isinstance(lifecycle.approve(life, "tanaka", NOW + HOUR, NOW), Life)


def test_the_second_person_is_not_the_first_in_other_letters() -> None:
    assert lifecycle.approve(TESTED, "SATO", NOW, NOW) == lifecycle.SECOND_PERSON


def test_what_has_come_due_comes_into_force_one_after_the_other() -> None:
    old = Life("old", "in-force", "sato", "tanaka", NOW - HOUR)
    late = Life("late", "approved", "sato", "tanaka", NOW)
    early = Life("early", "approved", "sato", "tanaka", NOW - HOUR / 2)
    future = Life("future", "approved", "sato", "tanaka", NOW + HOUR)

    found = lifecycle.successions([old, late, early, future], NOW)

    assert [(one.coming.hash, one.superseded and one.superseded.hash) for one in found] == [
        ("early", "old"),
        ("late", "early"),
    ]
    assert {one.coming.state for one in found} == {"in-force"}
    assert {one.superseded.state for one in found if one.superseded} == {"superseded"}


def test_the_first_set_of_a_city_supersedes_nothing() -> None:
    (found,) = lifecycle.successions([Life("aa", "approved", "sato", "tanaka", NOW)], NOW)

    assert found.superseded is None


@pytest.mark.parametrize(
    "at,decides",
    [
        (NOW - HOUR, "first"),
        (NOW, "first"),
        (NOW + HOUR / 2, "first"),
        (NOW + HOUR, "second"),
        (NOW + 9 * HOUR, "second"),
    ],
)
def test_an_application_is_decided_by_the_rules_of_the_time_it_was_received(at: datetime, decides: str) -> None:
    assert lifecycle.deciding([Term(NOW, "first"), Term(NOW + HOUR, "second")], at)[0] == decides
