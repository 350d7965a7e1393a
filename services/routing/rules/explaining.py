"""Why a table decided as it did: data only, by names, to be stored beside the decision and put into words later.

What is stored suffices to decide again: a fact that is left out satisfies only `-`, so leaving out facts can only make fewer
rules hold. With the facts that the deciding rules ask for these still hold, and nothing that would outrank them comes in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.routing.rules.compiling import CompiledTable, Facts, positions
from services.routing.rules.hits import Conflict, outcome
from services.routing.rules.memos import Memo
from services.routing.rules.tables import DecisionTable

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
    """The first rules that failed in one cell, at most NEAREST."""
    missing: tuple[str, ...]
    """Inputs without a fact, or with one that cannot be read, where a rule holds but for this."""


class Explainer:
    """Explains the decisions of one table."""

    def __init__(self, compiled: CompiledTable) -> None:
        self.compiled = compiled
        self._names = [clause.name for clause in compiled.table.inputs]
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
        verdict, near = self._verdicts[held], self._nearest(sets, (held ^ nearly) & self._every)
        inputs = {name: facts.get(name) for name in verdict.asked}
        for miss in near:
            inputs[miss.clause] = facts.get(miss.clause)
        missing = () if held > self._every else self._missing(sets, nearly & self._every)
        return Explanation(verdict, inputs, near, missing)

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

    def _missing(self, sets: Sequence[int], nearly: int) -> tuple[str, ...]:
        named = zip(self._names, sets, strict=True)
        return tuple(name for name, found in named if found <= self._every and nearly & ~found)

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
        )


def _asked(table: DecisionTable, rules: Sequence[int]) -> tuple[str, ...]:
    """The inputs that one of the rules tests; without rules all that any does."""
    asking = [table.rules[rule] for rule in rules] or table.rules
    return tuple(clause.name for at, clause in enumerate(table.inputs) if any(rule.cells[at].tests for rule in asking))
