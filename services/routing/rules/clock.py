"""The statutory clock: the last day on which something may be done. Pure.

| question                                         | answer                                                          | law                      |
|--------------------------------------------------|-----------------------------------------------------------------|--------------------------|
| which day is it                                  | the day in Tokyo on which the application is in the city's file | デジタル手続法6条3項     |
| does the first day count                         | no; for some (births) yes                                       | 民法140条; 戸籍法43条1項 |
| when do weeks, months and years end              | the day before the corresponding day                            | 民法143条                |
| the last day is closed                           | a citizen's deadline moves on to the next open day              | 地方自治法4条の2第4項; 民法142条 |
| the application came through another office      | its days are a period of their own, before the department's     | 行政手続法6条            |
| a correction (補正) was asked for                | the days from the request to the answer do not count            | 行政手続法7条            |
| more time is needed                              | a notice with a reason, sent before the end                     | 介護保険法27条11項       |

Closed days between are counted in days and not in business days; which of the two a standard period means, each city says.
"""

import calendar as civil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from services.routing.rules.calendars import ONE_DAY, Calendar, NotCovered

TOKYO = ZoneInfo("Asia/Tokyo")
MOST = 3660
"""Ten years in days: what is longer is a slip of the pen."""

Unit = Literal["days", "business-days", "weeks", "months", "years"]


class InvalidEvent(ValueError):
    """What cannot have happened so: an answer before its request, an extension that ends no later."""


