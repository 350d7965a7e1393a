"""Seals at the desk: opened for whoever works on a case, checked when they come, put on what is written, and searched blind."""

import asyncio
import json
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.database import Tx
from chassis.telemetry import Telemetry
from contracts.channels import Application, Attachment
from contracts.desk import CorrectionRequested
from contracts.envelope import Event, Model
from contracts.personal import Applicant
from contracts.routing import CaseOpened
from contracts.sealed import SEALED_TEXT
from sealing import cipher, fields
from sealing.errors import KeyringAway
from sealing.places import place_of
from services.desk import corrections, index_terms, store
from services.desk.corrections import Correction
from services.desk.rules import Step
from tests.conftest import Administrator
from tests.desk.conftest import (
    APPLICATION,
    NOW,
    Desk,
    corrected,
    kept,
    new_id,
    opened,
    rerouted,
    sent_to_triage,
    withdrawn,
)

M = TypeVar("M", bound=Model)
PERSON = Applicant(
    name="阿寒　湖子",
    kana="アカン ミズコ",
    born=date(1981, 2, 3),
    email="Mizuko@example.jp",
    phone="０１５４-23-0000",
    message="坂の上です",
)
WHOLE = APPLICATION.model_copy(update={"applicant": PERSON})
DOCUMENT = Attachment(name="阿寒湖子の住民票.pdf", media_type="application/pdf", size=1, sha256="a" * 64)


async def sealed_case(desk: Desk, application: Application = WHOLE, department: str = "residents") -> tuple[UUID, UUID]:
    application_id, case_id = new_id(), new_id()
    sealed = await desk.sealed(application_id, application)
    await desk.read(opened(application_id, case_id, department, application=sealed))
    return application_id, case_id


async def test_who_works_on_a_case_reads_what_is_sealed_in_it(desk: Desk) -> None:
    application_id, case_id = await sealed_case(desk)
    correction = corrected(application_id).model_copy(update={"message": "番地を直します"})
    await desk.seals.sealer.fetch(["5y"], NOW)
    await desk.read(desk.seals.sealer.seal(correction, place_of(correction), "5y-2026"))

    case = await desk.see(case_id)

    assert case["application"] == json.loads(WHOLE.model_dump_json(exclude_none=True))
    assert case["corrections"][0]["message"] == "番地を直します"


async def test_no_table_of_the_desk_holds_a_personal_value(desk: Desk) -> None:
    _, case_id = await sealed_case(desk)
    await desk.do(case_id, "claim")
    await desk.do(case_id, "request-correction", wanted="お母様のお名前", until="2026-05-01")

    kept = await everything(desk)

    for value in ("湖子", "ミズコ", "1981-02-03", "izuko", "23-0000", "坂の上", "お母様"):
        assert value not in kept


async def test_what_is_written_to_the_citizen_leaves_sealed_and_is_read_again_in_the_history(desk: Desk) -> None:
    _, case_id = await sealed_case(desk)
    await desk.do(case_id, "claim")
    await desk.do(case_id, "request-correction", wanted="お母様のお名前", until="2026-05-01")

    row = await desk.pool.fetchval("SELECT payload FROM chassis.journal ORDER BY id DESC LIMIT 1")
    said = json.loads(row)["data"]
    (note,) = [step["note"] for step in (await desk.see(case_id))["history"] if step["what"] == "request-correction"]

    assert said["wanted"] == SEALED_TEXT
    assert said["sealed"]["key"] == "5y-2026.1"
    (whole,) = await desk.seals.opened([kept(CorrectionRequested.model_validate(said))])
    assert whole["wanted"] == "お母様のお名前"
    assert note["wanted"] == "お母様のお名前"


@pytest.mark.parametrize(
    "field, text",
    [
        ("name", "阿寒 湖子"),
        ("name", "阿寒湖子"),
        ("name", "阿寒"),
        ("name", "あかん みずこ"),
        ("kana", "ｱｶﾝﾐｽﾞｺ"),
        ("born", "1981-02-03"),
        ("born", "１９８１／２／３"),
        ("born", "1981年2月3日"),
        ("born", "1981.02.03"),
        ("born", "昭和56年2月3日"),
        ("born", "S56.2.3"),
        ("born", "19810203"),
        ("phone", "０１５４ー２３ー００００"),
        ("phone", "0154―23―0000"),
        ("email", "mizuko@EXAMPLE.jp"),
        ("phone", "0154(23)0000"),
    ],
)
async def test_a_case_is_found_however_its_applicant_is_written(desk: Desk, field: str, text: str) -> None:
    _, case_id = await sealed_case(desk)
    await sealed_case(desk, APPLICATION)

    found = await search(desk, field, text)

    assert [case["case_id"] for case in found] == [str(case_id)]


