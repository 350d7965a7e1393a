"""What is answered when somebody asks why a case is where it is, and why it is not elsewhere: from the stored decision alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from services.routing.rules.assigning import Facts, overlaid
from services.routing.rules.explaining import Explanation
from services.routing.rules.phrasing import LANGUAGES, Labels, Language, Speech
from services.routing.rules.refusing import Refusal, cells_against, why_not
from services.routing.rules.rule_sets import RoutingTable, RuleSet
from services.routing.rules.wording import APART, Audience, Nearly, say_decision, say_nearest, say_refusal, say_triage

AUDIENCES: tuple[Audience, ...] = ("staff", "citizen")
Said = Mapping[Audience, Mapping[Language, str]]


class StoredRunnerUp(Protocol):
    """A row that nearly decided, as it is stored."""

    @property
    def row(self) -> str: ...  # noqa: D102
    @property
    def failed(self) -> str | None: ...  # noqa: D102
    @property
    def asked(self) -> str | None: ...  # noqa: D102


class Stored(Protocol):
    """A decision as it is stored."""

    @property
    def table(self) -> str: ...  # noqa: D102
    @property
    def rows(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def inputs(self) -> Facts: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def runners_up(self) -> Sequence[StoredRunnerUp] | None: ...  # noqa: D102
    @property
    def missing(self) -> tuple[str, ...] | None: ...  # noqa: D102
    @property
    def overlays(self) -> tuple[str, ...] | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Denial:
    """Why a department is not responsible: rule by rule, the nearest first, and in words."""

    refusals: tuple[Refusal, ...]
    said: Said


def table_named(rule_set: RuleSet, name: str) -> RoutingTable:
    """The table of that name, an overlay's too. Raises LookupError when the rule set has none."""
    overlaid = (table for overlay in rule_set.overlays.values() for table in overlay.tables)
    found = next((one for one in (*rule_set.tables, *overlaid) if one.table.name == name), None)
    if found is None:
        raise LookupError(name)
    return found


def say_why(table: RoutingTable, decision: Stored, cause: str | None, labels: Labels) -> Said:
    """Why the department of this case was made responsible or, with a `cause`, why a person had to say who is."""
    explanation, missing = table.explainer.explain(decision.inputs), (decision.missing if cause else None) or ()
    department = None if cause else table.routes[decision.rows[0]].department
    nearest = _nearest(table, decision)

    def say(speech: Speech, audience: Audience) -> str:
        near = say_nearest(nearest, department, speech, audience, missing=bool(missing))
        if department is not None:
            mine = _of_rows(table, explanation, decision)
            return say_decision(mine, department, speech, audience) + _after(near, speech)
        if audience == "staff" and not missing and _could_not_be_carried_out(explanation, cause):
            return decision.reason
        return say_triage(explanation, missing, speech, audience) + _after(
            "" if explanation.verdict.conflict else near, speech
        )

    return _in_all_registers(say, labels)


def _nearest(table: RoutingTable, decision: Stored) -> list[Nearly]:
    return [
        Nearly(one.row, table.routes[one.row].department, one.failed, one.asked) for one in decision.runners_up or ()
    ]


def _after(sentence: str, speech: Speech) -> str:
    return APART[speech.language] + sentence if sentence else ""


def _could_not_be_carried_out(explanation: Explanation, cause: str | None) -> bool:
    """Whether the rules decided, and what they said was no department of that day, no day of the calendar, or contradictory."""
    verdict = explanation.verdict
    return bool(verdict.decided) or (cause != "no-match" and not verdict.conflict)


def _of_rows(table: RoutingTable, explanation: Explanation, decision: Stored) -> Explanation:
    """The explanation of one case alone, where a table opened several, or several rows one."""
    names = (clause.name for clause in table.table.inputs)
    asked = tuple(name for name in names if any(table.asks[row, name] != "-" for row in decision.rows))
    verdict = replace(explanation.verdict, decided=tuple(decision.rows), asked=asked)
    return explanation._replace(verdict=verdict, inputs=decision.inputs)


def say_why_not(rule_set: RuleSet, decision: Stored, department: str) -> Denial:
    """Why `department` is not responsible: by the rules for it in all tables that were asked, the nearest first.

    Of a fact that is not among those kept it is said that it was missing only where the decision would have kept it.
    """
    asked = overlaid(rule_set, decision.overlays or ()).tables
    missing = _missing(table_named(rule_set, decision.table), decision)
    found = [refusal for table in asked for refusal in _refusals(table, decision, department, missing)]
    refusals = tuple(sorted(found, key=cells_against))
    labels = rule_set.labels
    said = _in_all_registers(lambda speech, audience: say_refusal(refusals, department, speech, audience), labels)
    return Denial(refusals, said)


def _refusals(table: RoutingTable, decision: Stored, department: str, missing: set[str]) -> list[Refusal]:
    names = {clause.name for clause in table.table.inputs}
    found = why_not(table.table, decision.inputs, department, names - set(decision.inputs) - missing)
    return [_outranked(one, decision) if table.table.name == decision.table else one for one in found]


def _outranked(refusal: Refusal, decision: Stored) -> Refusal:
    """A row that is stored as one that held did hold, by whatever facts."""
    held = {one.row for one in decision.runners_up or () if one.failed is None and not decision.missing}
    return Refusal(refusal.rule, (), tuple(decision.rows)) if refusal.rule in held and decision.rows else refusal


def _missing(table: RoutingTable, decision: Stored) -> set[str]:
    """The inputs whose facts a decision keeps where there are any: those that are not among the kept ones were missing."""
    near = {one.failed for one in decision.runners_up or () if one.failed}
    names = [clause.name for clause in table.table.inputs]
    mattered = {name for name in names if any(table.asks[row, name] != "-" for row in decision.rows)}
    all_of_it = set[str]() if decision.rows or decision.missing else set(names)
    return near | mattered | all_of_it | set(decision.missing or ())


def _in_all_registers(say: Callable[[Speech, Audience], str], labels: Labels) -> Said:
    return {audience: {each: say(Speech(each, labels), audience) for each in LANGUAGES} for audience in AUDIENCES}
