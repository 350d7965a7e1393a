"""A column's values cut into segments that no cell tells apart, and sets of segments as bits.

The values that the cells of a column name cut the line of all values into points and the open intervals between them. Only
segments that a fact can lie in are kept: a value is allowed there, and there is one (none lies between two days that follow
each other). Segment i is bit i; the last one may stand for a fact that is missing. What a cell asks for is then a set of bits.

Times that know their distance to UTC and times that do not cannot be compared (FEEL: null). A column of times is looked at
for those of the two that its cells name.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate, groupby, pairwise
from operator import or_

from services.routing.rules.cells import Cell, Equal, Range, Test, values_of
from services.routing.rules.indexing import line_of
from services.routing.rules.intervals import value_between
from services.routing.rules.sfeel import write_literal
from services.routing.rules.tables import Input
from services.routing.rules.values import Kind, Value


@dataclass(frozen=True, slots=True)
class Segment:
    """A point (`low` is `high`) or all strictly between two bounds. `place` counts the segments that have values, allowed or not."""

    low: Value | None
    high: Value | None
    sample: Value | None
    place: int

    @property
    def is_point(self) -> bool:
        """Whether it is one value."""
        return self.low is not None and self.low is self.high


@dataclass(frozen=True, slots=True)
class Span:
    """Where a bound lies among the segments that are kept: its line, all below it, all up to it."""

    start: int
    below: int
    up_to: int
    stop: int


@dataclass(frozen=True, slots=True)
class Column:
    """An input clause, cut. `every` are all its segments, `missing` of them the one of a missing fact, or 0.

    `by_length` are the segments that have a value, in sets from the shortest to write on.
    """

    name: str
    kind: Kind
    segments: tuple[Segment, ...]
    spans: Mapping[Value, Span]
    every: int
    missing: int
    by_length: Sequence[int]

    def asked(self, cell: Cell) -> int:
        """The segments on which a cell holds."""
        if not cell.tests:
            return self.every
        present = self.every & ~self.missing
        if cell.kind != self.kind:
            return 0
        found = reduce(or_, map(self._asked_by, cell.tests))
        return present & ~found if cell.negated else found

    def _asked_by(self, test: Test) -> int:
        if isinstance(test, Equal):
            span = self.spans[test.value]
            return _bits(span.below, span.up_to)
        return self._above(test) & self._below(test)

    def _above(self, test: Range) -> int:
        if test.low is None:
            return self.every & ~self.missing
        span = self.spans[test.low]
        return _bits(span.below if test.with_low else span.up_to, span.stop)

    def _below(self, test: Range) -> int:
        if test.high is None:
            return self.every & ~self.missing
        span = self.spans[test.high]
        return _bits(span.start, span.up_to if test.with_high else span.below)

    def sample(self, segments: int) -> Value | None:
        """The value of these segments that is the shortest to write; None when only a missing fact lies there."""
        fitting = next((found for plain in self.by_length if (found := plain & segments)), None)
        return None if fitting is None else self.segments[next(positions(fitting))].sample

    def cell(self, segments: int) -> Cell:
        """A cell that asks for these segments, a missing fact aside, and among allowed values for no other."""
        present = self.every & ~self.missing
        asked, others = self._tests(segments & present), self._tests(present & ~segments)
        return Cell(others, negated=True) if 0 < len(others) < len(asked) else Cell(asked)

    def _tests(self, segments: int) -> tuple[Test, ...]:
        """For each run of segments with no other value between them, a test, or two."""
        found = [self.segments[at] for at in positions(segments)]
        runs = groupby(enumerate(found), lambda numbered: numbered[1].place - numbered[0])
        return tuple(test for _, run in runs for test in _tests([segment for _, segment in run]))


def _tests(run: Sequence[Segment]) -> tuple[Test, ...]:
    first, last = run[0], run[-1]
    if first is last and first.is_point and first.low is not None:
        return (Equal(first.low),)
    if first.low is None and last.high is None:  # all times without a zone, say: S-FEEL has no range without a bound
        return (Range(None, first.high, with_low=False, with_high=True), *_tests(run[2:]))
    return (Range(first.low, last.high, with_low=first.is_point, with_high=last.is_point),)


def positions(bits: int) -> Iterator[int]:
    """The bits that are set, from the least on."""
    while bits:
        least = bits & -bits
        yield least.bit_length() - 1
        bits ^= least


def _bits(start: int, stop: int) -> int:
    return (1 << stop) - (1 << start) if start < stop else 0


def cut(clause: Input, cells: Sequence[Cell], *, may_be_missing: bool) -> Column:
    """The column of a clause with these cells, one a rule."""
    asked = (*cells, clause.allowed)
    kind = clause.kind or _kind(asked)
    segments: list[Segment] = []
    spans: dict[Value, Span] = {}
    for line in _lines(kind, asked):
        spans |= _add_line(segments, clause.allowed, kind, line)
    missing = 1 << len(segments) if may_be_missing else 0
    if may_be_missing:
        segments.append(Segment(None, None, None, -1))
    return Column(clause.name, kind, tuple(segments), spans, (1 << len(segments)) - 1, missing, _by_length(segments))


def _by_length(segments: Sequence[Segment]) -> list[int]:
    found: dict[int, int] = {}
    for at, segment in enumerate(segments):
        if segment.sample is not None:
            length = len(write_literal(segment.sample))
            found[length] = found.get(length, 0) | 1 << at
    return [found[length] for length in sorted(found)]


def _kind(cells: Sequence[Cell]) -> Kind:
    kinds: list[Kind] = [cell.kind for cell in cells if cell.kind is not None]
    return kinds[0] if kinds else "string"


def _lines(kind: Kind, cells: Sequence[Cell]) -> list[list[Value]]:
    """The values that cells of this kind name, in their order; a list for each line of values that can be compared."""
    if kind == "boolean":
        return [[False, True]]
    named = {value for cell in cells if cell.kind == kind for test in cell.tests for value in values_of(test)}
    lines = {line for value in named if (line := line_of(value)) is not None} or {(kind, False)}
    return [sorted(value for value in named if line_of(value) == line) for line in sorted(lines)]  # pyright: ignore[reportArgumentType]  of one order


def _add_line(segments: list[Segment], allowed: Cell, kind: Kind, line: Sequence[Value]) -> dict[Value, Span]:
    pieces = list(_pieces(kind, line))
    start = segments[-1].place + 2 if segments else 0
    places = accumulate((sample is not None for *_, sample in pieces), initial=start)
    kept = [sample is not None and allowed.holds(sample) for *_, sample in pieces]
    ranks = list(accumulate(kept, initial=len(segments)))
    numbered = zip(pieces, places, kept, strict=False)
    segments += [Segment(*piece, place) for piece, place, is_kept in numbered if is_kept]
    spans = zip(line, ranks[1::2], ranks[2::2], strict=False)
    return {value: Span(ranks[0], below, up_to, ranks[-1]) for value, below, up_to in spans}


def _pieces(kind: Kind, line: Sequence[Value]) -> Iterator[tuple[Value | None, Value | None, Value | None]]:
    """Low, high and a value of gap, point, gap, …, point, gap; no value in a gap that is none."""
    for low, high in pairwise((None, *line, None)):
        yield low, high, value_between(kind, low, high)
        if high is not None:
            yield high, high, high
