"""Stage deadlines: 要介護認定 with its stages, late and early, within the whole's 30 days."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.rules.clock import Clock, Extension, Period
from services.routing.rules.stages import InvalidStages, Stage, StagedClock, progress
from tests.routing.clock_cases import OFFICE, Case, name, of

THIRTY = Clock(Period(30, "days"))
RECEIVED = date(2024, 6, 3)
CARE = StagedClock(
    THIRTY,
    (
        Stage("survey", Clock(Period(7, "days"))),
        Stage("opinion", Clock(Period(13, "days"))),
        Stage("board", Clock(Period(12, "days")), after=("survey", "opinion")),
    ),
)


@pytest.mark.parametrize("case", of("stages"), ids=name)
def test_stages_stand_as_in_the_golden_table(case: Case) -> None:
    days = {word: date.fromisoformat(day) for word, day in case.happened}
    today = days.pop("today")

    found = progress(CARE, OFFICE, date.fromisoformat(case.received), today=today, ended=days)

    stages = "; ".join(f"{stage.name} {stage.due}" for stage in found.stages)
    assert f"{stages}; whole {found.due}; through {found.foreseen}" == case.expected


@pytest.mark.parametrize(
    "stages,said",
    [
        ((), "at least one stage"),
        ((Stage("board", THIRTY), Stage("board", THIRTY)), "found board again"),
        ((Stage("board", THIRTY, ("survey",)), Stage("survey", THIRTY)), "wait for a stage before it, found survey"),
        ((Stage("board", THIRTY, ("board",)),), "wait for a stage before it, found board"),
    ],
)
def test_stages_that_do_not_follow_each_other_are_refused(stages: tuple[Stage, ...], said: str) -> None:
    with pytest.raises(InvalidStages, match=said):
        StagedClock(THIRTY, stages)


def test_a_stage_that_nobody_knows_and_one_before_the_request_are_refused() -> None:
    with pytest.raises(InvalidStages, match="one of the stages survey, opinion, board, found visit"):
        progress(CARE, OFFICE, RECEIVED, today=RECEIVED, ended={"visit": RECEIVED})
    with pytest.raises(InvalidStages, match="stage survey: expected to end on 2024-06-03"):
        progress(CARE, OFFICE, RECEIVED, today=RECEIVED, ended={"survey": date(2024, 6, 2)})


def test_a_stage_is_fixed_once_all_it_waits_for_has_ended() -> None:
    ended = {"survey": date(2024, 6, 7)}
    before = progress(CARE, OFFICE, RECEIVED, today=date(2024, 6, 7), ended=ended)
    after = progress(CARE, OFFICE, RECEIVED, today=date(2024, 6, 12), ended={**ended, "opinion": date(2024, 6, 12)})

    assert [stage.fixed for stage in before.stages] == [True, True, False]
    assert [stage.fixed for stage in after.stages] == [True, True, True]
    assert after.stages[2].begins == date(2024, 6, 12)


def test_the_whole_of_a_staged_procedure_is_extended_by_notice_and_its_stages_are_not() -> None:
    notice = Extension(date(2024, 7, 3), date(2024, 7, 24), "主治医意見書が遅れているため。")

    plain = progress(CARE, OFFICE, RECEIVED, today=RECEIVED)
    extended = progress(CARE, OFFICE, RECEIVED, today=RECEIVED, events=[notice])

    assert extended.due == date(2024, 7, 24)
    assert extended.stages == plain.stages


@given(st.dates(date(2022, 2, 1), date(2028, 6, 30)), st.integers(0, 60), st.integers(0, 30))
def test_a_late_stage_moves_what_waits_for_it_by_its_days_and_the_whole_by_none(
    received: date, late: int, today: int
) -> None:
    opinion = received + timedelta(13 + late)
    on_time = {"survey": received, "opinion": received + timedelta(13)}
    planned = progress(CARE, OFFICE, received, today=received, ended=on_time)
    now = progress(CARE, OFFICE, received, today=received, ended={**on_time, "opinion": opinion})

    assert now.stages[2].due == planned.stages[2].due + timedelta(late)
    assert now.due == planned.due == received + timedelta(30)
