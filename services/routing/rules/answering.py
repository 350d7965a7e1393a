"""What is answered when somebody asks why a case is where it is, and why it is not elsewhere: from the stored decision alone."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.routing.rules.assigning import Facts
from services.routing.rules.phrasing import Labels, Language, Speech
from services.routing.rules.refusing import Refusal, why_not
from services.routing.rules.rule_sets import RoutingTable, RuleSet
from services.routing.rules.wording import Audience, say_decision, say_refusal, say_triage

LANGUAGES: tuple[Language, ...] = ("ja", "ja-easy", "en")
AUDIENCES: tuple[Audience, ...] = ("staff", "citizen")
Said = Mapping[Audience, Mapping[Language, str]]


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


def say_why(rule_set: RuleSet, table: RoutingTable, rows: Sequence[str], inputs: Facts, day: date) -> Said:
    """Why the department of `rows` was made responsible on a day, or why a person had to say who is."""
    explanation = table.explainer.explain(inputs)
    decided = [table.routes[row].department for row in rows if row in explanation.verdict.decided]

    def say(speech: Speech, audience: Audience) -> str:
        if not decided or not rule_set.organisation.exists(decided[0], day):
            return say_triage(explanation, speech, audience)
        return say_decision(explanation, decided[0], speech, audience)

    return _in_all_registers(say, rule_set.labels)


def say_why_not(table: RoutingTable, inputs: Facts, department: str, labels: Labels) -> Denial:
    """Why `department` is not responsible."""
    refusals = why_not(table.table, inputs, department)
    said = _in_all_registers(lambda speech, audience: say_refusal(refusals, department, speech, audience), labels)
    return Denial(refusals, said)


def _in_all_registers(say: Callable[[Speech, Audience], str], labels: Labels) -> Said:
    return {audience: {each: say(Speech(each, labels), audience) for each in LANGUAGES} for audience in AUDIENCES}
