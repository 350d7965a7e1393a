"""What facts that are missing could still say, whether that would change the decision, and which of them must be asked for.

A *completion* gives every unknown fact a value: one that is allowed, or where nobody has said, any of its kind. A case is decided
when all completions put out the same, whatever rows they do it by. There are few kinds of completions: cells cut the values of an
input into segments that none tells apart (`regions`), and a box of segments in which every row holds or does not is halved no further.

Rows that fail by a fact that is there are out before anything is cut (`unknowns`): with all facts there, nothing of this is done.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from operator import and_, or_

from services.routing.rules.cells import Cell
from services.routing.rules.compiling import positions
from services.routing.rules.covering import Box
from services.routing.rules.hits import Conflict, outcome
from services.routing.rules.regions import Column, cut
from services.routing.rules.tables import DecisionTable, HitPolicy, Input
from services.routing.rules.unknowns import Look
from services.routing.rules.values import Kind, Value, kind_of

Place = tuple[int, int]
"""A row: its table among those looked at, and its position in it."""
Output = tuple[tuple[str, tuple[Kind, Value] | None], ...]
Said = frozenset[tuple[Output, int]] | None
"""What is put out, and how often; None is a conflict."""
FIRST: frozenset[HitPolicy] = frozenset(("F", "P"))
"""The policies under which rows are tried in an order and the first that holds decides."""
EVERY_HIT: frozenset[HitPolicy] = frozenset(("R", "O", "C", "C+", "C#"))
"""The policies under which each row that holds decides, whichever others do."""
TIMES: frozenset[Kind | None] = frozenset(("date-time", "time"))
"""Whether such a fact may have a zone follows from all cells of its column."""
STEPS = 20_000
"""Looks at a row, of a microsecond or two each, before the search is given up and a person is asked."""
MOST_PARTS = 200


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the completions come to, where that is not what the rows that hold as it is put out."""

    looked: int
    """Which of the tables looked at this is said of: the first that may decide."""
    cases: tuple[tuple[int, ...], ...]
    """What is put out whatever the missing facts are: for each case the rows of that table that do it."""
    conflict: tuple[int, ...]
    """Where every completion is a conflict, the rows in it."""
    missing: tuple[str, ...]
    """The facts that must be asked for: with another answer another thing is put out. Empty when there are none."""


@dataclass(frozen=True, slots=True)
class _Row:
    place: Place
    box: Box
    ends: bool
    """Whether no later row of its table can decide where it holds."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Completions for which the same rows hold."""

    box: Box
    looked: int
    rows: tuple[int, ...]
    """Those that decide or, in a conflict, all that hold."""
    said: Said


class _GivenUp(Exception):
    """The search took more steps than it has."""


def weigh(looked: Sequence[Look]) -> Weighed | None:
    """What the completions come to; None when that is what is put out as it is, with missing facts as nothing."""
    if all(one.possible == one.held for one in looked):
        return None
    columns = _columns(looked)
    whole = [column.every for column in columns.values()]
    rows = [row for at, one in enumerate(looked) for row in _rows(at, one, columns) if all(row.box)]
    if not rows or not all(whole):
        return None
    try:
        parts = list(_parts(looked, whole, rows))
    except _GivenUp:
        return _in_doubt(looked, whole, rows, _tested(rows, whole, columns))
    if len({part.said for part in parts}) > 1:
        return _in_doubt(looked, whole, rows, _mattering(parts, columns))
    return None if parts[0].said == _said_now(looked) else _settled(looked, parts)


def _columns(looked: Sequence[Look]) -> dict[tuple[str, Kind | None], Column]:
    """The unknown inputs that a possible row tests, cut. One that two tables have is one, if they take it for the same kind."""
    found: dict[tuple[str, Kind | None], tuple[list[Cell], list[Cell]]] = {}
    for one in looked:
        rules = [one.table.rules[at] for at in positions(one.possible)]
        for at in one.unknown:
            clause = one.table.inputs[at]
            cells, allowed = found.setdefault((clause.name, clause.kind), ([], []))
            mine = [rule.cells[at] for rule in rules]
            is_of_times = any(cell.kind in TIMES for cell in mine)
            cells += [rule.cells[at] for rule in one.table.rules] if is_of_times else mine
            allowed.append(clause.allowed)
    return {
        (name, kind): _cut(Input(name, kind), cells, allowed)
        for (name, kind), (cells, allowed) in found.items()
        if any(cell.tests for cell in cells)
    }


def _cut(clause: Input, cells: Sequence[Cell], allowed: Sequence[Cell]) -> Column:
    column = cut(clause, [*cells, *allowed], may_be_missing=False)
    return replace(column, every=reduce(or_, map(column.asked, allowed)))


def _rows(at: int, one: Look, columns: Mapping[tuple[str, Kind | None], Column]) -> Iterator[_Row]:
    """The possible rows, in the order in which they decide."""
    table, found = one.table, positions(one.possible)
    if table.policy == "P":
        found = outcome(replace(table, policy="O"), found).rules
    by_input = {(table.inputs[input_].name, table.inputs[input_].kind): input_ for input_ in one.unknown}
    for rule in found:
        cells = table.rules[rule].cells
        box = [
            column.asked(cells[by_input[key]]) & column.every if key in by_input else column.every
            for key, column in columns.items()
        ]
        yield _Row((at, rule), box, table.policy in FIRST)


