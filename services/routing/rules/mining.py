"""Rows suggested from past re-routes: what staff correct again and again, as a row that a person accepts or declines.

A suggested row is the row that it corrects, narrowed by at most three cells and put before it (hit policy F), so it can move
no case that another row decides. Where no row decided, it comes last and asks for all that the cases have in common.

A pattern counts when enough re-routes bear it out, few enough cases speak against it, and it is no accident: the chance that so
many cases of the row end there by the row's own rate is, times the number of patterns there could be, below CHANCE (Chernoff's bound,
Bonferroni's correction).
"""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.routing.rules.cells import Cell, Equal
from services.routing.rules.compiling import compile_table
from services.routing.rules.patterns import (
    Indexed,
    Pattern,
    index_cases,
    patterns_of,
    possible_patterns,
    set_of,
    share_of,
    surprise,
)
from services.routing.rules.reroutes import Kept, Reroute, ended_at
from services.routing.rules.sfeel import write_cell
from services.routing.rules.tables import DecisionTable, InvalidTable, Rule
from services.routing.rules.values import Kind

CELL_WORTH = 2
"""How many cases a further cell must put right."""
CHANCE = 0.05
MOST_REASONS = 3


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a suggested row, and against it: counts of past cases that it would have decided."""

    support: int
    """Re-routed to its department."""
    counter_examples: int
    """Never re-routed, and not of its department: it would move them wrongly."""
    elsewhere: int
    """Re-routed, but to another department."""
    confidence: float
    """The share of all of them that ended at its department."""
    reasons: tuple[tuple[str, int], ...]
    """The most frequent reasons that staff gave, word for word, and how often. For staff only: they may name people.

    They are candidates for the row's own reason.
    """
    changed: int
    """How many of the re-routes another row had decided: the rules have changed since."""
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A row for a person to accept or to decline. `id` is the same for the same row, whatever the evidence."""

    id: str
    table: str
    cells: tuple[tuple[str, Cell], ...]
    """By input; an input that is not named is `-`. An input that the table does not have yet may be among them."""
    department: str
    before: str | None
    """The row that it corrects and must come before; None is the end of the table."""
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class _Group:
    """The cases that one row decides, or none."""

    rule: Rule | None
    cases: tuple[Reroute | Kept, ...]
    indexed: Indexed

    def rerouted(self, department: str) -> int:
        return set_of([at for at, case in enumerate(self.cases) if _is_moved(case, department)])

    def ended(self, department: str) -> int:
        return set_of([at for at, case in enumerate(self.cases) if ended_at(case) == department])


def mine(
    table: DecisionTable,
    past: Sequence[Reroute | Kept],
    *,
    support: int = 5,
    confidence: float = 0.8,
    declined: Collection[str] = (),
) -> tuple[Suggestion, ...]:
    """Suggested rows, those with most support first. A re-route that the table would get right today suggests nothing.

    What a row whose id is in `declined` would explain is explained: neither it nor another row is suggested for the same re-routes.
    Raises InvalidTable for a table without an output `department`, or of another hit policy than F: only there a row comes first.
    """
    position = department_at(table)
    found = [
        suggestion
        for group in _groups(table, past)
        for department in _corrections(group, position, support)
        for suggestion in _Miner(table, group, department, support, confidence).suggest(frozenset(declined))
    ]
    return tuple(sorted(found, key=lambda one: (-one.evidence.support, one.evidence.counter_examples, one.id)))


def department_at(table: DecisionTable) -> int:
    """The position of the output that names the department. Raises InvalidTable."""
    names = [clause.name for clause in table.outputs]
    if table.policy != "F" or "department" not in names:
        said = f"{table.policy} with {', '.join(names)}"
        raise InvalidTable(f"{table.name}: expected hit policy F and an output `department`, found {said}")
    return names.index("department")


def _groups(table: DecisionTable, past: Sequence[Reroute | Kept]) -> Iterator[_Group]:
    compiled = compile_table(table)
    kinds: dict[str, Kind | None] = {clause.name: clause.kind for clause in table.inputs}
    found: dict[int | None, list[Reroute | Kept]] = {}
    for case in past:
        found.setdefault(next(iter(compiled.decide(case.facts).rules), None), []).append(case)
    for at, cases in found.items():
        indexed = index_cases([case.facts for case in cases], kinds)
        yield _Group(None if at is None else table.rules[at], tuple(cases), indexed)


def _corrections(group: _Group, position: int, support: int) -> list[str]:
    """The departments to which enough cases of a row were moved, other than its own."""
    moved = Counter(case.to_department for case in group.cases if isinstance(case, Reroute))
    own = group.rule.outputs[position] if group.rule else None
    return sorted(department for department, count in moved.items() if count >= support and department != own)


def _is_moved(case: Reroute | Kept, department: str) -> bool:
    return isinstance(case, Reroute) and case.to_department == department


