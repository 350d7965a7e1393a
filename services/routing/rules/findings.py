"""What can be wrong with a decision table, as data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.routing.rules.cells import Cell
from services.routing.rules.values import Value

FindingKind = Literal["never-holds", "duplicate", "overlap", "conflict", "shadowed", "gap"]
Case = Mapping[str, Value | None]
"""A value for each input; None is a fact that is missing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, and the rules concerned, by `positions` from 0 on and by name.

    never-holds: the rule. duplicate, overlap, conflict: two, in their order. shadowed: the rule, then those that together
    take its cases. gap: none.
    """

    kind: FindingKind
    positions: tuple[int, ...]
    rules: tuple[str, ...]
    witness: Case | None
    """A case that shows it: the rules hold; for a gap none does. None where no case can be: never-holds."""
    region: Mapping[str, Cell] = field(default_factory=lambda: dict[str, Cell]())
    """gap: cells that describe all of it, beside the allowed values; inputs of which any value lies in it are left out.
    never-holds: the cells that cannot hold, or none when only an input has no value at all."""
    missing: tuple[str, ...] = ()
    """gap: inputs in `region` that may be missing as well, and inputs not in `region` that are missing."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found. Of each kind at most so many are listed; `totals` says how many there are.

    A total of None was not counted: there are more gaps than listed, or the kind is in `undecided`, as its search was given
    up: there may be more than listed.
    """

    findings: tuple[Finding, ...]
    totals: Mapping[FindingKind, int | None]
    undecided: frozenset[FindingKind]
