"""What lies strictly between two values of a kind: the plainest one there is.

A date has a next day and a count of months a next month; a time, a date and time and a duration of days go by microseconds;
between two numbers lies another one until doubles run out; right after a text comes the same text with a NUL.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from services.routing.rules.values import Kind, Months, Value

OTHER = "(other)"
_MICROSECOND = timedelta(microseconds=1)
_SECOND, _MINUTE, _HOUR, _DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
_DURATIONS = (_DAY, _HOUR, _MINUTE, _SECOND, 1)
_TIMES = (_HOUR, _MINUTE, _SECOND, 1)
_YEAR_ONE = datetime.min.replace(tzinfo=UTC)
_WHOLE_DOUBLES = 2**53
"""From here on a double is a whole number."""


def value_between(kind: Kind, low: Value | None, high: Value | None) -> Value | None:
    """A value of `kind` above `low` and below `high`, as round as possible; None is no bound. None when there is no value.

    A time, or a date and time, is looked for in the zones of its bounds.
    """
    return _BETWEEN[kind](low, high)


def _string(low: str | None, high: str | None) -> str | None:
    start = low or ""
    candidates = (OTHER, f"{start}{OTHER}", "", f"{start}\0")
    fitting = (text for text in candidates if (low is None or low < text) and (high is None or text < high))
    return next(fitting, None)


def _number(low: float | None, high: float | None) -> float | None:
    floor, ceiling = None if low is None else math.floor(low), None if high is None else math.ceil(high)
    whole = _multiple(floor, ceiling, [1])
    if whole is not None or low is None or high is None or abs(low) >= _WHOLE_DOUBLES:
        return whole
    return _fraction(low, high)


def _fraction(low: float, high: float) -> float | None:
    """A number between two that have no whole one between them, with as few decimals as possible."""
    rounded = (round((low + high) / 2, digits) for digits in range(1, 17))
    candidates = (*rounded, math.nextafter(low, math.inf))
    return next((number for number in candidates if low < number < high), None)


def _boolean(_low: bool | None, _high: bool | None) -> None:  # noqa: FBT001
    """False and true are all there is."""


def _date(low: date | None, high: date | None) -> date | None:
    if low is None and high is None:
        return date(2000, 1, 1)
    found = _multiple(_ordinal(low), _ordinal(high), [1], date.min.toordinal(), date.max.toordinal())
    return None if found is None else date.fromordinal(found)


def _ordinal(day: date | None) -> int | None:
    return None if day is None else day.toordinal()


def _days(low: timedelta | None, high: timedelta | None) -> timedelta | None:
    ticks = [None if bound is None else bound // _MICROSECOND for bound in (low, high)]
    found = _multiple(ticks[0], ticks[1], _DURATIONS, timedelta.min // _MICROSECOND, timedelta.max // _MICROSECOND)
    return None if found is None else timedelta(microseconds=found)


def _months(low: Months | None, high: Months | None) -> Months | None:
    found = _multiple(None if low is None else low.count, None if high is None else high.count, [1])
    return None if found is None else Months(found)


def _date_time(low: datetime | None, high: datetime | None) -> datetime | None:
    if low is None and high is None:
        return datetime(2000, 1, 1, tzinfo=UTC)
    return _moment(low, high, _DURATIONS, date.max.toordinal() * _DAY - 1)


def _time(low: time | None, high: time | None) -> time | None:
    if low is None and high is None:
        return time(12)
    bounds = [None if bound is None else datetime.combine(date.min, bound) for bound in (low, high)]
    found = _moment(bounds[0], bounds[1], _TIMES, _DAY - 1)
    return None if found is None else found.timetz()


def _moment(low: datetime | None, high: datetime | None, units: Sequence[int], greatest: int) -> datetime | None:
    for bound in (low, high):
        if bound is None:
            continue
        offset = bound.utcoffset()
        found = _multiple(_wall_clock(low, offset), _wall_clock(high, offset), units, 0, greatest)
        if found is not None:
            zone = None if offset is None else timezone(offset)
            return (_YEAR_ONE + timedelta(microseconds=found)).replace(tzinfo=zone)
    return None


def _wall_clock(moment: datetime | None, offset: timedelta | None) -> int | None:
    """Microseconds since the year 1, on a clock at `offset` from UTC."""
    if moment is None:
        return None
    away = timedelta(0) if offset is None else offset - (moment.utcoffset() or timedelta(0))
    return (moment.replace(tzinfo=UTC) - _YEAR_ONE + away) // _MICROSECOND


def _multiple(
    low: int | None, high: int | None, units: Sequence[int], least: float = -math.inf, greatest: float = math.inf
) -> int | None:
    """A multiple of the first unit that has one between the bounds and from `least` to `greatest`, beside a bound."""
    for unit in units:
        found = _above(low, unit) if low is not None else _below(high, unit) if high is not None else 0
        if least <= found <= greatest and (high is None or found < high):
            return found
    return None


def _above(bound: int, unit: int) -> int:
    return (bound // unit + 1) * unit


def _below(bound: int, unit: int) -> int:
    return (-(-bound // unit) - 1) * unit


_BETWEEN: Mapping[Kind, Callable[[Any, Any], Value | None]] = {
    "string": _string,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "date-time": _date_time,
    "time": _time,
    "days-duration": _days,
    "months-duration": _months,
}
