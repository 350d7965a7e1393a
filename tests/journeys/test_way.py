"""The way of an application through all services."""

import asyncio
import hashlib
import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import httpx

from console.plain import PLAIN
from deploy.local import mail
from tests.journeys.conftest import RunningCity, event, submission
from tests.staff import as_staff


async def test_an_application_goes_the_whole_way(city: RunningCity) -> None:
    sent = submission(procedure="graffiti")
    receipt = await city.submit(sent)
    await city.until(receipt, "case.opened")
    (case,) = await _cases(city, sent["subject"])
    assert case["department"] == "shimin-seikatsu"

    for command, said in (
        ("claim", {}),
        ("decide", {"outcome": "approved", "explanation": "消去の手配をいたしました。"}),
        ("close", {}),
    ):
        assert (await city.work(case["case_id"], command, **said)).status_code == 200
    found = await city.until(receipt, "record.sealed", seconds=60)

    assert {"application.accepted", "case.opened", "case.claimed", "case.decided", "case.closed"} <= set(found)
    mails = [letter for letter in _letters(city) if letter["To"] == f"{sent['subject']}@example.jp"]
    assert len(mails) == 2
    async with httpx.AsyncClient(headers=as_staff(city.city, "auditor"), verify=PLAIN) as client:
        record = await client.get(f"{city.url('archive')}/v1/records/{receipt}?purpose=supervision")
        chain = await client.get(f"{city.url('archive')}/v1/chain/verify")
    body = record.json()
    assert body["application_id"] == sent["subject"]
    assert all(hashlib.sha256(kept["body"].encode()).hexdigest() == kept["digest"] for kept in body["events"])
    assert {json.loads(kept["body"])["type"].split(".")[2] for kept in body["events"]} == {
        "application",
        "case",
        "notice",
    }
    assert chain.json()["intact"] is True


async def test_an_application_submitted_twice_is_routed_once(city: RunningCity) -> None:
    sent = submission()
    receipt = await city.submit(sent)

    again = await city.submit(sent)
    await city.publish([sent, sent])

    assert again == receipt
    await city.everywhere({sent["subject"]})


async def test_an_application_nobody_is_responsible_for_waits_in_triage_and_is_rerouted_by_a_person(
    city: RunningCity,
) -> None:
    sent = submission(procedure="nobody.knows-this")
    receipt = await city.submit(sent)
    await city.until(receipt, "case.sent-to-triage")
    (case,) = await _cases(city, sent["subject"])
    assert case["department"] == "triage"

    await city.work(case["case_id"], "claim")
    await city.work(case["case_id"], "return", reason="市民生活課の所管です。", suggestion="shimin-seikatsu")

    await city.until(receipt, "case.rerouted")
    (case,) = await _cases(city, sent["subject"], department="shimin-seikatsu")
    assert case["state"] == "open"


async def test_a_withdrawn_application_is_closed_everywhere(city: RunningCity) -> None:
    sent = submission(procedure="graffiti")
    receipt = await city.submit(sent)
    application_id = UUID(sent["subject"])
    withdrawal = {"application_id": str(application_id), "withdrawn_at": "2026-11-25T00:00:00Z"}
    await city.publish([event("withdrawn", application_id, withdrawal)])

    found = await city.until(receipt, "record.sealed", seconds=60)

    assert "case.closed" in found


async def test_a_correction_reaches_the_clerk_who_asked_for_it(city: RunningCity) -> None:
    sent = submission(procedure="graffiti")
    receipt = await city.submit(sent)
    await city.until(receipt, "case.opened")
    (case,) = await _cases(city, sent["subject"])
    await city.work(case["case_id"], "claim")
    asked = await city.work(
        case["case_id"], "request-correction", wanted="写真を一枚お送りください。", until="2030-01-31"
    )
    assert asked.status_code == 200, asked.text
    await city.until(receipt, "case.correction-requested")

    application_id = UUID(sent["subject"])
    supplied = {"application_id": str(application_id), "submitted_at": "2026-11-25T00:00:00Z", "facts": {"photos": 1}}
    await city.submit(event("correction-submitted", application_id, supplied))

    (case,) = await _cases(city, sent["subject"], state="claimed")
    assert case["staff"] == "demo"


