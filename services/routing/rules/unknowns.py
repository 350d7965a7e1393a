"""What is known of a case before tables: the rows that hold, those that may, and the facts that this hangs on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

from services.routing.rules.compiling import CompiledTable, Facts, positions
from services.routing.rules.tables import DecisionTable

Asked = frozenset[str] | None
"""The facts that an application must carry; None: all. Another one that is missing is an answer: it satisfies only `-`."""


@dataclass(frozen=True, slots=True)
class Look:
    """A table as far as the facts go. `unknown` are positions of inputs; `possible` and `held` sets of rows as bits."""

    compiled: CompiledTable
    sets: Sequence[int]
    """As CompiledTable.sets gives them."""
    unknown: tuple[int, ...]
    possible: int
    """Rows whose cells all hold, those on unknown facts aside."""
    held: int

    @property
    def table(self) -> DecisionTable:
        """The table itself."""
        return self.compiled.table


def look(tables: Sequence[CompiledTable], facts: Facts, asked: Asked) -> tuple[Look, ...]:
    """The tables that may decide, in their order, the last one that certainly does; all of them when none does."""
    found: list[Look] = []
    for compiled in tables:
        found.append(_look(compiled, facts, asked))
        if found[-1].held:
            break
    return tuple(found)


def _look(compiled: CompiledTable, facts: Facts, asked: Asked) -> Look:
    sets = compiled.sets(facts)
    held = reduce(and_, sets, compiled.every)
    absent = [at for at, found in enumerate(sets) if found <= compiled.every]
    unknown = tuple(at for at in absent if _is_unknown(compiled.table.inputs[at].name, facts, asked))
    known = (found for at, found in enumerate(sets) if at not in unknown)
    return Look(compiled, sets, unknown, reduce(and_, known, compiled.every) if unknown else held, held)


def _is_unknown(name: str, facts: Facts, asked: Asked) -> bool:
    """Whether a fact that no cell can read is there, or missing though it must be there."""
    return facts.get(name) is not None or asked is None or name in asked


def telling(looked: Sequence[Look], facts: Facts, kept: Mapping[str, object]) -> set[str]:
    """The facts that, beside those that are `kept`, leave the same rows held and possible: all that a row tests which these do not rule out."""
    found: set[str] = set()
    for one in looked:
        inputs = one.table.inputs
        free = [
            at for at, clause in enumerate(inputs) if facts.get(clause.name) is not None and clause.name not in kept
        ]
        if not free:
            continue
        ruling = (rules for at, rules in enumerate(one.sets) if at not in free and at not in one.unknown)
        left = positions(reduce(and_, ruling, one.compiled.every))
        found |= {inputs[at].name for at in free if any(one.table.rules[rule].cells[at].tests for rule in left)}
    return found
