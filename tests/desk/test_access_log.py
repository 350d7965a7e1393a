"""Who saw or changed which case: written with every look, read by the auditor, told to a citizen without a name."""

from typing import Any

import pytest

from contracts import topics
from contracts.desk import CaseViewed
from tests.desk.conftest import NOW, RECEIPT, Desk, new_id


async def views(desk: Desk) -> list[Any]:
    rows = await desk.pool.fetch("SELECT payload FROM chassis.journal WHERE type = $1 ORDER BY id", CaseViewed.TYPE)
    return [topics.DESK.adapter.validate_json(row[0]).data for row in rows]


async def audited(desk: Desk) -> Any:
    answer = await desk.client.get(f"/v1/access/{RECEIPT}", headers=await desk.sign_in("kansa", ["auditor"], []))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_look_at_a_case_is_announced_with_who_when_and_why(desk: Desk) -> None:
    application_id, case_id = await desk.case()

    await desk.client.get(f"/v1/cases/{case_id}", headers=await desk.sign_in("tanaka"))
    await desk.get(f"/v1/cases/{case_id}?purpose=inquiry")

    assert [(one.staff, one.purpose, one.at) for one in await views(desk)] == [
        ("tanaka", "work", NOW),
        ("sato", "inquiry", NOW),
    ]
    assert {(one.application_id, one.case_id) for one in await views(desk)} == {(application_id, case_id)}


async def test_the_auditor_reads_who_saw_and_who_changed_in_every_department(desk: Desk) -> None:
    _, case_id = await desk.case("school")
    await desk.see(case_id)
    await desk.do(case_id, "claim", "suzuki")

    found = (await audited(desk))["log"]

    assert sorted((one["what"], one["staff"], one["purpose"]) for one in found) == [
        ("claim", "suzuki", None),
        ("view", "sato", "work"),
    ]


async def test_a_citizen_is_told_department_and_day_in_japan_and_never_a_name(desk: Desk) -> None:
    for department in ("residents", "school"):
        _, case_id = await desk.case(department)
        await desk.see(case_id)
        await desk.see(case_id)

    assert (await audited(desk))["citizen"] == [
        {"day": "2026-04-11", "department": "residents"},
        {"day": "2026-04-11", "department": "school"},
    ]


@pytest.mark.parametrize("case", ["unknown", "another department's"])
async def test_who_is_shown_nothing_is_not_noted(desk: Desk, case: str) -> None:
    _, case_id = await desk.case("school")
    signed_in = await desk.sign_in("tanaka", departments=["residents"])

    answer = await desk.client.get(f"/v1/cases/{new_id() if case == 'unknown' else case_id}", headers=signed_in)

    assert answer.status_code == 404
    assert await views(desk) == []
    assert (await audited(desk))["log"] == []


async def test_nothing_in_the_access_log_can_be_changed_by_the_desk(desk: Desk) -> None:
    for verb in ("UPDATE case_view SET staff = 'nobody'", "DELETE FROM case_view"):
        with pytest.raises(Exception, match="permission denied"):
            await desk.pool.execute(verb)