async def test_the_days_until_a_correction_comes_do_not_count_and_an_extension_is_mailed_with_its_reason(
    city: RunningCity,
) -> None:
    sent = submission(procedure="care.certification")
    receipt = await city.submit(sent)
    application_id = sent["subject"]
    await city.until(receipt, "case.opened")
    (case,) = await _cases(city, application_id)
    due_on: date = case["due_on"]
    await city.work(case["case_id"], "claim")
    await city.work(case["case_id"], "request-correction", wanted="医療保険証の写し", until="2030-01-31")
    await _cases(city, application_id, stands_still=True)
    assert (await _see(city, case["case_id"]))["due_on"] is None

    await _as_if_days_ago(city, application_id, received=10, asked=3)
    await city.submit(
        event("correction-submitted", UUID(application_id), CORRECTION | {"application_id": application_id})
    )
    (case,) = await _cases(city, application_id, stands_still=False)
    assert case["due_on"] == due_on - timedelta(10) + timedelta(3)

    until: date = case["due_on"] + timedelta(14)
    longer = {"until": until.isoformat(), "reason": "主治医の意見書をお待ちしているため。"}
    assert (await city.work(case["case_id"], "extend", **longer)).status_code == 200
    await _cases(city, application_id, due_on=until)
    assert (await city.work(case["case_id"], "end-stage", stage="assessment")).status_code == 200
    timeline = await city.until(receipt, "notice.sent.v2")
    async with asyncio.timeout(30):
        while (stages := (await _see(city, case["case_id"]))["stages"])[0]["ended_on"] is None:
            await asyncio.sleep(0.1)

    assert [(stage["name"], stage["fixed"]) for stage in stages] == [
        ("assessment", True),
        ("opinion", True),
        ("board", False),
    ]
    assert timeline.count("case.deadline-moved") >= 3
    mails = [letter for letter in _letters(city) if letter["To"] == f"{application_id}@example.jp"]
    (extension,) = [letter for letter in mails if "延長" in str(letter["Subject"])]
    assert f"{until.year}年{until.month}月{until.day}日" in extension.get_content()
    assert longer["reason"] in extension.get_content()


async def test_the_open_cases_of_a_department_that_ended_follow_to_its_successor_and_to_nobody_that_is_gone(
    city: RunningCity,
) -> None:
    sent = submission(procedure="waste.bulky")
    receipt = await city.submit(sent)
    await city.until(receipt, "case.opened")
    (case,) = await _cases(city, sent["subject"])
    department = case["department"]

    while (await _succeed(city, department, "doro-iji"))["left"]:
        pass  # five hundred a call; other journeys have left their cases here
    await city.until(receipt, "case.rerouted")
    (case,) = await _cases(city, sent["subject"], department="doro-iji", state="open")
    (routed,) = await city.rows("routing", "SELECT department FROM routed_case WHERE case_id = $1", case["case_id"])
    assert routed["department"] == "doro-iji"

    while (await _succeed(city, "doro-iji", "harutori"))["left"]:
        pass  # a branch that was closed on 31 March 2023
    await _cases(city, sent["subject"], department="triage", state="open")


async def test_the_first_rules_of_a_city_have_a_life_in_the_desks_books_like_all_others(city: RunningCity) -> None:
    receipt = await city.submit(submission(procedure="graffiti"))
    await city.until(receipt, "case.opened")
    async with asyncio.timeout(30), httpx.AsyncClient(headers=as_staff(city.city), verify=PLAIN) as client:
        while True:
            (first,) = (await client.get(f"{city.url('desk')}/v1/rule-sets")).json()["rule_sets"] or [{"history": []}]
            if len(first["history"]) == 4:
                break
            await asyncio.sleep(0.1)

    assert sorted(step["what"] for step in first["history"]) == ["approved", "came-into-force", "checked", "proposed"]
    assert {step["staff"] for step in first["history"]} == {"installation", None}


CORRECTION = {"submitted_at": "2026-11-25T00:00:00Z", "facts": {"documents": 1}}


async def _see(city: RunningCity, case_id: UUID) -> dict[str, Any]:
    async with httpx.AsyncClient(timeout=30, headers=as_staff(city.city), verify=PLAIN) as client:
        return (await client.get(f"{city.url('desk')}/v1/cases/{case_id}")).json()


async def _as_if_days_ago(city: RunningCity, application_id: str, *, received: int, asked: int) -> None:
    """Let routing believe that the application came, and a correction was asked for, so many days ago."""
    await city.rows(
        "routing",
        """
        UPDATE routed_case SET decision = convert_to(jsonb_set(d, '{received_on}',
            to_jsonb(((d ->> 'received_on')::date - $2::int)::text))::text, 'UTF8')
        FROM (SELECT case_id AS id, convert_from(decision, 'UTF8')::jsonb AS d FROM routed_case) x
        WHERE id = case_id AND application_id = $1
        """,
        application_id,
        received,
    )
    await city.rows(
        "routing",
        "UPDATE clock_event SET at = at - make_interval(days => $2) WHERE application_id = $1",
        application_id,
        asked,
    )


async def _succeed(city: RunningCity, department: str, to: str) -> dict[str, Any]:
    order = {"to": to, "reason": "組織改正のため。"}
    async with httpx.AsyncClient(timeout=30, headers=as_staff(city.city), verify=PLAIN) as client:
        answer = await client.post(f"{city.url('desk')}/v1/departments/{department}/succession", json=order)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _cases(city: RunningCity, application_id: str, **wanted: object) -> list[dict[str, Any]]:
    """The cases of an application, once there is one that is as wanted."""
    async with asyncio.timeout(30):
        while True:
            found = [dict(row) for row in await city.cases_of(application_id)]
            if found and all(case[name] == value for case in found for name, value in wanted.items()):
                return found
            await asyncio.sleep(0.1)


def _letters(city: RunningCity) -> list[Any]:
    assert city.city.mail_folder is not None
    return [*mail.messages(city.city.mail_folder)]
