"""What lies between two values."""

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.rules.intervals import value_between
from services.routing.rules.values import Kind, Months, Value, is_less, kind_of

JST = timezone(timedelta(hours=9))
LINES: dict[Kind, st.SearchStrategy[Value]] = {
    "string": st.text(max_size=3),
    "number": st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-3, 3),
    "date": st.dates(),
    "date-time": st.datetimes(timezones=st.sampled_from((UTC, JST))),
    "time": st.times(timezones=st.just(JST)),
    "days-duration": st.timedeltas(),
    "months-duration": st.builds(Months, st.integers(-99, 99)),
}


@pytest.mark.parametrize(
    "kind,low,high,found",
    [
        ("string", None, None, "(other)"),
        ("string", "a", "b", "a(other)"),
        ("string", None, "a", "(other)"),
        ("string", None, "", None),
        ("string", "a", "a\0", None),
        ("string", None, " ", ""),
        ("number", 3, 10, 4),
        ("number", None, 3, 2),
        ("number", 3.5, None, 4),
        ("number", 3, 4, 3.5),
        ("number", 0.1, 0.15, 0.12),
        ("number", 2**53, 2**53 + 1, None),
        ("number", 0, 5e-324, None),
        ("number", 1, 1.0000000000000002, None),
        ("number", 10**400, 10**400 + 2, 10**400 + 1),
        ("boolean", False, True, None),
        ("date", date(2026, 4, 1), date(2026, 4, 2), None),
        ("date", date(2026, 4, 1), date(2026, 4, 9), date(2026, 4, 2)),
        ("date", None, date(2026, 4, 1), date(2026, 3, 31)),
        ("date", None, date.min, None),
        ("date", date.max, None, None),
        ("date-time", datetime(2026, 4, 1, 9, tzinfo=JST), None, datetime(2026, 4, 2, tzinfo=JST)),
        (
            "date-time",
            datetime(2026, 4, 1, 9, tzinfo=JST),
            datetime(2026, 4, 1, 8, 15, tzinfo=UTC),
            datetime(2026, 4, 1, 10, tzinfo=JST),
        ),
        (
            "date-time",
            datetime(2026, 4, 1, 9, tzinfo=JST),
            datetime(2026, 4, 1, 9, microsecond=1, tzinfo=JST),
            None,
        ),
        ("time", time(9), time(9, 30), time(9, 1)),
        ("time", None, time(0), None),
        ("time", time(23, 59, 59, 999_999), None, None),
        ("time", time(23, 59, 59, tzinfo=JST), None, time(23, 59, 59, 1, tzinfo=JST)),
        ("days-duration", timedelta(0), timedelta(hours=3), timedelta(hours=1)),
        ("days-duration", timedelta(0), timedelta(microseconds=1), None),
        ("months-duration", Months(1), Months(2), None),
        ("months-duration", None, Months(2), Months(1)),
    ],
)
def test_the_value_between_two_is_as_plain_as_can_be(
    kind: Kind, low: Value | None, high: Value | None, found: Value | None
) -> None:
    assert value_between(kind, low, high) == found


@given(st.sampled_from(sorted(LINES)).flatmap(lambda kind: st.tuples(st.just(kind), LINES[kind], LINES[kind])))
def test_the_value_between_two_lies_between_them(drawn: tuple[Kind, Value, Value]) -> None:
    kind, one, other = drawn
    low, high = (one, other) if is_less(one, other) else (other, one)
    found = value_between(kind, low, high)

    assert found is None or (kind_of(found) == kind and is_less(low, found) and is_less(found, high))


@given(st.sampled_from(sorted(LINES)).flatmap(lambda kind: st.tuples(st.just(kind), *[LINES[kind]] * 3)))
def test_there_is_a_value_between_two_when_there_is_one(drawn: tuple[Kind, Value, Value, Value]) -> None:
    kind, *values = drawn
    low, between, high = sorted(values)  # pyright: ignore[reportArgumentType]  of one kind
    if is_less(low, between) and is_less(between, high):
        assert value_between(kind, low, high) is not None
