"""Where a case's clock stands, whatever order its events come in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.deciding import decide
from services.routing.rules.clock import TOKYO
from services.routing.rules.deadlines import UNREADABLE, Case, Happened, Kind, deadline_of, move
from services.routing.rules.organisation import InvalidOrganisation
from services.routing.rules.rule_sets import RuleSet
from tests.routing import small_pack

STAGES = "survey 7 days; opinion 13 days; board 12 days after survey, opinion"
PROCEDURES = f'code,facts,period_days,period_kind,stages\ncare,,30,days,"{STAGES}"\nmove,,5,business-days,\nlamp,,,,\n'
ROWS = (
    'C1,"""care""",-,-,roads,,認定のため。',
    'M1,"""move""",-,-,roads,,転入のため。',
    'L1,"""lamp""",-,-,roads,9,街灯のため。',
)
RECEIVED = date(2026, 11, 2)
DUE = date(2026, 12, 2)


def pack(**others: str) -> RuleSet:
    return small_pack.rule_set(*ROWS, **{"procedures": PROCEDURES} | others)


def case(procedure: str = "care", rule_set: RuleSet | None = None, overlays: Sequence[str] = (), **facts: str) -> Case:
    rule_set = rule_set or pack()
    (found,) = decide(rule_set, overlays, {"procedure": procedure, **facts}, RECEIVED)
    given = found.assignment
    return Case(rule_set, found.decision, given.cause, RECEIVED, given.department, given.due_on)


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=TOKYO)


def after(days: int) -> date:
    return RECEIVED + timedelta(days)


def asked(days: int, hour: int = 9) -> Happened:
    return Happened("correction-requested", at(after(days), hour))


def supplied(days: int, hour: int = 9) -> Happened:
    return Happened("correction-accepted", at(after(days), hour))


def extended(days: int, until: date) -> Happened:
    return Happened("extended", at(after(days)), until)


def ended(stage: str, days: int) -> Happened:
    return Happened("stage-ended", at(after(days)), after(days), stage)


@pytest.mark.parametrize(
    "happened, due, still",
    [
        ([], DUE, False),
        ([asked(10)], DUE, True),
        ([asked(10), supplied(15)], DUE + timedelta(5), False),
        ([asked(10), supplied(10, 17)], DUE, False),
        ([asked(10), supplied(10)], DUE, False),
        ([supplied(8), asked(10)], DUE, True),
        ([supplied(10, 8), asked(10)], DUE, True),
        ([asked(10), supplied(15), asked(20), supplied(27)], DUE + timedelta(12), False),
        ([asked(10), supplied(15), supplied(18)], DUE + timedelta(5), False),
        ([asked(10), supplied(15), asked(20)], DUE + timedelta(5), True),
        ([asked(31), supplied(40)], DUE, False),
        ([extended(20, date(2027, 1, 15))], date(2027, 1, 15), False),
        ([extended(20, date(2027, 1, 15)), asked(31), supplied(40)], date(2027, 1, 24), False),
        ([asked(10), extended(20, date(2027, 1, 15))], date(2027, 1, 15), True),
        ([asked(10), extended(40, date(2027, 1, 15)), supplied(45)], date(2027, 1, 15), False),
        ([asked(10), extended(12, date(2026, 12, 10)), supplied(25)], DUE + timedelta(15), False),
        (
            [asked(10), extended(12, date(2026, 12, 10)), extended(13, date(2026, 12, 11)), supplied(25)],
            after(45),
            False,
        ),
        ([asked(10), supplied(25), extended(25, date(2026, 12, 16))], DUE + timedelta(15), False),
        ([asked(10), extended(12, after(3670)), supplied(25)], after(3670), False),
        ([asked(10), extended(12, after(3670))], after(3670), True),
    ],
    ids=lambda value: "+".join(f"{one.kind}" for one in value) if isinstance(value, list) else "",
)
def test_the_days_from_a_request_to_its_answer_do_not_count_and_extensions_do(
    happened: list[Happened], due: date, *, still: bool
) -> None:
    found = deadline_of(case(), happened)

    assert (found.due, found.stands_still, found.left_out) == (due, still, {})


@pytest.mark.parametrize(
    "happened, out, words",
    [
        ([extended(31, date(2027, 1, 15))], 0, "expected a notice on 2026-12-02"),
        ([extended(20, DUE)], 0, "expected an extension beyond 2026-12-02"),
        ([asked(10), extended(12, DUE), supplied(25)], 1, "expected an extension beyond 2026-12-02"),
        ([asked(10), supplied(25), extended(26, date(2026, 12, 17))], 2, "expected an extension beyond 2026-12-17"),
        ([extended(3, date(9999, 12, 31))], 0, "expected an extension of at most 3660 days"),
        ([extended(3, date(9999, 12, 31)), asked(5), supplied(9)], 0, "expected an extension of at most 3660 days"),
        ([asked(-1)], 0, "before the receipt"),
        ([ended("visit", 3)], 0, "expected one of survey, opinion, board"),
        ([ended("survey", -2)], 0, "before the receipt"),
    ],
)
def test_what_cannot_count_is_left_out_with_the_reason_and_the_rest_counts(
    happened: list[Happened], out: int, words: str
) -> None:
    rest = [one for place, one in enumerate(happened) if place != out]

    found = deadline_of(case(), happened)

    assert found == deadline_of(case(), rest)
    (reason,) = found.left_out.values()
    assert words in reason
    assert set(found.left_out) == {happened[out]}


def test_one_more_thing_moves_the_clock_or_does_not_and_says_why() -> None:
    stopped = move(case(), [], asked(10))
    late = move(case(), [], extended(31, date(2027, 1, 15)))
    answered = move(case(), [supplied(12)], asked(10))

    assert (stopped.deadline is not None and stopped.deadline.stands_still, stopped.left_out) == (True, None)
    assert (late.deadline, "expected a notice" in (late.left_out or "")) == (None, True)
    assert answered.deadline is not None
    assert answered.deadline.due == DUE + timedelta(2)
    assert move(case(), [asked(10)], asked(10)).deadline is None
    assert move(case(), [], supplied(10)).deadline is None


def test_where_the_rules_cannot_be_read_or_the_calendar_ends_the_deadline_stays_as_it_was_said() -> None:
    unreadable = replace(case(), rule_set=None)
    short = small_pack.CALENDARS.replace("2029-12-31", "2026-12-04")
    moving = case("move", pack(calendars=short))
    stop = [asked(1), supplied(60)]

    assert move(unreadable, [], asked(10)).left_out == UNREADABLE
    assert deadline_of(unreadable, [asked(10)]).due == unreadable.due_on
    assert "covers" in (move(moving, stop[:1], stop[1]).left_out or "")
    assert deadline_of(moving, stop).due == moving.due_on


@pytest.mark.parametrize("procedure, due", [("lamp", date(2026, 11, 11)), ("move", date(2026, 11, 9))])
def test_a_clock_goes_by_the_days_of_the_row_or_the_procedure(procedure: str, due: date) -> None:
    found = deadline_of(case(procedure), [])
    stopped = deadline_of(case(procedure), [asked(3)])

    assert found.due == case(procedure).due_on == due
    assert (stopped.due, stopped.stands_still) == (due, True)


def test_business_days_go_by_the_calendar_of_the_district_on_both_sides_of_a_stop() -> None:
    events = [asked(3), supplied(23)]  # answered on 25 November; the far office is closed on 26 and 27 November

    near, far = (deadline_of(case("move", district=district), events) for district in ("near", "far"))

    assert (near.due, far.due) == (date(2026, 11, 27), date(2026, 12, 1))


def test_a_clock_goes_by_the_overlays_that_were_on() -> None:
    others = {
        "overlays/storm/rules/storm": small_pack.HEADER + 'X1,"""nothing""",-,-,roads,,嵐。\n',
        "overlays/storm/procedures": "code,period_days,period_kind,stages\ncare,60,days,look 9 days\n",
    }
    found = deadline_of(case(rule_set=pack(**others), overlays=["storm"]), [asked(1), supplied(6)])

    assert found.due == RECEIVED + timedelta(65)
    assert [(stage.name, stage.due) for stage in found.stages] == [("look", after(9))]


def test_triage_has_its_own_time_until_a_person_has_found_the_department() -> None:
    waiting = case("nobody-knows")
    events = [asked(1), supplied(5)]

    found = deadline_of(replace(waiting, department="roads"), events)

    assert waiting.cause == "no-match"
    assert deadline_of(waiting, []).due == waiting.due_on == after(3)
    assert deadline_of(waiting, events).due == after(7)
    assert (found.due, found.stages) == (RECEIVED + timedelta(34), ())


def test_a_case_that_goes_back_to_triage_keeps_its_statutory_clock() -> None:
    assert deadline_of(replace(case(), department="triage"), []).due == DUE


def test_stages_are_planned_until_those_before_them_have_ended() -> None:
    planned = deadline_of(case(), []).stages
    known = deadline_of(case(), [ended("survey", 4), ended("opinion", 20), ended("opinion", 22)])

    assert [(stage.name, stage.due, stage.fixed) for stage in planned] == [
        ("survey", after(7), True),
        ("opinion", after(13), True),
        ("board", after(25), False),
    ]
    assert [stage.ended for stage in known.stages] == [after(4), after(20), None]
    assert (known.stages[2].due, known.stages[2].fixed, known.due) == (after(32), True, DUE)


KINDS: tuple[Kind, ...] = ("correction-requested", "correction-accepted", "extended", "stage-ended")
HAPPENED = st.builds(
    Happened,
    st.sampled_from(KINDS),
    st.integers(-2, 24 * 60).map(lambda hours: at(RECEIVED) + timedelta(hours=hours)),
    st.integers(0, 90).map(after),
    st.sampled_from(["survey", "opinion", "board", "visit"]),
)
CASES = [case(), case("move"), case("lamp"), replace(case("nobody-knows"), department="roads")]


@given(st.lists(HAPPENED, max_size=8), st.randoms(use_true_random=False), st.sampled_from(CASES))
def test_any_order_of_the_same_events_leaves_the_clock_the_same(
    happened: list[Happened], random: Random, of: Case
) -> None:
    shuffled = random.sample(happened, len(happened))

    assert _told(of, happened) == _told(of, shuffled) == deadline_of(of, happened)


def _told(of: Case, happened: Sequence[Happened]) -> object:
    """What the last announcement says, each event having been handled after those before it."""
    told = deadline_of(of, [])
    for place, new in enumerate(happened):
        told = move(of, happened[:place], new).deadline or told
    return told


@pytest.mark.parametrize(
    "cells, said",
    [
        ("30,days,a 3 days; b four days", r"row 2, column 4 \(stages\): expected stages with `;` between"),
        ("30,days,a 0 days", r"row 2, column 4 \(stages\): expected stages"),
        ("30,days,b 4 days after a; a 3 days", r"row 2, column 4 \(stages\): stage b: .* found a"),
        ("30,days,a 3 days; a 4 days", r"row 2, column 4 \(stages\): expected each stage once, found a again"),
        (",days,a 3 days", r"row 2, column 2 \(period_days\): expected the period of the whole"),
    ],
)
def test_stages_that_cannot_be_read_are_named_with_file_row_and_column(cells: str, said: str) -> None:
    sheet = f"code,period_days,period_kind,stages\ncare,{cells}\nmove,5,days,\nlamp,,,\n"

    with pytest.raises(InvalidOrganisation, match=f"procedures.csv, {said}"):
        pack(procedures=sheet)


def test_stages_may_have_business_days_and_wait_for_several() -> None:
    sheet = 'code,period_days,period_kind,stages\ncare,30,days,"a 3 days;b 1 business-days ; c 2 days after a , b"\n'

    (one, other, last) = pack(procedures=f"{sheet}move,5,days,\nlamp,,,\n").stages["care"]

    assert (one.after, other.clock.period.unit, last.after) == ((), "business-days", ("a", "b"))


def test_a_stop_never_brings_the_last_day_forward() -> None:
    saturday = date(2026, 11, 14)
    events = [extended(1, saturday), asked(3, 9), supplied(3, 17)]

    assert deadline_of(case("move"), events).due == saturday
