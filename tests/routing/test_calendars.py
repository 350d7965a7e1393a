"""Calendars: what is closed and why, counted and read from a city pack."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.calendars import InvalidCalendars, read_calendars
from services.routing.rules.calendars import (
    Closure,
    Dated,
    NotCovered,
    Weekly,
    Yearly,
    days_between,
    make_calendar,
)
from tests.conftest import ROOT

KUSHIRO = ROOT / "cities" / "kushiro" / "calendars.csv"
CLOSED = Closure("休み", "test")
HEADER = "calendar,kind,first,last,name,source\n"
COVERS = "c,covers,2024-01-01,2024-12-31,,test\n"

WEEK = make_calendar("week", date(2024, 6, 3), date(2024, 6, 9), [Weekly(5, CLOSED), Weekly(6, CLOSED)])


@pytest.mark.parametrize(
    "day,is_open,next_open",
    [
        (date(2024, 6, 3), True, date(2024, 6, 3)),
        (date(2024, 6, 7), True, date(2024, 6, 7)),
        (date(2024, 6, 8), False, None),
        (date(2024, 6, 9), False, None),
        (date(2024, 6, 2), None, None),
        (date(2024, 6, 10), None, None),
    ],
)
def test_a_calendar_answers_within_its_range_and_refuses_beyond(
    day: date,
    is_open: bool | None,  # noqa: FBT001
    next_open: date | None,
) -> None:
    if is_open is None:
        with pytest.raises(NotCovered, match="calendar week covers 2024-06-03 to 2024-06-09, asked was 2024-06"):
            WEEK.is_open(day)
    else:
        assert WEEK.is_open(day) is is_open
    if next_open is None:
        with pytest.raises(NotCovered, match="calendar week covers"):
            WEEK.next_open(day)
    else:
        assert WEEK.next_open(day) == next_open


def test_the_next_open_day_of_a_day_beyond_the_range_names_that_day() -> None:
    with pytest.raises(NotCovered, match="asked was 2024-06-12"):
        WEEK.next_open(date(2024, 6, 12))


def test_open_days_are_added_and_counted_up_to_the_edges_of_the_range() -> None:
    assert WEEK.add(date(2024, 6, 2), 5) == date(2024, 6, 7)
    assert WEEK.count(date(2024, 6, 2), date(2024, 6, 9)) == 5
    assert WEEK.count(date(2024, 6, 7), date(2024, 6, 4)) == -3
    with pytest.raises(NotCovered, match="open day 6 after 2024-06-02"):
        WEEK.add(date(2024, 6, 2), 6)
    with pytest.raises(NotCovered, match="2024-06-01"):
        WEEK.add(date(2024, 6, 1), 1)
    with pytest.raises(ValueError, match="1 open day or more, found 0"):
        WEEK.add(date(2024, 6, 4), 0)


def test_a_calendar_of_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="calendar none: expected a first day not after the last"):
        make_calendar("none", date(2024, 6, 3), date(2024, 6, 2), [])


FIRST, LAST = date(2023, 1, 1), date(2025, 12, 31)
WITHIN = st.dates(FIRST, LAST)
MONTH_DAYS = st.dates(date(2001, 1, 1), date(2001, 12, 31)).map(lambda day: (day.month, day.day))
RULES = (
    st.builds(Weekly, st.integers(0, 6), st.just(CLOSED))
    | st.builds(Yearly, MONTH_DAYS, MONTH_DAYS, st.just(CLOSED))
    | st.builds(
        Dated,
        st.dates(date(2022, 1, 1), date(2026, 1, 1)),
        st.dates(date(2022, 1, 1), date(2026, 1, 1)),
        st.just(CLOSED),
    )
)


def closes(rule: Weekly | Yearly | Dated, day: date) -> bool:
    if isinstance(rule, Weekly):
        return day.weekday() == rule.weekday
    if isinstance(rule, Dated):
        return rule.first <= day <= rule.last
    at = (day.month, day.day)
    if rule.first <= rule.last:
        return rule.first <= at <= rule.last
    return at >= rule.first or at <= rule.last


@given(st.lists(RULES, max_size=4), st.lists(WITHIN, min_size=1, max_size=20))
def test_a_day_is_closed_just_when_a_rule_closes_it(rules: list[Weekly | Yearly | Dated], days: list[date]) -> None:
    calendar = make_calendar("any", FIRST, LAST, rules)

    assert [calendar.is_open(day) for day in days] == [not any(closes(rule, day) for rule in rules) for day in days]


@given(st.lists(RULES, max_size=3), WITHIN, WITHIN)
def test_counting_open_days_is_looking_at_each(rules: list[Weekly | Yearly | Dated], one: date, other: date) -> None:
    calendar = make_calendar("any", FIRST, LAST, rules)
    after, until = sorted([one, other])

    looked = sum(calendar.is_open(day) for day in days_between(after + timedelta(1), until))

    assert calendar.count(after, until) == looked
    assert calendar.count(until, after) == -looked


def test_a_day_that_several_rules_close_is_named_by_the_first() -> None:
    holiday, closed = Closure("元日", "law"), Closure("年末年始", "ordinance")
    rules = [Dated(date(2024, 1, 1), date(2024, 1, 1), holiday), Yearly((12, 29), (1, 3), closed)]

    calendar = make_calendar("named", date(2024, 1, 1), date(2024, 1, 4), rules)

    assert [calendar.closure(date(2024, 1, day)) for day in (1, 2, 4)] == [holiday, closed, None]


@pytest.mark.parametrize(
    "area,first",
    [("kushiro", date(2023, 12, 30)), ("akan", date(2023, 12, 31)), ("onbetsu", date(2023, 12, 29))],
)
def test_rubbish_stopped_at_the_turn_of_2023_as_the_city_told_each_area(area: str, first: date) -> None:
    calendar = read_calendars(KUSHIRO.read_bytes(), "calendars.csv")[f"rubbish-{area}"]

    stopped = [day for day in days_between(date(2023, 12, 25), date(2024, 1, 5)) if not calendar.is_open(day)]

    told = [day for day in stopped if calendar.closures[day].source == "mykoho 2024-01"]
    assert told == days_between(first, date(2024, 1, 3))


@pytest.mark.parametrize("area", ["kushiro", "akan", "onbetsu"])
def test_kushiros_offices_close_at_the_turn_of_the_year_and_say_that_this_is_unverified(area: str) -> None:
    calendar = read_calendars(KUSHIRO.read_bytes(), "calendars.csv")[f"office-{area}"]

    closed = days_between(date(2026, 12, 29), date(2027, 1, 3))

    assert [day for day in closed if calendar.is_open(day)] == []
    assert calendar.is_open(date(2026, 12, 28))
    assert calendar.is_open(date(2027, 1, 4))
    assert calendar.closures[date(2026, 12, 29)].source.startswith("unverified")
    assert calendar.closures[date(2027, 1, 1)].name == "元日"


def test_each_closed_day_of_kushiro_has_a_name_and_a_source() -> None:
    closures = [
        closure
        for calendar in read_calendars(KUSHIRO.read_bytes(), "calendars.csv").values()
        for closure in calendar.closures.values()
    ]

    assert closures
    assert all(closure.name and closure.source for closure in closures)


def test_rows_may_stand_in_any_order_and_hold_for_several_calendars() -> None:
    text = (
        "a b,weekly,SU,,日曜日,test\na,dated,2024-06-03,2024-06-04,休館,test\na b,covers,2024-06-01,2024-06-30,,test\n"
    )

    found = read_calendars(f"\ufeff{HEADER}{text}".encode(), "calendars.csv")

    assert [found[name].is_open(date(2024, 6, 2)) for name in "ab"] == [False, False]
    assert [found[name].is_open(date(2024, 6, 4)) for name in "ab"] == [False, True]


@pytest.mark.parametrize(
    "text,said",
    [
        ("", "row 1: expected the columns calendar,kind,first,last,name,source, found "),
        ("name,from\n", "row 1: expected the columns calendar,kind,first,last,name,source, found name,from"),
        (f"{HEADER}c,weekly\n", "row 2: expected 6 cells, found 2"),
        (f"{HEADER}{COVERS}c,monthly,1,,月初,test\n", "row 3, column kind: expected one of covers, national, weekly,"),
        (f"{HEADER}{COVERS} ,weekly,SA,,土曜日,test\n", "row 3, column calendar: expected the name of a calendar"),
        (f"{HEADER}{COVERS}c,weekly,SA,,土曜日,\n", "row 3, column source: expected where it is said, or `unverified`"),
        (f"{HEADER}{COVERS}c,weekly,SA,,,test\n", "row 3, column name: expected the day's name in Japanese, found ''"),
        (f"{HEADER}{COVERS}c,weekly,土,,土曜日,test\n", "row 3, column first: expected one of MO, TU, WE,"),
        (f"{HEADER}{COVERS}c,national,KR,,,test\n", "row 3, column first: expected JP, found 'KR'"),
        (
            f"{HEADER}{COVERS}c,yearly,12-29,--01-03,年末,test\n",
            "row 3, column first: expected a day of every year such as",
        ),
        (
            f"{HEADER}{COVERS}c,yearly,--12-29,--02-29,年末,test\n",
            "row 3, column last: expected a day of every year such as",
        ),
        (f"{HEADER}{COVERS}c,dated,2024-02-30,2024-03-01,休館,test\n", "row 3, column first: expected a date such as"),
        (
            f"{HEADER}{COVERS}c,dated,2024-03-02,2024-03-01,休館,test\n",
            "row 3, column last: expected 2024-03-02 or a later date",
        ),
        (f"{HEADER}c,weekly,SA,,土曜日,test\n", "calendar c: expected one row of the kind covers, found 0"),
        (f"{HEADER}{COVERS}{COVERS}", "calendar c: expected one row of the kind covers, found 2"),
        (
            f"{HEADER}c,covers,2098-01-01,2100-12-31,,test\nc,national,JP,,,test\n",
            "calendar c: national holidays are known for",
        ),
    ],
)
def test_a_file_that_is_none_names_file_row_column_and_what_was_expected(text: str, said: str) -> None:

    with pytest.raises(InvalidCalendars) as raised:
        read_calendars(text.encode(), "calendars.csv")

    assert f"calendars.csv, {said}" in str(raised.value)
