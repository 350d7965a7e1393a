"""FEEL values in Python, and what they mean beside each other (DMN 1.3, 10.3.2).

| kind            | Python               | literal                                     |
|-----------------|----------------------|---------------------------------------------|
| string          | str                  | "akan"                                      |
| number          | int, float           | 30, -1.5                                    |
| boolean         | bool                 | true, false                                 |
| date            | date                 | date("2026-04-01")                          |
| date-time       | datetime             | date and time("2026-04-01T09:00:00+09:00")  |
| time            | time                 | time("09:00:00")                            |
| days-duration   | timedelta            | duration("P1DT2H")                          |
| months-duration | Months               | duration("P1Y2M")                           |

Facts come as JSON, which has no dates: in a clause of such a kind a text is read as ISO 8601.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

Kind = Literal["string", "number", "boolean", "date", "date-time", "time", "days-duration", "months-duration"]


@dataclass(frozen=True, slots=True, order=True)
class Months:
    """A duration of years and months, which has no length in days."""

    count: int


Value = str | int | float | bool | date | time | timedelta | Months
"""A datetime is a date to Python; `kind_of` tells them apart."""

KINDS: tuple[Kind, ...] = (
    "string",
    "number",
    "boolean",
    "date",
    "date-time",
    "time",
    "days-duration",
    "months-duration",
)
_KIND_OF_TYPE: Mapping[type, Kind] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    date: "date",
    datetime: "date-time",
    time: "time",
    timedelta: "days-duration",
    Months: "months-duration",
}


def kind_of(value: Value) -> Kind:
    """The kind of a value: a boolean is no number, a date and time no date."""
    return _KIND_OF_TYPE[type(value)]


def read_fact(kind: Kind | None, fact: object) -> Value | None:
    """What a fact is in a clause of `kind`, any kind when None; None when it is nothing there (missing, or of another kind)."""
    if type(fact) not in _KIND_OF_TYPE or (isinstance(fact, float) and not math.isfinite(fact)):
        return None
    value: Value = fact  # pyright: ignore[reportAssignmentType]  of one of the types above
    if kind is None or kind_of(value) == kind:
        return value
    return _from_text(kind, value) if isinstance(value, str) else None


def _from_text(kind: Kind, text: str) -> Value | None:
    try:
        return READERS[kind](text) if kind in READERS else None
    except ValueError:
        return None


def is_less(one: Value, other: Value) -> bool:
    """Whether one comes before the other; values that cannot be compared do not (FEEL: null, which satisfies nothing)."""
    if kind_of(one) != kind_of(other):
        return False
    try:
        return one < other  # pyright: ignore[reportOperatorIssue]  of one kind
    except TypeError:  # a time with a zone and one without
        return False


def is_same(one: Value, other: Value) -> bool:
    """FEEL equality: 3 is 3.0, and true is not 1."""
    return kind_of(one) == kind_of(other) and one == other


FARTHEST = timedelta(hours=14)
"""From UTC."""
_DURATION = re.compile(r"(-)?P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_MONTHS = re.compile(r"(-)?P(?=\d)(?:(\d+)Y)?(?:(\d+)M)?")


def read_duration(text: str) -> timedelta | Months:
    """An ISO 8601 duration: days and smaller, or years and months. Raises ValueError."""
    if found := _MONTHS.fullmatch(text):
        count = int(found[2] or 0) * 12 + int(found[3] or 0)
        return Months(-count if found[1] else count)
    found = _DURATION.fullmatch(text)
    if found is None or text.endswith("P"):
        raise ValueError('expected a duration such as "P3D", "PT2H" or "P1Y6M"')
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError(f"expected a duration of at most {timedelta.max.days} days") from None
    return -length if found[1] else length


def _read_days(text: str) -> timedelta | None:
    duration = read_duration(text)
    return duration if isinstance(duration, timedelta) else None


def _read_months(text: str) -> Months | None:
    duration = read_duration(text)
    return duration if isinstance(duration, Months) else None


_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_date(text: str) -> date:
    """`2026-04-01`. Raises ValueError."""
    if not _DATE.fullmatch(text):
        raise ValueError('expected a date such as "2026-04-01"')
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f'expected a date that there is, such as "2026-04-01", found "{text}"') from None


def read_date_time(text: str) -> datetime:
    """`2026-04-01T09:00:00`, with or without a zone's offset; a date alone is its midnight. Raises ValueError."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError('expected a date and time such as "2026-04-01T09:00:00"') from None
    _check_offset(instant)
    return instant


def read_time(text: str) -> time:
    """`09:00:00`, with or without a zone's offset. Raises ValueError."""
    try:
        clock = time.fromisoformat(text)
    except ValueError:
        raise ValueError('expected a time such as "09:00:00"') from None
    _check_offset(clock)
    return clock


def _check_offset(when: datetime | time) -> None:
    """No zone is farther from UTC than 14 hours (XML Schema, 3.2.7.3, which FEEL refers to)."""
    if abs(when.utcoffset() or timedelta()) > FARTHEST:
        raise ValueError("expected an offset between -14:00 and +14:00")


READERS: Mapping[Kind, Callable[[str], Value | None]] = {
    "date": read_date,
    "date-time": read_date_time,
    "time": read_time,
    "days-duration": _read_days,
    "months-duration": _read_months,
}
"""How a text is read where a kind is wanted that JSON does not have."""