async def test_a_telephone_number_with_the_dash_of_kana_in_it_is_found_with_hyphens(desk: Desk) -> None:
    """On a Japanese keyboard it is the key beside the digits."""
    written = WHOLE.model_copy(update={"applicant": WHOLE.applicant.model_copy(update={"phone": "0154ー23ー0000"})})
    _, case_id = await sealed_case(desk, written)

    found = await search(desk, "phone", "0154-23-0000")

    assert [case["case_id"] for case in found] == [str(case_id)]


@pytest.mark.parametrize("text", ["昭和元年12月25日", "1926/12/25", "平成31年4月30日", "令和元年5月1日", "R1.5.1"])
async def test_what_is_no_date_of_birth_of_anybody_finds_nobody(desk: Desk, text: str) -> None:
    await sealed_case(desk)

    assert await search(desk, "born", text) == []


async def test_another_departments_cases_are_not_found(desk: Desk) -> None:
    await sealed_case(desk)

    assert await search(desk, "name", "阿寒 湖子", department="school") == []


async def test_a_case_that_moves_is_found_by_its_new_department(desk: Desk) -> None:
    application_id, case_id = await sealed_case(desk)
    await desk.read(rerouted(application_id, case_id))

    assert len(await search(desk, "name", "阿寒 湖子", department="health-insurance")) == 1


async def test_looking_for_nothing_is_refused(desk: Desk) -> None:
    answer = await desk.client.post("/v1/search", json={"department": "residents", "field": "name", "text": " -　"})

    assert answer.status_code == 422


async def test_an_event_whose_seal_does_not_open_is_parked_under_its_name(desk: Desk) -> None:
    application_id, case_id = new_id(), new_id()
    sealed = await desk.sealed(new_id(), WHOLE)

    outcome = await desk.consume(opened(application_id, case_id, application=sealed))
    (cause,) = await desk.pool.fetch("SELECT cause FROM chassis.parked_event")

    assert (outcome.handled, outcome.parked) == (0, 1)
    assert cause[0] == "sealing.errors.BrokenSeal"
    assert (await desk.client.get(f"/v1/cases/{case_id}")).status_code == 404


async def test_a_seal_of_another_correction_of_the_same_application_is_parked(desk: Desk) -> None:
    application_id, _ = await sealed_case(desk)
    first, second = (corrected(application_id).model_copy(update={"message": text}) for text in ("一つ目", "二つ目"))
    old = await desk.sealed_event(first)

    outcome = await desk.consume_as_it_is(second.model_copy(update={"message": None, "sealed": old.sealed}))

    assert outcome.causes == {"sealing.errors.BrokenSeal": 1}
    assert await desk.pool.fetchval("SELECT count(*) FROM correction") == 0


async def test_what_one_department_told_the_citizen_is_not_shown_as_said_by_another(
    desk: Desk, by_administrator: Administrator
) -> None:
    application_id, first = await sealed_case(desk)
    second = new_id()
    await desk.read(opened(application_id, second, "school", application=await desk.sealed(application_id, WHOLE)))
    for case_id, text in ((first, "認めます"), (second, "認めません")):
        await desk.do(case_id, "claim")
        await desk.do(case_id, "decide", outcome="approved", explanation=text)
    notes = {step.case_id: step.note for step in await decisions_of(desk, first, second)}
    await by_administrator(
        desk.pool, "UPDATE case_step SET note = $1 WHERE what = 'decide' AND case_id = $2", notes[second], first
    )

    shown = [(await desk.see(case_id))["history"][-1]["note"] for case_id in (first, second)]

    assert shown[0]["unreadable"]["code"] == "BrokenSeal"
    assert "認めません" not in json.dumps(shown[0], ensure_ascii=False)
    assert shown[1]["explanation"] == "認めません"


async def test_what_was_sealed_before_seals_were_bound_to_a_place_is_still_read(desk: Desk) -> None:
    application_id, case_id = new_id(), new_id()
    await desk.seals.sealer.fetch(["5y"], NOW)
    application = sealed_in_the_old_form(desk, WHOLE, application_id)
    correction = sealed_in_the_old_form(
        desk, corrected(application_id).model_copy(update={"message": "番地を直します"}), application_id
    )
    await desk.read(opened(application_id, case_id, application=application), correction)

    case = await desk.see(case_id)

    assert case["application"]["applicant"]["name"] == "阿寒　湖子"
    assert case["corrections"][0]["message"] == "番地を直します"


