"""Sessions: how long, from where, in whose name."""

from datetime import timedelta

import pytest

from tests.desk.conftest import NOW, ORIGIN, Desk

ME = "/v1/me"


async def test_a_session_says_who_somebody_is(desk: Desk) -> None:
    answer = await desk.client.get(ME, headers=await desk.sign_in("tanaka", ["clerk"], ["school"]))

    assert answer.json() == {"staff": "tanaka", "roles": ["clerk"], "departments": ["school"]}


@pytest.mark.parametrize("minutes, status", [(29, 200), (31, 401)])
async def test_a_session_unused_for_half_an_hour_is_over(desk: Desk, minutes: int, status: int) -> None:
    signed_in = await desk.sign_in("tanaka", at=NOW - timedelta(minutes=minutes))

    assert (await desk.client.get(ME, headers=signed_in)).status_code == status


async def test_a_session_in_use_goes_on_and_is_over_after_ten_hours_all_the_same(desk: Desk) -> None:
    signed_in = await desk.sign_in("tanaka", at=NOW - timedelta(minutes=29))
    await desk.client.get(ME, headers=signed_in)
    (seen_at,) = (await desk.pool.fetchrow("SELECT seen_at FROM staff_session WHERE staff = 'tanaka'")) or (None,)
    assert seen_at == NOW

    await desk.pool.execute("DELETE FROM staff_session")
    signed_in = await desk.sign_in("tanaka", at=NOW - timedelta(hours=10, minutes=1))
    await desk.pool.execute("UPDATE staff_session SET seen_at = $1", NOW)

    assert (await desk.client.get(ME, headers=signed_in)).status_code == 401


async def test_the_table_holds_nothing_that_lets_anybody_in(desk: Desk) -> None:
    signed_in = await desk.sign_in("tanaka")
    token = signed_in["Cookie"].partition("=")[2]

    rows = await desk.pool.fetch("SELECT * FROM staff_session")

    assert token not in str(rows)
    assert token.encode() not in [row["digest"] for row in rows]


async def test_whoever_signs_out_is_out_everywhere(desk: Desk) -> None:
    signed_in = await desk.sign_in("tanaka")

    out = await desk.client.post("/logout", headers=signed_in)

    assert out.json() == {"signed_out": True}
    assert (await desk.client.get(ME, headers=signed_in)).status_code == 401


async def test_the_system_manager_ends_all_sessions_of_somebody(desk: Desk) -> None:
    one, other = await desk.sign_in("tanaka"), await desk.sign_in("tanaka")
    manager = await desk.sign_in("kanri", ["system-manager"], [])

    answer = await desk.client.post("/v1/staff/tanaka/sign-out", headers=manager)

    assert answer.json() == {"ended": 2}
    assert [(await desk.client.get(ME, headers=each)).status_code for each in (one, other)] == [401, 401]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "", "http://localhost:8084", None])
async def test_an_unsafe_request_from_another_site_is_refused(desk: Desk, origin: str | None) -> None:
    _, case_id = await desk.case()
    request = desk.client.build_request("POST", f"/v1/cases/{case_id}/claim", json={})
    del request.headers["origin"]
    if origin is not None:
        request.headers["Origin"] = origin

    answer = await desk.client.send(request)

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:madoguchi:problem:foreign-origin")
    assert await desk.said() == []


async def test_without_a_name_in_the_body_the_caller_signs(desk: Desk) -> None:
    _, case_id = await desk.case()

    answer = await desk.client.post(f"/v1/cases/{case_id}/claim", json={}, headers={"Origin": ORIGIN})

    assert answer.json()["staff"] == "sato"
    assert [event["staff"] for event in await desk.said()] == ["sato"]


async def test_nobody_signs_in_anothers_name(desk: Desk) -> None:
    _, case_id = await desk.case()

    answer = await desk.client.post(f"/v1/cases/{case_id}/claim", json={"staff": "suzuki"})

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:madoguchi:problem:not-yourself")
    assert await desk.said() == []


@pytest.mark.parametrize("reason", ["a\0b", "\x1b[31m"])
async def test_what_no_person_types_is_said_to_nobody(desk: Desk, reason: str) -> None:
    _, case_id = await desk.case()
    await desk.do(case_id, "claim")

    returned = await desk.do(case_id, "return", reason=reason)
    handed_on = await desk.client.post("/v1/departments/residents/succession", json={"to": "school", "reason": reason})

    assert (returned.status_code, handed_on.status_code) == (422, 422)
    assert returned.json()["type"] == handed_on.json()["type"] == "urn:madoguchi:problem:control-character"
    assert await desk.types() == ["case.claimed"]
