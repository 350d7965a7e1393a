"""What a decision table puts out when several rules hold, or none: its hit policy (DMN 1.3, 8.2.10).

| policy | puts out                                                                                 | no rule holds |
|--------|------------------------------------------------------------------------------------------|---------------|
| U      | the output of the only rule; two are a `Conflict`                                        | null          |
| A      | the output of any rule; two that differ are a `Conflict`                                 | null          |
| P      | the output that comes first in the outputs' priorities                                   | null          |
| F      | the output of the first rule                                                             | null          |
| R, C   | a list of all outputs, in the order of the rules                                         | an empty list |
| O      | a list of all outputs, in the order of the priorities                                    | an empty list |
| C+     | the sum: exact for decimals, 0.1 and 0.2 are 0.3; null when one is no number             | null          |
| C<, C> | the least, the greatest: of numbers, texts, dates; null when they cannot be compared     | null          |
| C#     | how many                                                                                 | 0             |

A default output (8.3.3) takes the place of the last column. The sum and the least of nothing are null in FEEL (10.3.4.4).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce

from services.routing.rules.tables import DecisionTable, HitPolicy, InvalidTable, Output
from services.routing.rules.values import Value, is_less, is_same


class Conflict(ValueError):
    """Rules hold together that the hit policy does not allow together. `rules` are their positions."""

    def __init__(self, table: DecisionTable, rules: Sequence[int], expected: str) -> None:
        self.rules = tuple(rules)
        names = ", ".join(table.rules[position].name for position in rules)
        super().__init__(f"{table.name}: expected {expected} under hit policy {table.policy}, found the rules {names}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided, and by which rules: their positions, in the order of the result."""

    rules: tuple[int, ...]
    result: object
    """An output is a value or, with several output clauses, a dict from their names to values; None is null."""


def outcome(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    """What the table puts out when the rules `hit` hold, positions ascending. Raises Conflict."""
    if not hit:
        return Outcome((), _of_nothing(table))
    return _POLICIES[table.policy](table, hit)


def _of_nothing(table: DecisionTable) -> object:
    listed = table.policy in ("R", "O", "C")
    if any(clause.default is not None for clause in table.outputs):
        default = _composed(table, [clause.default for clause in table.outputs])
        return [default] if listed else default
    return [] if listed else 0 if table.policy == "C#" else None


def _composed(table: DecisionTable, values: Sequence[Value | None]) -> object:
    if len(values) == 1:
        return values[0]
    return {clause.name: value for clause, value in zip(table.outputs, values, strict=True)}


def _output(table: DecisionTable, position: int) -> object:
    return _composed(table, table.rules[position].outputs)


def _single(table: DecisionTable, position: int) -> Outcome:
    return Outcome((position,), _output(table, position))


def _unique(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    if len(hit) > 1:
        raise Conflict(table, hit, "one rule")
    return _single(table, hit[0])


def _any(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    first = table.rules[hit[0]].outputs
    if not all(_are_same(first, table.rules[position].outputs) for position in hit):
        raise Conflict(table, hit, "one output")
    return _single(table, hit[0])


def _are_same(one: Sequence[Value | None], other: Sequence[Value | None]) -> bool:
    return all(
        theirs is None if ours is None else theirs is not None and is_same(ours, theirs)
        for ours, theirs in zip(one, other, strict=True)
    )


def _first(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    return _single(table, hit[0])


def _priority(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    return _single(table, _by_priority(table, hit)[0])


def _rule_order(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    return Outcome(tuple(hit), [_output(table, position) for position in hit])


def _output_order(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    return _rule_order(table, _by_priority(table, hit))


def _by_priority(table: DecisionTable, hit: Sequence[int]) -> list[int]:
    """The first output clause counts most; values that are not listed come last; rules that tie keep their order."""

    def rank(position: int) -> list[int]:
        outputs = table.rules[position].outputs
        return [_rank(clause, value) for clause, value in zip(table.outputs, outputs, strict=True)]

    return sorted(hit, key=rank)


def _rank(clause: Output, value: Value | None) -> int:
    listed = enumerate(clause.priorities)
    found = (rank for rank, other in listed if value is not None and is_same(value, other))
    return next(found, len(clause.priorities))


def _sum(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    return Outcome(tuple(hit), _add(_column(table, hit)))


def _add(values: Sequence[Value | None]) -> int | float | None:
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        return None
    total = sum((Fraction(repr(number)) for number in numbers), Fraction(0))
    return int(total) if total.denominator == 1 else float(total)


def _least(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    return _extreme(table, hit, is_less)


def _greatest(table: DecisionTable, hit: Sequence[int]) -> Outcome:
    return _extreme(table, hit, lambda one, other: is_less(other, one))


def _extreme(table: DecisionTable, hit: Sequence[int], is_before: Callable[[Value, Value], bool]) -> Outcome:
    values = [value for value in _column(table, hit) if value is not None]
    best = (
        reduce(lambda one, other: other if is_before(other, one) else one, values) if len(values) == len(hit) else None
    )
    if best is None or not all(is_same(best, value) or is_before(best, value) for value in values):
        return Outcome(tuple(hit), None)
    deciding = (position for position, value in zip(hit, values, strict=True) if is_same(best, value))
    return Outcome(tuple(deciding), best)


def _count(_: DecisionTable, hit: Sequence[int]) -> Outcome:
    return Outcome(tuple(hit), len(hit))


def _column(table: DecisionTable, hit: Sequence[int]) -> list[Value | None]:
    if len(table.outputs) != 1:
        raise InvalidTable(f"{table.name}: expected one output under hit policy {table.policy}, found {_names(table)}")
    return [table.rules[position].outputs[0] for position in hit]


def _names(table: DecisionTable) -> str:
    return ", ".join(clause.name for clause in table.outputs) or "none"


_POLICIES: Mapping[HitPolicy, Callable[[DecisionTable, Sequence[int]], Outcome]] = {
    "U": _unique,
    "A": _any,
    "P": _priority,
    "F": _first,
    "R": _rule_order,
    "O": _output_order,
    "C": _rule_order,
    "C+": _sum,
    "C<": _least,
    "C>": _greatest,
    "C#": _count,
}