PLAIN = [{"applicant": Applicant(phone="090-1234-5678")}, {"sealed": None, "applicant": PERSON}]


@pytest.mark.parametrize("update", PLAIN, ids=["beside its seal", "without a seal"])
@pytest.mark.parametrize("arriving", [opened, rerouted, sent_to_triage])
async def test_a_personal_value_in_the_open_is_parked_whether_there_is_a_seal_or_not(
    desk: Desk, arriving: Callable[[UUID, UUID], CaseOpened], update: dict[str, Any]
) -> None:
    application_id, case_id = new_id(), new_id()
    plain = (await desk.sealed(application_id, WHOLE)).model_copy(update=update)

    outcome = await desk.consume_as_it_is(arriving(application_id, case_id).model_copy(update={"application": plain}))

    assert (outcome.handled, outcome.causes) == (0, {"sealing.errors.BrokenSeal": 1})
    assert "090-1234" not in "".join([str(row) for row in await desk.pool.fetch("SELECT * FROM application")])


async def test_a_required_value_that_was_left_out_of_the_seal_is_parked(desk: Desk) -> None:
    application_id = new_id()
    sealed = await desk.sealed(application_id, WHOLE.model_copy(update={"attachments": (DOCUMENT,)}))
    assert sealed.sealed is not None
    values = {path: text for path, text in sealed.sealed.values.items() if path != "attachments.0.name"}
    without = sealed.model_copy(update={"sealed": sealed.sealed.model_copy(update={"values": values})})

    outcome = await desk.consume_as_it_is(opened(application_id, new_id(), application=without))

    assert outcome.causes == {"sealing.errors.BrokenSeal": 1}


@pytest.mark.parametrize("event", [corrected(new_id()), withdrawn(new_id()).model_copy(update={"message": "やめます"})])
async def test_a_message_in_the_open_is_parked_and_not_kept(desk: Desk, event: Event) -> None:
    outcome = await desk.consume_as_it_is(event)

    assert outcome.causes == {"sealing.errors.BrokenSeal": 1}
    assert await desk.pool.fetchval("SELECT count(*) FROM correction") == 0


@pytest.mark.parametrize("seal", ["beside its seal", "without a seal"])
async def test_a_kept_value_in_the_open_is_shown_as_broken_and_not_shown(desk: Desk, seal: str) -> None:
    _, case_id = await sealed_case(desk)
    content = json.loads(await desk.pool.fetchval("SELECT content FROM application"))
    content["applicant"] = {"phone": "090-1234-5678"}
    content["sealed"] = content["sealed"] if seal == "beside its seal" else None
    await desk.pool.execute("UPDATE application SET content = $1", json.dumps(content).encode())

    application = (await desk.see(case_id))["application"]

    assert application["unreadable"]["code"] == "BrokenSeal"
    assert application["applicant"] == {"phone": SEALED_TEXT}


async def test_a_kept_message_and_kept_words_in_the_open_are_shown_as_broken_and_not_shown(desk: Desk) -> None:
    application_id, case_id = await sealed_case(desk)
    kept = Correction(application_id, "/portal", "1", NOW, json.dumps({"message": "電話"}).encode())
    note = json.dumps({"wanted": "戸籍", "until": "2026-05-01"}).encode()
    async with desk.connection.transaction():
        tx = Tx(desk.connection, NOW)
        await corrections.keep(tx, [kept])
        await store.add_steps(tx, [Step(case_id, NOW, "request-correction", "residents", "sato", note)])

    case = await desk.see(case_id)
    (told,) = [step["note"] for step in case["history"] if step["what"] == "request-correction"]

    assert [shown["unreadable"]["code"] for shown in (*case["corrections"], told)] == ["BrokenSeal"] * 2
    assert (case["corrections"][0]["message"], told["wanted"]) == (SEALED_TEXT, SEALED_TEXT)


async def test_when_the_key_is_destroyed_nothing_personal_can_be_read_or_found(desk: Desk) -> None:
    _, case_id = await sealed_case(desk)
    desk.city.destroy("5y-2026")
    desk.seals.opener.clock = lambda: 1e9
    await desk.seals.index.refresh(desk.commands, Telemetry("desk", None))

    case = await desk.see(case_id)

    assert case["application"]["applicant"] == {}
    assert case["application"]["unreadable"]["code"] == "DestroyedKey"
    assert "鍵が廃棄された" in case["application"]["unreadable"]["ja"]
    assert await search(desk, "name", "阿寒 湖子") == []
    assert await desk.pool.fetchval("SELECT count(*) FROM search_term") == 0
    assert await desk.pool.fetchval("SELECT count(*) FROM index_key") == 0


