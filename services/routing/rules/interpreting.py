"""What a decision table means, in the plainest words: the definition that everything faster is checked against."""

from collections.abc import Mapping

from services.routing.rules.tables import DecisionTable, Rule
from services.routing.rules.values import Value, read_fact


def hits(table: DecisionTable, facts: Mapping[str, object]) -> list[int]:
    """The rules that hold, by their position from 0 on, in their order. Facts are as JSON has them; one may be missing."""
    values = [read_fact(clause.kind, facts.get(clause.name)) for clause in table.inputs]
    return [position for position, rule in enumerate(table.rules) if _holds(rule, values)]


def _holds(rule: Rule, values: list[Value | None]) -> bool:
    return all(cell.holds(value) for cell, value in zip(rule.cells, values, strict=True))
