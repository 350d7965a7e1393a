"""Individual Numbers at the desk: shown to those entitled for a purpose, noted every time, to everybody else only that there is one."""

import json
from typing import Any
from uuid import UUID

import pytest

from access.roles import NUMBER_HANDLER, ROLES
from contracts import topics
from contracts.channels import Application
from contracts.desk import IndividualNumbersViewed
from contracts.personal import Applicant
from sealing.errors import UnknownKey
from sealing.places import of_application, place_of
from tests.desk.conftest import APPLICATION, NOW, NUMBER, NUMBERED, RECEIPT, Desk, corrected, new_id, opened, rerouted
from tests.desk.test_seals import everything, search

MASKED = "●" * 12
OTHERS = [role for role in ROLES if role != NUMBER_HANDLER]


async def look(
    desk: Desk, case_id: UUID, roles: list[str] | None = None, departments: list[str] | None = None, **body: Any
) -> Any:
    signed_in = await desk.sign_in("yamada", roles or [NUMBER_HANDLER], departments or ["residents"])
    return await desk.client.post(
        f"/v1/cases/{case_id}/individual-numbers", json=body or {"purpose": "processing"}, headers=signed_in
    )


async def test_who_is_entitled_sees_the_number_of_the_application_and_of_its_corrections(desk: Desk) -> None:
    application_id, case_id = await desk.case_with_number()
    await desk.seals.sealer.fetch(["5y"], NOW)
    correction = corrected(application_id).model_copy(
        update={"message": f"夫は{MASKED}です", "individual_number": MASKED}
    )
    sealed = desk.seals.sealer.seal(correction, place_of(correction), "5y-2026")
    values = {"message": "夫は210987654320です", "individual_number": NUMBER}
    await desk.read(await desk.with_numbers(sealed, place_of(correction), values))

    answer = await look(desk, case_id)

    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert [one["values"] for one in answer.json()["individual_numbers"]] == [
        {"applicant.individual_number": NUMBER},
        values,
    ]


@pytest.mark.parametrize("role", OTHERS)
async def test_no_other_role_is_shown_one_and_the_refusal_holds_none(desk: Desk, role: str) -> None:
    _, case_id = await desk.case_with_number()

    answer = await look(desk, case_id, [role])

    assert answer.status_code == 403
    assert NUMBER not in answer.text


async def test_another_departments_numbers_are_shown_to_nobody(desk: Desk) -> None:
    _, case_id = await desk.case_with_number("school")

    answer = await look(desk, case_id, departments=["residents"])

    assert (answer.status_code, NUMBER in answer.text) == (404, False)


async def test_everybody_else_reads_that_there_is_one_and_where_and_never_the_number(desk: Desk) -> None:
    _, case_id = await desk.case_with_number()
    await desk.do(case_id, "claim")

    case = await desk.see(case_id)
    answers = [case, await desk.get("/v1/departments/residents/cases"), await search(desk, "name", "釧路")]

    assert case["application"]["applicant"]["individual_number"] == MASKED
    assert case["application"]["individual_numbers"] == ["applicant.individual_number"]
    assert "sealed_numbers" not in case["application"]
    assert NUMBER not in json.dumps(answers)
    assert NUMBER not in await everything(desk)


async def test_the_key_that_opens_personal_data_opens_no_number(desk: Desk) -> None:
    application_id, _ = await desk.case_with_number()
    (content,) = [row[0] for row in await desk.pool.fetch("SELECT content FROM application")]
    numbers = json.loads(content) | {"sealed": json.loads(content)["sealed_numbers"]}

    (shown,) = await desk.seals.opened([(Application, json.dumps(numbers).encode(), of_application(application_id))])

    assert shown["unreadable"]["code"] == UnknownKey.__name__
    assert NUMBER not in json.dumps(shown)


