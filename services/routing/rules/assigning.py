"""Who is responsible for an application, until when, and why. What no rule decides, a person does: never dropped, never guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from services.routing.rules.calendars import Calendar, NotCovered
from services.routing.rules.clock import Clock, Period, due
from services.routing.rules.explaining import Explanation
from services.routing.rules.rule_sets import Route, RoutingTable, RuleSet
from services.routing.rules.tables import SINGLE

Fact = str | int | float | bool
Facts = Mapping[str, Fact]
Cause = Literal["no-match", "conflict", "unknown-department", "returned"]

TRIAGE = "triage"
TRIAGE_TIME = timedelta(days=3)
CLOCKED_BY = ("procedure", "district")
MOST_RUNNERS_UP = 3
USUAL_CLOCK = Clock(Period(30, "days"))
"""For a procedure of which neither a row nor the pack says how long it may take."""


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """A row that nearly decided: outranked, or failed in one cell only: the input, and what its cell asks as S-FEEL."""

    row: str
    failed: str | None = None
    asked: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Who is responsible, until when, and why. `cause` is set when a person must decide instead."""

    table: str
    department: str
    due_on: date
    rows: tuple[str, ...]
    inputs: dict[str, Fact]
    reason: str
    runners_up: tuple[RunnerUp, ...] = ()
    missing: tuple[str, ...] = ()
    cause: Cause | None = None


def assign(facts: Facts, rule_set: RuleSet, received: date, overlays: Sequence[str] = ()) -> list[Assignment]:
    """One assignment a case: several where the deciding table collects (a life event), one to triage where nothing decides.

    `overlays` are the names of those that were on when the application was received; one that the rule set lacks is passed over.
    """
    rule_set = overlaid(rule_set, overlays) if overlays else rule_set
    table = next((one for one in rule_set.tables if one.compiled.hits(facts)), rule_set.tables[-1])
    explanation = table.explainer.explain(facts)
    if explanation.verdict.conflict:
        held = explanation.verdict.held
        reason = f"規則 {'、'.join(held)} の判断が食い違いました。"
        return [_to_triage(facts, table, explanation, received, "conflict", reason, held)]
    if not explanation.verdict.decided:
        return [_to_triage(facts, table, explanation, received, "no-match", _nothing_held(explanation))]
    cases = [_assigned(facts, rule_set, table, explanation, row, received) for row in explanation.verdict.decided]
    return [*cases, *_in_doubt(facts, table, explanation, received)]


def overlaid(rule_set: RuleSet, names: Sequence[str]) -> RuleSet:
    """The rule set with overlays upon it, the one switched on last uppermost."""
    for overlay in (rule_set.overlays[name] for name in names if name in rule_set.overlays):
        rule_set = replace(
            rule_set, tables=(*overlay.tables, *rule_set.tables), clocks={**rule_set.clocks, **overlay.clocks}
        )
    return rule_set


def _in_doubt(facts: Facts, table: RoutingTable, explanation: Explanation, received: date) -> list[Assignment]:
    """Where a table collects, a fact that is missing may keep a further department from being concerned: a person looks."""
    if table.table.policy in SINGLE or not explanation.missing:
        return []
    reason = f"{'、'.join(explanation.missing)} がわからないため、ほかの課の手続きが要るかどうか決められませんでした。"
    return [_to_triage(facts, table, explanation, received, "no-match", reason)]


def _assigned(
    facts: Facts, rule_set: RuleSet, table: RoutingTable, explanation: Explanation, row: str, received: date
) -> Assignment:
    route = table.routes[row]
    if not rule_set.organisation.exists(route.department, received):
        reason = f"規則 {row} の担当課 {route.department} が組織表にありません。"
        return _to_triage(facts, table, explanation, received, "unknown-department", reason, (row,))
    try:
        due_on = due(clock_of(facts, rule_set, route), calendar_of(facts, rule_set), received)
    except NotCovered as error:
        reason = f"規則 {row} の期限を数えられませんでした（{error}）。"
        return _to_triage(facts, table, explanation, received, "conflict", reason, (row,))
    return Assignment(
        table.table.name,
        route.department,
        due_on,
        (row,),
        _inputs(facts, explanation),
        route.reason,
        _runners_up(table, explanation),
        explanation.missing,
    )


def _to_triage(
    facts: Facts,
    table: RoutingTable,
    explanation: Explanation,
    received: date,
    cause: Cause,
    reason: str,
    rows: tuple[str, ...] = (),
) -> Assignment:
    return Assignment(
        table.table.name,
        TRIAGE,
        received + TRIAGE_TIME,
        rows,
        _inputs(facts, explanation),
        reason,
        _runners_up(table, explanation),
        explanation.missing,
        cause,
    )


def _nothing_held(explanation: Explanation) -> str:
    if explanation.missing:
        return f"{'、'.join(explanation.missing)} がわからないため、規則で決められませんでした。"
    return "どの規則にも当てはまりませんでした。"


def _inputs(facts: Facts, explanation: Explanation) -> dict[str, Fact]:
    """What mattered for the decision and, as periods and calendars go by them, the procedure and the district."""
    always = {name: facts[name] for name in CLOCKED_BY if name in facts}
    return always | {name: fact for name, fact in explanation.inputs.items() if isinstance(fact, (str, int, float))}


def _runners_up(table: RoutingTable, explanation: Explanation) -> tuple[RunnerUp, ...]:
    outranked = [RunnerUp(row) for row in explanation.verdict.outranked[:MOST_RUNNERS_UP]]
    return (
        *outranked,
        *(RunnerUp(miss.rule, miss.clause, table.asks[miss.rule, miss.clause]) for miss in explanation.near),
    )


def clock_of(facts: Facts, rule_set: RuleSet, route: Route) -> Clock:
    """How long a row gives, or the procedure, or what is usual."""
    return route.clock or rule_set.clocks.get(str(facts.get("procedure"))) or USUAL_CLOCK


def calendar_of(facts: Facts, rule_set: RuleSet) -> Calendar:
    """The calendar of the district's office where it has one of its own, or the city's."""
    own = rule_set.calendars.get(f"office-{facts.get('district')}")
    return own or next(iter(rule_set.calendars.values()))


def reassign(suggestion: str | None, department: str, rule_set: RuleSet, today: date) -> str | None:
    """Where a returned case goes: to the department its own desk names, if there is one today; None is triage."""
    if suggestion is None or suggestion == department or not rule_set.organisation.exists(suggestion, today):
        return None
    return suggestion