class _Miner:
    """Looks for the rows that send cases of a group to one department."""

    def __init__(self, table: DecisionTable, group: _Group, department: str, support: int, confidence: float) -> None:
        self._table, self._group, self._department = table, group, department
        self._support, self._confidence = support, confidence
        self._moved, self._ended = group.rerouted(department), group.ended(department)
        self._order = [clause.name for clause in table.inputs]

    def suggest(self, declined: frozenset[str]) -> Iterator[Suggestion]:
        """The best row, then the best for what it leaves unexplained, as long as there is one."""
        patterns = list(self._patterns())
        left = self._undeclined(patterns, declined)
        needed = math.log(max(possible_patterns(self._group.indexed, self._support), 1) / CHANCE)
        sure = [one for one in patterns if self._is_sure(one, needed)]
        while sure := [one for one in sure if (one.held & left).bit_count() >= self._support]:
            best = min(sure, key=lambda one: (-self._worth(one, left), len(one.items), self._foreign(one), one.items))
            left &= ~best.held
            yield self._suggestion(best)

    def _patterns(self) -> Iterator[Pattern]:
        """Ways to narrow the row: not at all, and by what not all of its cases have."""
        indexed, rule = self._group.indexed, self._group.rule
        if rule is None:
            yield from map(self._closed, patterns_of(indexed, self._moved, self._support))
            return
        telling = {item: held for item, held in indexed.masks.items() if held != indexed.every}
        yield indexed.hold(())
        yield from patterns_of(replace(indexed, masks=telling), self._moved, self._support)

    def _foreign(self, pattern: Pattern) -> int:
        """How many columns the table would get for it."""
        return sum(item.name not in self._order for item in pattern.items)

    def _closed(self, pattern: Pattern) -> Pattern:
        """With all inputs that its re-routes have in common: beyond them nothing is known."""
        moved, masks = pattern.held & self._moved, self._group.indexed.masks
        common = [item for item, held in masks.items() if item.name in self._order and not moved & ~held]
        return self._group.indexed.hold({*pattern.items, *common})

    def _undeclined(self, patterns: Sequence[Pattern], declined: frozenset[str]) -> int:
        """The re-routes that no declined row explains."""
        left = self._moved
        for pattern in patterns if declined else ():
            if self._id(self._cells(pattern)) in declined:
                left &= ~pattern.held
        return left

    def _is_sure(self, pattern: Pattern, needed: float) -> bool:
        share, rate = share_of(pattern.held, self._ended), share_of(self._group.indexed.every, self._ended)
        if share < self._confidence:
            return False
        if not pattern.items or (self._group.rule is None and rate >= self._confidence):
            return True
        return surprise(pattern, self._ended, self._group.indexed.every) >= needed

    def _worth(self, pattern: Pattern, left: int) -> int:
        wrong = pattern.held & ~self._ended
        return (pattern.held & left).bit_count() - wrong.bit_count() - CELL_WORTH * len(pattern.items)

    def _suggestion(self, pattern: Pattern) -> Suggestion:
        cells, rule = self._cells(pattern), self._group.rule
        before = rule.name if rule else None
        evidence = self._evidence(pattern, before)
        return Suggestion(self._id(cells), self._table.name, cells, self._department, before, evidence)

    def _cells(self, pattern: Pattern) -> tuple[tuple[str, Cell], ...]:
        """Those of the row, with the items in the place of what it asked: their values satisfied it."""
        rule, values = self._group.rule, self._group.indexed.values
        own = {name: cell for name, cell in zip(self._order, rule.cells, strict=True) if cell.tests} if rule else {}
        cells = own | {item.name: Cell((Equal(values[item]),)) for item in pattern.items}
        names = [name for name in (*self._order, *sorted(cells)) if name in cells]
        return tuple((name, cells[name]) for name in dict.fromkeys(names))

    def _id(self, cells: Sequence[tuple[str, Cell]]) -> str:
        said = sorted(f"{name} {write_cell(cell)}" for name, cell in cells)
        return hashlib.sha256("\0".join((self._table.name, *said, self._department)).encode()).hexdigest()[:16]

    def _evidence(self, pattern: Pattern, before: str | None) -> Evidence:
        held = [case for at, case in enumerate(self._group.cases) if pattern.held >> at & 1]
        moves = [case for case in held if isinstance(case, Reroute)]
        ours = [move for move in moves if move.to_department == self._department]
        reasons = Counter(move.reason for move in ours)
        return Evidence(
            support=len(ours),
            counter_examples=sum(isinstance(case, Kept) and case.department != self._department for case in held),
            elsewhere=len(moves) - len(ours),
            confidence=share_of(pattern.held, self._ended),
            reasons=tuple(sorted(reasons.items(), key=lambda said: (-said[1], said[0]))[:MOST_REASONS]),
            changed=sum(move.decided_by_row != before for move in ours),
            first=min(move.at for move in ours),
            last=max(move.at for move in ours),
        )
