"""The national holidays and the business days by our calendars, beside a published list and a published calendar."""

import csv
import gzip
from datetime import date, datetime

import pytest
import yaml

from services.routing.calendars import national_holidays
from services.routing.rules.calendars import Calendar, Closure, NotCovered, Weekly, Yearly, make_calendar
from services.routing.rules.clock import Clock, Period, due
from tests.conftest import shared_data

# Why the names differ where they do; the days never do.
OTHER_NAMES = {
    "休日": "国民の休日",  # 祝日法3条3項 gives the day between two holidays no name
    "体育の日（スポーツの日）": "体育の日",  # of 2019-10-14: renamed by law from 2020 on
}
OF_2019 = {  # holidays by 平成30年法律99号, which the list calls 休日（祝日扱い）
    date(2019, 5, 1): "天皇の即位の日",
    date(2019, 10, 22): "即位礼正殿の儀が行われる日",
}


def published_holidays() -> dict[date, str]:
    text = shared_data("jp/holidays_detailed.yml").read_text(encoding="utf-8")
    return {day: entry["name"] for day, entry in yaml.safe_load(text).items()}


def named(day: date, published: str) -> str:
    if published.endswith("振替休日"):  # the list adds the holiday it stands for (祝日法3条2項)
        return "振替休日"
    return OF_2019.get(day) or OTHER_NAMES.get(published, published)


def test_the_librarys_holidays_are_the_published_ones_of_81_years_day_by_day() -> None:
    found = {rule.first for rule in national_holidays(date(1970, 1, 1), date(2050, 12, 31))}

    assert sorted(found ^ published_holidays().keys()) == []
    assert len(found) == 1329


def test_the_librarys_names_are_the_published_ones_but_for_the_known_exceptions() -> None:
    found = {rule.first: rule.closure.name for rule in national_holidays(date(1970, 1, 1), date(2050, 12, 31))}

    assert found == {day: named(day, name) for day, name in published_holidays().items()}


@pytest.mark.parametrize(
    "day,name",
    [
        (date(1973, 4, 30), "振替休日"),  # the first: the law is of 1973-04-12
        (date(1988, 5, 4), "国民の休日"),  # the first
        (date(2019, 4, 30), "国民の休日"),  # before the accession
        (date(2020, 7, 24), "スポーツの日"),  # moved for the Olympics
        (date(2021, 8, 9), "振替休日"),  # of the moved 山の日
        (date(2026, 5, 6), "振替休日"),  # of Sunday 5/3, past two holidays
        (date(2026, 9, 22), "国民の休日"),
        (date(2032, 9, 21), "国民の休日"),
    ],
)
def test_a_holiday_that_is_easily_missed_is_there(day: date, name: str) -> None:
    assert [(rule.first, rule.closure.name) for rule in national_holidays(day, day)] == [(day, name)]


@pytest.mark.parametrize("first,last", [(date(1948, 12, 31), date(1950, 1, 1)), (date(2099, 1, 1), date(2100, 1, 1))])
def test_holidays_of_years_that_the_library_does_not_know_are_not_guessed(first: date, last: date) -> None:
    with pytest.raises(ValueError, match="known for 1949 to 2099"):
        national_holidays(first, last)


def published_calendar() -> list[tuple[date, bool, str]]:
    path = shared_data("jp/plateau_devpermit/M_カレンダー.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
        return [
            (datetime.strptime(row["cal_date"], "%Y/%m/%d").date(), row["biz_day_flag"] == "1", row["comment"])  # noqa: DTZ007
            for row in csv.DictReader(file)
        ]


def devpermit(*, year_end: tuple[int, int]) -> Calendar:
    first, last = date(2024, 1, 1), date(2026, 12, 31)
    weekend = [Weekly(5, Closure("土曜日", "test")), Weekly(6, Closure("日曜日", "test"))]
    closed = Yearly(year_end, (1, 3), Closure("年末年始", "test"))
    return make_calendar("devpermit", first, last, [*weekend, closed, *national_holidays(first, last)])


def test_all_1096_days_of_a_published_calendar_are_open_or_closed_as_published_and_for_that_reason() -> None:
    calendar = devpermit(year_end=(12, 28))
    published = published_calendar()

    found = [calendar.closure(day) for day, _, _ in published]

    assert [(closure is None, closure.name if closure else "") for closure in found] == [
        (is_open, comment) for _, is_open, comment in published
    ]
    assert len(published) == 1096


def test_the_published_calendar_closes_one_day_more_than_the_usual_year_end() -> None:
    usual = devpermit(year_end=(12, 29))

    differ = [day for day, is_open, _ in published_calendar() if usual.is_open(day) != is_open]

    assert differ == [date(2026, 12, 28)]  # a Monday; the 28th of 2024 and 2025 is on a weekend


@pytest.mark.parametrize("count", [1, 2, 3, 5, 10, 15, 20, 30, 60, 245])
def test_counting_business_days_is_counting_the_rows_of_the_published_calendar(count: int) -> None:
    calendar, published = devpermit(year_end=(12, 28)), published_calendar()
    open_days = [day for day, is_open, _ in published if is_open]
    for day, _, _ in published:
        after = [row for row in open_days if row > day]
        if len(after) >= count:
            assert due(Clock(Period(count, "business-days")), calendar, day) == after[count - 1]
        else:
            with pytest.raises(NotCovered):
                due(Clock(Period(count, "business-days")), calendar, day)
