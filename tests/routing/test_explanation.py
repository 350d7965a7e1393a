"""Why a case is where it is, asked over HTTP."""

from collections.abc import Sequence
from typing import Any

import pytest

from chassis.database import transaction
from contracts.envelope import Event
from services.routing import handlers, packs
from tests.conftest import Administrator
from tests.routing import small_pack
from tests.routing.test_assigning import LIFE_EVENT
from tests.routing.test_handlers import accepted, envelope
from tests.routing.test_rule_sets import NOW, OTHER, Routing, routing

__all__ = ["routing"]

REGISTERS = ["ja", "ja-easy", "en"]


async def case_of(routing: Routing, procedure: str, **facts: Any) -> str:
    async with routing.pool.acquire() as connection, transaction(connection, routing.now) as tx:
        said: Sequence[Event] = await handlers.route([envelope(accepted(procedure, **facts))], tx)
    return str(said[0].case_id)  # pyright: ignore[reportAttributeAccessIssue]


async def test_staff_and_citizens_read_why_in_three_registers(routing: Routing) -> None:
    await routing.install(small_pack.files())

    answer = await routing.client.get(f"/v1/cases/{await case_of(routing, 'snow', district='far')}/explanation")

    because = answer.json()["because"]
    assert {audience: list(said) for audience, said in because.items()} == {"staff": REGISTERS, "citizen": REGISTERS}
    assert "規則「S1」により、ごみ課の担当です" in because["staff"]["ja"]
    assert "ごみ課が担当いたします。" in because["citizen"]["ja"]
    assert "S1" not in because["citizen"]["ja"]


async def test_why_not_names_the_cells_that_failed(routing: Routing) -> None:
    await routing.install(small_pack.files())
    case_id = await case_of(routing, "snow", district="near")

    answer = await routing.client.get(f"/v1/cases/{case_id}/explanation", params={"why_not": "waste"})

    (refusal,) = answer.json()["why_not"]["refusals"]
    assert refusal == {
        "rule": "S1",
        "failed": [{"clause": "district", "asks": '"far"', "fact": "near"}],
        "in_the_way": [],
        "unkept": [],
    }
    assert "far" in answer.json()["why_not"]["said"]["staff"]["ja"]


async def test_staff_and_citizen_are_told_which_answer_would_have_led_elsewhere(routing: Routing) -> None:
    await routing.install(small_pack.files())

    answer = await routing.client.get(f"/v1/cases/{await case_of(routing, 'snow', district='near')}/explanation")

    because = answer.json()["because"]
    assert because["staff"]["ja"].endswith("districtが「far」であれば、規則「S1」によりごみ課の担当となります。")
    assert because["citizen"]["ja"].startswith(
        "お申し出の内容（procedure：snow）により、道路課が担当いたします。districtが「far」の場合は"
    )


async def test_a_missing_fact_is_explained_by_what_each_answer_leads_to(routing: Routing) -> None:
    await routing.install(small_pack.files(procedures="code,facts,period_days,period_kind\nsnow,district,3,days\n"))

    answer = await routing.client.get(f"/v1/cases/{await case_of(routing, 'snow')}/explanation")

    because = answer.json()["because"]
    assert because["staff"]["en"].startswith("Without district the rules cannot decide")
    assert because["staff"]["en"].endswith(
        "If district were “far”, rule S1 would make ごみ課 responsible. Otherwise rule S2 makes 道路課 responsible."
    )
    assert because["citizen"]["ja"].startswith("districtが確認できないため")
    assert "S1" not in because["citizen"]["ja"]


async def test_what_a_person_must_decide_says_so(routing: Routing) -> None:
    await routing.install(small_pack.files())

    answer = await routing.client.get(f"/v1/cases/{await case_of(routing, 'ghosts')}/explanation")

    assert "どの規則にも当てはまりませんでした" in answer.json()["because"]["staff"]["ja"]
    assert "職員が確認しております" in answer.json()["because"]["citizen"]["ja"]


async def test_the_answer_stays_the_same_when_other_rules_are_in_force(routing: Routing) -> None:
    await routing.install(small_pack.files())
    case_id = await case_of(routing, "snow")
    before = await routing.client.get(f"/v1/cases/{case_id}/explanation")
    await routing.approved(OTHER, NOW)
    await routing.pass_time()

    after = await routing.client.get(f"/v1/cases/{case_id}/explanation")

    assert before.json() == after.json()
    assert await routing.route(NOW) == "waste"


async def test_every_case_of_a_life_event_is_explained_by_its_own_row_and_the_doubt_by_what_is_missing(
    routing: Routing,
) -> None:
    await routing.install(small_pack.files(**{"rules/arrival": LIFE_EVENT}))
    async with routing.pool.acquire() as connection, transaction(connection, routing.now) as tx:
        said = await handlers.route([envelope(accepted("arrival", children=True))], tx)

    paths = [f"/v1/cases/{event.case_id}/explanation" for event in said]  # pyright: ignore[reportAttributeAccessIssue]
    first, second, doubt = [(await routing.client.get(path)).json()["because"]["staff"]["ja"] for path in paths]

    assert ("規則「1」" in first, "規則「2」" in second) == (True, True)
    assert "道路課の担当です" in first
    assert "insurance" in doubt


async def test_why_not_looks_into_every_table_that_was_asked(routing: Routing) -> None:
    await routing.install(small_pack.files(**{"rules/arrival": LIFE_EVENT}))
    case_id = await case_of(routing, "arrival", children=False, insurance="employer")

    answer = await routing.client.get(f"/v1/cases/{case_id}/explanation", params={"why_not": "waste"})

    rules = [refusal["rule"] for refusal in answer.json()["why_not"]["refusals"]]
    assert set(rules) == {"2", "3", "S1"}


async def test_the_rules_of_a_release_that_read_other_packs_are_gone_and_the_reason_stays(
    routing: Routing, by_administrator: Administrator
) -> None:
    await routing.install(small_pack.files())
    case_id = await case_of(routing, "snow")
    await routing.pool.execute("INSERT INTO rule_set VALUES ($1, $2)", "c" * 64, '{"departments.csv": ""}')
    await by_administrator(
        routing.pool,
        "UPDATE routed_case SET decision = convert_to(replace(convert_from(decision, 'UTF8'), $1, $2), 'UTF8')",
        packs.hash_of(small_pack.files()),
        "c" * 64,
    )

    answer = await routing.client.get(f"/v1/cases/{case_id}/explanation")

    assert answer.status_code == 410
    assert "除雪のため。" in answer.json()["title"]


@pytest.mark.parametrize("case_id,status", [("019bd905-e1c0-7343-9906-35d7675badd5", 404), ("x", 422)])
async def test_a_case_nobody_knows_is_said_so(routing: Routing, case_id: str, status: int) -> None:
    await routing.install(small_pack.files())

    answer = await routing.client.get(f"/v1/cases/{case_id}/explanation")

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
