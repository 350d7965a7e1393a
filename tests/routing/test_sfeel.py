"""S-FEEL, read and written."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.rules.cells import ANYTHING, Cell, Equal, Range
from services.routing.rules.sfeel import Unreadable, parse_cell, parse_literal, write_cell, write_literal
from services.routing.rules.values import Kind, Months, Value, is_less, kind_of, read_fact

VALUES: dict[Kind, st.SearchStrategy[Value]] = {
    "string": st.text(max_size=5),
    "number": st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "date": st.dates(),
    "date-time": st.datetimes() | st.datetimes(timezones=st.just(UTC)),
    "time": st.times(),
    "days-duration": st.timedeltas(timedelta(-99999), timedelta(99999)),
    "months-duration": st.builds(Months, st.integers(-99, 99)),
}


def a_range(one: Value, other: Value, with_low: bool, with_high: bool) -> Range:  # noqa: FBT001
    low, high = (other, one) if is_less(other, one) else (one, other)
    return Range(low, high, with_low, with_high)


def above(bound: Value, with_low: bool) -> Range:  # noqa: FBT001
    return Range(bound, None, with_low, with_high=False)


def below(bound: Value, with_high: bool) -> Range:  # noqa: FBT001
    return Range(None, bound, with_low=False, with_high=with_high)


def unary_tests(kind: Kind) -> st.SearchStrategy[Equal | Range]:
    any_value = VALUES[kind]
    values = any_value.filter(lambda value: not isinstance(value, (datetime, time)) or value.tzinfo is None)
    return (
        st.builds(Equal, any_value)
        | st.builds(a_range, values, values, st.booleans(), st.booleans())
        | st.builds(above, any_value, st.booleans())
        | st.builds(below, any_value, st.booleans())
    )


CELLS = st.sampled_from(sorted(VALUES)).flatmap(
    lambda kind: st.builds(Cell, st.lists(unary_tests(kind), min_size=1, max_size=3).map(tuple), st.booleans())
)


@given(CELLS)
def test_a_cell_that_is_written_reads_as_the_same_cell(cell: Cell) -> None:
    assert parse_cell(write_cell(cell)) == cell


@given(st.one_of(*VALUES.values()))
def test_a_literal_that_is_written_reads_as_the_same_value_of_the_same_kind(value: Value) -> None:
    again = parse_literal(write_literal(value))

    assert (again, kind_of(again)) == (value, kind_of(value))


@pytest.mark.parametrize(
    "text,value,holds",
    [
        ("-", None, True),
        ("", "x", True),
        ('"a", "b"', "b", True),
        ('"a","b"', "c", False),
        ("3", 3.0, True),
        ("-1.5", -1.5, True),
        (".5", 0.5, True),
        ("1", True, False),
        ("true", 1, False),
        ("true", True, True),
        ("> 3", 3, False),
        (">= 3", 3, True),
        ("<-1", -2, True),
        ("[1..5]", 5, True),
        ("[1..5)", 5, False),
        ("[1..5[", 5, False),
        ("]1..5]", 1, False),
        ("(1..5]", 1, False),
        ("[1.5..2.5]", 2.5, True),
        ("1, [5..7], > 10", 6, True),
        ("1, [5..7], > 10", 8, False),
        ('not("a", "b")', "c", True),
        ('not("a", "b")', "a", False),
        ('not("a")', None, False),
        ('not("a")', 3, False),
        ("not([1..5], > 10)", 7, True),
        ('["a".."f"]', "c", True),
        ('date("2026-04-01")', date(2026, 4, 1), True),
        ('>= @"2026-04-01"', date(2026, 3, 31), False),
        ('[date("2026-04-01")..date("2027-03-31")]', date(2027, 3, 31), True),
        ('> date and time("2026-04-01T09:00:00")', datetime(2026, 4, 1, 10), True),  # noqa: DTZ001  FEEL has such
        ('> date and time("2026-04-01T09:00:00")', datetime(2026, 4, 1, 10, tzinfo=UTC), False),
        ('< date and time("2026-04-01T09:00:00")', datetime(2026, 4, 1, 10, tzinfo=UTC), False),
        ('> date and time("2026-04-01T09:00:00")', date(2026, 4, 2), False),
        ('< time("17:15:00")', time(17), True),
        ('<= duration("P3D")', timedelta(days=3), True),
        ('> duration("P1Y")', Months(13), True),
        ('> duration("P1Y")', timedelta(days=400), False),
        (r'"say \"a\", \u3042"', 'say "a", あ', True),
    ],
)
def test_a_cell_holds_for_what_it_says(text: str, value: Value | None, holds: bool) -> None:  # noqa: FBT001
    assert parse_cell(text).holds(value) is holds


@pytest.mark.parametrize(
    "text,said",
    [
        ("abc", "expected -, a value"),
        ('"a" "b"', 'expected a comma or the end, found "b"'),
        ('"a",', "expected a value, found the end"),
        ("> ", "expected a value, found the end"),
        ("[1..", "expected a value, found the end"),
        ("[1..5", "expected ] or ) or [, found the end"),
        ("[5..1]", "from the less to the greater"),
        ('[1.."a"]', "from the less to the greater"),
        ("not(1", "expected ), found the end"),
        ('1, "a"', "values of one kind, found number and string"),
        ('date("2026-02-30")', 'expected a date that there is, such as "2026-04-01", found "2026-02-30"'),
        ('date("２０２６-04-01")', 'expected a date such as "2026-04-01"'),
        ('date and time("2026-13-01T00:00:00")', 'expected a date and time such as "2026-04-01T09:00:00"'),
        ('date and time("tomorrow")', 'expected a date and time such as "2026-04-01T09:00:00"'),
        ('@"25:00:00"', 'expected a time such as "09:00:00"'),
        ('duration("3 days")', 'such as "P3D"'),
        ("3a", "found 'a'"),
        ('"open', "expected -, a value"),
        ("1" * 400 + ".5", "one of 402 digits"),
        ("1" * 5000, "one of 5000 digits"),
        (r'"\uD800"', "escapes of characters that there are"),
        (r'"\U110000"', "escapes of characters that there are"),
        ('duration("P99999999999D")', "at most 999999999 days"),
        ('date and time("2026-04-01T09:00:00+14:01")', "offset between -14:00 and +14:00"),
        ('time("09:00:00-23:59")', "offset between -14:00 and +14:00"),
        ('@"09:00:00+18:00"', "offset between -14:00 and +14:00"),
        ('[time("09:00:00")..time("10:00:00Z")]', "an interval from the less to the greater"),
    ],
)
def test_what_is_no_cell_says_what_was_expected_and_what_was_found(text: str, said: str) -> None:
    with pytest.raises(Unreadable) as raised:
        parse_cell(text)

    assert said in str(raised.value)


@pytest.mark.parametrize(
    "kind,fact,value",
    [
        ("number", 3, 3),
        ("number", True, None),
        ("number", float("nan"), None),
        ("number", "3", None),
        ("string", 3, None),
        ("string", "2026-04-01", "2026-04-01"),
        ("date", "2026-04-01", date(2026, 4, 1)),
        ("date", "2026-02-30", None),
        ("date", "20260401", None),
        ("date-time", "2026-04-01T09:00:00Z", datetime(2026, 4, 1, 9, tzinfo=UTC)),
        ("date-time", "2026-04-01T09:00:00+14:01", None),
        ("time", "09:30", time(9, 30)),
        ("time", "09:30-15:00", None),
        ("days-duration", "P99999999999D", None),
        ("days-duration", "PT36H", timedelta(hours=36)),
        ("days-duration", "P1Y", None),
        ("months-duration", "-P1Y2M", Months(-14)),
        ("months-duration", "P3D", None),
        (None, "x", "x"),
        (None, ["x"], None),
        (None, None, None),
    ],
)
def test_a_fact_is_what_its_clause_takes_it_for(kind: Kind | None, fact: object, value: Value | None) -> None:
    assert read_fact(kind, fact) == value


def test_a_dash_is_one_cell() -> None:
    assert parse_cell(" - ") == ANYTHING


def test_two_halves_of_a_character_are_one() -> None:
    assert parse_literal(r'"\uD842\uDFB7野家"') == "𠮷野家"


@pytest.mark.parametrize("offset", ["+14:00", "-14:00", "+09:00", ""])
def test_a_zone_may_be_as_far_from_utc_as_there_are_zones(offset: str) -> None:
    assert parse_literal(f'time("09:00:00{offset}")') == time.fromisoformat(f"09:00:00{offset}")