def _parts(looked: Sequence[Look], whole: Box, rows: Sequence[_Row]) -> Iterator[_Part]:
    """All completions, in boxes. Raises _GivenUp."""
    todo, steps, found = [(whole, rows)], 0, 0
    while todo:
        box, rows = todo.pop()
        steps += len(rows) + 1
        if steps > STEPS or found > MOST_PARTS:
            raise _GivenUp
        rows = _deciding([row for row in rows if all(map(and_, row.box, box))], box)
        halves = _halves(box, rows)
        todo += [(half, rows) for half in halves]
        if not halves:
            found += 1
            yield _part(looked, box, rows)


def _deciding(rows: Sequence[_Row], box: Box) -> list[_Row]:
    """Those that can decide in the box: none behind one that always does, and no table behind one that always does."""
    found: list[_Row] = []
    sure = None
    for row in rows:
        if sure is not None and row.place[0] != sure:
            break
        found.append(row)
        if _takes(row, box):
            sure = row.place[0]
            if row.ends:
                break
    return found


def _takes(row: _Row, box: Box) -> bool:
    return all(not segments & ~asked for segments, asked in zip(box, row.box, strict=True))


def _halves(box: Box, rows: Sequence[_Row]) -> list[Box]:
    """The box in two, where the first row that holds in a part of it holds and does not; none where every row holds or does not."""
    row = next((row for row in rows if not _takes(row, box)), None)
    if row is None:
        return []
    at = next(at for at, segments in enumerate(box) if segments & ~row.box[at])
    inside, outside = box[at] & row.box[at], box[at] & ~row.box[at]
    return [[*box[:at], half, *box[at + 1 :]] for half in (outside, inside)]


def _part(looked: Sequence[Look], box: Box, rows: Sequence[_Row]) -> _Part:
    at = rows[0].place[0] if rows else 0
    deciding, said = _decided(looked[at].table, sorted(row.place[1] for row in rows if row.place[0] == at))
    return _Part(box, at, deciding, said)


def _decided(table: DecisionTable, held: Sequence[int]) -> tuple[tuple[int, ...], Said]:
    try:
        rules = outcome(table, held).rules
    except Conflict:
        return tuple(held), None
    return rules, frozenset(Counter(_output(table, rule) for rule in rules).items())


def _output(table: DecisionTable, rule: int) -> Output:
    """So that what is the same in FEEL is equal: 1 is 1.0 and not true."""
    values = zip(table.outputs, table.rules[rule].outputs, strict=True)
    return tuple((clause.name, None if value is None else (kind_of(value), value)) for clause, value in values)


def _said_now(looked: Sequence[Look]) -> Said:
    return _decided(looked[-1].table, positions(looked[-1].held))[1]


def _settled(looked: Sequence[Look], parts: Sequence[_Part]) -> Weighed:
    """All completions put out the same, by one row or another."""
    at, said = parts[0].looked, parts[0].said
    rows = sorted({rule for part in parts if part.looked == at for rule in part.rows})
    if said is None:
        return Weighed(at, (), tuple(rows), ())
    by_output: dict[Output, list[int]] = {}
    for rule in rows:
        by_output.setdefault(_output(looked[at].table, rule), []).append(rule)
    counts = dict(said)
    cases = (tuple(found) for output, found in by_output.items() for _ in range(counts[output]))
    return Weighed(at, tuple(cases), (), ())


def _in_doubt(looked: Sequence[Look], whole: Box, rows: Sequence[_Row], missing: Sequence[str]) -> Weighed:
    at = rows[0].place[0]
    opens = looked[at].table.policy in EVERY_HIT
    sure = ((row.place[1],) for row in rows if opens and row.place[0] == at and _takes(row, whole))
    return Weighed(at, tuple(sure), (), tuple(dict.fromkeys(missing)))


def _mattering(parts: Sequence[_Part], columns: Mapping[tuple[str, Kind | None], Column]) -> list[str]:
    """The inputs by which alone two completions differ that put out different things."""
    found = [False] * len(columns)
    for one, other in combinations(parts, 2):
        if one.said != other.said:
            apart = [at for at, (ours, theirs) in enumerate(zip(one.box, other.box, strict=True)) if not ours & theirs]
            if len(apart) == 1:
                found[apart[0]] = True
    return [name for (name, _), matters in zip(columns, found, strict=True) if matters]


def _tested(rows: Sequence[_Row], whole: Box, columns: Mapping[tuple[str, Kind | None], Column]) -> list[str]:
    """The inputs that a row tests which may decide or not: where the search was given up, more than matter."""
    asking = [row.box for row in _deciding(rows, whole) if not _takes(row, whole)]
    named = enumerate(zip(columns, whole, strict=True))
    return [name for at, ((name, _), every) in named if any(every & ~box[at] for box in asking)]
