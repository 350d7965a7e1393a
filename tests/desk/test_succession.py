"""A department that ended hands its open cases on."""

from datetime import date

import pytest

from services.desk import succession
from tests.desk.conftest import Desk

TO_SCHOOL = {"staff": "sato", "to": "school", "reason": "四月一日の組織改正のため。"}


async def test_undecided_cases_are_returned_naming_the_successor_and_the_rest_stay(desk: Desk) -> None:
    (_, fresh), (_, claimed), (_, decided) = [await desk.case("residents") for _ in range(3)]
    _, elsewhere = await desk.case("health-insurance")
    for case_id in (claimed, decided):
        await desk.do(case_id, "claim")
    await desk.do(decided, "decide", outcome="approved", explanation="要件を満たすため")

    answer = await desk.client.post("/v1/departments/residents/succession", json=TO_SCHOOL)

    assert answer.json() == {"handed_on": 2, "left": False}
    states = [(await desk.see(case_id))["state"] for case_id in (fresh, claimed, decided, elsewhere)]
    assert states == ["returned", "returned", "decided", "open"]
    said = [event for event in await desk.said() if event["type"] == "case.returned"]
    assert {event["case_id"] for event in said} == {str(fresh), str(claimed)}
    assert {(event["suggestion"], event["reason"], event["staff"]) for event in said} == {
        ("school", TO_SCHOOL["reason"], "sato")
    }
    step = (await desk.see(fresh))["history"][-1]
    assert (step["what"], step["staff"], step["note"]["to"]) == ("succession", "sato", "school")


async def test_handed_on_twice_is_handed_on_once(desk: Desk) -> None:
    await desk.case("residents")
    await desk.client.post("/v1/departments/residents/succession", json=TO_SCHOOL)

    again = await desk.client.post("/v1/departments/residents/succession", json=TO_SCHOOL)

    assert again.json() == {"handed_on": 0, "left": False}
    assert (await desk.types()).count("case.returned") == 1


async def test_many_cases_are_handed_on_a_part_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "MOST", 2)
    for day in (3, 1, 2):
        await desk.case("residents", date(2026, 5, day))

    first, second = [
        (await desk.client.post("/v1/departments/residents/succession", json=TO_SCHOOL)).json() for _ in range(2)
    ]

    assert (first, second) == ({"handed_on": 2, "left": True}, {"handed_on": 1, "left": False})


@pytest.mark.parametrize("code", ["school", "triage"])
async def test_a_department_succeeds_neither_itself_nor_triage(desk: Desk, code: str) -> None:
    _, case_id = await desk.case(code)

    answer = await desk.client.post(f"/v1/departments/{code}/succession", json=TO_SCHOOL)

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:madoguchi:problem:no-succession")
    assert (await desk.see(case_id))["state"] == "open"
