"""What speaks for each row of a learnt table, as its notes; rows for which nothing speaks are left out."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from services.routing.rules.compiling import CompiledTable, compile_table, positions
from services.routing.rules.examples import Examples
from services.routing.rules.tables import DecisionTable, Rule

SURE = 0.9
"""How often a row must be right that decides only what never came before."""

Cases = Counter[bool]
"""How many cases a row was right about, and how many it was not."""


def note(table: DecisionTable, examples: Examples) -> DecisionTable:
    """The table with `support` and `confidence` of each row, and an empty `reason` for a person to fill.

    Support is how many of the examples the row decides, confidence the share of them that people decided so. Of a row that
    decides none, because rows above it take them all, they are about those that it holds for: it stays only if it is SURE.
    """
    compiled = compile_table(table)
    deciding, holding = _counted(compiled, examples)
    found = [(rule, cases) for at, rule in enumerate(table.rules) if (cases := deciding[at] or _sure(holding[at]))]
    return replace(table, rules=tuple(_noted(rule, f"L{at}", cases) for at, (rule, cases) in enumerate(found, 1)))


def _counted(compiled: CompiledTable, examples: Examples) -> tuple[Mapping[int, Cases], Mapping[int, Cases]]:
    """(what each row decides, what each holds for)."""
    rules = range(len(compiled.table.rules))
    deciding, holding = {at: Cases() for at in rules}, {at: Cases() for at in rules}
    for key, counted in examples.counts.items():
        held = positions(compiled.hits(dict(zip(examples.inputs, key, strict=True))))
        for at in held:
            right = counted[str(compiled.table.rules[at].outputs[0])]
            cases = Cases({True: right, False: counted.total() - right})
            holding[at] += cases
            if at == held[0]:
                deciding[at] += cases
    return deciding, holding


def _sure(cases: Cases) -> Cases:
    return cases if cases[True] >= SURE * cases.total() else Cases()


def _noted(rule: Rule, name: str, cases: Cases) -> Rule:
    confidence = cases[True] / cases.total()
    return replace(
        rule, name=name, notes={"support": str(cases.total()), "confidence": f"{confidence:.3f}", "reason": ""}
    )
