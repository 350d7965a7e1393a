"""Departments suggested to whoever triages: shown with what speaks for them, never applied."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from chassis import http
from chassis.commands import Commands
from chassis.database import Tx, transaction
from chassis.pulse import Pulse
from chassis.telemetry import Telemetry
from contracts.desk import CaseReturned
from contracts.envelope import Event
from contracts.routing import CaseOpened, CaseSentToTriage, DepartmentsSuggested
from services.routing import free_text, handlers, moves, suggesting, work
from services.routing.api import add_routes
from services.routing.app import read_texts
from services.routing.free_text import InvalidModel
from services.routing.rules.reroutes import Kept, Reroute
from services.routing.settings import Settings
from services.routing.suggesting import Texts
from tests.conftest import Administrator
from tests.routing import small_pack
from tests.routing.test_explanation import REGISTERS
from tests.routing.test_free_text import MODEL
from tests.routing.test_handlers import accepted, envelope
from tests.routing.test_rule_sets import Routing, routing, settings_of

__all__ = ["routing"]

REASON = "佐藤様のお宅の前のため、道路課です。"
WORDS = "code,name_ja,name_easy,name_en\ndistrict,地区,場所(ばしょ),district\nfar,遠野,遠野(とおの),Tono\n"
PACK = small_pack.files(words=WORDS)


async def routed(routing: Routing, procedure: str, **facts: Any) -> CaseOpened | CaseSentToTriage:
    async with routing.pool.acquire() as connection, transaction(connection, routing.now) as tx:
        said: Sequence[Event] = await handlers.route([envelope(accepted(procedure, **facts))], tx)
    assert isinstance(said[0], (CaseOpened, CaseSentToTriage))
    return said[0]


async def moved(routing: Routing, case: CaseOpened | CaseSentToTriage, *departments: str | None) -> None:
    """To each of the departments, one after the other; None is triage."""
    for department in departments:
        returned = CaseReturned(
            application_id=case.application_id,
            case_id=case.case_id,
            receipt=case.receipt,
            department="triage",
            at=routing.now(),
            staff="sato",
            reason=REASON,
            suggestion=department,
            application=case.application,
        )
        async with routing.pool.acquire() as connection, transaction(connection, routing.now) as tx:
            await handlers.take_back([envelope(returned)], tx)


async def suggestions(client: httpx.AsyncClient, case: CaseOpened | CaseSentToTriage) -> Any:
    answer = await client.get(f"/v1/cases/{case.case_id}/suggestions")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def past(routing: Routing, limit: int = 9) -> list[Reroute | Kept]:
    async with routing.pool.acquire() as connection:
        tx = Tx(connection, routing.now())
        return [*await moves.past_moves(tx, limit), *await moves.kept_cases(tx, limit)]


async def test_departments_are_suggested_from_what_staff_did_with_cases_like_it(routing: Routing) -> None:
    await routing.install(PACK)
    for district, department in (("far", "waste"), ("far", "waste"), ("near", "roads")):
        await moved(routing, await routed(routing, "ghosts", district=district), department)
    waiting = await routed(routing, "ghosts", district="far")

    found = await suggestions(routing.client, waiting)

    first, second = found["from_past"]
    assert (first["department"], second["department"], found["from_text"]) == ("waste", "roads", [])
    assert first["because"] == {"shared": {"procedure": "ghosts", "district": "far"}, "went": 2, "cases": 2}
    assert first["score"] > second["score"]
    assert list(first["said"]) == REGISTERS
    assert first["said"]["ja"] == "procedureが「ghosts」、地区が「遠野」の過去の2件のうち2件は、ごみ課が担当しました。"


async def test_a_suggestion_moves_nothing_and_repeats_no_word_of_staff_or_applicant(routing: Routing) -> None:
    await routing.install(PACK)
    await moved(routing, await routed(routing, "ghosts", district="far", remark="佐藤です"), "waste")
    waiting = await routed(routing, "ghosts", district="far")

    answer = await routing.client.get(f"/v1/cases/{waiting.case_id}/suggestions")

    assert "佐藤" not in answer.text
    assert "花子" not in answer.text
    department = "SELECT department FROM routed_case WHERE case_id = $1"
    assert await routing.pool.fetchval(department, waiting.case_id) == "triage"


async def test_what_applicants_write_is_never_compared_or_shown_also_where_a_rule_asks_for_it(routing: Routing) -> None:
    rows = 'F,in:procedure,in:remark,out:department,note:reason\n1,"""snow""","""佐藤です""",waste,a\n'
    await routing.install(small_pack.files(**{"rules/routing": rows}))
    await moved(routing, await routed(routing, "ghosts", remark="佐藤です"), "waste")

    answer = await routing.client.get(
        f"/v1/cases/{(await routed(routing, 'ghosts', remark='佐藤です')).case_id}/suggestions"
    )

    assert answer.json()["from_past"][0]["because"]["shared"] == {"procedure": "ghosts"}
    assert "佐藤" not in answer.text


async def test_a_case_does_not_speak_for_itself(routing: Routing) -> None:
    await routing.install(PACK)
    kept, returned = await routed(routing, "lamp"), await routed(routing, "snow")
    await moved(routing, returned, "waste")

    assert [one["department"] for one in (await suggestions(routing.client, kept))["from_past"]] == []
    assert (await suggestions(routing.client, returned))["from_past"] == []


async def test_without_a_past_there_is_nothing_to_suggest(routing: Routing) -> None:
    await routing.install(PACK)

    found = await suggestions(routing.client, await routed(routing, "ghosts"))

    assert (found["from_past"], found["from_text"]) == ([], [])


async def test_a_department_that_has_ended_is_not_suggested(routing: Routing, by_administrator: Administrator) -> None:
    await routing.install(PACK)
    case = await routed(routing, "ghosts", district="far")
    await moved(routing, case, "waste")
    await by_administrator(routing.pool, "UPDATE case_move SET to_department = 'old'")

    found = await suggestions(routing.client, await routed(routing, "ghosts", district="far"))

    assert found["from_past"] == []


async def test_the_moves_of_a_case_are_one_and_those_that_wait_in_triage_none(routing: Routing) -> None:
    await routing.install(PACK)
    opened = await routed(routing, "snow", district="far")
    await moved(routing, opened, None, "roads")
    await moved(routing, await routed(routing, "snow", district="far"), None)
    await moved(routing, await routed(routing, "move"), "waste", "roads")
    await routed(routing, "ghosts")
    kept = await routed(routing, "lamp")

    facts = {"procedure": "snow", "district": "far"}
    assert sorted(await past(routing), key=repr) == sorted(
        [
            Kept({"procedure": "move"}, "roads"),
            Kept({"procedure": "lamp"}, "roads"),
            Reroute(facts, "waste", "roads", REASON, "S1", routing.now()),
        ],
        key=repr,
    )
    assert kept.TYPE == CaseOpened.TYPE


async def test_of_the_past_the_newest_counts(routing: Routing) -> None:
    await routing.install(PACK)
    for department in ("waste", "roads"):
        await moved(routing, await routed(routing, "ghosts"), department)

    (newest,) = await past(routing, 1)

    assert isinstance(newest, Reroute)
    assert (newest.to_department, newest.decided_by_row) == ("roads", None)


@pytest.fixture
async def reading(routing: Routing) -> Any:
    """The API of a city that has a trained model; its departments are those of the small pack."""
    app = http.make_app("routing", Pulse(60))
    model = free_text.FreeTextModel(("waste", "roads", "old"), MODEL.bias, MODEL.ngrams)
    commands = Commands("/routing", routing.pool, lambda: None, routing.now)
    add_routes(app, commands, settings_of(routing.provider), Texts("remark", model))
    transport, signed_in = httpx.ASGITransport(app), routing.signed_in("sato")
    async with httpx.AsyncClient(transport=transport, base_url="http://routing", headers=signed_in) as client:
        yield client


async def test_free_text_that_the_desk_has_speaks_for_a_department_and_is_not_kept(
    routing: Routing, reading: httpx.AsyncClient
) -> None:
    await routing.install(PACK)
    waiting = await routed(routing, "ghosts", remark="除雪車が来ません")

    answer = await reading.post(
        f"/v1/cases/{waiting.case_id}/suggestions", json={"facts": {"remark": "除雪車が来ません"}}
    )

    (first,) = answer.json()["from_text"]
    assert (first["department"], [piece["text"] for piece in first["pieces"]]) == ("roads", ["除雪車"])
    assert first["said"]["ja"] == "文章の中の「除雪車」から、道路課の可能性があります。"
    assert first["said"]["en"] == "“除雪車” in the text speaks for 道路課."
    assert (await suggestions(reading, waiting))["from_text"] == []
    gas = await reading.post(f"/v1/cases/{waiting.case_id}/suggestions", json={"facts": {"remark": "ガス"}})
    assert [one["department"] for one in gas.json()["from_text"]] == [
        "roads"
    ]  # `old`, for which it speaks too, has ended
    kept = await routing.pool.fetch("SELECT decision FROM routed_case")
    assert all("除雪" not in row["decision"].decode() for row in kept)


@pytest.mark.parametrize("case_id,status", [("019bd905-e1c0-7343-9906-35d7675badd5", 404), ("x", 422)])
async def test_a_case_nobody_knows_is_said_so(routing: Routing, case_id: str, status: int) -> None:
    await routing.install(PACK)

    assert (await routing.client.get(f"/v1/cases/{case_id}/suggestions")).status_code == status


def test_a_city_names_its_model_in_a_setting_and_one_that_is_none_is_refused(tmp_path: Path) -> None:
    servers = {"kafka_bootstrap": "k:1", "postgres_dsn": "postgresql://h/d", "oidc_issuer": "https://login.example"}
    model, broken = tmp_path / "model.json", tmp_path / "broken.json"
    model.write_bytes(free_text.dump(MODEL))
    broken.write_text("{}")

    assert read_texts(Settings.model_validate(servers)) == suggesting.REMARK
    texts = read_texts(Settings.model_validate(servers | {"text_model": model, "text_fact": "letter"}))
    assert texts == Texts("letter", MODEL)
    with pytest.raises(InvalidModel, match=r"broken\.json: expected a model"):
        read_texts(Settings.model_validate(servers | {"text_model": broken}))


async def answers(routing: Routing, texts: Texts = suggesting.REMARK) -> list[DepartmentsSuggested]:
    """Let the loop beside the consumer work as long as there is something to do; what it announced."""
    commands = Commands("/routing", routing.pool, lambda: None, routing.now)
    while await commands.run(partial(suggesting.answer, texts=texts)):
        pass
    return [event for event in await routing.said() if isinstance(event, DepartmentsSuggested)]


async def test_a_case_in_triage_is_announced_with_its_suggestions_once_and_the_facts_are_gone(routing: Routing) -> None:
    await routing.install(PACK)
    await moved(routing, await routed(routing, "ghosts", district="far"), "waste")
    waiting = await routed(routing, "ghosts", district="far", remark="除雪車が来ません")
    model = free_text.FreeTextModel(("waste", "roads", "old"), MODEL.bias, MODEL.ngrams)

    said = await answers(routing, Texts("remark", model))

    (one,) = [event for event in said if event.case_id == waiting.case_id]
    assert (one.application_id, one.receipt) == (waiting.application_id, waiting.receipt)
    assert [(by.department, by.because.went, by.because.cases) for by in one.from_past] == [("waste", 1, 1)]
    assert [(by.department, by.pieces[0].text) for by in one.from_text] == [("roads", "除雪車")]
    assert set(one.from_text[0].said) == set(REGISTERS)
    assert await routing.pool.fetchval("SELECT count(*) FROM triage_question") == 0
    assert await answers(routing) == said


async def test_a_case_that_left_triage_or_for_which_nothing_speaks_is_told_nothing(routing: Routing) -> None:
    await routing.install(PACK)
    await routed(routing, "ghosts", district="far")
    first = await answers(routing)
    gone = await routed(routing, "ghosts", district="far")
    await moved(routing, gone, "waste")

    assert (first, await answers(routing)) == ([], [])
    assert await routing.pool.fetchval("SELECT count(*) FROM triage_question") == 0


async def test_a_case_that_comes_back_to_triage_is_suggested_for_again_by_what_was_learnt_meanwhile(
    routing: Routing,
) -> None:
    await routing.install(PACK)
    waiting = await routed(routing, "ghosts", district="far")
    assert await answers(routing) == []
    await moved(routing, await routed(routing, "ghosts", district="far"), "roads")

    await moved(routing, waiting, "waste", None)

    (one,) = await answers(routing)
    assert (one.case_id, [by.department for by in one.from_past]) == (waiting.case_id, ["roads"])


async def test_many_cases_in_triage_are_answered_a_few_in_a_transaction(routing: Routing) -> None:
    await routing.install(PACK)
    await moved(routing, await routed(routing, "ghosts", district="far"), "waste")
    for _ in range(suggesting.MOST_ANSWERED + 2):
        await routed(routing, "ghosts", district="far")
    commands = Commands("/routing", routing.pool, lambda: None, routing.now)

    counts = [await commands.run(partial(suggesting.answer, texts=suggesting.REMARK)) for _ in range(3)]

    assert counts == [suggesting.MOST_ANSWERED, 3, 0]
    assert len(await answers(routing)) == suggesting.MOST_ANSWERED + 2


async def test_the_loop_suggests_and_goes_on_when_it_cannot(
    routing: Routing, by_administrator: Administrator, capsys: pytest.CaptureFixture[str]
) -> None:
    await routing.install(PACK)
    await moved(routing, await routed(routing, "ghosts"), "waste")
    await routed(routing, "ghosts", remark="佐藤です")
    await by_administrator(routing.pool, "ALTER TABLE case_move RENAME TO away")
    commands, stop = Commands("/routing", routing.pool, lambda: None, routing.now), asyncio.Event()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(work.suggest_departments(commands, Telemetry("routing", None), stop, suggesting.REMARK))
        await asyncio.sleep(0.3)
        await by_administrator(routing.pool, "ALTER TABLE away RENAME TO case_move")
        async with asyncio.timeout(5):
            while not any(isinstance(event, DepartmentsSuggested) for event in await routing.said()):
                await asyncio.sleep(0.05)
        stop.set()

    printed = capsys.readouterr().out
    assert "suggestions.not_made" in printed
    assert "佐藤" not in printed
