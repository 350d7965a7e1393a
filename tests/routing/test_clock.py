"""The statutory clock against dated cases that were worked out without it, and against laws that hold for all dates."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import get_args

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.routing.rules.calendars import NotCovered
from services.routing.rules.clock import (
    Clock,
    Extension,
    InvalidEvent,
    LateNotice,
    Period,
    Stop,
    Stopped,
    Unit,
    days_left,
    due,
    due_after,
    local_day,
)
from tests.routing.clock_cases import CALENDARS, CASES, OFFICE, Case, name, of, period

NOT_CLOCKS = ("stages", "local-day")
CLOCKS = of(*{case.feature for case in CASES}.difference(NOT_CLOCKS))


def event(kind: str, day: str, *new: str) -> Stop | Extension:
    if kind == "stop":
        return Stop(date.fromisoformat(day), None if new == ("open",) else date.fromisoformat(*new))
    until = date.fromisoformat(*new) if len(new) == 1 else period(" ".join(new))
    return Extension(date.fromisoformat(day), until, "調査に日時を要するため。")


def answer(case: Case) -> str:
    events = [event(*words) for words in case.happened]
    arrived = date.fromisoformat(case.arrived) if case.arrived else None
    try:
        found = due_after(
            events, case.clock, CALENDARS[case.calendar], date.fromisoformat(case.received), arrived=arrived
        )
    except (NotCovered, LateNotice) as error:
        return type(error).__name__
    return f"stopped {found.since} {found.left}" if isinstance(found, Stopped) else str(found)


def test_the_golden_table_has_its_cases() -> None:
    assert len(CASES) >= 200
    assert len(CLOCKS) + len(of(*NOT_CLOCKS)) == len(CASES)


@pytest.mark.parametrize("case", CLOCKS, ids=name)
def test_a_deadline_is_the_one_of_the_golden_table(case: Case) -> None:
    assert answer(case) == case.expected


@pytest.mark.parametrize("case", [case for case in CLOCKS if not case.events], ids=name)
def test_without_events_both_ways_to_ask_answer_alike(case: Case) -> None:
    arrived = date.fromisoformat(case.arrived) if case.arrived else None

    def plain() -> date:
        return due(case.clock, CALENDARS[case.calendar], date.fromisoformat(case.received), arrived=arrived)

    if case.expected == "NotCovered":
        with pytest.raises(NotCovered):
            plain()
    else:
        assert str(plain()) == case.expected


@pytest.mark.parametrize("case", of("local-day"), ids=name)
def test_the_day_of_an_application_is_the_day_in_tokyo(case: Case) -> None:
    assert str(local_day(datetime.fromisoformat(case.received))) == case.expected


def test_an_instant_without_a_zone_is_on_no_day() -> None:
    with pytest.raises(ValueError, match="time zone"):
        local_day(datetime(2026, 4, 1, 9))  # noqa: DTZ001


DAYS = st.dates(date(2022, 2, 1), date(2026, 6, 30))
"""What follows, two years and some days, stays within the calendar."""
COUNTS = st.integers(1, 120)


@st.composite
def clocks(draw: st.DrawFn, units: Sequence[Unit] = get_args(Unit)) -> Clock:
    unit = draw(st.sampled_from(units))
    most = {"days": 120, "business-days": 80, "weeks": 16, "months": 6, "years": 1}[unit]
    return Clock(
        Period(draw(st.integers(1, most)), unit),
        first_day=draw(st.sampled_from(("excluded", "included"))),
        closed_end=draw(st.sampled_from(("stays", "moves-on"))),
    )


CALENDAR_UNITS: tuple[Unit, ...] = ("days", "weeks", "months", "years")


@given(DAYS, COUNTS)
def test_counting_the_business_days_that_were_added_gives_their_number(day: date, count: int) -> None:
    last = due(Clock(Period(count, "business-days")), OFFICE, day)

    assert OFFICE.count(day, last) == count
    assert OFFICE.is_open(last)
    assert OFFICE.count(day, last - timedelta(1)) == count - 1


@given(DAYS, st.integers(1, 400))
def test_a_year_of_days_is_walked_one_by_one(day: date, count: int) -> None:
    walked = day
    for _ in range(count):
        walked += timedelta(1)

    assert due(Clock(Period(count, "days")), OFFICE, day) == walked


@given(clocks(), DAYS, st.integers(0, 60))
def test_who_applies_later_is_never_due_earlier(clock: Clock, day: date, later: int) -> None:
    assert due(clock, OFFICE, day) <= due(clock, OFFICE, day + timedelta(later))


@given(clocks(), DAYS)
def test_a_longer_period_ends_no_earlier(clock: Clock, day: date) -> None:
    longer = Clock(Period(clock.period.count + 1, clock.period.unit), clock.first_day, clock.closed_end)

    assert due(clock, OFFICE, day) <= due(longer, OFFICE, day)


@given(clocks(), DAYS)
def test_counting_the_first_day_too_is_the_period_of_the_day_before(clock: Clock, day: date) -> None:
    included = Clock(clock.period, "included", clock.closed_end)
    excluded = Clock(clock.period, "excluded", clock.closed_end)

    assert due(included, OFFICE, day) == due(excluded, OFFICE, day - timedelta(1))


@given(clocks(), DAYS)
def test_a_deadline_that_moves_on_passes_closed_days_only(clock: Clock, day: date) -> None:
    stays = due(Clock(clock.period, clock.first_day), OFFICE, day)
    moved = due(Clock(clock.period, clock.first_day, "moves-on"), OFFICE, day)

    assert OFFICE.is_open(moved)
    assert OFFICE.count(stays - timedelta(1), moved) == 1


@given(clocks(CALENDAR_UNITS), DAYS, st.integers(0, 400), st.integers(0, 60))
def test_a_stop_of_k_days_moves_a_calendar_deadline_by_k_days(clock: Clock, day: date, asked: int, lasts: int) -> None:
    plain = Clock(clock.period, clock.first_day)
    last = due(plain, OFFICE, day)
    assume(last >= day + timedelta(asked))
    stop = Stop(day + timedelta(asked), day + timedelta(asked + lasts))

    assert due_after([stop], plain, OFFICE, day) == last + timedelta(lasts)


@given(DAYS, st.integers(1, 40), st.integers(0, 60), st.integers(0, 60))
def test_a_stop_costs_a_business_deadline_its_open_days(day: date, count: int, asked: int, lasts: int) -> None:
    clock = Clock(Period(count, "business-days"))
    stop = Stop(day + timedelta(asked), day + timedelta(asked + lasts))
    assume(OFFICE.count(day, stop.asked) < count)
    open_days = OFFICE.count(stop.asked, stop.answered or stop.asked)

    last = due_after([stop], clock, OFFICE, day)

    assert isinstance(last, date)
    assert OFFICE.count(day, last) == count + open_days


@st.composite
def stops(draw: st.DrawFn, received: date) -> Stop:
    asked = received + timedelta(draw(st.integers(0, 40)))
    return Stop(asked, draw(st.none() | st.integers(0, 20).map(lambda days: asked + timedelta(days))))


@given(clocks(), DAYS, st.data())
def test_the_order_in_which_stops_are_told_does_not_matter(clock: Clock, day: date, data: st.DataObject) -> None:
    told = data.draw(st.lists(stops(day), max_size=4))
    again = data.draw(st.permutations(told))

    assert due_after(told, clock, OFFICE, day) == due_after(again, clock, OFFICE, day)


@given(clocks(), DAYS, st.data())
def test_what_an_awaited_answer_leaves_is_what_is_left_when_it_comes(
    clock: Clock, day: date, data: st.DataObject
) -> None:
    plain = Clock(clock.period, clock.first_day)
    told = data.draw(st.lists(stops(day).filter(lambda stop: stop.answered is not None), max_size=2))
    asked = day + timedelta(data.draw(st.integers(0, 30)))
    answered = asked + timedelta(data.draw(st.integers(20, 30)))
    resumed = max([answered, *(stop.answered or asked for stop in told)])
    stands = due_after([*told, Stop(asked)], plain, OFFICE, day)
    assume(isinstance(stands, Stopped))
    assert isinstance(stands, Stopped)
    goes_on = due_after([*told, Stop(asked, resumed)], plain, OFFICE, day)

    assert isinstance(goes_on, date)
    left = days_left(plain, OFFICE, goes_on, resumed)
    assert left == stands.left or (stands.left == 0 and goes_on == OFFICE.next_open(resumed))


@given(clocks(), DAYS)
def test_the_days_left_fall_to_nothing_on_the_last_day_and_below_after_it(clock: Clock, day: date) -> None:
    last = due(clock, OFFICE, day)
    next_open = OFFICE.next_open(last + timedelta(1))

    assert days_left(clock, OFFICE, last, last) == 0
    assert days_left(clock, OFFICE, last, next_open) < 0


@given(clocks(), DAYS, st.integers(1, 60))
def test_an_extension_by_days_ends_so_many_days_later(clock: Clock, day: date, days: int) -> None:
    plain = Clock(clock.period, clock.first_day)
    last = due(plain, OFFICE, day)

    extended = due_after([Extension(last, Period(days, "days"), "調査のため。")], plain, OFFICE, day)

    assert extended == last + timedelta(days)


RECEIVED = date(2024, 6, 3)
THIRTY = Clock(Period(30, "days"))


def test_a_clock_can_be_extended_while_it_stands_still() -> None:
    late_notice = Extension(date(2024, 8, 1), Period(30, "days"), "調査のため。")
    awaited = Stop(date(2024, 6, 10))

    assert due_after([awaited, late_notice], THIRTY, OFFICE, RECEIVED) == Stopped(date(2024, 6, 10), 53)


@pytest.mark.parametrize(
    "stop,expected",
    [
        (Stop(date(2024, 6, 24), date(2024, 6, 26)), date(2024, 6, 26)),
        (Stop(date(2024, 6, 24)), Stopped(date(2024, 6, 24), 0)),
        (Stop(date(2024, 6, 25)), date(2024, 6, 24)),
    ],
)
def test_a_deadline_that_moved_on_from_a_saturday_can_be_stopped_until_that_monday(
    stop: Stop, expected: date | Stopped
) -> None:
    clock = Clock(Period(14, "days"), closed_end="moves-on")

    assert due_after([stop], clock, OFFICE, date(2024, 6, 8)) == expected


def test_an_extension_during_a_stop_that_has_ended_counts_both() -> None:
    notice = Extension(date(2024, 6, 12), Period(30, "days"), "調査のため。")
    stop = Stop(date(2024, 6, 10), date(2024, 6, 17))

    assert due_after([notice, stop], THIRTY, OFFICE, RECEIVED) == date(2024, 8, 9)


def test_a_stop_that_was_asked_too_late_does_not_excuse_a_late_notice() -> None:
    with pytest.raises(LateNotice, match="2024-07-03, the last day, or before, found 2024-07-05"):
        due_after(
            [Stop(date(2024, 7, 4)), Extension(date(2024, 7, 5), Period(30, "days"), "調査のため。")],
            THIRTY,
            OFFICE,
            RECEIVED,
        )


def test_what_cannot_have_happened_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="expected an answer on 2024-06-10, the day of the request, or later"):
        Stop(date(2024, 6, 10), date(2024, 6, 9))
    with pytest.raises(InvalidEvent, match="expected a reason"):
        Extension(date(2024, 6, 10), Period(30, "days"), " ")
    with pytest.raises(InvalidEvent, match="expected a request on 2024-06-03, the day of receipt, or later"):
        due_after([Stop(date(2024, 6, 2))], THIRTY, OFFICE, RECEIVED)
    with pytest.raises(InvalidEvent, match="expected an extension beyond 2024-07-03, found 2024-07-03"):
        due_after([Extension(RECEIVED, date(2024, 7, 3), "調査のため。")], THIRTY, OFFICE, RECEIVED)


@pytest.mark.parametrize("count", [0, -1, 3661])
def test_a_period_that_is_none_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="expected a period of 1 to 3660 days"):
        Period(count, "days")


def test_the_longest_periods_have_a_last_day() -> None:
    assert due(Clock(Period(3660, "years")), OFFICE, RECEIVED) == date(5684, 6, 3)


def test_an_instant_of_another_zone_is_read_in_tokyo() -> None:
    assert local_day(datetime(2026, 3, 31, 15, tzinfo=UTC)) == date(2026, 4, 1)
