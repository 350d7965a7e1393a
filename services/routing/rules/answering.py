"""What is answered when somebody asks why a case is where it is, and why it is not elsewhere: from the stored decision alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from services.routing.rules.assigning import Facts, overlaid
from services.routing.rules.explaining import Explanation
from services.routing.rules.phrasing import Labels, Language, Speech
from services.routing.rules.refusing import Refusal, why_not
from services.routing.rules.rule_sets import RoutingTable, RuleSet
from services.routing.rules.wording import Audience, say_decision, say_refusal, say_triage

LANGUAGES: tuple[Language, ...] = ("ja", "ja-easy", "en")
AUDIENCES: tuple[Audience, ...] = ("staff", "citizen")
Said = Mapping[Audience, Mapping[Language, str]]


class Stored(Protocol):
    """A decision as it is stored."""

    @property
    def rows(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def inputs(self) -> Facts: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
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
    explanation = table.explainer.explain(decision.inputs)

    def say(speech: Speech, audience: Audience) -> str:
        if cause is None:
            mine = _of_rows(table, explanation, decision.rows)
            return say_decision(mine, table.routes[decision.rows[0]].department, speech, audience)
        if explanation.verdict.decided and audience == "staff":
            return decision.reason  # the rules decided, and what they said could not be carried out
        return say_triage(explanation, speech, audience)

    return _in_all_registers(say, labels)


def _of_rows(table: RoutingTable, explanation: Explanation, rows: Sequence[str]) -> Explanation:
    """The explanation of one case alone, where a table opened several."""
    asked = tuple(name for name in explanation.verdict.asked if any(table.asks[row, name] != "-" for row in rows))
    return explanation._replace(verdict=replace(explanation.verdict, decided=tuple(rows), asked=asked))


def say_why_not(rule_set: RuleSet, decision: Stored, department: str) -> Denial:
    """Why `department` is not responsible: by the rules for it in all tables that were asked, the nearest first."""
    asked = overlaid(rule_set, decision.overlays or ()).tables
    found = [refusal for table in asked for refusal in why_not(table.table, decision.inputs, department)]
    refusals = tuple(sorted(found, key=lambda refusal: len(refusal.failed)))
    labels = rule_set.labels
    said = _in_all_registers(lambda speech, audience: say_refusal(refusals, department, speech, audience), labels)
    return Denial(refusals, said)


def _in_all_registers(say: Callable[[Speech, Audience], str], labels: Labels) -> Said:
    return {audience: {each: say(Speech(each, labels), audience) for each in LANGUAGES} for audience in AUDIENCES}
