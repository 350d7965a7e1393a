"""Decision tables as data, as DMN has them: clauses, rules, a hit policy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from services.routing.rules.cells import ANYTHING, Cell
from services.routing.rules.values import Kind, Value

HitPolicy = Literal["U", "A", "F", "P", "R", "O", "C", "C+", "C<", "C>", "C#"]
"""Unique, any, first, priority; rule order, output order, collect, and collect's sum, least, greatest, count."""
HIT_POLICIES: tuple[HitPolicy, ...] = get_args(HitPolicy)
SINGLE: frozenset[HitPolicy] = frozenset(("U", "A", "F", "P"))
"""The policies under which one rule decides."""


class InvalidTable(ValueError):
    """A table that cannot be used. Says which table, row and column, and what was expected there."""


@dataclass(frozen=True, slots=True)
class Input:
    """An input clause: the fact it looks at. `allowed` are the values that can occur; `-` when nobody has said."""

    name: str
    kind: Kind | None = None
    allowed: Cell = ANYTHING


@dataclass(frozen=True, slots=True)
class Output:
    """An output clause. `priorities` are its values from the most important on (hit policies P and O)."""

    name: str
    kind: Kind | None = None
    priorities: tuple[Value, ...] = ()
    default: Value | None = None
    """What is put out when no rule holds."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: its name, an input entry a clause, an output entry a clause, and why it is there."""

    name: str
    cells: tuple[Cell, ...]
    outputs: tuple[Value | None, ...]
    notes: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    """Annotations by name: `reason`, `source`, `owner`, `until`."""


@dataclass(frozen=True, slots=True)
class DecisionTable:
    """A decision table. Each clause has one kind, and each cell of its column is of that kind."""

    name: str
    policy: HitPolicy
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    rules: tuple[Rule, ...]
