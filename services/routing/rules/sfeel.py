"""S-FEEL as text: unary tests and literals, read and written (DMN 1.3, 9.2 grammar).

    -                     anything                       "a", "b"       one of these
    > 10  <= 3            a comparison                   [1..5] (1..5]  an interval; ]1..5[ and (1..5) leave out the bounds
    not("a", [1..5])      none of these                  date("2026-04-01"), @"2026-04-01", duration("P3D")

Everything that can be listed can be listed together: `1, [5..7], > 10`.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from services.routing.rules.cells import ANYTHING, Cell, Equal, Range, Test, values_of
from services.routing.rules.values import (
    Kind,
    Months,
    Value,
    is_less,
    is_same,
    kind_of,
    read_date,
    read_date_time,
    read_duration,
    read_time,
)


class Unreadable(ValueError):
    """A text that is no S-FEEL. Says what was expected and what was found."""


_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<number>-?(?:\d+(?:\.\d+)?|\.\d+))
      | (?P<call>(?P<name>date\s+and\s+time|date|time|duration)\s*\(\s*"(?P<argument>[^"]*)"\s*\))
      | @"(?P<at>[^"]*)"
      | (?P<word>true|false|not)\b
      | (?P<mark>\.\.|<=|>=|[<>,()\[\]-])
    )""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{6})|(.))", re.DOTALL)
MOST_DIGITS = 1_000
"""Longer numbers are slips of the pen; Python refuses those of 4,300 digits."""
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
_EXPECTED = (
    '-, a value ("text", 10, true, date("2026-04-01")), a comparison (> 10), an interval ([1..5]), a list or not(…)'
)


def parse_cell(text: str) -> Cell:
    """An input entry. Raises Unreadable."""
    if text.strip() in ("", "-"):
        return ANYTHING
    tokens = _Tokens(text)
    negated = tokens.take("not") is not None
    if negated:
        tokens.need("(")
    tests = _tests(tokens)
    if negated:
        tokens.need(")")
    tokens.end()
    _expect_one_kind(text, tests)
    return Cell(tests, negated)


def parse_literal(text: str) -> Value:
    """A literal, as an output entry has it. Raises Unreadable."""
    tokens = _Tokens(text)
    value = tokens.literal()
    tokens.end()
    return value


class _Tokens:
    """The tokens of a text, and where we are."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._found = list(_scan(text))

    def take(self, *words: str) -> str | None:
        """The next token when it is one of these."""
        if self._at < len(self._found) and (word := self._found[self._at].group().strip()) in words:
            self._at += 1
            return word
        return None

    def need(self, *words: str) -> str:
        if (word := self.take(*words)) is None:
            raise self.wrong(" or ".join(words))
        return word

    def literal(self) -> Value:
        if self._at == len(self._found):
            raise self.wrong("a value")
        value = _literal(self._found[self._at])
        if value is None:
            raise self.wrong("a value")
        self._at += 1
        return value

    def end(self) -> None:
        if self._at < len(self._found):
            raise self.wrong("a comma or the end")

    def wrong(self, expected: str) -> Unreadable:
        there = self._found[self._at].group().strip() if self._at < len(self._found) else "the end"
        return Unreadable(f"expected {expected}, found {there} in {self._text.strip()!r}")


def _scan(text: str) -> Iterator[re.Match[str]]:
    at, stop = 0, len(text.rstrip())
    while at < stop:
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unreadable(f"expected {_EXPECTED}, found {text[at:].strip()!r}")
        yield found
        at = found.end()


def _tests(tokens: _Tokens) -> tuple[Test, ...]:
    tests = [_test(tokens)]
    while tokens.take(","):
        tests.append(_test(tokens))
    return tuple(tests)


def _test(tokens: _Tokens) -> Test:
    if operator := tokens.take("<", "<=", ">", ">="):
        return _COMPARED[operator](tokens.literal())
    if opened := tokens.take("[", "(", "]"):
        return _interval(tokens, opened)
    return Equal(tokens.literal())


def _interval(tokens: _Tokens, opened: str) -> Range:
    low = tokens.literal()
    tokens.need("..")
    high = tokens.literal()
    closed = tokens.need("]", ")", "[")
    if not (is_less(low, high) or is_same(low, high)):
        raise tokens.wrong(f"an interval from the less to the greater, not {low!r} to {high!r}")
    return Range(low, high, opened == "[", closed == "]")


_COMPARED: Mapping[str, Callable[[Value], Range]] = {
    "<": lambda bound: Range(None, bound, with_low=False, with_high=False),
    "<=": lambda bound: Range(None, bound, with_low=False, with_high=True),
    ">": lambda bound: Range(bound, None, with_low=False, with_high=False),
    ">=": lambda bound: Range(bound, None, with_low=True, with_high=False),
}


