"""The golden table of the statutory clock, read; and the calendars its cases are counted by."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import get_args

from services.routing.calendars import national_holidays
from services.routing.rules.calendars import Calendar, Closure, Rule, Weekly, Yearly, make_calendar
from services.routing.rules.clock import Clock, Period, Unit

GOLDEN = Path(__file__).with_name("clock_golden.csv")
CLOSED = Closure("休み", "test")
WEEKEND: tuple[Rule, ...] = (Weekly(5, CLOSED), Weekly(6, CLOSED))


def city(name: str, first: date, last: date, year_end: Yearly) -> Calendar:
    return make_calendar(name, first, last, [*national_holidays(first, last), *WEEKEND, year_end])


OFFICE = city("office", date(2022, 1, 1), date(2028, 12, 31), Yearly((12, 29), (1, 3), CLOSED))
CALENDARS = {
    "office": OFFICE,
    "devpermit": city("devpermit", date(2024, 1, 1), date(2026, 12, 31), Yearly((12, 28), (1, 3), CLOSED)),
}


@dataclass(frozen=True, slots=True)
class Case:
    feature: str
    calendar: str
    period: str
    options: str
    transit: str
    received: str
    arrived: str
    events: str
    expected: str
    note: str

    @property
    def clock(self) -> Clock:
        return Clock(
            period(self.period),
            first_day="included" if "included" in self.options else "excluded",
            closed_end="moves-on" if "moves-on" in self.options else "stays",
            transit=period(self.transit) if self.transit else None,
        )

    @property
    def happened(self) -> list[list[str]]:
        return [event.split() for event in self.events.split("; ") if event]


def golden() -> Iterator[Case]:
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            yield Case(**row)


CASES = list(golden())


def period(text: str) -> Period:
    count, unit = text.split()
    return Period(int(count), next(known for known in get_args(Unit) if known == unit))


def of(*features: str) -> list[Case]:
    return [case for case in CASES if case.feature in features]


def name(case: Case) -> str:
    return f"{case.feature}-{case.received}-{case.period}-{case.events}".replace(" ", "_")
