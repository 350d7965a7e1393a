"""Why a table decided as it did: data only, by names, to be stored beside the decision and put into words later.

What is stored suffices to decide again: a fact that is left out satisfies only `-`, so leaving out facts can only make fewer
rules hold. With the facts that the deciding rules ask for these still hold, and nothing that would outrank them comes in.
Where a fact that is left out could be one that must be asked for, `unknowns.telling` says what else to store.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import NamedTuple

from services.routing.rules.compiling import CompiledTable, Facts, positions
from services.routing.rules.hits import Conflict, outcome
from services.routing.rules.memos import Memo
from services.routing.rules.tables import DecisionTable
from services.routing.rules.values import kind_of

NEAREST = 2
"""How many rules that failed in one cell an explanation names."""
RULES_KEPT = 200_000
"""How many rules that held the remembered verdicts name together."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules that held led to. Rules are named in their order, `decided` in that of the result."""

    held: tuple[str, ...]
    decided: tuple[str, ...]
    outranked: tuple[str, ...]
    """Those that held and did not decide."""
    result: object
    conflict: bool
    """Whether the hit policy does not allow the rules that held together: then none decided."""
    asked: tuple[str, ...]
    """The inputs that mattered: those with a test in a deciding or conflicting rule; when no rule held, all."""
    others: int = field(compare=False, default=-1)
    """As bits, what rules put out something else than those that decided; when none did, all."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A rule that failed in one cell only, and the input clause of that cell."""

    rule: str
    clause: str


class Explanation(NamedTuple):  # of which a million are made: a frozen dataclass takes half a microsecond more
    """A decision explained, enough to make it again from `inputs` alone."""

    verdict: Verdict
    inputs: Mapping[str, object]
    """The facts that mattered and those that the near misses failed by, as they came; None is a missing one."""
    near: tuple[NearMiss, ...]
    """The first rules that failed in one cell and would have put out something else, at most NEAREST."""


class Explainer:
    """Explains the decisions of one table. Of another value of the inputs `given`, as the procedure is, it does not think."""

    def __init__(self, compiled: CompiledTable, given: Collection[str] = ()) -> None:
        self.compiled = compiled
        self._names = [clause.name for clause in compiled.table.inputs]
        self._given = tuple(at for at, name in enumerate(self._names) if name in given)
        self._alike = _alike(compiled.table)
        self._every = compiled.every
        self._whole = compiled.every << 1 | 1
        self._verdicts = Memo(self._verdict, room=RULES_KEPT, size=lambda verdict: len(verdict.held) + 1)
        self._misses = Memo(self._miss, room=RULES_KEPT)

    def explain(self, facts: Facts) -> Explanation:
        """The decision about `facts`, explained. A conflict is explained too, not raised."""
        sets = self.compiled.sets(facts)
        held = nearly = self._whole
        for found in sets:
            nearly = nearly & found | held  # all cells but one hold, or all
            held &= found
        verdict = self._verdicts[held]
        nearly = (held ^ nearly) & self._every & verdict.others
        for at in self._given:
            nearly &= sets[at]
        near = self._nearest(sets, nearly)
        inputs = {name: facts.get(name) for name in verdict.asked}
        for miss in near:
            inputs[miss.clause] = facts.get(miss.clause)
        return Explanation(verdict, inputs, near)

    def _nearest(self, sets: Sequence[int], near: int) -> tuple[NearMiss, ...]:
        found: list[NearMiss] = []
        while near and len(found) < NEAREST:
            rule = near & -near
            near ^= rule
            at = 0
            while sets[at] & rule:
                at += 1
            found.append(self._misses[rule, at])
        return tuple(found)

    def _miss(self, key: tuple[int, int]) -> NearMiss:
        rule, at = key
        return NearMiss(self.compiled.table.rules[rule.bit_length() - 1].name, self._names[at])

    def _verdict(self, held: int) -> Verdict:
        table, rules = self.compiled.table, positions(held & self._every)
        try:
            decision = outcome(table, rules)
        except Conflict:
            return self._verdict_of(rules, (), None)
        return self._verdict_of(rules, decision.rules, decision.result)

    def _verdict_of(self, held: Sequence[int], decided: Sequence[int], result: object) -> Verdict:
        rules = self.compiled.table.rules
        outranked = set(held) - set(decided)
        return Verdict(
            held=tuple(rules[rule].name for rule in held),
            decided=tuple(rules[rule].name for rule in decided),
            outranked=tuple(rules[rule].name for rule in held if rule in outranked) if decided else (),
            result=result,
            conflict=bool(held) and not decided,
            asked=_asked(self.compiled.table, decided or held),
            others=~reduce(or_, (self._alike[rule] for rule in decided), 0),
        )


def _asked(table: DecisionTable, rules: Sequence[int]) -> tuple[str, ...]:
    """The inputs that one of the rules tests; without rules all that any does."""
    asking = [table.rules[rule] for rule in rules] or table.rules
    return tuple(clause.name for at, clause in enumerate(table.inputs) if any(rule.cells[at].tests for rule in asking))


def _alike(table: DecisionTable) -> list[int]:
    """For each rule those that put out the same, as bits: in FEEL 1 is 1.0 and not true."""
    outputs = [tuple(None if out is None else (kind_of(out), out) for out in rule.outputs) for rule in table.rules]
    sets: dict[object, int] = {}
    for at, output in enumerate(outputs):
        sets[output] = sets.get(output, 0) | 1 << at
    return [sets[output] for output in outputs]
