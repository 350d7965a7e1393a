"""Decisions as they are announced and stored. What was asked before is not thought through again.

Explaining a decision and putting it into words and JSON costs ten times what making it does; but applications of a day ask few
different questions: the facts that no rule asks for do not count.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import lru_cache

from contracts.routing import Decision, RunnerUp
from services.routing.rules.assigning import Assignment, Fact, Facts, assign
from services.routing.rules.deadlines import Case, deadline_of
from services.routing.rules.phrasing import Labels
from services.routing.rules.rule_sets import RuleSet
from services.routing.rules.stages import StageDeadline

REMEMBERED = 4096
"""Questions, about 3 KB each."""


@dataclass(frozen=True, slots=True)
class Decided:
    """One case of an application: what becomes of it, as it is announced, and as it is stored (JSON)."""

    assignment: Assignment
    decision: Decision
    stored: bytes
    stages: tuple[StageDeadline, ...]
    labels: Labels
    """What people call what the rules call by a code."""


@dataclass(frozen=True, slots=True)
class _Question:
    """Equal to another when the rules cannot tell them apart. True, 1 and 1.0 are equal to Python and not to a rule."""

    rule_set: str
    overlays: tuple[str, ...]
    day: date
    values: tuple[Fact | None, ...]
    types: tuple[type, ...]
    asked: RuleSet = field(compare=False)


def decide(rule_set: RuleSet, overlays: Sequence[str], facts: Facts, day: date) -> tuple[Decided, ...]:
    """Every case that an application received on `day` opens. What comes back is shared: read it only."""
    values = tuple(facts.get(name) for name in rule_set.asks)
    return _answer(_Question(rule_set.hash, tuple(overlays), day, values, tuple(map(type, values)), rule_set))


@lru_cache(REMEMBERED)
def _answer(question: _Question) -> tuple[Decided, ...]:
    named = zip(question.asked.asks, question.values, strict=True)
    facts = {name: fact for name, fact in named if fact is not None}
    assignments = assign(facts, question.asked, question.day, question.overlays)
    return tuple(_decided(found, question) for found in assignments)


def _decided(assignment: Assignment, question: _Question) -> Decided:
    decision = Decision(
        rule_set=question.rule_set,
        table=assignment.table,
        rows=assignment.rows,
        inputs=assignment.inputs,
        reason=assignment.reason,
        runners_up=tuple(RunnerUp(**asdict(one)) for one in assignment.runners_up) or None,
        missing=assignment.missing or None,
        received_on=question.day,
        overlays=question.overlays or None,
    )
    case = Case(question.asked, decision, assignment.cause, question.day, assignment.department, assignment.due_on)
    stored = decision.model_dump_json(exclude_none=True).encode()
    return Decided(assignment, decision, stored, deadline_of(case, ()).stages, question.asked.labels)
