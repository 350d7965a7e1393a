"""What is wrong with a decision table, each with a case that shows it.

| kind        | what                                                                    | reported under |
|-------------|-------------------------------------------------------------------------|----------------|
| never-holds | a rule that no case satisfies, as a cell asks for what cannot be        | every policy   |
| duplicate   | two rules that ask for the same and put out the same                    | every policy   |
| overlap     | two rules with the same outputs that hold together                      | U              |
| conflict    | two rules with different outputs that hold together                     | U, A           |
| shadowed    | a rule that never decides: rules that come before it take all its cases | F, P           |
| gap         | cases for which no rule holds                                           | every policy   |

The cases are all combinations of the inputs' values: the allowed ones, or where nobody has said, all of the kind (`regions`).
A table whose outputs all have a default has no gaps. Under R, O and C rules are meant to hold together.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from operator import and_

from services.routing.rules.covering import Box, Search, Undecided
from services.routing.rules.findings import Finding, FindingKind, Proof
from services.routing.rules.grids import Grid, grid_of
from services.routing.rules.hits import outcome
from services.routing.rules.tables import DecisionTable
from services.routing.rules.values import Kind, Value, kind_of

AT_MOST = 100
STEPS = 100_000
"""Of some 20 to 100 µs each."""
SHARES = 8
"""The search for one shadowed rule gets this part of the steps that are left, so that a hard one leaves some for the others."""
Rules = tuple[int, ...]
"""Positions of rules."""


def prove(table: DecisionTable, *, missing: Collection[str] = (), at_most: int = AT_MOST, steps: int = STEPS) -> Proof:
    """All that is wrong with the table, of each kind at most `at_most`.

    `missing` are the inputs whose facts need not be there: cases without them count as well. `steps` bounds the search for
    gaps, and that for all shadowed rules. Raises InvalidTable when one of `missing` is no input of the table.
    """
    grid = grid_of(table, missing)
    parts = [
        _list("never-holds", _never_holding(grid), lambda rules: _never(grid, rules), at_most),
        _list("duplicate", _duplicates(grid), lambda rules: _pair(grid, "duplicate", rules), at_most),
        *_meetings(grid, at_most),
        *_shadows(grid, at_most, steps),
        _gaps(grid, at_most, steps),
    ]
    return Proof(
        tuple(finding for part in parts for finding in part.findings),
        {part.kind: part.total for part in parts},
        frozenset(part.kind for part in parts if part.is_undecided),
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """All findings of a kind."""

    kind: FindingKind
    findings: Sequence[Finding]
    total: int | None
    is_undecided: bool = False


def _list(
    kind: FindingKind,
    found: Iterable[Rules],
    describe: Callable[[Rules], Finding],
    at_most: int,
    *,
    is_undecided: bool = False,
) -> _Part:
    total, findings = 0, list[Finding]()
    for total, rules in enumerate(found, start=1):
        if total <= at_most:
            findings.append(describe(rules))
    return _Part(kind, findings, None if is_undecided else total, is_undecided)


def _never_holding(grid: Grid) -> Iterator[Rules]:
    holding = set(grid.holding())
    return ((rule,) for rule in range(len(grid.boxes)) if rule not in holding)


def _never(grid: Grid, rules: Rules) -> Finding:
    cells = zip(grid.columns, grid.boxes[rules[0]], grid.table.rules[rules[0]].cells, strict=True)
    impossible = {column.name: cell for column, segments, cell in cells if not segments}
    return Finding("never-holds", rules, _names(grid, rules), None, impossible)


def _names(grid: Grid, rules: Rules) -> tuple[str, ...]:
    return tuple(grid.table.rules[rule].name for rule in rules)


def _outputs(grid: Grid) -> list[tuple[tuple[Kind, Value] | None, ...]]:
    """What each rule puts out, so that what is the same in FEEL is equal: 1 is 1.0 and not true."""
    return [
        tuple(None if value is None else (kind_of(value), value) for value in rule.outputs) for rule in grid.table.rules
    ]


def _duplicates(grid: Grid) -> Iterator[Rules]:
    """The first of its kind, and each one like it."""
    firsts: dict[object, int] = {}
    outputs = _outputs(grid)
    for rule in grid.holding():
        first = firsts.setdefault((tuple(grid.boxes[rule]), outputs[rule]), rule)
        if first != rule:
            yield first, rule


def _pair(grid: Grid, kind: FindingKind, rules: Rules) -> Finding:
    shared = tuple(map(and_, grid.boxes[rules[0]], grid.boxes[rules[1]]))
    return Finding(kind, rules, _names(grid, rules), grid.case(shared))


def _meetings(grid: Grid, at_most: int) -> Iterator[_Part]:
    if grid.table.policy == "U":
        yield _list("overlap", _together(grid, same=True), lambda rules: _pair(grid, "overlap", rules), at_most)
    if grid.table.policy in ("U", "A"):
        yield _list("conflict", _together(grid, same=False), lambda rules: _pair(grid, "conflict", rules), at_most)


def _together(grid: Grid, *, same: bool) -> Iterator[Rules]:
    """Rules that hold together, by twos, with the same outputs or with different ones."""
    outputs, holding = _outputs(grid), grid.holding()
    for at, rule in enumerate(holding):
        for other in grid.meeting(rule, holding[at + 1 :]):
            if (outputs[rule] == outputs[other]) == same:
                yield rule, other


def _shadows(grid: Grid, at_most: int, steps: int) -> Iterator[_Part]:
    if grid.table.policy not in ("F", "P"):
        return
    found: list[Rules] = []
    is_undecided = False
    order = _order(grid)
    for at, rule in enumerate(order):
        rivals = grid.meeting(rule, order[:at])
        search = Search(grid.boxes[rule], [grid.boxes[rival] for rival in rivals], steps // SHARES + 1)
        try:
            if search.is_covered():
                found.append((rule, *(rivals[used] for used in sorted(search.used))))
        except Undecided:
            is_undecided = True
        steps -= search.steps_taken
    yield _list("shadowed", found, lambda rules: _shadow(grid, rules), at_most, is_undecided=is_undecided)


def _order(grid: Grid) -> list[int]:
    """The rules that hold for some case, in the order in which they decide. Under P that is the order of O's list."""
    holding = grid.holding()
    if grid.table.policy == "F":
        return holding
    return list(outcome(replace(grid.table, policy="O"), holding).rules)


