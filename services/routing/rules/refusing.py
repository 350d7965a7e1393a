"""Why a rule, or every rule for a department, did not decide."""

from collections.abc import Collection, Mapping, Sequence
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
class Condition:
    """A cell about a fact of which nobody knows any more whether it was there: its clause, and what it asks as S-FEEL."""

    clause: str
    asks: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a rule did not decide: the cells that failed or, when none did, the rules that were in its way.

    `unkept` are cells that may have failed: a decision keeps the facts that mattered for it, and not all there were.
    """

    rule: str
    failed: tuple[Failed, ...]
    in_the_way: tuple[str, ...] = ()
    unkept: tuple[Condition, ...] = ()


def why_not(
    table: DecisionTable, facts: Mapping[str, object], wanted: Value, unkept: Collection[str] = ()
) -> tuple[Refusal, ...]:
    """Why the rules that put out `wanted`, or are named so, did not decide: those that failed in the fewest cells first.

    Empty when there is no such rule. One that did decide is left out. `unkept` are the inputs of which it is not known whether
    there was a fact: that one was missing is said of the others only.
    """
    held, deciding = _rules(table, facts)
    named = enumerate(table.rules)
    asked = [at for at, rule in named if at not in deciding and (rule.name == wanted or _puts_out(rule, wanted))]
    in_the_way = {at: [table.rules[other].name for other in deciding or held if other != at] for at in held}
    refusals = [
        _refusal(table.rules[at].name, _failed(table, table.rules[at], facts), in_the_way.get(at, ()), unkept)
        for at in asked
    ]
    return tuple(sorted(refusals, key=cells_against))


def cells_against(refusal: Refusal) -> int:
    """In how many cells a rule failed, or may have."""
    return len(refusal.failed) + len(refusal.unkept)


def _refusal(rule: str, failed: Sequence[Failed], in_the_way: Sequence[str], unkept: Collection[str]) -> Refusal:
    return Refusal(
        rule,
        tuple(one for one in failed if one.clause not in unkept),
        tuple(in_the_way),
        tuple(Condition(one.clause, one.asks) for one in failed if one.clause in unkept),
    )


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
