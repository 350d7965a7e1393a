"""Who comes to routing: every route × role × own and other department beside a table by hand, tokens, and two people."""

from typing import Any

import pytest

from access.permissions import Route
from access.roles import ROLES
from services.routing.permissions import PERMISSIONS
from tests.provider import BAD_TOKENS, EVERYBODY, NAMES, routes_of
from tests.routing import small_pack
from tests.routing.test_explanation import case_of
from tests.routing.test_overlays import STORM
from tests.routing.test_rule_sets import FOUND, OTHER, Routing, routing

__all__ = ["routing"]

TABLE: dict[Route, tuple[str, str]] = {
    ("GET", "/v1/rule-sets"): (EVERYBODY, EVERYBODY),
    ("GET", "/v1/rule-sets/{name}/files"): (EVERYBODY, EVERYBODY),
    ("POST", "/v1/rule-sets"): ("CAHS", "CAHS"),
    ("POST", "/v1/rule-sets/{name}/back-test"): ("CAHS", "CAHS"),
    ("POST", "/v1/rule-sets/{name}/approve"): ("AH", "AH"),
    ("POST", "/v1/rule-sets/{name}/withdraw"): ("CAHS", "CAHS"),
    ("GET", "/v1/overlays"): (EVERYBODY, EVERYBODY),
    ("POST", "/v1/overlays/{name}/switch"): ("CAHS", "CAHS"),
    ("POST", "/v1/overlays/{name}/confirm"): ("AH", "AH"),
    ("POST", "/v1/overlays/{name}/withdraw"): ("CAHS", "CAHS"),
    ("GET", "/v1/cases/{case_id}/explanation"): ("CAHU", "U"),
    ("GET", "/v1/cases/{case_id}/suggestions"): ("CAH", ""),
    ("POST", "/v1/cases/{case_id}/suggestions"): ("CAH", ""),
}
"""Which roles get through: to a case of their own department, or with any department; and to another's."""

BODIES: dict[str, dict[str, Any]] = {
    "rule-sets": {"note": "試しに", "files": {"broken.csv": ""}},
    "back-test": FOUND,
    "withdraw": {"note": "延期のため。"},
    "overlays/withdraw": {"reason": "やんだため。"},
    "switch": {"turn": "on", "reason": "嵐のため。"},
    "suggestions": {"facts": {}},
}
THROUGH = (200, 201, 409, 422)
"""Past the guard and to the rules, which may then say what to do instead."""


def body_of(path: str) -> dict[str, Any]:
    last = path.rpartition("/")[2]
    return BODIES.get(f"overlays/{last}" if "/overlays/" in path else last) or BODIES.get(last, {})


@pytest.mark.parametrize("method, path", TABLE)
async def test_a_route_lets_through_whom_the_table_says(routing: Routing, method: str, path: str) -> None:
    name = await routing.install(small_pack.files(**STORM))
    case_id = await case_of(routing, "snow")
    where = path.format(name="storm" if "overlays" in path else name, case_id=case_id)
    found: list[str] = []
    for department in ("roads", "school"):
        statuses: dict[str, int] = {}
        for letter, role in NAMES.items():
            signed_in = routing.signed_in("tanaka", [role], [department])
            body = body_of(path) if method == "POST" else None
            statuses[letter] = (await routing.client.request(method, where, json=body, headers=signed_in)).status_code
        assert set(statuses.values()) <= {*THROUGH, 403, 404}, statuses
        found.append("".join(letter for letter, status in statuses.items() if status in THROUGH))

    assert tuple(found) == TABLE[method, path]


async def test_every_route_is_in_both_tables(routing: Routing) -> None:
    assert routes_of(routing.app) == set(PERMISSIONS) == set(TABLE)


@pytest.mark.parametrize("method, path", TABLE)
async def test_nobody_gets_through_without_a_token(routing: Routing, method: str, path: str) -> None:
    where = path.format(name="a" * 64, case_id="019bd905-e1c0-7343-9906-35d7675badd5")

    answer = await routing.client.request(method, where, json=body_of(path), headers={"Authorization": ""})

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:madoguchi:problem:sign-in")
    assert answer.headers["www-authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("claims", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_a_token_that_is_not_for_us_now_changes_no_rule(routing: Routing, claims: dict[str, Any]) -> None:
    await routing.install(small_pack.files(**STORM))

    answer = await routing.client.post(
        "/v1/overlays/storm/switch", json=BODIES["switch"], headers=routing.provider.token("sato", ROLES, **claims)
    )

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:madoguchi:problem:bad-token")
    assert (await routing.said())[1:] == []


async def test_a_case_of_another_department_and_none_are_answered_alike(routing: Routing) -> None:
    await routing.install(small_pack.files())
    case_id = await case_of(routing, "snow")
    signed_in = routing.signed_in("tanaka", ["clerk"], ["school"])

    answers = [
        await routing.client.get(f"/v1/cases/{one}/explanation", headers=signed_in)
        for one in (case_id, "019bd905-e1c0-7343-9906-35d7675badd5")
    ]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("step", ["rule-sets", "back-test", "approve", "withdraw", "switch", "confirm"])
async def test_nobody_signs_in_anothers_name(routing: Routing, step: str) -> None:
    name = await routing.install(small_pack.files(**STORM))
    path = {"rule-sets": "rule-sets", "switch": "overlays/storm/switch", "confirm": "overlays/storm/confirm"}.get(step)

    answer = await routing.client.post(
        f"/v1/{path or f'rule-sets/{name}/{step}'}", json={"staff": "suzuki"} | BODIES.get(step, {})
    )

    assert (answer.status_code, answer.json()["type"]) == (403, "urn:madoguchi:problem:not-yourself")
    assert (await routing.said())[1:] == []


async def test_the_second_person_is_a_second_one_who_is_signed_in(routing: Routing) -> None:
    """Whoever proposed may be an approver, too: the same person does not approve, under whatever name the body bears."""
    await routing.install(small_pack.files())
    name = (await routing.propose(OTHER, "sato")).json()["rule_set"]
    path = f"/v1/rule-sets/{name}"
    await routing.client.post(f"{path}/back-test", json=FOUND)

    alone = await routing.client.post(f"{path}/approve", json={})
    borrowed = await routing.client.post(f"{path}/approve", json={"staff": "tanaka"})
    second = await routing.client.post(
        f"{path}/approve", json={}, headers=routing.signed_in("tanaka", ["chief"], ["roads"])
    )

    assert [alone.json()["type"].split(":")[-1], borrowed.json()["type"].split(":")[-1]] == [
        "second-person-needed",
        "not-yourself",
    ]
    assert (second.json()["proposed_by"], second.json()["approved_by"]) == ("sato", "tanaka")


async def test_the_name_that_events_bear_is_the_tokens(routing: Routing) -> None:
    await routing.install(small_pack.files(**STORM))
    path = "/v1/overlays/storm"

    await routing.client.post(f"{path}/switch", json=BODIES["switch"])
    alone = await routing.client.post(f"{path}/confirm", json={})
    await routing.client.post(f"{path}/confirm", json={}, headers=routing.signed_in("tanaka"))

    assert alone.status_code == 409
    said = [event.model_dump() for event in (await routing.said())[1:]]
    assert [(one.get("staff"), one.get("requested_by"), one.get("confirmed_by")) for one in said] == [
        ("sato", None, None),
        (None, "sato", "tanaka"),
    ]


async def test_a_route_that_is_in_no_table_is_shut(routing: Routing) -> None:
    @routing.app.get("/v1/forgotten")
    async def forgotten() -> None:
        return None

    assert (await routing.client.get("/v1/forgotten")).status_code == 403