def _expect_one_kind(text: str, tests: Sequence[Test]) -> None:
    kinds = sorted({kind_of(value) for test in tests for value in values_of(test)})
    if len(kinds) > 1:
        raise Unreadable(f"expected values of one kind, found {' and '.join(kinds)} in {text.strip()!r}")


def _literal(token: re.Match[str]) -> Value | None:
    """The value of a token; None when it is none. Raises Unreadable for a date that does not exist."""
    if token["string"] is not None:
        return _text(token["string"][1:-1])
    if token["number"] is not None:
        return _number(token["number"])
    if token["word"] in ("true", "false"):
        return token["word"] == "true"
    if token["call"] is not None:
        return _read(_CALLS[" ".join(token["name"].split())], token["argument"])
    return None if token["at"] is None else _read(_read_at, token["at"])


def _number(text: str) -> int | float:
    number = float(text) if "." in text or len(text) > MOST_DIGITS else int(text)
    if isinstance(number, float) and (len(text) > MOST_DIGITS or not math.isfinite(number)):
        raise Unreadable(f"expected a number that can be told from its neighbours, found one of {len(text)} digits")
    return number


def _text(quoted: str) -> str:
    r"""What stands between quotes; `\uD83D\uDE00` are the two halves of one character."""
    try:
        return _ESCAPE.sub(_unescaped, quoted).encode("utf-16", "surrogatepass").decode("utf-16")
    except ValueError:
        raise Unreadable(f"expected escapes of characters that there are, found {quoted!r}") from None


def _unescaped(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _ESCAPED.get(found[3], found[3])


def _read(reader: Callable[[str], Value], text: str) -> Value:
    try:
        return reader(text)
    except ValueError as error:
        raise Unreadable(f"{error} in {text!r}") from None


def _read_at(text: str) -> Value:
    """`@"…"` says by its form what it is."""
    if text.lstrip("-").startswith("P"):
        return read_duration(text)
    if "T" in text:
        return read_date_time(text)
    return read_time(text) if ":" in text else read_date(text)


_CALLS: Mapping[str, Callable[[str], Value]] = {
    "date": read_date,
    "date and time": read_date_time,
    "time": read_time,
    "duration": read_duration,
}


def write_cell(cell: Cell) -> str:
    """The cell as text; `parse_cell` reads it back."""
    if not cell.tests:
        return "-"
    listed = ", ".join(map(_write_test, cell.tests))
    return f"not({listed})" if cell.negated else listed


def _write_test(test: Test) -> str:
    if isinstance(test, Equal):
        return write_literal(test.value)
    if test.low is None or test.high is None:
        return _write_comparison(test)
    opened, closed = "[" if test.with_low else "(", "]" if test.with_high else ")"
    return f"{opened}{write_literal(test.low)}..{write_literal(test.high)}{closed}"


def _write_comparison(test: Range) -> str:
    if test.low is not None:
        return f"{'>=' if test.with_low else '>'} {write_literal(test.low)}"
    if test.high is not None:
        return f"{'<=' if test.with_high else '<'} {write_literal(test.high)}"
    return "-"


def write_literal(value: Value) -> str:
    """A value as a literal; `parse_literal` reads it back."""
    return _WRITERS[kind_of(value)](value)


def _write_string(value: Value) -> str:
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _write_number(value: Value) -> str:
    exact = Decimal(value) if isinstance(value, float) and value.is_integer() else Decimal(repr(value))
    return format(exact, "f")


def write_duration(value: timedelta | Months) -> str:
    """A duration in ISO 8601."""
    if isinstance(value, Months):
        years, months = divmod(abs(value.count), 12)
        return f"{'-' if value.count < 0 else ''}P{years}Y{months}M"
    seconds = abs(value) - timedelta(days=abs(value).days)
    fraction = f"{seconds.total_seconds():f}".rstrip("0").rstrip(".")
    return f"{'-' if value < timedelta(0) else ''}P{abs(value).days}DT{fraction}S"


def _write_call(name: str) -> Callable[[Value], str]:
    return lambda value: f'{name}("{value.isoformat()}")' if isinstance(value, (date, datetime, time)) else ""


def _write_duration_call(value: Value) -> str:
    return f'duration("{write_duration(value)}")' if isinstance(value, (timedelta, Months)) else ""


_WRITERS: Mapping[Kind, Callable[[Value], str]] = {
    "string": _write_string,
    "number": _write_number,
    "boolean": lambda value: "true" if value else "false",
    "date": _write_call("date"),
    "date-time": _write_call("date and time"),
    "time": _write_call("time"),
    "days-duration": _write_duration_call,
    "months-duration": _write_duration_call,
}