@pytest.mark.parametrize("field", ["name", "kana", "phone", "email"])
async def test_nobody_finds_a_case_by_a_number(desk: Desk, field: str) -> None:
    application_id, case_id = new_id(), new_id()
    masked = NUMBERED.model_copy(update={"applicant": Applicant(name=f"花子 {MASKED}", phone=MASKED, kana=MASKED)})
    values = {f"applicant.{name}": NUMBER for name in ("name", "kana", "phone", "email")}
    sealed = await desk.sealed(application_id, masked)
    application = await desk.with_numbers(sealed, of_application(application_id), values)
    await desk.read(opened(application_id, case_id, application=application))

    assert await search(desk, field, NUMBER) == []
    assert len(await search(desk, "name", "花子")) == 1


async def test_every_look_is_announced_and_noted_with_its_purpose_as_another_than_a_look_at_the_case(
    desk: Desk,
) -> None:
    application_id, case_id = await desk.case_with_number()

    await look(desk, case_id, purpose="identification")

    (row,) = await desk.pool.fetch("SELECT payload FROM chassis.journal WHERE type = $1", IndividualNumbersViewed.TYPE)
    said = topics.DESK.adapter.validate_json(row[0]).data
    audited = await desk.client.get(f"/v1/access/{RECEIPT}", headers=await desk.sign_in("kansa", ["auditor"], []))
    assert (said.application_id, said.staff, said.purpose, said.at) == (application_id, "yamada", "identification", NOW)
    assert [(one["what"], one["staff"], one["purpose"]) for one in audited.json()["log"]] == [
        ("view-individual-numbers", "yamada", "identification")
    ]
    assert audited.json()["citizen"] == [{"day": "2026-04-11", "department": "residents"}]


@pytest.mark.parametrize("body", [{"purpose": "work"}, {"purpose": ""}, {"reason": "x"}])
async def test_without_a_purpose_of_the_law_nothing_is_shown_and_nothing_noted(
    desk: Desk, body: dict[str, Any]
) -> None:
    _, case_id = await desk.case_with_number()

    answer = await look(desk, case_id, **body)

    assert answer.status_code == 422
    assert await desk.pool.fetch("SELECT 1 FROM case_view") == []


async def test_a_case_without_one_says_so_and_is_not_noted(desk: Desk) -> None:
    _, case_id = await desk.case()

    answer = await look(desk, case_id)

    assert (answer.status_code, answer.json()["type"]) == (404, "urn:madoguchi:problem:no-individual-number")
    assert await desk.pool.fetch("SELECT 1 FROM case_view") == []


async def test_the_keys_of_numbers_end_by_themselves(desk: Desk) -> None:
    _, case_id = await desk.case_with_number()
    desk.numbers.destroy("number5y-2026")

    shown = (await look(desk, case_id)).json()["individual_numbers"][0]
    case = await desk.see(case_id)

    assert shown["unreadable"]["code"] == "DestroyedKey"
    assert "values" not in shown
    assert case["application"]["applicant"]["name"] == "釧路 花子"


async def test_a_case_that_moves_takes_its_number_along(desk: Desk) -> None:
    application_id, case_id = await desk.case_with_number()
    (content,) = [row[0] for row in await desk.pool.fetch("SELECT content FROM application")]
    application = type(APPLICATION).model_validate_json(content)
    moved = rerouted(application_id, case_id).model_copy(update={"application": application})
    await desk.read(moved)

    assert (await look(desk, case_id)).status_code == 404
    assert (await look(desk, case_id, departments=["health-insurance"])).status_code == 200


@pytest.mark.parametrize(
    "command, said",
    [
        ("decide", {"outcome": "approved", "explanation": f"番号は {NUMBER} です"}),
        ("request-correction", {"wanted": "１２３４－５６７８－９０１８", "until": "2026-05-01"}),
        ("return", {"reason": f"{NUMBER}"}),
    ],
)
async def test_staff_write_no_number_into_what_others_read(desk: Desk, command: str, said: dict[str, Any]) -> None:
    _, case_id = await desk.case_with_number()
    await desk.do(case_id, "claim")

    answer = await desk.do(case_id, command, **said)

    assert (answer.status_code, answer.json()["type"]) == (422, "urn:madoguchi:problem:individual-number")
    assert NUMBER not in answer.text
    assert await desk.types() == ["case.claimed"]
