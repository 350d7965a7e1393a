"""Which departments a case may be for, and what speaks for each: for a person who triages. Nothing is applied.

From the past: cases that staff moved, and cases that stayed. Said are facts that rules ask for and counts, never what staff wrote
as a reason. From free text: the parts of the text itself that speak for a department, by a model that a setting names.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Tx
from contracts.envelope import Event
from contracts.routing import Decision, DepartmentsSuggested, PastCases, SuggestedByPast, SuggestedByText, TextPiece
from services.routing import free_text, moves, questions, store
from services.routing.free_text import FreeTextModel, TextSuggestion
from services.routing.questions import Question
from services.routing.rules.assigning import TRIAGE, Facts
from services.routing.rules.clock import local_day
from services.routing.rules.phrasing import LANGUAGES, Labels, Language, Speech
from services.routing.rules.reroutes import Kept, Reroute, ended_at
from services.routing.rules.resemblance import Candidate, Past, put_in_words
from services.routing.store import RoutedCase

MOST_PAST = 1_000
"""Of cases moved, and of cases that stayed, so many are looked at, the newest."""
MOST_ANSWERED = 10
"""Questions a transaction answers, of some milliseconds each: decisions of other cases are made meanwhile on the same loop."""
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


async def answer(tx: Tx, texts: Texts) -> tuple[int, list[Event]]:
    """Suggest departments for the cases that have waited longest: a command. Returns how many questions are through.

    A case that is not in triage any more, or for which nothing speaks, is told nothing.
    """
    asked = await questions.take(tx, MOST_ANSWERED)
    there = await past(tx) if asked else []
    found = [await _answered(tx, question, there, texts) for question in asked]
    return len(asked), [event for event in found if event is not None]


async def _answered(
    tx: Tx, question: Question, past: Collection[Reroute | Kept], texts: Texts
) -> DepartmentsSuggested | None:
    case = await store.case(tx, question.case_id)
    if case is None or case.department != TRIAGE:
        return None
    found = await suggested(tx, case, question.facts, past, texts)
    return found if found and (found.from_past or found.from_text) else None


async def past(tx: Tx, *, but: UUID | None = None) -> list[Reroute | Kept]:
    """What there is to compare with, without the case `but`; those that wait in triage are none."""
    return [*await moves.past_moves(tx, MOST_PAST, but=but), *await moves.kept_cases(tx, MOST_PAST, but=but)]


async def suggested(
    tx: Tx, case: RoutedCase, given: Facts, past: Collection[Reroute | Kept], texts: Texts
) -> DepartmentsSuggested | None:
    """Departments that exist today, by the facts that the decision names and those that are `given`.

    None where this release cannot read the rules of the decision.
    """
    decision = Decision.model_validate_json(case.decision)
    rule_set = await store.rule_set(tx, decision.rule_set)
    if rule_set is None:
        return None
    facts = {**given, **decision.inputs}
    telling = {name: fact for name, fact in facts.items() if name != texts.fact}
    there = {unit.code for unit in rule_set.organisation.units_on(local_day(tx.now))}
    like = Past([one for one in past if ended_at(one) in there]).suggest(telling)
    return DepartmentsSuggested(
        application_id=case.application_id,
        case_id=case.case_id,
        receipt=case.receipt,
        at=tx.now,
        from_past=tuple(_by_past(one, rule_set.labels) for one in like),
        from_text=tuple(_by_text(one, rule_set.labels) for one in _from_text(texts, facts) if one.department in there),
    )


def _by_past(candidate: Candidate, labels: Labels) -> SuggestedByPast:
    because = candidate.because
    return SuggestedByPast(
        department=candidate.department,
        score=round(candidate.score, 3),
        because=PastCases(shared=dict(because.shared), went=because.went, cases=because.cases),
        said={each: put_in_words(candidate, Speech(each, labels)) for each in LANGUAGES},
    )


def _from_text(texts: Texts, facts: Facts) -> Iterator[TextSuggestion]:
    text = facts.get(texts.fact)
    if texts.model is not None and isinstance(text, str):
        yield from (found for found in free_text.suggest(texts.model, text) if found.pieces)


def _by_text(found: TextSuggestion, labels: Labels) -> SuggestedByText:
    return SuggestedByText(
        department=found.department,
        score=round(found.score, 3),
        pieces=tuple(TextPiece(text=piece.text, weight=round(piece.weight, 3)) for piece in found.pieces),
        said={each: _say(found, Speech(each, labels)) for each in LANGUAGES},
    )


def _say(found: TextSuggestion, speech: Speech) -> str:
    pieces = "".join(QUOTED[speech.language].format(piece.text) for piece in found.pieces).rstrip()
    return BY_TEXT[speech.language].format(pieces=pieces, department=speech.call(found.department))
