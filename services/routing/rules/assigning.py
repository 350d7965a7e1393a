"""What routing decides: departments by a decision table, and the date it is due. Pure.

The vocabulary is OMG DMN's: a table has input clauses with S-FEEL unary tests, output clauses, annotations and the hit
policy F (first). A table is compiled to bitmasks: per column, which rows a value satisfies; a decision is an AND.
"""

import csv
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from io import StringIO
from typing import Literal
from zoneinfo import ZoneInfo

Value = str | int | float | bool
Facts = Mapping[str, Value]
TOKYO = ZoneInfo("Asia/Tokyo")
TRIAGE_DAYS = 3


class InvalidTable(ValueError):
    """A table that cannot be used. Says which table, row and column, and what was expected there."""


@dataclass(frozen=True, slots=True)
class Row:
    """One rule: its name, what it yields, why it is there."""

    name: str
    department: str
    days: int
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class Column:
    """One input, compiled: the rows that hold for a value, for any value, and the tests that are not equalities."""

    name: str
    any_value: int
    equal: Mapping[Value, int]
    tests: tuple[tuple[Callable[[Value], bool], int], ...]

    def rows(self, value: Value | None) -> int:
        """The set of rows, as bits, that `value` satisfies. A missing fact satisfies only `-`."""
        if value is None:
            return self.any_value
        found = self.any_value | self.equal.get(value, 0)
        for holds, mask in self.tests:
            if holds(value):
                found |= mask
        return found


@dataclass(frozen=True, slots=True)
class Table:
    """A compiled table. `hash` is SHA-256 of the pack's content and names the rule set for ever."""

    name: str
    hash: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    departments: frozenset[str]

    def first_hit(self, facts: Facts) -> int | None:
        """The index of the first row that holds, or None."""
        hits = (1 << len(self.rows)) - 1
        for column in self.columns:
            hits &= column.rows(facts.get(column.name))
            if not hits:
                return None
        return (hits & -hits).bit_length() - 1

    def mattered(self, index: int) -> list[str]:
        """The inputs that a row looks at: all whose cell is not `-`."""
        return [column.name for column in self.columns if not column.any_value >> index & 1]


