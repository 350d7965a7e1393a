import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from tests.desk.conftest import NOW, Desk, new_id, opened

APPROVED = {"outcome": "approved", "explanation": "要件を満たすため"}
MISSING = {"wanted": "住民票の続柄", "until": "2026-04-30"}
LONGER = {"until": "2026-05-20", "reason": "現地の確認に日数を要するため"}
TO_SUZUKI = {"to_staff": "suzuki", "reason": "休暇のため"}
RETURN = {"reason": "所管外のため", "suggestion": "school"}

Way = list[tuple[str, dict[str, Any]]]
CLAIM: Way = [("claim", {})]
WAYS: dict[str, tuple[Way, str]] = {
    "claim": (CLAIM, "case.claimed"),
    "handover": ([*CLAIM, ("handover", TO_SUZUKI)], "case.handed-over"),
    "request-correction": ([*CLAIM, ("request-correction", MISSING)], "case.correction-requested"),
    "extend": ([*CLAIM, ("extend", LONGER)], "case.extended"),
    "return": ([*CLAIM, ("return", RETURN)], "case.returned"),
    "decide": ([*CLAIM, ("decide", APPROVED)], "case.decided"),
    "close": ([*CLAIM, ("decide", APPROVED), ("close", {})], "case.closed"),
}


class TestWorking:
    async def test_a_case_is_claimed_decided_and_closed(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()

        answers = [await desk.do(case_id, command, **said) for command, said in WAYS["close"][0]]

        assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [
            (200, "claimed"),
            (200, "decided"),
            (200, "closed"),
        ]
        said = await desk.said()
        assert [event["type"] for event in said] == ["case.claimed", "case.decided", "case.closed"]
        assert {event["application_id"] for event in said} == {str(application_id)}
        assert said[1] | APPROVED == said[1]
        assert (said[2]["cause"], said[2]["staff"]) == ("decided", "sato")

    async def test_a_returned_case_says_who_may_be_responsible(self, desk: Desk) -> None:
        _, case_id = await desk.case()
        await desk.do(case_id, "claim")

        answer = await desk.do(case_id, "return", **RETURN)

        assert (answer.json()["state"], answer.json()["staff"]) == ("returned", None)
        returned = (await desk.said())[-1]
        assert (returned["staff"], returned["suggestion"]) == ("sato", "school")

    async def test_a_correction_that_never_comes_does_not_keep_a_case_from_being_decided(self, desk: Desk) -> None:
        _, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "request-correction", **MISSING)

        answer = await desk.do(case_id, "decide", outcome="refused", explanation="補正がないため")

        assert answer.json()["state"] == "decided"

    async def test_after_a_handover_the_colleague_goes_on_and_nobody_else(self, desk: Desk) -> None:
        _, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "handover", **TO_SUZUKI)

        assert (await desk.do(case_id, "decide", "sato", **APPROVED)).status_code == 409
        assert (await desk.do(case_id, "decide", "suzuki", **APPROVED)).status_code == 200

    @pytest.mark.parametrize("command", WAYS)
    async def test_a_command_sent_again_gets_the_same_answer_and_is_announced_once(
        self, desk: Desk, command: str
    ) -> None:
        _, case_id = await desk.case()
        way, announced = WAYS[command]
        answer, again = [await desk.do(case_id, step, **said) for step, said in [*way, way[-1]]][-2:]

        assert (again.status_code, again.content) == (200, answer.content)
        assert (await desk.types()).count(announced) == 1
        assert len((await desk.see(case_id))["history"]) == len(way) + 1

    async def test_of_two_who_claim_at_once_exactly_one_wins(self, desk: Desk) -> None:
        _, case_id = await desk.case()
        staff = ["sato", "suzuki", "tanaka", "takahashi"]

        answers = await asyncio.gather(*(desk.do(case_id, "claim", name) for name in staff))

        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        winner = next(answer.json()["staff"] for answer in answers if answer.status_code == 200)
        assert [said["staff"] for said in await desk.said()] == [winner]
        assert (await desk.see(case_id))["staff"] == winner

    async def test_the_same_command_twice_at_once_is_announced_once(self, desk: Desk) -> None:
        _, case_id = await desk.case()

        answers = await asyncio.gather(*(desk.do(case_id, "claim") for _ in range(4)))

        assert [answer.status_code for answer in answers] == [200] * 4
        assert await desk.types() == ["case.claimed"]


