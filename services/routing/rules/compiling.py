"""A decision table compiled to bitmasks: a decision is a look-up and an AND for each input.

Per input there is a memo from a fact to the set of rules that it satisfies, rule i as bit i. The AND of these sets are the
rules that hold; from them a memo gives the outcome. The look-ups are written as one expression of Python and run, as
`dataclass` does it: a loop over the inputs takes a third longer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_
from types import NoneType
from typing import Any, Protocol

from services.routing.rules.hits import Outcome, outcome
from services.routing.rules.indexing import Index, index
from services.routing.rules.memos import Memo
from services.routing.rules.tables import DecisionTable, Input
from services.routing.rules.values import Kind, read_fact

Facts = Mapping[str, object]
"""By name, as JSON has them; any may be missing."""
FACTS_KEPT = 4_096
"""Of how many different facts of a type a column remembers the rules."""
RULES_KEPT = 200_000
"""How many rules the remembered outcomes of a table name together."""
DISTINCT: frozenset[Kind] = frozenset(("string", "date"))
"""The kinds in whose columns facts that are equal to Python mean the same. For numbers they do not: there 1 is True."""
KEPT = frozenset((str, int, float, bool, NoneType, date))
"""The types of facts whose equal values mean the same. Two local times that are equal may be an hour apart."""


class Sets(Protocol):
    """The sets of rules that facts satisfy."""

    def __getitem__(self, fact: object, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Computed:
    """Sets that are not remembered: of facts that cannot be keys, and of those whose equality says too little."""

    compute: Callable[[object], int]

    def __getitem__(self, fact: object) -> int:
        return self.compute(fact)


@dataclass(frozen=True, slots=True)
class Column:
    """An input: how its rules are found by a fact, and the Python for it, with what that needs to know."""

    name: str
    rules: Callable[[object], int]
    source: str
    known: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class CompiledTable:
    """A table that decides quickly. What it gives is shared between its decisions: read it only."""

    table: DecisionTable
    indexes: Sequence[Index]
    """One an input: what compiling takes time for, and all that must be kept of it."""
    every: int
    """All rules, rule i as bit i."""
    decide: Callable[[Facts], Outcome]
    """What the table puts out. Raises hits.Conflict."""
    hits: Callable[[Facts], int]
    """The rules that hold."""
    sets: Callable[[Facts], Sequence[int]]
    """The rules that each input satisfies; bit n of n rules says that there is a fact, and of the right kind."""


def compile_table(table: DecisionTable) -> CompiledTable:
    """The table, ready to decide."""
    return assemble(table, [index([rule.cells[at] for rule in table.rules]) for at in range(len(table.inputs))])


def assemble(table: DecisionTable, indexes: Sequence[Index]) -> CompiledTable:
    """The table, ready to decide, with indexes that were made elsewhere."""
    every = (1 << len(table.rules)) - 1

    def decided(held: int) -> Outcome:
        return outcome(table, positions(held & every))

    outcomes = Memo(decided, room=RULES_KEPT, size=lambda found: len(found.rules) + 1)
    columns = [_column(clause, column) for clause, column in zip(table.inputs, indexes, strict=True)]
    known = _run(columns, "held & -held" if table.policy == "F" else "held", every=every, outcomes=outcomes)
    return CompiledTable(table, indexes, every, known["decide"], known["hits"], known["sets"])


def positions(held: int) -> list[int]:
    """The rules of a set, ascending."""
    digits = bin(held)[:1:-1]
    found: list[int] = []
    while (at := digits.find("1", found[-1] + 1 if found else 0)) >= 0:
        found.append(at)
    return found


_BY_FACT = "by_fact{at}[facts.get(name{at})]"
_BY_TYPE = "by_type{at}[type(fact := facts.get(name{at}))][fact]"
_BOOLEAN = "(true{at} if (fact := facts.get(name{at})) is True else false{at} if fact is False else missing{at})"


def _column(clause: Input, column: Index) -> Column:
    def rules(fact: object) -> int:
        return column.rules(read_fact(clause.kind, fact))

    def of_type(kind: type) -> Sets:
        return Memo(rules, room=FACTS_KEPT) if kind in KEPT else Computed(rules)

    if clause.kind in DISTINCT:
        return Column(clause.name, rules, _BY_FACT, {"by_fact": Memo(rules, room=FACTS_KEPT)})
    if clause.kind == "boolean":
        known = {"true": column.rules(True), "false": column.rules(False), "missing": column.missing}  # noqa: FBT003
        return Column(clause.name, rules, _BOOLEAN, known)
    return Column(clause.name, rules, _BY_TYPE, {"by_type": Memo(of_type, room=FACTS_KEPT)})


_SOURCE = """
def decide(facts):
    try:
        held = {held}
    except TypeError:  # a fact that cannot be a key, as a list
        held = hits(facts)
    return outcomes[{key}]

def hits(facts):
    return reduce(and_, sets(facts), every)

def sets(facts):
    try:
        return ({sets})
    except TypeError:
        return [rules(facts.get(name)) for name, rules in columns]
"""


def _run(columns: Sequence[Column], key: str, *, every: int, outcomes: Memo[int, Outcome]) -> dict[str, Any]:
    """What the source defines. Names and facts are no part of it, only the numbers of columns."""
    found = [column.source.format(at=at) for at, column in enumerate(columns)]
    source = _SOURCE.format(
        held=" & ".join(found) or "every", key=key, sets="".join(f"{look_up}, " for look_up in found)
    )
    known: dict[str, Any] = {"every": every, "outcomes": outcomes, "reduce": reduce, "and_": and_}
    known["columns"] = [(column.name, column.rules) for column in columns]
    for at, column in enumerate(columns):
        known |= {f"{name}{at}": value for name, value in {"name": column.name, **column.known}.items()}
    exec(source, known)  # noqa: S102
    return known
