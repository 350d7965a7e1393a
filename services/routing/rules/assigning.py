"""Who is responsible for an application, until when, and why. What no rule decides, a person does: never dropped, never guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

from services.routing.rules.calendars import Calendar, NotCovered
from services.routing.rules.clock import Clock, Period, due
from services.routing.rules.compiling import positions
from services.routing.rules.completions import Weighed, weigh
from services.routing.rules.explaining import Explanation
from services.routing.rules.rule_sets import Route, RoutingTable, RuleSet
from services.routing.rules.tables import SINGLE
from services.routing.rules.unknowns import Look, look, telling

Fact = str | int | float | bool
Facts = Mapping[str, Fact]
Cause = Literal["no-match", "conflict", "unknown-department", "returned"]

TRIAGE = "triage"
TRIAGE_TIME = timedelta(days=3)
CLOCKED_BY = ("procedure", "district")
MOST_RUNNERS_UP = 3
ALL, ELSE = "規則で", "ほかの課の手続きが要るかどうか"
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
    queue: str | None = None
    """Where within the department, if the row says so."""


def assign(facts: Facts, rule_set: RuleSet, received: date, overlays: Sequence[str] = ()) -> list[Assignment]:
    """One assignment a case: several where the deciding table collects (a life event), one to triage where nothing decides.

    A fact that the application must carry and does not is never taken for nothing: where another answer would lead elsewhere, a
    person asks. `overlays` are the names of those that were on when the application was received; one that the rule set lacks is
    passed over.
    """
    rule_set = overlaid(rule_set, overlays) if overlays else rule_set
    looked = look([one.compiled for one in rule_set.tables], facts, rule_set.needs.get(str(facts.get("procedure"))))
    table = rule_set.tables[len(looked) - 1]
    explanation = table.explainer.explain(facts)
    case = _Case(rule_set, received, table, explanation, looked, _inputs(facts, explanation, looked))
    weighed = weigh(looked)
    return _as_it_is(case) if weighed is None else _as_completed(case, weighed)


@dataclass(frozen=True, slots=True)
class _Case:
    """An application before a table. `table` is the one that decides as it is, with missing facts as nothing."""

    rule_set: RuleSet
    received: date
    table: RoutingTable
    explanation: Explanation
    looked: tuple[Look, ...]
    inputs: dict[str, Fact]


def _as_it_is(case: _Case) -> list[Assignment]:
    verdict, runners_up = case.explanation.verdict, _runners_up(case.table, case.explanation)
    if verdict.conflict:
        return [_contradicted(case, case.table, verdict.held, runners_up)]
    if not verdict.decided:
        return [_to_triage(case, case.table, "no-match", "どの規則にも当てはまりませんでした。", runners_up=runners_up)]
    return [_assigned(case, case.table, (row,), runners_up) for row in verdict.decided]


def _as_completed(case: _Case, weighed: Weighed) -> list[Assignment]:
    """What stands whatever the missing facts are and, where they matter, a person who asks for them."""
    table = case.rule_set.tables[weighed.looked]
    name = [rule.name for rule in table.table.rules]
    if weighed.conflict:
        return [_contradicted(case, table, tuple(name[rule] for rule in weighed.conflict), ())]
    opened = [_assigned(case, table, tuple(name[rule] for rule in rules), ()) for rules in weighed.cases]
    if not weighed.missing:
        return opened
    missing = "、".join(case.rule_set.labels.get(fact, {}).get("ja", fact) for fact in weighed.missing)
    reason = f"{missing} がわからないため、{ELSE if opened else ALL}決められませんでした。"
    possible = _possible(table, case.looked[weighed.looked])
    doubt = _to_triage(case, table, "no-match", reason, runners_up=possible)
    return [*opened, replace(doubt, missing=weighed.missing)]


def _possible(table: RoutingTable, look: Look) -> tuple[RunnerUp, ...]:
    """The first row of each department that may be responsible, and which answer makes it so where it hangs on one alone."""
    found: dict[str, RunnerUp] = {}
    for at in positions(look.possible if table.table.policy in SINGLE else look.possible ^ look.held):
        rule = table.table.rules[at]
        open_ = [table.table.inputs[each].name for each in look.unknown if rule.cells[each].tests]
        asked = (open_[0], table.asks[rule.name, open_[0]]) if open_ else ()
        if len(open_) < 2:
            found.setdefault(table.routes[rule.name].department, RunnerUp(rule.name, *asked))
    return tuple(found.values())[:MOST_RUNNERS_UP]


def overlaid(rule_set: RuleSet, names: Sequence[str]) -> RuleSet:
    """The rule set with overlays upon it, the one switched on last uppermost."""
    for overlay in (rule_set.overlays[name] for name in names if name in rule_set.overlays):
        rule_set = replace(
            rule_set,
            tables=(*overlay.tables, *rule_set.tables),
            clocks={**rule_set.clocks, **overlay.clocks},
            stages={**rule_set.stages, **overlay.stages},
        )
    return rule_set


def _assigned(case: _Case, table: RoutingTable, rows: tuple[str, ...], runners_up: tuple[RunnerUp, ...]) -> Assignment:
    route, named = table.routes[rows[0]], "、".join(rows)
    if not case.rule_set.organisation.exists(route.department, case.received):
        reason = f"規則 {named} の担当課 {route.department} が組織表にありません。"
        return _to_triage(case, table, "unknown-department", reason, rows, runners_up)
    try:
        due_on = due(
            clock_of(case.inputs, case.rule_set, route), calendar_of(case.inputs, case.rule_set), case.received
        )
    except NotCovered as error:
        reason = f"規則 {named} の期限を数えられませんでした（{error}）。"
        return _to_triage(case, table, "conflict", reason, rows, runners_up)
    return Assignment(
        table.table.name,
        route.department,
        due_on,
        rows,
        case.inputs,
        route.reason,
        runners_up,
        queue=route.queue,
    )


def _contradicted(
    case: _Case, table: RoutingTable, rows: tuple[str, ...], runners_up: tuple[RunnerUp, ...]
) -> Assignment:
    return _to_triage(case, table, "conflict", f"規則 {'、'.join(rows)} の判断が食い違いました。", rows, runners_up)


def _to_triage(
    case: _Case,
    table: RoutingTable,
    cause: Cause,
    reason: str,
    rows: tuple[str, ...] = (),
    runners_up: tuple[RunnerUp, ...] = (),
) -> Assignment:
    due_on = case.received + TRIAGE_TIME
    return Assignment(table.table.name, TRIAGE, due_on, rows, case.inputs, reason, runners_up, cause=cause)


def _inputs(facts: Facts, explanation: Explanation, looked: Sequence[Look]) -> dict[str, Fact]:
    """What mattered for the decision and what keeps other rows out of the question.

    As periods and calendars go by them, the procedure and the district are always among it.
    """
    kept = {name: fact for name, fact in explanation.inputs.items() if isinstance(fact, (str, int, float))}
    kept |= {name: facts[name] for name in CLOCKED_BY if name in facts}
    return kept | {name: facts[name] for name in sorted(telling(looked, facts, kept))}


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