Cause = Literal["no-match", "unknown-department", "returned"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is responsible, until when, and why. `cause` is set when a person must decide instead."""

    department: str
    due_on: date
    rows: tuple[str, ...]
    inputs: dict[str, Value]
    reason: str
    cause: Cause | None = None


def assign(facts: Facts, table: Table, received_at: datetime) -> Assignment:
    """The department that the first rule which holds makes responsible; triage when none does."""
    index = table.first_hit(facts)
    today = received_at.astimezone(TOKYO).date()
    if index is None:
        asked = {column.name: facts[column.name] for column in table.columns if column.name in facts}
        return Assignment(
            "triage", due(today, TRIAGE_DAYS), (), asked, "どの規則にも当てはまりませんでした。", "no-match"
        )
    row = table.rows[index]
    inputs = {name: facts[name] for name in table.mattered(index)}
    known = row.department in table.departments
    return Assignment(
        row.department if known else "triage",
        due(today, row.days),
        (row.name,),
        inputs,
        row.reason if known else f"規則 {row.name} の担当課が組織表にありません。",
        None if known else "unknown-department",
    )


def reassign(suggestion: str | None, department: str, table: Table) -> str | None:
    """Where a returned case goes: to the department its own desk names, if there is one; None is triage."""
    return suggestion if suggestion in table.departments and suggestion != department else None


def due(received: date, days: int) -> date:
    """The last day of a period of `days`: the first day is not counted (民法 140 条)."""
    return received + timedelta(days=days)


@lru_cache(maxsize=8)
def compile_table(name: str, content: str, departments: str) -> Table:
    """Compile a table from its CSV and the organisation's CSV. Raises InvalidTable.

    The first header cell is the hit policy, the others are `in:NAME`, `out:department`, `out:days`, `note:NAME`.
    """
    header, *lines = [line for line in csv.reader(StringIO(content)) if line]
    if header[0] != "F":
        raise InvalidTable(f"{name}, row 1, column 1: expected the hit policy F, found {header[0]!r}")
    rows = tuple(_row(name, number, header, line) for number, line in enumerate(lines, 2))
    columns = tuple(
        _column(name, at, clause[3:], [line[at] for line in lines])
        for at, clause in enumerate(header)
        if clause.startswith("in:")
    )
    codes = frozenset(line["code"] for line in csv.DictReader(StringIO(departments)))
    digest = hashlib.sha256(f"{content}\x1f{departments}".encode()).hexdigest()
    return Table(name, digest, columns, rows, codes)


def _row(name: str, number: int, header: Sequence[str], line: Sequence[str]) -> Row:
    if len(line) != len(header):
        raise InvalidTable(f"{name}, row {number}: expected {len(header)} cells, found {len(line)}")
    cells = dict(zip(header, line, strict=True))
    days = cells.get("out:days", "")
    if not days.isdigit():
        raise InvalidTable(f"{name}, row {number}, column out:days: expected a number of days, found {days!r}")
    return Row(line[0], cells["out:department"], int(days), cells.get("note:reason", ""), cells.get("note:source", ""))


def _column(table: str, at: int, name: str, cells: Sequence[str]) -> Column:
    any_value = 0
    equal: dict[Value, int] = {}
    tests: list[tuple[Callable[[Value], bool], int]] = []
    for index, cell in enumerate(cells):
        try:
            values, holds = parse_cell(cell)
        except ValueError as error:
            raise InvalidTable(f"{table}, row {index + 2}, column {at + 1} (in:{name}): {error}") from None
        if holds is None and not values:
            any_value |= 1 << index
        for value in values:
            equal[value] = equal.get(value, 0) | 1 << index
        if holds is not None:
            tests.append((holds, 1 << index))
    return Column(name, any_value, equal, tuple(tests))


_STRING = r'"[^"]*"'
_NUMBER = r"-?\d+(?:\.\d+)?"
_LITERAL = rf"(?:{_STRING}|{_NUMBER}|true|false)"
_LIST = re.compile(rf"{_LITERAL}(?:\s*,\s*{_LITERAL})*")
_NOT = re.compile(rf"not\(\s*({_LITERAL}(?:\s*,\s*{_LITERAL})*)\s*\)")
_COMPARE = re.compile(rf"(<=|>=|<|>)\s*({_NUMBER})")
_INTERVAL = re.compile(rf"([\[\(\]])\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*([\]\)\[])")


def parse_cell(cell: str) -> tuple[tuple[Value, ...], Callable[[Value], bool] | None]:
    """One S-FEEL unary test: the values it equals, or a test of another kind; neither for `-`.

    Raises ValueError that says what was expected.
    """
    text = cell.strip()
    if text in ("-", ""):
        return (), None
    if _LIST.fullmatch(text):
        return _literals(text), None
    if found := _NOT.fullmatch(text):
        excluded = frozenset(_literals(found[1]))
        return (), lambda value: value not in excluded
    if found := _COMPARE.fullmatch(text):
        return (), _comparison(found[1], float(found[2]))
    if found := _INTERVAL.fullmatch(text):
        return (), _interval(found[1] == "[", float(found[2]), float(found[3]), found[4] == "]")
    raise ValueError(f'expected -, "text", a number, a list, not(…), a comparison or an interval, found {cell!r}')


def _literals(text: str) -> tuple[Value, ...]:
    return tuple(_literal(token) for token in re.findall(_LITERAL, text))


def _literal(text: str) -> Value:
    if text.startswith('"'):
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    return float(text) if "." in text else int(text)


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _comparison(operator: str, bound: float) -> Callable[[Value], bool]:
    compare: Mapping[str, Callable[[float], bool]] = {
        "<": lambda value: value < bound,
        "<=": lambda value: value <= bound,
        ">": lambda value: value > bound,
        ">=": lambda value: value >= bound,
    }
    holds = compare[operator]
    return lambda value: _is_number(value) and holds(float(value))


def _interval(low_in: bool, low: float, high: float, high_in: bool) -> Callable[[Value], bool]:  # noqa: FBT001
    lower, upper = _comparison(">=" if low_in else ">", low), _comparison("<=" if high_in else "<", high)
    return lambda value: lower(value) and upper(value)
