"""An Individual Number where a law lets the city ask for one: sealed as a class of its own, in the open nowhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts import individual_numbers
from contracts.envelope import Event
from contracts.individual_numbers import MASKED
from contracts.intake import ApplicationAccepted, ApplicationRejected, CorrectionAccepted, WithdrawalAccepted
from contracts.sealed import Sealed
from sealing.errors import UnknownKey
from sealing.opener import Opener
from sealing.places import place_of
from services.intake import legal_bases
from services.intake.legal_bases import NoSuchBasis, read_legal_bases
from tests.conftest import ROOT, Administrator
from tests.intake.conftest import CORRECTED, WITHDRAWN, Intake, application, event
from tests.intake.test_guarding import everything_kept
from tests.intake.test_seals import sealed_by_channel

CLAIM = "child-allowance.claim"
"""The procedure with a legal basis; `road.snow`, which the fixtures submit, has none."""
NUMBER, OTHER = "123456789018", "210987654320"
APPLICANT = {"name": "釧路 花子", "email": "hanako@example.jp"}
ATTACHMENT = {"media_type": "application/pdf", "size": 1, "sha256": "0" * 64}
WRITTEN = ["123456789018", "１２３４　５６７８　９０１８", "1234-5678-9018", "一二三四五六七八九〇一八"]


def claim(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {"procedure": CLAIM, "applicant": APPLICANT | {"individual_number": NUMBER}}
    return application(None, **whole | changes)


def about(sent: dict[str, Any], **said: Any) -> dict[str, Any]:
    """A correction of an application."""
    data = {"application_id": sent["subject"], "submitted_at": "2026-11-25T00:00:00Z"} | said
    return event(CORRECTED, sent["subject"], data)


def numbers_of(said: Event) -> Sealed | None:
    return getattr(getattr(said, "application", said), "sealed_numbers", None)


async def shown(intake: Intake, said: Event) -> dict[str, str]:
    """What whoever holds the keys for numbers reads."""
    sealed, opener = numbers_of(said), Opener(intake.numbers)
    assert sealed is not None
    await opener.fetch([sealed])
    return opener.open(sealed, place_of(said))


@pytest.mark.parametrize("text", WRITTEN)
async def test_a_number_however_written_is_kept_as_twelve_digits_under_a_class_of_its_own(
    intake: Intake, text: str
) -> None:
    (said,) = await intake.receive(claim(applicant=APPLICANT | {"individual_number": text}))

    assert isinstance(said, ApplicationAccepted)
    assert said.application.sealed is not None
    assert (said.application.sealed.key, numbers_of(said).key) == ("5y-2026.1", "number5y-2026.1")  # pyright: ignore[reportOptionalMemberAccess]
    assert await shown(intake, said) == {"applicant.individual_number": NUMBER}
    assert said.masked is None


async def test_who_opens_personal_data_opens_no_number_and_sees_that_there_is_one(intake: Intake) -> None:
    (said,) = await intake.receive(claim(attachments=[ATTACHMENT | {"name": f"card_{NUMBER}.pdf"}]))
    sealed, ordinary = numbers_of(said), Opener(intake.city)
    assert sealed is not None
    await ordinary.fetch([sealed])

    whole = (await intake.opened(said))["application"]

    assert whole["applicant"]["individual_number"] == MASKED
    assert whole["attachments"][0]["name"] == f"card_{MASKED}.pdf"
    with pytest.raises(UnknownKey):
        ordinary.open(sealed, place_of(said))


async def test_free_text_and_names_of_attachments_are_kept_whole_beside_a_copy_without_the_number(
    intake: Intake,
) -> None:
    words = f"妻の番号は {NUMBER} です。"
    (said,) = await intake.receive(
        claim(applicant=APPLICANT | {"message": words}, attachments=[ATTACHMENT | {"name": f"{NUMBER}.pdf"}])
    )

    assert await shown(intake, said) == {"applicant.message": words, "attachments.0.name": f"{NUMBER}.pdf"}
    assert (await intake.opened(said))["application"]["applicant"]["message"] == f"妻の番号は {MASKED} です。"


@pytest.mark.parametrize("channel", ["portal", "fax"])
async def test_no_table_topic_or_answer_holds_a_number_in_the_open(
    intake: Intake, by_administrator: Administrator, channel: str
) -> None:
    sent = claim(
        channel=channel, applicant=APPLICANT | {"individual_number": NUMBER, "message": f"番号は{NUMBER}です。"}
    )

    answer = await intake.post(sent)
    kept = await everything_kept(intake, by_administrator)

    assert answer.status_code == 201
    assert sent["subject"] in kept
    assert NUMBER not in kept + answer.text
    assert NUMBER not in (await intake.get(answer.json()["receipt"])).text


async def test_no_digest_is_made_of_a_number_so_that_none_can_be_tried_out_on_a_dump(intake: Intake) -> None:
    sent = claim()
    other = json.loads(json.dumps(sent).replace(NUMBER, OTHER))
    refused = application(applicant=APPLICANT | {"message": NUMBER})
    other_refused = json.loads(json.dumps(refused).replace(NUMBER, OTHER))

    first, again = await intake.post(sent), await intake.post(other)
    await intake.receive(refused, other_refused)

    assert first.content == again.content
    assert await intake.rows("SELECT 1 FROM contradiction") == []


async def test_a_wrong_check_digit_in_its_own_field_is_refused_with_what_to_do(intake: Intake) -> None:
    answer = await intake.post(claim(applicant=APPLICANT | {"individual_number": "123456789012"}))

    (error,) = answer.json()["errors"]
    assert answer.status_code == 422
    assert (error["field"], error["code"]) == (
        "data.application.applicant.individual_number",
        "individual-number-misread",
    )
    assert "12桁" in error["message"]
    assert "123456789012" not in answer.text


async def test_a_misread_number_on_a_fax_loses_nothing_but_itself_and_the_citizen_is_told(intake: Intake) -> None:
    (said,) = await intake.receive(claim(channel="fax", applicant=APPLICANT | {"individual_number": "123456789012"}))

    assert isinstance(said, ApplicationAccepted)
    assert said.masked == ("data.application.applicant.individual_number",)
    assert numbers_of(said) is None
    assert (await intake.opened(said))["application"]["applicant"]["individual_number"] == MASKED


@pytest.mark.parametrize("number", [NUMBER, "123456789012"])
async def test_without_a_legal_basis_the_field_itself_is_refused_or_masked(intake: Intake, number: str) -> None:
    applicant = APPLICANT | {"individual_number": number}

    answer = await intake.post(application(applicant=applicant))
    (said,) = await intake.receive(application(channel="paper", applicant=applicant))

    assert [error["code"] for error in answer.json()["errors"]] == ["individual-number"]
    assert isinstance(said, ApplicationAccepted)
    assert said.masked == ("data.application.applicant.individual_number",)
    assert numbers_of(said) is None
    assert number not in json.dumps(await intake.opened(said))


async def test_a_fact_never_holds_one_whatever_the_procedure(intake: Intake) -> None:
    facts = {"district": "akan", "remark": NUMBER}

    answer = await intake.post(claim(facts=facts))
    (said,) = await intake.receive(claim(channel="fax", facts=facts))

    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("data.application.facts.remark", "individual-number")
    assert "individual_number" in error["message"]
    assert isinstance(said, ApplicationAccepted)
    assert said.application.facts["remark"] == MASKED
    assert said.masked == ("data.application.facts.remark",)
    assert await shown(intake, said) == {"applicant.individual_number": NUMBER}


async def test_corrections_and_withdrawals_go_by_the_procedure_of_their_application(intake: Intake) -> None:
    with_basis, without = claim(), application()
    for sent in (with_basis, without):
        await intake.post(sent)

    said = await intake.receive(
        about(with_basis, individual_number=NUMBER, message=f"夫は{OTHER}です"),
        about(without, individual_number=NUMBER, message=f"夫は{OTHER}です"),
        event(
            WITHDRAWN,
            with_basis["subject"],
            {"application_id": with_basis["subject"], "withdrawn_at": "2026-11-25T00:00:00Z", "message": NUMBER},
        ),
    )

    kept, thrown_away, withdrawn = said
    assert [type(one) for one in said] == [CorrectionAccepted, CorrectionAccepted, WithdrawalAccepted]
    assert await shown(intake, kept) == {"individual_number": NUMBER, "message": f"夫は{OTHER}です"}
    assert await shown(intake, withdrawn) == {"message": NUMBER}
    assert numbers_of(thrown_away) is None
    assert [json.loads(one.to_json()).get("masked") for one in said] == [
        None,
        ["data.individual_number", "data.message"],
        None,
    ]
    assert not any(number in one.to_json().decode() for one in said for number in (NUMBER, OTHER))


async def test_a_correction_in_the_batch_of_its_application_goes_by_its_procedure_too(intake: Intake) -> None:
    sent = claim(channel="fax")

    _, corrected = await intake.receive(sent, about(sent, individual_number=OTHER))

    assert await shown(intake, corrected) == {"individual_number": OTHER}


async def test_a_wrong_number_in_a_correction_is_refused_where_somebody_can_be_asked_and_masked_elsewhere(
    intake: Intake,
) -> None:
    over_portal, on_paper = claim(), claim(channel="fax")
    for sent in (over_portal, on_paper):
        await intake.post(sent)

    asked, masked = await intake.receive(
        about(over_portal, individual_number="123456789012"), about(on_paper, individual_number="123456789012")
    )
    answer = await intake.post(about(over_portal, individual_number="123456789012"))

    assert isinstance(asked, ApplicationRejected)
    assert [fault.code for fault in asked.faults] == ["individual-number-misread"]
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("data.individual_number", "individual-number-misread")
    assert "12桁" in error["message"]
    assert "123456789012" not in answer.text
    assert isinstance(masked, CorrectionAccepted)
    assert masked.masked == ("data.individual_number",)


async def test_a_wrong_number_over_http_leaves_nothing_behind_and_is_mended_under_the_same_id(intake: Intake) -> None:
    sent = claim()
    await intake.post(sent)
    wrong = about(sent, individual_number="123456789012")

    refused = await intake.post(wrong)
    mended = await intake.post(wrong | {"data": wrong["data"] | {"individual_number": OTHER}})

    assert (refused.status_code, mended.status_code) == (422, 201)


async def test_a_correction_of_no_application_is_a_conflict_whatever_number_is_in_it(intake: Intake) -> None:
    answer = await intake.post(about(claim(), individual_number="123456789012"))

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:madoguchi:problem:unknown-application")


async def test_a_channel_that_seals_at_the_edge_seals_the_number_with_the_rest(intake: Intake) -> None:
    body = await sealed_by_channel(intake, application(procedure=CLAIM), {"applicant.individual_number": NUMBER})

    (said,) = await intake.receive(body)

    assert set(body["data"]["application"]["sealed"]["values"]) >= {"applicant.individual_number"}
    assert await shown(intake, said) == {"applicant.individual_number": NUMBER}
    assert (await intake.opened(said))["application"]["applicant"]["individual_number"] == MASKED


async def test_a_channel_may_not_make_the_seal_that_is_the_citys(intake: Intake) -> None:
    body = await sealed_by_channel(intake, application(procedure=CLAIM))
    body["data"]["application"]["sealed_numbers"] = body["data"]["application"]["sealed"]

    answer = await intake.post(body)

    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("data.application.sealed_numbers", "not-yours-to-seal")


async def test_nothing_is_written_while_there_is_no_key_for_numbers(intake: Intake) -> None:
    intake.numbers.away = True

    assert (await intake.post(claim())).status_code == 503
    assert await intake.rows("SELECT 1 FROM submission") == []


def test_a_text_is_a_number_only_when_it_is_one_and_nothing_else() -> None:
    assert [individual_numbers.read(text) for text in WRITTEN] == [NUMBER] * 4
    assert [individual_numbers.read(text) for text in ("", "12345678901", "1234567890180", "123456789012", f"{NUMBER}a")] == [
        None
    ] * 5  # fmt: skip


BASES = [
    "番号利用法 別表81の項",
    "番号利用法別表の８１の項",
    "番号法 第9条第1項 別表100の項",
    "釧路市個人番号の利用に関する条例 第4条",
    "釧路市個人番号の利用に関する条例 別表第1の3の項",
]


def pack(folder: Path, *cells: str) -> Path:
    rows = [f'p{number},"{cell}"' for number, cell in enumerate(cells)]
    (folder / "procedures.csv").write_text("\n".join(["code,individual_number_basis", *rows]) + "\n")
    return folder


def test_the_city_pack_says_by_which_law_a_procedure_may_ask_for_one(tmp_path: Path) -> None:
    bases = read_legal_bases(pack(tmp_path, *BASES, ""))

    assert [bases.allow(f"p{number}") for number in range(7)] == [True] * 5 + [False] * 2


@pytest.mark.parametrize("cell", ["yes", "番号利用法", "別表81の項", "番号利用法 別表0の項", "条例", "要綱 第3条"])
def test_what_is_no_legal_basis_is_named_with_its_line_and_what_is_expected(tmp_path: Path, cell: str) -> None:
    pack(tmp_path, BASES[0], cell)

    (fault,) = legal_bases.faults(tmp_path)

    assert fault.startswith("procedures.csv, line 3, column individual_number_basis: expected 番号利用法 別表81の項")
    with pytest.raises(NoSuchBasis, match="line 3"):
        read_legal_bases(tmp_path)


def test_a_pack_without_the_column_collects_nothing(tmp_path: Path) -> None:
    (tmp_path / "procedures.csv").write_text("code\nroad.snow\n")

    assert read_legal_bases(tmp_path).by_procedure == {}


def test_kushiro_asks_for_numbers_where_the_act_names_the_work_and_not_for_snow() -> None:
    bases = read_legal_bases(ROOT / "cities" / "kushiro")

    assert bases.allow("child-allowance.claim")
    assert not bases.allow("road.snow")
