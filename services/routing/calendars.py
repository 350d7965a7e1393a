"""A city pack's calendars, read: `calendars.csv` and the national holidays (PyPI `holidays`) into pure calendars.

A row holds for all calendars in its first column, separated by blanks. Columns `calendar,kind,first,last,name,source`:

| kind     | first               | last         | closed                                                              |
|----------|---------------------|--------------|---------------------------------------------------------------------|
| covers   | 2023-01-01          | 2028-12-31   | nothing: the range the calendar answers for, one row a calendar     |
| national | JP                  |              | the days of 国民の祝日に関する法律, with 振替休日 and 国民の休日    |
| weekly   | SA (RFC 5545)       |              | a day of every week                                                 |
| yearly   | --12-29 (gMonthDay) | --01-03      | every year from one day to another, both included; never --02-29    |
| dated    | 2023-12-31          | 2024-01-03   | from one date to another, both included                             |

Each row says its source; what nobody found is `unverified`. A day that several rows close is named by the first of them.
The equinoxes are the library's calculation until they are published (1 February of the year before, 暦要項), and the Diet
may move a holiday (as in 2020 and 2021): a pack covers few years ahead.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from io import StringIO

from holidays import country_holidays

from services.routing.rules.calendars import Calendar, Closure, Dated, MonthDay, Rule, Weekly, Yearly, make_calendar

COLUMNS = ["calendar", "kind", "first", "last", "name", "source"]
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NATIONAL_SOURCE = "国民の祝日に関する法律"
KNOWN_YEARS = range(1949, 2100)
"""The years the library knows Japan's holidays of; for others it has none, which would be a guess."""

Row = Mapping[str, str]


class InvalidCalendars(ValueError):
    """A file of calendars that cannot be used. Says file, row, column, and what was expected there."""


class _Unreadable(ValueError):
    def __init__(self, row: Row, column: str, expected: str) -> None:
        super().__init__(f"column {column}: expected {expected}, found {row[column]!r}")


@dataclass(frozen=True, slots=True)
class _Covers:
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class _National:
    pass


_Entry = _Covers | _National | Rule


def read_calendars(content: bytes, file: str) -> dict[str, Calendar]:
    """The calendars of a pack by name. Raises InvalidCalendars."""
    entries: dict[str, list[_Entry]] = {}
    for number, row in _rows(content, file):
        try:
            entry = _entry(row)
        except _Unreadable as error:
            raise InvalidCalendars(f"{file}, row {number}, {error}") from None
        for name in row["calendar"].split():
            entries.setdefault(name, []).append(entry)
    return {name: _calendar(file, name, its) for name, its in entries.items()}


def national_holidays(first: date, last: date) -> list[Dated]:
    """Japan's holidays from `first` to `last`, named in Japanese (国民の祝日に関する法律). Raises ValueError outside 1949–2099."""
    years = range(first.year, last.year + 1)
    if years[0] not in KNOWN_YEARS or years[-1] not in KNOWN_YEARS:
        raise ValueError(
            f"national holidays are known for {KNOWN_YEARS[0]} to {KNOWN_YEARS[-1]}, asked were {first} to {last}"
        )
    named = country_holidays("JP", years=years, language="ja")
    return [
        Dated(day, day, Closure(name, NATIONAL_SOURCE)) for day, name in sorted(named.items()) if first <= day <= last
    ]


def _rows(content: bytes, file: str) -> Iterator[tuple[int, Row]]:
    lines = csv.reader(StringIO(_text(content, file), newline=""))
    header = next(lines, [])
    if header != COLUMNS:
        raise InvalidCalendars(f"{file}, row 1: expected the columns {','.join(COLUMNS)}, found {','.join(header)}")
    for line in lines:
        if len(line) != len(COLUMNS):
            raise InvalidCalendars(f"{file}, row {lines.line_num}: expected {len(COLUMNS)} cells, found {len(line)}")
        yield lines.line_num, dict(zip(COLUMNS, (cell.strip() for cell in line), strict=True))


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidCalendars(f"{file}: expected UTF-8, found another encoding at byte {error.start}") from None


def _entry(row: Row) -> _Entry:
    if not row["calendar"]:
        raise _Unreadable(row, "calendar", "the name of a calendar, or several separated by blanks")
    if row["kind"] not in _READERS:
        raise _Unreadable(row, "kind", f"one of {', '.join(_READERS)}")
    if not row["source"]:
        raise _Unreadable(row, "source", "where it is said, or `unverified`")
    return _READERS[row["kind"]](row)


def _covers(row: Row) -> _Covers:
    first, last = _dates(row)
    return _Covers(first, last)


def _national(row: Row) -> _National:
    if row["first"] != "JP":
        raise _Unreadable(row, "first", "JP")
    return _National()


def _weekly(row: Row) -> Weekly:
    if row["first"] not in WEEKDAYS:
        raise _Unreadable(row, "first", f"one of {', '.join(WEEKDAYS)}")
    return Weekly(WEEKDAYS.index(row["first"]), _closure(row))


def _yearly(row: Row) -> Yearly:
    return Yearly(_month_day(row, "first"), _month_day(row, "last"), _closure(row))


def _dated(row: Row) -> Dated:
    first, last = _dates(row)
    return Dated(first, last, _closure(row))


_READERS: Mapping[str, Callable[[Row], _Entry]] = {
    "covers": _covers,
    "national": _national,
    "weekly": _weekly,
    "yearly": _yearly,
    "dated": _dated,
}


def _closure(row: Row) -> Closure:
    if not row["name"]:
        raise _Unreadable(row, "name", "the day's name in Japanese")
    return Closure(row["name"], row["source"])


def _dates(row: Row) -> tuple[date, date]:
    first, last = _date(row, "first"), _date(row, "last")
    if last < first:
        raise _Unreadable(row, "last", f"{first} or a later date")
    return first, last


def _date(row: Row, column: str) -> date:
    try:
        return date.fromisoformat(row[column])
    except ValueError:
        raise _Unreadable(row, column, "a date such as 2026-12-29") from None


def _month_day(row: Row, column: str) -> MonthDay:
    found = re.fullmatch(r"--(\d\d-\d\d)", row[column])
    try:
        day = date.fromisoformat(f"2001-{found[1]}" if found else "")
    except ValueError:
        raise _Unreadable(row, column, "a day of every year such as --12-29") from None
    return day.month, day.day


def _calendar(file: str, name: str, entries: Sequence[_Entry]) -> Calendar:
    ranges = [entry for entry in entries if isinstance(entry, _Covers)]
    if len(ranges) != 1:
        raise InvalidCalendars(f"{file}, calendar {name}: expected one row of the kind covers, found {len(ranges)}")
    first, last = ranges[0].first, ranges[0].last
    rules: list[Rule] = []
    for entry in entries:
        if isinstance(entry, _National):
            rules += _holidays(file, name, first, last)
        elif not isinstance(entry, _Covers):
            rules.append(entry)
    return make_calendar(name, first, last, rules)


def _holidays(file: str, name: str, first: date, last: date) -> list[Dated]:
    try:
        return national_holidays(first, last)
    except ValueError as error:
        raise InvalidCalendars(f"{file}, calendar {name}: {error}") from None