class LateNotice(InvalidEvent):
    """An extension that was notified after the deadline: it is not extended (介護保険法27条11項)."""


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time by law: 30 days, 2 months. Raises ValueError for a count that is not 1 to 3660."""

    count: int
    unit: Unit

    def __post_init__(self) -> None:
        if not 1 <= self.count <= MOST:
            raise ValueError(f"expected a period of 1 to {MOST} {self.unit}, found {self.count}")


@dataclass(frozen=True, slots=True)
class Clock:
    """How a deadline is counted.

    `period` is the department's own. `transit` is that of the office the application comes through (経由日数): where a
    city publishes the total (横浜市 総日数: 15 days, 4 of them transit), the period is what remains of it (11 days).
    A processing target `stays` on a closed last day, a citizen's deadline `moves-on`.
    """

    period: Period
    first_day: Literal["excluded", "included"] = "excluded"
    closed_end: Literal["stays", "moves-on"] = "stays"
    transit: Period | None = None

    @property
    def counts_open_days(self) -> bool:
        """Whether what is left of it is counted in open days."""
        return self.period.unit == "business-days"


@dataclass(frozen=True, slots=True)
class Stop:
    """A correction that the applicant was asked for, and the day of the answer; None while it is awaited."""

    asked: date
    answered: date | None = None

    def __post_init__(self) -> None:
        if self.answered is not None and self.answered < self.asked:
            raise InvalidEvent(
                f"expected an answer on {self.asked}, the day of the request, or later, found {self.answered}"
            )


@dataclass(frozen=True, slots=True)
class Extension:
    """A notice to the applicant that more time is needed: by a period, or to a date (処理見込期間)."""

    notified: date
    new: Period | date
    reason: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise InvalidEvent(f"expected a reason for the extension of {self.notified}, found none")


@dataclass(frozen=True, slots=True)
class Stopped:
    """A clock that stands still: no date is due until the answer. `left` days (open days by such a clock) will then remain.

    `last` is the day that was the last when it stopped.
    """

    since: date
    left: int
    last: date = field(default=date.max, compare=False)


def local_day(instant: datetime) -> date:
    """The day on which an electronic application arrived: that of `instant` in Tokyo, at whatever hour, open or closed.

    It arrives when it is recorded in the authority's file (情報通信技術を活用した行政の推進等に関する法律6条3項). Raises ValueError for
    an instant without a zone.
    """
    if instant.tzinfo is None:
        raise ValueError(f"expected an instant with a time zone, found {instant.isoformat()}")
    return instant.astimezone(TOKYO).date()


def due(clock: Clock, calendar: Calendar, received: date, *, arrived: date | None = None) -> date:
    """The last day in time for what was received on `received` (民法140–143条, 地方自治法4条の2第4項).

    `arrived` is the day the application came to the department through another office, once it is known: the
    department's period runs from it (行政手続法6条). Raises NotCovered.
    """
    return _moved_on(clock, calendar, _last_day(clock, calendar, received, arrived))


def due_after(
    events: Sequence[Stop | Extension], clock: Clock, calendar: Calendar, received: date, *, arrived: date | None = None
) -> date | Stopped:
    """The last day in time after corrections and extensions; `Stopped` while an answer is awaited.

    Of a stop, the days after the request up to and including the answer's do not count (行政手続法7条; published standard
    periods exclude 補正に要する日数): what was left on the day of the request is left on the day of the answer. Overlapping
    stops are one. A stop asked for after the deadline changes nothing. An extension by a period goes on where the old
    one ended; it must be notified before that is over (介護保険法27条11項), or while the clock stands still. One to a date
    must be later than the last day as it was when it was notified: while the clock stands still, as it was when it stopped, for
    nobody knows another. The last day is then the later of what was told and of what the clock says once it goes on.
    Raises NotCovered, InvalidEvent, LateNotice.
    """
    begins = arrived or received
    stops = _stops((event for event in events if isinstance(event, Stop)), received, begins)
    extensions = [event for event in events if isinstance(event, Extension)]
    awaited = next((stop.asked for stop in stops if stop.answered is None), date.max)
    last = _last_day(clock, calendar, received, arrived)
    known, still = last, date.min  # the last day as it was when the clock stopped, and until when nobody knew another
    for event in sorted([*stops, *extensions], key=_day_of):
        end = _moved_on(clock, calendar, last)
        if isinstance(event, Extension):
            _check(event, end, awaited)
            known = known if event.notified <= still else last
            known = _extended(event, last, known, calendar)
            last = max(known, last)
        elif event.asked <= end:
            left = max(days_left(clock, calendar, last, event.asked), 0)
            if event.answered is None:
                return Stopped(event.asked, left, last)
            known, still = last, event.answered
            last = max(_resumed(clock, calendar, event.answered, left), last)
    return _moved_on(clock, calendar, last)


def days_left(clock: Clock, calendar: Calendar, due_on: date, today: date) -> int:
    """The days after `today` up to and including `due_on`: open days by a clock of business days, else all. Below 0 when late.

    Raises NotCovered.
    """
    return calendar.count(today, due_on) if clock.counts_open_days else (due_on - today).days


def end(period: Period, after: date, calendar: Calendar) -> date:
    """The last day of a period that begins with the day after `after` (民法141条, 143条). Raises NotCovered."""
    if period.unit == "days":
        return days_after(after, period.count)
    if period.unit == "business-days":
        return calendar.add(after, period.count)
    if period.unit == "weeks":
        return days_after(after, 7 * period.count)
    return _before_corresponding_day(after + ONE_DAY, period.count * (12 if period.unit == "years" else 1))


def days_after(day: date, count: int) -> date:
    """The day that is `count` days after another. Raises NotCovered beyond the year 9999."""
    try:
        return day + timedelta(count)
    except OverflowError:
        raise NotCovered(f"no calendar covers the day {count} days after {day}") from None


def _before_corresponding_day(begins: date, months: int) -> date:
    years, month = divmod(begins.month - 1 + months, 12)
    year, month = begins.year + years, month + 1
    length = civil.monthrange(year, month)[1]
    if begins.day > length:
        return date(year, month, length)
    return date(year, month, begins.day) - ONE_DAY


def _last_day(clock: Clock, calendar: Calendar, received: date, arrived: date | None) -> date:
    after = arrived or received
    if clock.first_day == "included":
        after -= ONE_DAY
    if clock.transit is not None and arrived is None:
        after = end(clock.transit, after, calendar)
    return end(clock.period, after, calendar)


def _moved_on(clock: Clock, calendar: Calendar, last: date) -> date:
    return calendar.next_open(last) if clock.closed_end == "moves-on" else last


def _stops(stops: Iterable[Stop], received: date, begins: date) -> list[Stop]:
    merged: list[Stop] = []
    for stop in sorted(stops, key=lambda stop: stop.asked):
        if stop.asked < received:
            raise InvalidEvent(f"expected a request on {received}, the day of receipt, or later, found {stop.asked}")
        if _answered(stop) <= begins:
            continue
        if merged and stop.asked <= _answered(merged[-1]):
            merged[-1] = replace(merged[-1], answered=_later(merged[-1], stop).answered)
        else:
            merged.append(replace(stop, asked=max(stop.asked, begins)))
    return merged


def _answered(stop: Stop) -> date:
    return stop.answered or date.max


def _later(one: Stop, other: Stop) -> Stop:
    return max(one, other, key=_answered)


def _day_of(event: Stop | Extension) -> date:
    if isinstance(event, Extension):
        return event.notified
    return event.asked if event.answered is not None else date.max


def _check(extension: Extension, end_on: date, awaited: date) -> None:
    if min(extension.notified, awaited) > end_on:
        raise LateNotice(f"expected a notice on {end_on}, the last day, or before, found {extension.notified}")


def _extended(extension: Extension, last: date, known: date, calendar: Calendar) -> date:
    if isinstance(extension.new, Period):
        return end(extension.new, last, calendar)
    if extension.new <= known:
        raise InvalidEvent(f"expected an extension beyond {known}, found {extension.new}")
    if (extension.new - extension.notified).days > MOST:
        raise InvalidEvent(f"expected an extension of at most {MOST} days, found {extension.new}")
    return extension.new


def _resumed(clock: Clock, calendar: Calendar, answered: date, left: int) -> date:
    if not clock.counts_open_days:
        return days_after(answered, left)
    return calendar.add(answered, left) if left else calendar.next_open(answered)
