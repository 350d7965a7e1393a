"""What a channel system is told of what it published on Kafka and was rejected."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from services.intake import rejections, rejections_api
from tests.intake.conftest import NOW, PORTALS_OWN, Intake, application
from tests.intake.consuming import consumed, record

A_WHILE_AGO = (NOW - timedelta(hours=1)).isoformat()


async def asked(intake: Intake, system: str = "portal", since: str = A_WHILE_AGO) -> dict[str, Any]:
    answer = await raw(intake, f"/v1/rejections?since={quote(since)}", system)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def raw(intake: Intake, path: str, system: str = "portal") -> httpx.Response:
    return await intake.http.get(path, headers=intake.bearer(system))


async def test_what_was_rejected_on_kafka_is_told_with_every_field_to_mend_and_no_value(intake: Intake) -> None:
    faulty = application(procedure="SNOW!", municipality="12", applicant={"name": "釧路 花子", "email": "no-address"})
    await intake.receive(application(), faulty)

    answer = await raw(intake, f"/v1/rejections?since={quote(A_WHILE_AGO)}")

    (told,) = answer.json()["rejections"]
    assert (told["source"], told["id"], told["received_at"]) == (faulty["source"], faulty["id"], NOW.isoformat())
    assert {fault["field"] for fault in told["errors"]} == {
        "data.application.procedure",
        "data.application.municipality",
        "data.application.applicant.email",
    }
    assert all(fault["code"] and fault["message"] for fault in told["errors"])
    assert answer.json()["next"] is None
    assert not [value for value in ("SNOW!", "花子", "no-address") if value in answer.text]


async def test_a_system_is_told_of_its_own_and_of_nobody_elses(intake: Intake) -> None:
    theirs = application(procedure="SNOW!") | {"source": "/channels/thief"}
    await intake.receive(application(procedure="SNOW!"))
    await intake.receive(theirs, topic="applications.thief.v1")

    (mine,), (others,) = [(await asked(intake, system))["rejections"] for system in ("portal", "thief")]

    assert (mine["source"], others["source"]) == ("/channels/portal", "/channels/thief")


async def test_an_id_that_came_with_another_content_is_told_as_such(intake: Intake) -> None:
    sent = application()
    await intake.receive(sent)
    await intake.receive(sent | {"data": application(facts={"district": "onbetsu"})["data"]})

    (told,) = (await asked(intake))["rejections"]

    assert (told["id"], [fault["code"] for fault in told["errors"]]) == (sent["id"], ["id-reused"])


async def test_what_was_refused_over_http_was_answered_there_and_is_not_told_again(intake: Intake) -> None:
    assert (await intake.post(application(procedure="SNOW!"))).status_code == 422

    assert (await asked(intake))["rejections"] == []


async def test_what_was_rejected_before_the_moment_asked_for_is_left_out(intake: Intake) -> None:
    await intake.receive(application(procedure="SNOW!"))

    at_that_moment = await asked(intake, since=NOW.isoformat())
    later = await asked(intake, since=(NOW + timedelta(microseconds=1)).isoformat())

    assert (len(at_that_moment["rejections"]), later["rejections"]) == (1, [])


async def test_page_after_page_leads_past_each_once_and_in_their_order(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rejections, rejections_api):
        monkeypatch.setattr(module, "PAGE", 3)
    sent = [application(procedure="SNOW!") | {"id": f"a+b & {number}"} for number in range(8)]
    await intake.receive(*sent)
    contradicted = application() | {"id": "a+b & 3 again"}
    await intake.receive(contradicted)
    await intake.receive(contradicted | {"data": application()["data"]})

    told: list[str] = []
    path = f"/v1/rejections?since={quote(A_WHILE_AGO)}"
    while path:
        answer = (await raw(intake, path)).json()
        told += [one["id"] for one in answer["rejections"]]
        path = answer["next"]

    assert told == sorted([*(one["id"] for one in sent), contradicted["id"]])


async def test_of_a_rejection_from_before_there_were_words_the_codes_are_told(intake: Intake) -> None:
    await intake.receive(application(procedure="SNOW!"))
    async with intake.as_administrator() as tx:
        await tx.execute("UPDATE submission SET faults = NULL, fault = 'missing,too_long'")

    (told,) = (await asked(intake))["rejections"]

    assert [fault["code"] for fault in told["errors"]] == ["missing", "too_long"]
    assert "POST /v1/applications" in told["errors"][0]["message"]


async def test_a_record_that_was_set_aside_is_told_to_whoever_may_write_its_topic_and_to_nobody_else(
    intake: Intake,
) -> None:
    stolen = application() | {"source": "/channels/thief"}
    await consumed(intake, record(stolen, PORTALS_OWN, 7), record(b"no event", PORTALS_OWN, 9))

    portals, thiefs = (await asked(intake))["set_aside"], (await asked(intake, "thief"))["set_aside"]

    assert [(one["topic"], one["partition"], one["offset"]) for one in portals] == [
        (PORTALS_OWN, 0, 7),
        (PORTALS_OWN, 0, 9),
    ]
    assert all(one["ja"] and one["en"] and "thief" not in str(one) for one in portals)
    assert thiefs == []


@pytest.mark.parametrize(
    "query", ["", "?since=yesterday", "?since=2026-11-24T00:00:00"], ids=["none", "no time", "no zone"]
)
async def test_who_says_no_moment_is_told_to(intake: Intake, query: str) -> None:
    answer = await raw(intake, f"/v1/rejections{query}")

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "since" in answer.text


async def test_without_a_key_nothing_is_told(intake: Intake) -> None:
    answer = await intake.http.get(f"/v1/rejections?since={quote(A_WHILE_AGO)}")

    assert answer.status_code == 401