class TestRefusing:
    async def test_a_refusal_names_the_problem_and_says_what_to_do_in_japanese_and_english(self, desk: Desk) -> None:
        _, case_id = await desk.case()
        await desk.do(case_id, "claim")

        answer = await desk.do(case_id, "decide", "suzuki", **APPROVED)

        assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
        assert answer.json()["type"] == "urn:madoguchi:problem:claimed-by-another"
        assert answer.json()["title"] == (
            "この案件は他の職員が担当しております。その職員に引継ぎをご依頼ください。"
            " A colleague has this case: ask them to hand it over."
        )

    async def test_a_refused_command_announces_nothing(self, desk: Desk) -> None:
        _, case_id = await desk.case()

        answer = await desk.do(case_id, "close")

        assert (answer.status_code, answer.json()["type"]) == (409, "urn:madoguchi:problem:claim-first")
        assert await desk.said() == []

    @pytest.mark.parametrize("command", WAYS)
    async def test_an_unknown_case_is_404(self, desk: Desk, command: str) -> None:
        said = WAYS[command][0][-1][1]

        assert (await desk.do(new_id(), command, **said)).status_code == 404

    async def test_reading_an_unknown_case_is_404(self, desk: Desk) -> None:
        assert (await desk.client.get(f"/v1/cases/{new_id()}")).status_code == 404

    @pytest.mark.parametrize(
        "command, said, field",
        [
            ("claim", {"staff": "佐藤 太郎"}, "body.staff"),
            ("claim", {"staff": "sato", "staf": "sato"}, "body.staf"),
            ("handover", {"staff": "sato", "to_staff": "suzuki"}, "body.reason"),
            ("request-correction", {"staff": "sato", "wanted": "続柄", "until": "明日"}, "body.until"),
            ("return", {"staff": "sato", "reason": ""}, "body.reason"),
            ("decide", {"staff": "sato", "outcome": "maybe", "explanation": "花子"}, "body.outcome"),
        ],
    )
    async def test_a_faulty_field_is_named_and_its_value_not_repeated(
        self, desk: Desk, command: str, said: dict[str, str], field: str
    ) -> None:
        _, case_id = await desk.case()

        answer = await desk.client.post(f"/v1/cases/{case_id}/{command}", json=said)

        assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])
        assert not any(value in answer.text for value in ("佐藤", "明日", "花子", "maybe"))


class TestReading:
    async def test_a_case_shows_its_application_why_it_came_and_what_was_done(self, desk: Desk) -> None:
        _, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "handover", **TO_SUZUKI)

        found = await desk.see(case_id)

        assert found["application"]["applicant"] == {"name": "釧路 花子"}
        assert (found["decision"]["reason"], found["decision"]["rows"]) == ("転入", ["r1"])
        assert [(step["what"], step.get("staff")) for step in found["history"]] == [
            ("opened", None),
            ("claim", "sato"),
            ("handover", "sato"),
        ]
        assert found["history"][2]["note"] == {"staff": "sato"} | TO_SUZUKI
        assert (found["ja"], found["en"], found["withdrawn_at"]) == ("審査中", "Being examined", None)

    async def test_a_worklist_is_paged_by_due_date_and_shows_every_case_once(self, desk: Desk) -> None:
        days = [date(2026, 4, 20) + timedelta(days=day % 3) for day in range(25)]
        await desk.read(*(opened(new_id(), new_id(), due_on=day) for day in days))
        await desk.case("school")

        pages = [await desk.get("/v1/departments/residents/cases?limit=10")]
        while pages[-1]["next"]:
            pages.append(await desk.get(pages[-1]["next"]))

        found = [case for page in pages for case in page["cases"]]
        assert [len(page["cases"]) for page in pages] == [10, 10, 5]
        assert [case["due_on"] for case in found] == sorted(day.isoformat() for day in days)
        assert len({case["case_id"] for case in found}) == 25

    async def test_a_page_is_never_longer_than_the_settings_allow(self, desk: Desk) -> None:
        await desk.read(*(opened(new_id(), new_id()) for _ in range(12)))

        assert len((await desk.get("/v1/departments/residents/cases?limit=1000"))["cases"]) == 10

    async def test_a_full_last_page_has_no_next(self, desk: Desk) -> None:
        await desk.read(*(opened(new_id(), new_id()) for _ in range(10)))

        assert (await desk.get("/v1/departments/residents/cases?limit=10"))["next"] is None

    async def test_closed_cases_are_shown_to_whoever_asks_for_them(self, desk: Desk) -> None:
        _, case_id = await desk.case()
        _, other = await desk.case()
        for command, said in WAYS["close"][0]:
            await desk.do(case_id, command, **said)

        found = {state: await desk.get(f"/v1/departments/residents/cases{state}") for state in ("", "?state=closed")}

        assert [[case["case_id"] for case in page["cases"]] for page in found.values()] == [
            [str(other)],
            [str(case_id)],
        ]

    async def test_a_worklist_can_be_narrowed_to_one_state_across_its_pages(self, desk: Desk) -> None:
        cases = [(await desk.case())[1] for _ in range(4)]
        for case_id in cases[::2]:
            await desk.do(case_id, "claim")

        first = await desk.get("/v1/departments/residents/cases?state=claimed&limit=1")
        second = await desk.get(first["next"])

        found = {case["case_id"] for page in (first, second) for case in page["cases"]}
        assert (found, second["next"]) == ({str(cases[0]), str(cases[2])}, None)

    async def test_a_case_is_overdue_from_midnight_in_japan(self, desk: Desk) -> None:
        assert NOW.date() == date(2026, 4, 10)
        await desk.case(due_on=date(2026, 4, 10))
        await desk.case(due_on=date(2026, 4, 11))

        found = (await desk.get("/v1/departments/residents/cases"))["cases"]

        assert [(case["due_on"], case["overdue"]) for case in found] == [("2026-04-10", True), ("2026-04-11", False)]

    async def test_what_is_not_a_cursor_is_refused(self, desk: Desk) -> None:
        answer = await desk.client.get("/v1/departments/residents/cases?after=x")

        assert (answer.status_code, answer.json()["type"]) == (422, "urn:madoguchi:problem:not-a-cursor")

    async def test_a_department_without_cases_has_an_empty_worklist(self, desk: Desk) -> None:
        assert await desk.get("/v1/departments/nobody/cases") == {"cases": [], "next": None}
