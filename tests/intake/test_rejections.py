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


async def test_a_page_does_not_end_between_two_rejections_of_one_place(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A faulty submission and another content under its id, in one batch: both have its source, its id and its moment."""
    for module in (rejections, rejections_api):
        monkeypatch.setattr(module, "PAGE", 3)
    faulty = [application(procedure="SNOW!") | {"id": str(number)} for number in range(4)]
    await intake.receive(*faulty, *(application() | {"id": one["id"]} for one in faulty))

    told: list[tuple[str, str]] = []
    path = f"/v1/rejections?since={quote(A_WHILE_AGO)}"
    while path:
        answer = (await raw(intake, path)).json()
        told += [(one["id"], one["errors"][0]["code"]) for one in answer["rejections"]]
        path = answer["next"]

    assert sorted(told) == sorted(
        (one["id"], code) for one in faulty for code in ("string_pattern_mismatch", "id-reused")
    )


async def test_a_name_that_no_text_of_postgresqls_holds_is_a_fault_like_any_other(intake: Intake) -> None:
    await intake.receive(application(applicant={"emai\x00l": "x"}))

    (told,) = (await asked(intake))["rejections"]

    assert [fault["field"] for fault in told["errors"]] == ["data.application.applicant.?"]


async def test_of_what_is_set_aside_it_is_said_when_there_is_more(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (rejections, rejections_api):
        monkeypatch.setattr(module, "PAGE", 2)
    await consumed(intake, *(record(b"no event", PORTALS_OWN, offset) for offset in range(2)))
    just = await asked(intake)
    await consumed(intake, record(b"no event", PORTALS_OWN, 2))
    more = await asked(intake)

    assert [(len(answer["set_aside"]), answer["set_aside_more"]) for answer in (just, more)] == [(2, False), (2, True)]


async def test_a_record_at_the_place_of_one_of_a_topic_that_was_deleted_is_set_aside_too(intake: Intake) -> None:
    await consumed(intake, record(b"no event", PORTALS_OWN, 0))
    await consumed(intake, record(b"no event either", PORTALS_OWN, 0), record(b"no event", PORTALS_OWN, 0))

    assert len((await asked(intake))["set_aside"]) == 2


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
    "query",
    [
        "",
        "?since=yesterday",
        "?since=2026-11-24T00:00:00",
        "?since=0001-01-01T00:00:00%2B09:00",
        "?since=9999-12-31T23:59:59-01:00",
        "?since=1e300",
        "?since=nan",
    ],
    ids=["none", "no time", "no zone", "year 0", "year 10000", "no year", "no number"],
)
async def test_who_says_no_moment_is_told_to(intake: Intake, query: str) -> None:
    answer = await raw(intake, f"/v1/rejections{query}")

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "since" in answer.text


@pytest.mark.parametrize(
    "since", ["0001-01-01T00:00:00Z", "2026-11-24T17:00:00%2B09:00", "0"], ids=["year 1", "offset", "seconds"]
)
async def test_any_moment_that_there_is_may_be_asked_for(intake: Intake, since: str) -> None:
    await intake.receive(application(procedure="SNOW!"))

    answer = await raw(intake, f"/v1/rejections?since={since}&source={'s' * 900}&id={quote('申請') * 100}")

    assert (answer.status_code, len(answer.json()["rejections"])) == (200, 1)


async def test_without_a_key_nothing_is_told(intake: Intake) -> None:
    answer = await intake.http.get(f"/v1/rejections?since={quote(A_WHILE_AGO)}")

    assert answer.status_code == 401
