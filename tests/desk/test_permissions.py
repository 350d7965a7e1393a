"""Every route × role × own and other department, on the real desk, beside a table written out by hand."""

from collections.abc import Iterable
from typing import Any

import pytest
from fastapi.routing import APIRoute

from access.browsers import PUBLIC
from access.permissions import Route
from access.roles import ROLES
from services.desk.permissions import PERMISSIONS
from tests.desk.conftest import RECEIPT, Desk, new_id
from tests.provider import EVERYBODY, NAMES

TABLE: dict[Route, tuple[str, str]] = {
    ("GET", "/v1/me"): (EVERYBODY, EVERYBODY),
    ("GET", "/v1/rule-sets"): (EVERYBODY, EVERYBODY),
    ("GET", "/v1/overlays"): (EVERYBODY, EVERYBODY),
    ("GET", "/v1/departments/{code}/cases"): ("CAH", ""),
    ("GET", "/v1/cases/{case_id}"): ("CAH", ""),
    ("POST", "/v1/cases/{case_id}/individual-numbers"): ("N", ""),
    ("POST", "/v1/search"): ("CAH", ""),
    ("POST", "/v1/cases/{case_id}/claim"): ("CAH", ""),
    ("POST", "/v1/cases/{case_id}/handover"): ("CAH", ""),
    ("POST", "/v1/cases/{case_id}/request-correction"): ("CAH", ""),
    ("POST", "/v1/cases/{case_id}/extend"): ("CAH", ""),
    ("POST", "/v1/cases/{case_id}/end-stage"): ("CAH", ""),
    ("POST", "/v1/cases/{case_id}/return"): ("CAH", ""),
    ("POST", "/v1/cases/{case_id}/decide"): ("A", ""),
    ("POST", "/v1/cases/{case_id}/close"): ("CAH", ""),
    ("POST", "/v1/departments/{code}/succession"): ("H", ""),
    ("GET", "/v1/access/{receipt}"): ("U", "U"),
    ("GET", "/v1/searches"): ("U", "U"),
    ("POST", "/v1/staff/{staff}/sign-out"): ("S", "S"),
}
"""Which roles get through: to what is their own department's, and to another's."""

BODIES: dict[str, dict[str, Any]] = {
    "handover": {"to_staff": "suzuki", "reason": "休暇のため"},
    "request-correction": {"wanted": "続柄", "until": "2026-04-30"},
    "extend": {"until": "2026-05-20", "reason": "確認のため"},
    "end-stage": {"stage": "board"},
    "return": {"reason": "所管外のため"},
    "decide": {"outcome": "approved", "explanation": "要件を満たすため"},
    "succession": {"to": "health-insurance", "reason": "組織改正のため"},
    "individual-numbers": {"purpose": "processing"},
    "search": {"department": "residents", "field": "name", "text": "阿寒"},
}
WHERE = ("residents", "school")
"""The department of the case, and of somebody from another."""


def through(status: int) -> bool:
    """Whether the guard and the rows let a request through; what the rules then say of the case (409) is not asked here."""
    return status in (200, 409)


async def walked(desk: Desk, method: str, path: str) -> tuple[str, str]:
    """The roles that get through, as in the table."""
    found: list[str] = []
    for department in WHERE:
        letters = [
            letter for letter, role in NAMES.items() if await _gets_through(desk, method, path, role, department)
        ]
        found.append("".join(letters))
    return found[0], found[1]


async def _gets_through(desk: Desk, method: str, path: str, role: str, department: str) -> bool:
    _, case_id = await desk.case_with_number("residents")
    where = path.format(code="residents", case_id=case_id, staff="suzuki", receipt=RECEIPT)
    signed_in = await desk.sign_in("tanaka", [role], [department])
    body = BODIES.get(path.rpartition("/")[2], {}) if method == "POST" else None
    answer = await desk.client.request(method, where, json=body, headers=signed_in)
    assert answer.status_code in (200, 403, 404, 409), answer.text
    return through(answer.status_code)


@pytest.mark.parametrize("method, path", TABLE)
async def test_a_route_lets_through_whom_the_table_says(desk: Desk, method: str, path: str) -> None:
    assert await walked(desk, method, path) == TABLE[method, path]


def routes_of(desk: Desk) -> Iterable[APIRoute]:
    return [
        route
        for route in desk.app.routes
        if isinstance(route, APIRoute) and route.path.startswith(("/v1", "/lo", "/call"))
    ]


async def test_every_route_is_in_both_tables_or_public(desk: Desk) -> None:
    found = {(method, route.path) for route in routes_of(desk) for method in route.methods or ()}

    assert found - PUBLIC == set(PERMISSIONS) == set(TABLE)
    assert found >= PUBLIC


@pytest.mark.parametrize("method, path", TABLE)
async def test_nobody_gets_through_without_signing_in(desk: Desk, method: str, path: str) -> None:
    where = path.format(code="residents", case_id=new_id(), staff="suzuki", receipt=RECEIPT)

    answer = await desk.client.request(method, where, json={}, headers={"Cookie": ""})

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:madoguchi:problem:sign-in")


@pytest.mark.parametrize("roles", [[], ["mayor"]])
async def test_a_role_that_nobody_knows_opens_no_case(desk: Desk, roles: list[str]) -> None:
    _, case_id = await desk.case()

    answer = await desk.client.get(f"/v1/cases/{case_id}", headers=await desk.sign_in("tanaka", roles))

    assert answer.status_code == 403


async def test_a_route_that_is_in_no_table_is_shut(desk: Desk) -> None:
    @desk.app.get("/v1/forgotten")
    async def forgotten() -> None:
        return None

    assert (await desk.client.get("/v1/forgotten")).status_code == 403


def test_the_table_knows_every_role() -> None:
    assert set(NAMES.values()) == set(ROLES)
