"""The statutory clock at a desk: what is asked of it, and what routing says of it."""

from datetime import date
from typing import Any

import pytest

from contracts.routing import StageDue
from tests.desk.conftest import RECEIPT, STAGES, Desk, moved, new_id, rerouted, staged

EXTEND = {"until": "2026-05-20", "reason": "主治医の意見書をお待ちしているため。"}
ENDED = (
    StageDue(name="assessment", due_on=date(2026, 4, 10), fixed=True, ended_on=date(2026, 4, 9)),
    StageDue(name="board", due_on=date(2026, 4, 21), fixed=True),
)


async def test_an_extension_is_announced_with_the_new_day_and_the_reason_once(desk: Desk) -> None:
    application_id, case_id = await desk.case()
    await desk.do(case_id, "claim")

    answers = [await desk.do(case_id, "extend", **EXTEND) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    (said,) = [event for event in await desk.said() if event["type"] == "case.extended"]
    about = {"application_id": str(application_id), "case_id": str(case_id), "receipt": RECEIPT, "staff": "sato"}
    assert said | about | EXTEND == said
    assert (await desk.see(case_id))["history"][-1]["ja"] == "期限を延長しました。"


@pytest.mark.parametrize(
    "due_on, until, code",
    [
        (date(2026, 4, 20), "2026-04-20", "extends-nothing"),
        (date(2026, 4, 10), "2026-05-20", "deadline-passed"),  # it is the 11th in Japan
        (date(2026, 4, 20), "9999-12-31", "extends-too-far"),
    ],
)
async def test_what_is_no_extension_is_refused_in_both_languages_and_not_announced(
    desk: Desk, due_on: date, until: str, code: str
) -> None:
    _, case_id = await desk.case(due_on=due_on)
    await desk.do(case_id, "claim")

    answer = await desk.do(case_id, "extend", until=until, reason="花子様の書類のため")

    assert (answer.status_code, answer.json()["type"]) == (409, f"urn:madoguchi:problem:{code}")
    assert "期限" in answer.json()["title"]
    assert any(word in answer.json()["title"] for word in ("day", "deadline", "year"))
    assert await desk.types() == ["case.claimed"]


async def test_of_two_extensions_before_routing_has_counted_the_first_the_second_must_go_further(desk: Desk) -> None:
    application_id, case_id = await desk.case()
    await desk.do(case_id, "claim")
    await desk.do(case_id, "extend", **EXTEND)

    refused = await desk.do(case_id, "extend", until="2026-05-19", reason="別の理由")
    await desk.read(
        moved(application_id, case_id, date(2026, 4, 21), cause="stage-ended")
    )  # said before it was extended
    still_refused = await desk.do(case_id, "extend", until="2026-05-20", reason="別の理由")
    further = await desk.do(case_id, "extend", until="2026-05-21", reason="別の理由")

    assert [answer.status_code for answer in (refused, still_refused, further)] == [409, 409, 200]
    assert refused.json()["type"] == "urn:madoguchi:problem:extends-nothing"
    assert [event["until"] for event in await desk.said() if event["type"] == "case.extended"] == [
        "2026-05-20",
        "2026-05-21",
    ]


@pytest.mark.parametrize("said", [{"until": "2026-05-20"}, {"until": "2026-05-20", "reason": ""}])
async def test_an_extension_without_a_reason_is_none(desk: Desk, said: dict[str, str]) -> None:
    _, case_id = await desk.case()
    await desk.do(case_id, "claim")

    assert (await desk.do(case_id, "extend", **said)).status_code == 422


async def test_a_stage_is_ended_today_and_one_that_waits_for_it_is_not_yet(desk: Desk) -> None:
    application_id, case_id = new_id(), new_id()
    await desk.read(staged(application_id, case_id))
    await desk.do(case_id, "claim")

    early = await desk.do(case_id, "end-stage", stage="board")
    unknown = await desk.do(case_id, "end-stage", stage="visit")
    answer = await desk.do(case_id, "end-stage", stage="assessment")

    assert [early.json()["type"], unknown.json()["type"]] == [
        "urn:madoguchi:problem:stage-waits",
        "urn:madoguchi:problem:no-such-stage",
    ]
    assert answer.status_code == 200
    (said,) = [event for event in await desk.said() if event["type"] == "case.stage-ended"]
    assert (said["stage"], said["ended_on"]) == ("assessment", "2026-04-11")


async def test_a_stage_that_routing_says_has_ended_is_not_ended_again_and_the_next_one_can_be(desk: Desk) -> None:
    application_id, case_id = new_id(), new_id()
    await desk.read(staged(application_id, case_id))
    await desk.do(case_id, "claim")

    await desk.read(moved(application_id, case_id, date(2026, 4, 20), cause="stage-ended", stages=ENDED))

    again = await desk.do(case_id, "end-stage", stage="assessment")
    assert again.json()["type"] == "urn:madoguchi:problem:stage-ended-already"
    assert (await desk.do(case_id, "end-stage", stage="board")).status_code == 200


async def test_a_case_shows_when_its_stages_are_due_and_which_is_late(desk: Desk) -> None:
    application_id, case_id = new_id(), new_id()
    await desk.read(staged(application_id, case_id))

    (found,) = (await desk.get("/v1/departments/residents/cases"))["cases"]

    assert (found["due_on"], found["overdue"]) == ("2026-04-20", True)
    assert [(stage["name"], stage["overdue"], stage["fixed"]) for stage in found["stages"]] == [
        ("assessment", True, True),
        ("board", False, False),
    ]
    assert (await desk.see(case_id))["stages"] == found["stages"]


async def test_while_the_clock_stands_still_no_day_is_due_and_then_the_new_one_is(desk: Desk) -> None:
    application_id, case_id = await desk.case(due_on=date(2026, 4, 10))

    await desk.read(moved(application_id, case_id, None))
    still = await desk.see(case_id)
    await desk.read(moved(application_id, case_id, date(2026, 4, 25), cause="correction-accepted"))
    going = await desk.see(case_id)

    assert _clock(still) == (None, True, False)
    assert _clock(going) == ("2026-04-25", False, False)
    assert [(step["what"], step["note"].get("due_on")) for step in going["history"][1:]] == [
        ("deadline-moved", None),
        ("deadline-moved", "2026-04-25"),
    ]


async def test_of_several_turns_in_one_batch_the_last_one_stands(desk: Desk) -> None:
    application_id, case_id = await desk.case()

    await desk.read(*(moved(application_id, case_id, day) for day in (None, date(2026, 4, 30), date(2026, 5, 7))))

    assert _clock(await desk.see(case_id)) == ("2026-05-07", False, False)


async def test_a_turn_read_twice_changes_nothing_of_how_the_clock_stands(desk: Desk) -> None:
    application_id, case_id = await desk.case()
    turn = moved(application_id, case_id, date(2026, 4, 30), stages=STAGES)
    await desk.read(turn)
    before = await desk.see(case_id)

    await desk.read(turn)

    assert await desk.see(case_id) | {"history": before["history"]} == before


async def test_a_case_that_moves_while_its_clock_stands_still_goes_on_standing_still_with_its_stages(
    desk: Desk,
) -> None:
    application_id, case_id = new_id(), new_id()
    await desk.read(staged(application_id, case_id), moved(application_id, case_id, None, stages=STAGES))

    await desk.read(rerouted(application_id, case_id))

    found = await desk.see(case_id)
    assert (found["department"], found["stands_still"], len(found["stages"])) == ("health-insurance", True, 2)


def _clock(case: dict[str, Any]) -> tuple[str | None, bool, bool]:
    return case["due_on"], case["stands_still"], case["overdue"]


async def test_a_stage_and_a_queue_are_shown_with_what_people_call_them(desk: Desk) -> None:
    names: Any = {"ja": "認定調査", "ja-easy": "調(しら)べる", "en": "assessment visit"}
    berm: Any = {"ja": "間口開け", "ja-easy": "家(いえ)の 前(まえ)の 雪(ゆき)", "en": "snow bank"}
    stage = StageDue(name="assessment", due_on=date(2026, 4, 10), fixed=True, names=names)
    opened = staged(new_id(), new_id()).model_copy(update={"stages": (stage,), "queue": "berm", "queue_names": berm})
    await desk.read(opened)

    (found,) = (await desk.get("/v1/departments/residents/cases?queue=berm"))["cases"]

    assert (found["queue"], found["queue_names"]) == ("berm", berm)
    assert [one["names"] for one in found["stages"]] == [names]
    await desk.read(rerouted(opened.application_id, opened.case_id))
    assert (await desk.see(opened.case_id))["queue_names"] is None
