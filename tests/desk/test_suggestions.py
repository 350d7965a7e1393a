"""What the desk shows to whoever triages: the departments that routing suggests, as long as the case is in triage."""

from typing import Any

from contracts.routing import DepartmentsSuggested, PastCases, SuggestedByPast, SuggestedByText, TextPiece
from tests.desk.conftest import NOW, RECEIPT, Desk, new_id, rerouted, sent_to_triage

SAID: Any = {
    "ja": "過去の3件のうち2件は、ごみ課が担当しました。",
    "ja-easy": "ごみの 課(か)です。",
    "en": "Waste had 2 of 3.",
}
BY_PAST = SuggestedByPast(
    department="waste", score=0.7, because=PastCases(shared={"procedure": "ghosts"}, went=2, cases=3), said=SAID
)
BY_TEXT = SuggestedByText(department="roads", score=0.9, pieces=(TextPiece(text="除雪車", weight=1.5),), said=SAID)
NOTHING = {"at": None, "from_past": [], "from_text": []}


def suggested(case: Any, **found: Any) -> DepartmentsSuggested:
    return DepartmentsSuggested(
        application_id=case.application_id, case_id=case.case_id, receipt=RECEIPT, at=NOW, **found
    )


async def test_a_case_in_triage_shows_who_may_have_it_and_why_and_stays_where_it_is(desk: Desk) -> None:
    waiting = sent_to_triage(new_id(), new_id())
    await desk.read(waiting)
    before = await desk.see(waiting.case_id)

    await desk.read(suggested(waiting, from_past=(BY_PAST,), from_text=(BY_TEXT,)))

    found = await desk.see(waiting.case_id)
    assert before["suggestions"] == NOTHING
    assert found["suggestions"]["at"] == NOW.isoformat()
    (past,), (text,) = found["suggestions"]["from_past"], found["suggestions"]["from_text"]
    assert (past["department"], past["because"]) == (
        "waste",
        {"shared": {"procedure": "ghosts"}, "went": 2, "cases": 3},
    )
    assert (text["department"], text["pieces"], text["said"]["ja"]) == (
        "roads",
        [{"text": "除雪車", "weight": 1.5}],
        SAID["ja"],
    )
    assert found | {"suggestions": NOTHING} == before
    assert await desk.types() == []


async def test_what_was_suggested_last_is_shown_also_where_it_is_read_twice(desk: Desk) -> None:
    waiting = sent_to_triage(new_id(), new_id())
    first, second = suggested(waiting, from_past=(BY_PAST,)), suggested(waiting, from_text=(BY_TEXT,))

    await desk.read(waiting, first, second, second)

    assert [one["department"] for one in (await desk.see(waiting.case_id))["suggestions"]["from_text"]] == ["roads"]
    assert (await desk.see(waiting.case_id))["suggestions"]["from_past"] == []


async def test_once_a_department_has_the_case_nothing_is_suggested_any_more(desk: Desk) -> None:
    application_id, case_id = new_id(), new_id()
    await desk.read(sent_to_triage(application_id, case_id))
    await desk.read(suggested(sent_to_triage(application_id, case_id), from_past=(BY_PAST,)))

    await desk.read(rerouted(application_id, case_id))

    assert (await desk.see(case_id))["suggestions"] == NOTHING


async def test_a_suggestion_for_another_case_is_not_shown_here(desk: Desk) -> None:
    one, other = sent_to_triage(new_id(), new_id()), sent_to_triage(new_id(), new_id())

    await desk.read(one, other)
    await desk.read(suggested(other, from_past=(BY_PAST,)))

    assert (await desk.see(one.case_id))["suggestions"] == NOTHING
