"""Which days an office is closed, and the open days between: a value, prepared once, asked in constant time.

An office's closed days are its weekly ones, the national holidays, the year's end and local ones (地方自治法4条の2第1–3項,
the city's 休日条例). A calendar covers a stated range; what lies outside is `NotCovered`, never a guess.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate

MonthDay = tuple[int, int]
"""A month and its day in every year."""
ONE_DAY = timedelta(days=1)


class NotCovered(ValueError):
    """A day that a calendar says nothing about. Names the calendar, its range and what was asked."""


@dataclass(frozen=True, slots=True)
class Closure:
    """Why an office is closed: the day's name in Japanese, and where that is said (`unverified` when nowhere found)."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Weekly:
    """Closed on a day of every week; 0 is Monday."""

    weekday: int
    closure: Closure


@dataclass(frozen=True, slots=True)
class Yearly:
    """Closed from one day of every year to another, both included; `last` before `first` lies in the next year."""

    first: MonthDay
    last: MonthDay
    closure: Closure


@dataclass(frozen=True, slots=True)
class Dated:
    """Closed from one date to another, both included."""

    first: date
    last: date
    closure: Closure


Rule = Weekly | Yearly | Dated


@dataclass(frozen=True, slots=True)
class Calendar:
    """The days from `first` to `last`, both included, and the closed ones among them. Raises ValueError for an empty range."""

    name: str
    first: date
    last: date
    closures: Mapping[date, Closure]
    _open: tuple[date, ...] = field(init=False, repr=False, compare=False)
    _opened: tuple[int, ...] = field(init=False, repr=False, compare=False)
    """How many days are open before the first day, before the second, …, and in all."""

    def __post_init__(self) -> None:
        days = days_between(self.first, self.last)
        if not days:
            raise ValueError(f"calendar {self.name}: expected a first day not after the last, found {self._range}")
        closed = self.closures.keys()
        object.__setattr__(self, "_open", tuple(day for day in days if day not in closed))
        object.__setattr__(self, "_opened", tuple(accumulate((day not in closed for day in days), initial=0)))

    def closure(self, day: date) -> Closure | None:
        """Why the office is closed on `day`; None when it is open. Raises NotCovered."""
        self._check(day)
        return self.closures.get(day)

    def is_open(self, day: date) -> bool:
        """Whether the office is open on `day`. Raises NotCovered."""
        return self.closure(day) is None

    def next_open(self, day: date) -> date:
        """`day` when it is open, else the first open day after it (地方自治法4条の2第4項). Raises NotCovered."""
        self._check(day)
        return self.add(day - ONE_DAY, 1)

    def add(self, day: date, count: int) -> date:
        """The open day that is the `count`-th after `day`, from 1 on. Raises NotCovered, ValueError for a lower count."""
        if count < 1:
            raise ValueError(f"expected to count 1 open day or more, found {count}")
        try:
            return self._open[self._opened_until(day) + count - 1]
        except IndexError:
            raise self._not_covered(f"open day {count} after {day}") from None

    def count(self, after: date, until: date) -> int:
        """How many days are open after `after` up to and including `until`; below 0 when `until` is earlier. Raises NotCovered."""
        return self._opened_until(until) - self._opened_until(after)

    def _check(self, day: date) -> None:
        if not self.first <= day <= self.last:
            raise self._not_covered(str(day))

    def _opened_until(self, day: date) -> int:
        at = day.toordinal() - self.first.toordinal() + 1
        if 0 <= at < len(self._opened):  # the day before the first is none of ours, yet all after it are
            return self._opened[at]
        raise self._not_covered(str(day))

    def _not_covered(self, asked: str) -> NotCovered:
        return NotCovered(f"calendar {self.name} covers {self._range}, asked was {asked}")

    @property
    def _range(self) -> str:
        return f"{self.first} to {self.last}"


def make_calendar(name: str, first: date, last: date, rules: Sequence[Rule]) -> Calendar:
    """The calendar of an office by its rules. A day that several rules close is named by the first of them."""
    closures: dict[date, Closure] = {}
    for rule in rules:
        for day in _closed_by(rule, first, last):
            closures.setdefault(day, rule.closure)
    return Calendar(name, first, last, closures)


def days_between(first: date, last: date) -> list[date]:
    """All days from `first` to `last`, both included; none when `last` is earlier."""
    return [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]


def _closed_by(rule: Rule, first: date, last: date) -> list[date]:
    if isinstance(rule, Weekly):
        return [day for day in days_between(first, last) if day.weekday() == rule.weekday]
    if isinstance(rule, Dated):
        return days_between(max(first, rule.first), min(last, rule.last))
    return [
        day for year in range(first.year - 1, last.year + 1) for day in _in_year(rule, year) if first <= day <= last
    ]


def _in_year(rule: Yearly, year: int) -> list[date]:
    ends = year if rule.first <= rule.last else year + 1
    return days_between(date(year, *rule.first), date(ends, *rule.last))
