import asyncio
import json

from contracts.ids import uuid7
from services.intake.rules import receipt_of
from tests.intake.conftest import CORRECTED, NOW, WITHDRAWN, Intake, application, event


async def test_an_application_is_answered_with_a_receipt_number(intake: Intake) -> None:
    answer = await intake.post(application())

    assert answer.status_code == 201
    assert receipt_of(answer.json()["receipt"]) == answer.json()["receipt"]


async def test_the_same_event_again_gets_the_same_bytes_and_one_application(intake: Intake) -> None:
    sent = application()
    first = await intake.post(sent)

    second = await intake.post(sent)

    assert (second.status_code, second.content) == (201, first.content)
    assert len(await intake.rows("SELECT 1 FROM application")) == 1
    assert len(await intake.rows("SELECT 1 FROM chassis.journal")) == 1


async def test_the_same_event_sent_ten_times_at_once_makes_one_application(intake: Intake) -> None:
    sent = application()

    answers = await asyncio.gather(*(intake.post(sent) for _ in range(10)))

    assert {answer.content for answer in answers} == {answers[0].content}
    assert {answer.status_code for answer in answers} == {201}
    assert len(await intake.rows("SELECT 1 FROM chassis.journal")) == 1


async def test_the_same_id_with_another_body_is_a_conflict(intake: Intake) -> None:
    sent = application()
    await intake.post(sent)
    sent["data"]["application"]["facts"]["district"] = "onbetsu"

    answer = await intake.post(sent)

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("id-reused")


async def test_the_same_application_under_another_event_id_gets_the_same_receipt(intake: Intake) -> None:
    sent = application()
    first = await intake.post(sent)

    second = await intake.post(sent | {"id": "another"})

    assert second.json() == first.json()
    outcomes = await intake.rows("SELECT outcome FROM submission ORDER BY id = 'another'")
    assert [row["outcome"] for row in outcomes] == ["accepted", "repeated"]


async def test_an_application_id_that_another_source_has_used_is_refused(intake: Intake) -> None:
    sent = application()
    await intake.post(sent)

    answer = await intake.post(sent | {"id": "another", "source": "/channels/thief"}, system="thief")

    assert answer.status_code == 409
    assert answer.json()["type"].endswith("application-id-taken")


async def test_bad_input_names_every_field_and_repeats_no_value(intake: Intake) -> None:
    sent = application(procedure="SNOW!", municipality="12", emial="typo@example.jp")
    sent["data"]["application"]["applicant"]["email"] = "not-an-address"

    answer = await intake.post(sent)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    fields = {fault["field"] for fault in answer.json()["errors"]}
    assert fields == {
        "data.application.procedure",
        "data.application.municipality",
        "data.application.emial",
        "data.application.applicant.email",
    }
    assert "not-an-address" not in answer.text
    assert "typo@example.jp" not in answer.text


async def test_a_refused_event_may_come_again_mended_under_its_id(intake: Intake) -> None:
    sent = application(procedure="SNOW!")
    await intake.post(sent)
    sent["data"]["application"]["procedure"] = "road.snow"

    assert (await intake.post(sent)).status_code == 201


async def test_what_is_no_cloudevent_gets_a_problem_document(intake: Intake) -> None:
    for body in (b"", b"\xff\xfe", b"[]", b"{}", b'{"specversion":"0.3","id":"1","source":"/x","type":"y"}'):
        answer = await intake.post(body)

        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"


async def test_an_envelope_without_attributes_is_told_each_of_them(intake: Intake) -> None:
    nothing = await intake.post(b"{}")
    unknown = await intake.post(application() | {"type": "jp.madoguchi.nothing.v1"})
    sent = application(procedure="SNOW!") | {"id": "", "time": "yesterday"}
    del sent["source"]

    faulty = await intake.post(sent)

    assert {fault["field"] for fault in nothing.json()["errors"]} == {"specversion", "id", "source", "type"}
    assert {fault["field"] for fault in unknown.json()["errors"]} == {"type"}
    assert {fault["field"] for fault in faulty.json()["errors"]} == {
        "id",
        "source",
        "time",
        "data.application.procedure",
    }
    assert "yesterday" not in faulty.text


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(intake: Intake) -> None:
    answer = await intake.post(b"x" * 100_000)

    assert answer.status_code == 413


async def test_the_binary_mode_of_cloudevents_is_understood(intake: Intake) -> None:
    sent = application()
    attributes = {f"ce-{name}": sent[name] for name in ("specversion", "id", "source", "type", "subject", "time")}

    answer = await intake.post(json.dumps(sent["data"]).encode(), **attributes, **{"content-type": "application/json"})

    assert answer.status_code == 201


async def test_the_timeline_speaks_three_registers(intake: Intake) -> None:
    receipt = (await intake.post(application())).json()["receipt"]

    answer = await intake.get(receipt)

    (step,) = answer.json()["timeline"]
    assert step["ja"] == "申請を受け付けました。"
    assert step["en"] == "We have received your application."
    assert step["ja-easy"]


async def test_a_mistyped_receipt_number_is_not_somebody_elses(intake: Intake) -> None:
    receipt = (await intake.post(application())).json()["receipt"]
    wrong = receipt[:-1] + str((int(receipt[-1]) + 1) % 10)

    assert (await intake.get(wrong)).status_code == 404


async def test_a_receipt_number_keyed_in_without_its_hyphens_is_the_same(intake: Intake) -> None:
    receipt = (await intake.post(application())).json()["receipt"]

    answer = await intake.get(receipt.replace("-", ""))

    assert (answer.status_code, answer.json()["receipt"]) == (200, receipt)


async def test_a_correction_and_a_withdrawal_come_through_the_same_door(intake: Intake) -> None:
    application_id = str(uuid7(NOW))
    await intake.post(application(application_id))
    correction = event(
        CORRECTED, application_id, {"application_id": application_id, "submitted_at": "2026-11-25T00:00:00Z"}
    )
    withdrawal = event(
        WITHDRAWN, application_id, {"application_id": application_id, "withdrawn_at": "2026-11-26T00:00:00Z"}
    )

    assert (await intake.post(correction)).status_code == 201
    assert (await intake.post(withdrawal)).status_code == 201
    late = await intake.post(correction | {"id": "late"})

    assert late.status_code == 409
    assert late.json()["type"].endswith("application-over")