def _shadow(grid: Grid, rules: Rules) -> Finding:
    return Finding("shadowed", rules, _names(grid, rules), grid.case(grid.boxes[rules[0]]))


def first_gap(table: DecisionTable, *, missing: Collection[str] = (), steps: int = STEPS) -> Finding | None:
    """A gap of the table, if it has one; quicker than all of them. Raises Undecided, and InvalidTable as `prove` does."""
    grid = grid_of(table, missing)
    return next((_gap(grid, box) for box in _uncovered(grid, steps)), None)


def _gaps(grid: Grid, at_most: int, steps: int) -> _Part:
    found: list[Finding] = []
    total, is_undecided = None, False
    try:
        for box in islice(_uncovered(grid, steps), at_most + 1):
            found.append(_gap(grid, box))  # noqa: PERF401  what is found counts, also when the search is given up
        total = len(found) if len(found) <= at_most else None
    except Undecided:
        is_undecided = True
    return _Part("gap", found[:at_most], total, is_undecided)


def _uncovered(grid: Grid, steps: int) -> Iterator[Box]:
    has_default = [clause.default is not None for clause in grid.table.outputs]
    return iter(()) if has_default and all(has_default) else Search(grid.whole, grid.boxes, steps).uncovered()


def _gap(grid: Grid, box: Box) -> Finding:
    named = [(column, segments) for column, segments in zip(grid.columns, box, strict=True) if segments != column.every]
    region = {column.name: column.cell(segments) for column, segments in named if segments & ~column.missing}
    missing = tuple(column.name for column, segments in named if segments & column.missing)
    return Finding("gap", (), (), grid.case(box), region, missing)
