"""Which departments a case may be for, over HTTP: what a person who triages is shown, with what speaks for it. Nothing is applied.

From the past: cases that staff moved, and cases that stayed. Shown are facts that rules ask for and counts, never what staff wrote
as a reason. From free text: the parts of the text itself that speak for a department, by a model that a setting names.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from chassis.commands import Commands
from chassis.database import Tx
from chassis.errors import Refused
from contracts.channels import Fact, FactName
from contracts.envelope import Model
from contracts.routing import Decision
from services.routing import free_text, moves, store
from services.routing.free_text import FreeTextModel, TextSuggestion
from services.routing.rules.answering import LANGUAGES
from services.routing.rules.assigning import Facts
from services.routing.rules.clock import local_day
from services.routing.rules.phrasing import Language, Speech
from services.routing.rules.reroutes import ended_at
from services.routing.rules.resemblance import Candidate, put_in_words, suggest_for
from services.routing.rules.rule_sets import RuleSet

MOST_PAST = 1_000
"""Of cases moved, and of cases that stayed, so many are looked at, the newest."""
Words = Mapping[Language, str]
BY_TEXT: Words = {
    "ja": "文章の中の{pieces}から、{department}の可能性があります。",
    "ja-easy": "文(ぶん)の {pieces}から、{department}かも しれません。",
    "en": "{pieces} in the text speaks for {department}.",
}
QUOTED: Words = {"ja": "「{}」", "ja-easy": "「{}」", "en": "“{}” "}


@dataclass(frozen=True, slots=True)
class Texts:
    """The fact in which applicants write freely, never compared or shown, and a trained model if the city has one."""

    fact: str
    model: FreeTextModel | None = None


REMARK = Texts("remark")


class Asked(Model):
    """A case as whoever triages has it before them: routing itself keeps only what its rules ask for."""

    model_config = ConfigDict(extra="forbid")

    facts: Annotated[dict[FactName, Fact], Field(max_length=64)]


def add_routes(app: FastAPI, commands: Commands, texts: Texts = REMARK) -> None:
    """One question, by what is stored or with all facts of the application; of those nothing is kept."""

    @app.get("/v1/cases/{case_id}/suggestions")
    async def suggestions(case_id: UUID) -> JSONResponse:
        """Departments that may be responsible, from the facts that the decision names."""
        return JSONResponse(await commands.query(lambda tx: _suggested(tx, case_id, {}, texts)))

    @app.post("/v1/cases/{case_id}/suggestions")
    async def suggestions_with(case_id: UUID, asked: Asked) -> JSONResponse:
        """The same from all facts of the application, the free text among them."""
        return JSONResponse(await commands.query(lambda tx: _suggested(tx, case_id, asked.facts, texts)))


async def _suggested(tx: Tx, case_id: UUID, given: Facts, texts: Texts) -> dict[str, Any]:
    case = await store.case(tx, case_id)
    if case is None:
        raise Refused(404, "no-such-case", "この案件は見つかりません。番号をお確かめください。 There is no such case.")
    decision = Decision.model_validate_json(case.decision)
    rule_set = await store.rule_set(tx, decision.rule_set)
    if rule_set is None:
        words = "この決定の規則は、今の版では読めません。 The rules of this decision cannot be read by this release."
        raise Refused(410, "rule-set-unreadable", words)
    facts = {**given, **decision.inputs}
    telling = {name: fact for name, fact in facts.items() if name != texts.fact}
    there = {unit.code for unit in rule_set.organisation.units_on(local_day(tx.now))}
    past = [*await moves.past_moves(tx, MOST_PAST, but=case_id), *await moves.kept_cases(tx, MOST_PAST, but=case_id)]
    return {
        "case_id": str(case_id),
        "from_past": [
            _from_past(one, rule_set)
            for one in suggest_for(telling, [case for case in past if ended_at(case) in there])
        ],
        "from_text": [_of_text(one, rule_set) for one in _from_text(texts, facts) if one.department in there],
    }


def _from_past(candidate: Candidate, rule_set: RuleSet) -> dict[str, Any]:
    because = candidate.because
    return {
        "department": candidate.department,
        "score": round(candidate.score, 3),
        "because": {"shared": dict(because.shared), "went": because.went, "cases": because.cases},
        "said": {each: put_in_words(candidate, Speech(each, rule_set.labels)) for each in LANGUAGES},
    }


def _from_text(texts: Texts, facts: Facts) -> list[TextSuggestion]:
    text = facts.get(texts.fact)
    if texts.model is None or not isinstance(text, str):
        return []
    return [found for found in free_text.suggest(texts.model, text) if found.pieces]


def _of_text(found: TextSuggestion, rule_set: RuleSet) -> dict[str, Any]:
    return {
        "department": found.department,
        "score": round(found.score, 3),
        "pieces": [{"text": piece.text, "weight": round(piece.weight, 3)} for piece in found.pieces],
        "said": {each: _say(found, Speech(each, rule_set.labels)) for each in LANGUAGES},
    }


def _say(found: TextSuggestion, speech: Speech) -> str:
    pieces = "".join(QUOTED[speech.language].format(piece.text) for piece in found.pieces).rstrip()
    return BY_TEXT[speech.language].format(pieces=pieces, department=speech.call(found.department))
