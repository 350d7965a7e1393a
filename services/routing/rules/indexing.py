"""One column of a decision table as an index: from a value to the set of rules whose cells it satisfies, as bits.

The bounds that the cells name cut the line of all values into points and the gaps between them, 2n + 1 pieces for n bounds;
all values of a piece satisfy the same cells. A sweep over the pieces gives each its set; a value finds its piece by bisection.

A column of r rules with n different bounds keeps at most 2n + 1 sets of r bits: 7 MB for 5,000 rules of 5,000 different
intervals, 4 MB for 5,000 different texts.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timezone
from itertools import accumulate
from operator import xor
from typing import Any

from services.routing.rules.cells import Cell, Equal, Range, Test, values_of
from services.routing.rules.values import Kind, Value, kind_of

Line = tuple[Kind, bool]
"""A kind, and whether its values know their distance to UTC: those that do cannot be compared with those that do not."""


def line_of(value: Value) -> Line | None:
    """The line of values, in one order, that a value lies on; None when it lies on none.

    NaN lies on none, nor does a time of a zone with rules: in autumn it has the same hour twice.
    """
    if isinstance(value, (datetime, time)) and value.tzinfo is not None:
        return (kind_of(value), True) if isinstance(value.tzinfo, timezone) else None
    return (kind_of(value), False) if value == value else None  # noqa: PLR0124  NaN


@dataclass(frozen=True, slots=True)
class Pieces:
    """A line cut at its bounds: sets of rules for gap, point, gap, point, …, gap."""

    bounds: Sequence[Any]
    rules: Sequence[int]

    def at(self, value: Value) -> int:
        """The rules of the piece on which `value` lies."""
        at = bisect_left(self.bounds, value)
        return self.rules[2 * at + (at < len(self.bounds) and self.bounds[at] == value)]


@dataclass(frozen=True, slots=True)
class Index:
    """A column of n cells. Its sets have rule i as bit i, and bit n for a fact that is something: `missing` lacks it."""

    cells: Sequence[Cell]
    missing: int
    """The rules with a `-`, which nothing satisfies too."""
    lines: Mapping[Line, Pieces]
    strays: Sequence[int]
    """The rules with a value that lies on no line: they are asked."""

    def rules(self, value: Value | None) -> int:
        """The rules that `value` satisfies; None is a fact that is missing, or of another kind."""
        if value is None:
            return self.missing
        line = line_of(value)
        if line is None:
            return self._asked(value, range(len(self.cells))) | 1 << len(self.cells)
        pieces = self.lines.get(line)
        found = self.missing | 1 << len(self.cells) if pieces is None else pieces.at(value)
        return found | self._asked(value, self.strays) if self.strays else found

    def _asked(self, value: Value, rules: Sequence[int]) -> int:
        return sum(1 << rule for rule in rules if self.cells[rule].holds(value))


def index(cells: Sequence[Cell]) -> Index:
    """The column with these cells, one a rule."""
    strays = [rule for rule, cell in enumerate(cells) if any(line_of(value) is None for value in _named(cell))]
    indexed = {rule: cell for rule, cell in enumerate(cells) if cell.tests}
    for rule in strays:
        del indexed[rule]
    missing = sum(1 << rule for rule, cell in enumerate(cells) if not cell.tests)
    kinds: set[Kind] = {kind for cell in indexed.values() if (kind := cell.kind) is not None}
    lines: list[Line] = [(kind, zoned) for kind in kinds for zoned in (False, True)]
    return Index(cells, missing, {line: _cut(line, indexed, missing | 1 << len(cells)) for line in lines}, strays)


def _named(cell: Cell) -> list[Value]:
    return [value for test in cell.tests for value in values_of(test)]


def _cut(line: Line, cells: Mapping[int, Cell], always: int) -> Pieces:
    mine = {rule: cell for rule, cell in cells.items() if cell.kind == line[0]}
    named = {value for cell in mine.values() for value in _named(cell) if line_of(value) == line}
    bounds: list[Any] = sorted(named)  # pyright: ignore[reportArgumentType]  of one line, and so in one order
    points = {bound: 2 * at + 1 for at, bound in enumerate(bounds)}
    flips = [0] * (2 * len(bounds) + 2)
    flips[0] = always
    for rule, cell in mine.items():
        for piece in _turns(line, cell, points):
            flips[piece] ^= 1 << rule
    seen: dict[int, int] = {}  # two pieces with the same rules share one set
    return Pieces(bounds, [seen.setdefault(rules, rules) for rules in accumulate(flips[:-1], xor)])


def _turns(line: Line, cell: Cell, points: Mapping[Value, int]) -> list[int]:
    """The pieces at which a cell begins to hold or ceases to, from the first piece on."""
    spans = sorted(span for test in cell.tests if (span := _span(line, test, points)) is not None)
    turns: list[int] = [0] if cell.negated else []
    end = -1
    for start, stop in spans:
        if start > end:
            turns += (start, stop)
        elif stop > end:
            turns[-1] = stop
        end = max(end, stop)
    return turns


def _span(line: Line, test: Test, points: Mapping[Value, int]) -> tuple[int, int] | None:
    """The first piece on which a test holds, and the first behind it; None when it holds on none."""
    if any(line_of(value) != line for value in values_of(test)):
        return None
    if isinstance(test, Equal):
        return points[test.value], points[test.value] + 1
    start, stop = _span_of_range(test, points)
    return (start, stop) if start < stop else None


def _span_of_range(test: Range, points: Mapping[Value, int]) -> tuple[int, int]:
    start = 0 if test.low is None else points[test.low] + (not test.with_low)
    stop = 2 * len(points) + 1 if test.high is None else points[test.high] + test.with_high
    return start, stop
