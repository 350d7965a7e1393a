"""Why a rule, or every rule for a department, did not decide."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.routing.rules.hits import Conflict, outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.sfeel import write_cell
from services.routing.rules.tables import DecisionTable, Rule
from services.routing.rules.values import Value, is_same, read_fact


@dataclass(frozen=True, slots=True)
class Failed:
    """A cell that did not hold: its clause, what it asks as S-FEEL, and the fact that was there, None when it was missing."""

    clause: str
    asks: str
    fact: object


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a rule did not decide: the cells that failed or, when none did, the rules that were in its way."""

    rule: str
    failed: tuple[Failed, ...]
    in_the_way: tuple[str, ...] = ()


def why_not(table: DecisionTable, facts: Mapping[str, object], wanted: Value) -> tuple[Refusal, ...]:
    """Why the rules that put out `wanted`, or are named so, did not decide: those that failed in the fewest cells first.

    Empty when there is no such rule. One that did decide is left out.
    """
    held, deciding = _rules(table, facts)
    named = enumerate(table.rules)
    asked = [at for at, rule in named if at not in deciding and (rule.name == wanted or _puts_out(rule, wanted))]
    in_the_way = {at: [table.rules[other].name for other in deciding or held if other != at] for at in held}
    refusals = [
        Refusal(table.rules[at].name, _failed(table, table.rules[at], facts), tuple(in_the_way.get(at, ())))
        for at in asked
    ]
    return tuple(sorted(refusals, key=lambda refusal: len(refusal.failed)))


def _rules(table: DecisionTable, facts: Mapping[str, object]) -> tuple[Sequence[int], Sequence[int]]:
    """The rules that hold, and those that decide; none does in a conflict."""
    held = hits(table, facts)
    try:
        return held, outcome(table, held).rules
    except Conflict:
        return held, ()


def _puts_out(rule: Rule, wanted: Value) -> bool:
    return any(value is not None and is_same(value, wanted) for value in rule.outputs)


def _failed(table: DecisionTable, rule: Rule, facts: Mapping[str, object]) -> tuple[Failed, ...]:
    asked = zip(table.inputs, rule.cells, strict=True)
    return tuple(
        Failed(clause.name, write_cell(cell), facts.get(clause.name))
        for clause, cell in asked
        if not cell.holds(read_fact(clause.kind, facts.get(clause.name)))
    )