async def test_a_key_that_is_away_hides_the_destruction_of_no_other(desk: Desk) -> None:
    """A damaged file of one key is enough for that: the index of a destroyed one would go on finding people by name."""
    await sealed_case(desk)
    desk.seals.index.want({"10y-2020"})
    await desk.seals.index.refresh(desk.commands, Telemetry("desk", None))
    desk.city.damaged.add("10y-2020")
    desk.city.destroy("5y-2026")

    with pytest.raises(KeyringAway):
        await desk.seals.index.refresh(desk.commands, Telemetry("desk", None))

    assert [*desk.seals.index.at_hand] == ["10y-2020"]
    assert await search(desk, "name", "阿寒 湖子") == []
    assert await desk.pool.fetchval("SELECT count(*) FROM search_term") == 0


async def test_a_changed_row_is_shown_as_broken_and_never_as_something_else(desk: Desk) -> None:
    application_id, case_id = await sealed_case(desk)
    content = json.loads(
        await desk.pool.fetchval("SELECT content FROM application WHERE application_id = $1", application_id)
    )
    values = content["sealed"]["values"]
    values["applicant.name"], values["applicant.kana"] = values["applicant.kana"], values["applicant.name"]
    await desk.pool.execute("UPDATE application SET content = $1", json.dumps(content).encode())

    case = await desk.see(case_id)

    assert case["application"]["unreadable"]["code"] == "BrokenSeal"
    assert case["application"]["applicant"] == {}


async def test_nothing_is_written_to_a_citizen_while_the_keyring_is_away(desk: Desk) -> None:
    _, case_id = await sealed_case(desk)
    await desk.do(case_id, "claim")
    desk.city.away = True
    desk.seals.sealer.clock = lambda: 1e9

    answer = await desk.do(case_id, "request-correction", wanted="お母様のお名前", until="2026-05-01")

    assert answer.status_code == 503
    assert await desk.types() == ["case.claimed"]


async def test_two_instances_make_one_index_key(desk: Desk) -> None:
    for index in (desk.seals.index, type(desk.seals.index)(desk.city, desk.city)):
        with pytest.raises(OSError, match="being fetched"):
            index.need({"5y-2027"})
        await index.refresh(desk.commands, Telemetry("desk", None))
        index.need({"5y-2027"})

    assert await desk.pool.fetchval("SELECT count(*) FROM index_key WHERE name = '5y-2027'") == 1


async def test_the_loop_fetches_what_is_asked_for_at_once(desk: Desk) -> None:
    stop = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.seals.index.work(desk.commands, Telemetry("desk", None), stop))
        await asyncio.sleep(0.2)
        with pytest.raises(OSError, match="being fetched"):
            desk.seals.index.need({"5y-2027"})
        while "5y-2027" not in desk.seals.index.at_hand:
            await asyncio.sleep(0.02)
        stop.set()


@given(st.text(min_size=1, max_size=30))
def test_what_is_compared_is_compared_once_and_for_all(text: str) -> None:
    once = index_terms.normalised(text)

    assert index_terms.normalised(once) == once


async def search(desk: Desk, field: str, text: str, department: str = "residents") -> list[dict[str, Any]]:
    body = {"department": department, "field": field, "text": text}
    answer = await desk.client.post("/v1/search", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["cases"]


async def everything(desk: Desk) -> str:
    """All rows of all tables, byte strings as text."""
    tables = await desk.pool.fetch(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', 'chassis')"
        " AND has_table_privilege(format('%I.%I', schemaname, tablename), 'SELECT')"
    )
    rows = [row for (table,) in tables for row in await desk.pool.fetch(f"SELECT * FROM {table}")]
    return "\n".join(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for row in rows for value in row
    )


async def test_a_command_that_says_nothing_personal_waits_for_no_keyring(desk: Desk) -> None:
    _, case_id = await sealed_case(desk)
    desk.city.away = True
    desk.seals.sealer.clock = lambda: 1e9

    assert (await desk.do(case_id, "claim")).status_code == 200


def sealed_in_the_old_form(desk: Desk, value: M, about: UUID) -> M:
    """As the release before sealed: bound to the application and to nothing else."""
    key = desk.seals.sealer.wrapping.new("5y-2026")
    return fields.emptied(value, sealed=cipher.seal(key, str(about), fields.personal(value)))


async def decisions_of(desk: Desk, *case_ids: UUID) -> list[Step]:
    async def read(tx: Tx) -> list[Step]:
        return [step for case_id in case_ids for step in await store.steps_of(tx, case_id) if step.what == "decide"]

    return await desk.commands.query(read)
