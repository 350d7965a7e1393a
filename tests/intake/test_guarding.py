"""An Individual Number where none belongs: told to whoever can be asked, made unreadable elsewhere, kept nowhere."""

import json
from dataclasses import replace
from typing import Any, get_args

import pytest

from contracts import individual_numbers
from contracts.channels import Channel
from contracts.intake import ApplicationAccepted, ApplicationRejected, CorrectionAccepted, WithdrawalAccepted
from services.intake import guarding
from tests.conftest import Administrator
from tests.intake.conftest import CORRECTED, PORTAL, WITHDRAWN, Intake, application, event

NUMBER = "１２３４－５６７８－９０１８"
PLAIN = "123456789018"
MASK = individual_numbers.MASK * individual_numbers.LENGTH
APPLICANT = {"name": "釧路 花子", "email": "hanako@example.jp"}
ATTACHMENT = {"media_type": "application/pdf", "size": 1, "sha256": "0" * 64}
ANYWHERE: dict[str, dict[str, Any]] = {
    "data.application.applicant.message": {"applicant": APPLICANT | {"message": f"番号は{NUMBER}です。"}},
    "data.application.applicant.name": {"applicant": APPLICANT | {"name": f"釧路 花子 {NUMBER}"}},
    "data.application.applicant.email": {"applicant": APPLICANT | {"email": "12345678@9018"}},
    "data.application.facts.remark": {"facts": {"district": "akan", "remark": NUMBER}},
    "data.application.facts.number": {"facts": {"district": "akan", "number": int(PLAIN)}},
    "data.application.attachments.0.name": {"attachments": [ATTACHMENT | {"name": f"card_{PLAIN}.pdf"}]},
    "data.application.attachments.0.media_type": {
        "attachments": [ATTACHMENT | {"name": "card.pdf", "media_type": f"application/{PLAIN}"}]
    },
}


async def everything_kept(intake: Intake, ask: Administrator) -> str:
    """All rows of all tables, as text."""
    tables = await ask(intake.pool, "SELECT schemaname || '.' || relname AS name FROM pg_stat_user_tables")
    rows = [row for table in tables for row in await ask(intake.pool, f"SELECT t::text AS row FROM {table['name']} t")]
    return "\n".join(bytes.fromhex(part).decode(errors="replace") for row in rows for part in _hex(row["row"])) + str(
        rows
    )


def _hex(row: str) -> list[str]:
    """What is kept as bytes and begins as JSON does, as one digest of 256 does too."""
    return [part.split("x", 1)[1].strip('",)') for part in row.split("\\") if part.startswith("x7b")]


@pytest.mark.parametrize("place", ANYWHERE)
async def test_whoever_can_be_asked_is_told_which_field_to_mend_and_nothing_is_kept(intake: Intake, place: str) -> None:
    answer = await intake.post(application(**ANYWHERE[place]))

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == (place, "individual-number")
    assert "個人番号" in error["message"]
    assert PLAIN not in answer.text
    assert NUMBER not in answer.text
    assert await intake.rows("SELECT 1 FROM submission") == []


@pytest.mark.parametrize("channel", ["portal", "paper"])
async def test_the_name_of_a_fact_holds_none_on_any_channel_and_is_not_repeated(intake: Intake, channel: str) -> None:
    (said,) = await intake.receive(application(channel=channel, facts={"district": "akan", f"n{PLAIN}": True}))

    assert isinstance(said, ApplicationRejected)
    assert [(fault.field, fault.code) for fault in said.faults] == [("data.facts", "individual-number")]
    assert PLAIN not in said.to_json().decode()


@pytest.mark.parametrize(
    "said", ["pdf", "application/pdf\n", "application/\u0000", "a/b; c", "text/plain; charset=\u00e9"]
)
async def test_a_media_type_is_one(intake: Intake, said: str) -> None:
    answer = await intake.post(application(attachments=[ATTACHMENT | {"name": "a", "media_type": said}]))

    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [
        ("data.application.attachments.0.media_type", "media-type")
    ]


async def test_a_media_type_may_have_parameters(intake: Intake) -> None:
    sent = [ATTACHMENT | {"name": "a", "media_type": 'text/csv; charset=utf-8; header="present"'}]

    assert (await intake.post(application(attachments=sent))).status_code == 201


NAMED = [
    'application/pdf; name="yamada_hanako.pdf"',
    "application/pdf;name=yamada_hanako.pdf",
    "application/pdf; charset=utf-8; NAME*=utf-8''%E5%B1%B1%E7%94%B0_hanako.pdf",
    'application/pdf; filename="a;b_hanako.pdf"; name*0="hana"; name*1*=ko.pdf',
]
"""As a mail has it: MIME writes the name of a file into its type."""


@pytest.mark.parametrize("said", NAMED)
@pytest.mark.parametrize("channel", ["portal", "email"])
async def test_a_media_type_keeps_no_name_of_a_file_which_is_personal_and_it_would_stand_in_the_open(
    intake: Intake, said: str, channel: str
) -> None:
    await intake.admit(replace(PORTAL, channels=frozenset(get_args(Channel))))
    sent = application(channel=channel, attachments=[ATTACHMENT | {"name": "a", "media_type": said}])

    (accepted,) = await intake.receive(sent)

    assert isinstance(accepted, ApplicationAccepted)
    assert "hana" not in accepted.to_json().decode()
    assert accepted.application.attachments[0].media_type.startswith("application/pdf")
    assert ("charset=utf-8" in said) == ("charset=utf-8" in accepted.application.attachments[0].media_type)


async def test_a_correction_keeps_no_name_of_a_file_in_a_media_type(intake: Intake) -> None:
    sent = application()
    await intake.post(sent)
    about = {"application_id": sent["subject"], "submitted_at": "2026-11-25T00:00:00Z"}
    attachments = [ATTACHMENT | {"name": "a", "media_type": NAMED[0]}]

    (said,) = await intake.receive(event(CORRECTED, sent["subject"], about | {"attachments": attachments}))

    assert isinstance(said, CorrectionAccepted)
    assert [one.media_type for one in said.attachments] == ["application/pdf"]


async def test_on_kafka_the_refusal_names_the_field_and_not_the_number(intake: Intake) -> None:
    (said,) = await intake.receive(application(**ANYWHERE["data.application.applicant.message"]))

    assert isinstance(said, ApplicationRejected)
    assert [fault.code for fault in said.faults] == ["individual-number"]
    assert NUMBER not in said.to_json().decode()


@pytest.mark.parametrize("place", ANYWHERE)
async def test_what_came_on_paper_is_accepted_with_the_number_unreadable(intake: Intake, place: str) -> None:
    (said,) = await intake.receive(application(channel="paper", **ANYWHERE[place]))

    assert isinstance(said, ApplicationAccepted)
    assert said.masked == (place,)
    whole = json.dumps(await intake.opened(said), ensure_ascii=False)
    assert MASK in whole
    assert individual_numbers.find(json.dumps(json.loads(whole)["application"]["applicant"])) == []
    assert NUMBER not in whole
    assert "akan" in said.to_json().decode()


@pytest.mark.parametrize("address", ["1234@56789018", "1234@5678.9018.jp", "a.1234.5678@9018"])
async def test_an_address_of_mail_that_is_a_number_is_refused_or_made_unreadable_like_any_other_value(
    intake: Intake, address: str
) -> None:
    """It must go on being one, or the event would be poison: parked with its bytes, and fifty of them a consumer that stops."""
    changes: dict[str, Any] = {"applicant": APPLICANT | {"email": address}}

    told = await intake.post(application(**changes))
    (said,) = await intake.receive(application(channel="fax", **changes))

    assert [error["field"] for error in told.json()["errors"]] == ["data.application.applicant.email"]
    kept = (await intake.opened(said))["application"]["applicant"]["email"]
    assert individual_numbers.find(kept) == []
    assert MASK in kept
    assert "@" in kept


async def test_no_table_keeps_the_number_and_the_citizen_reads_that_it_was_made_unreadable(
    intake: Intake, by_administrator: Administrator
) -> None:
    sent = application(channel="fax", **ANYWHERE["data.application.applicant.message"])
    receipt = (await intake.post(sent)).json()["receipt"]

    timeline = (await intake.get(receipt)).json()["timeline"]
    kept = await everything_kept(intake, by_administrator)

    assert "読めないようにして受け付けました" in timeline[-1]["ja"]
    assert sent["subject"] in kept
    assert NUMBER not in kept


async def test_the_same_fax_again_is_the_same_and_gets_the_same_answer(intake: Intake) -> None:
    sent = application(channel="fax", **ANYWHERE["data.application.applicant.message"])

    first, again = await intake.post(sent), await intake.post(sent)

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content


async def test_a_correction_and_a_withdrawal_are_never_lost_for_a_number_in_them(intake: Intake) -> None:
    sent = application()
    await intake.post(sent)
    about = {"application_id": sent["subject"], "message": f"番号は{NUMBER}"}

    said = await intake.receive(
        event(CORRECTED, sent["subject"], about | {"submitted_at": "2026-11-25T00:00:00Z"}),
        event(WITHDRAWN, sent["subject"], about | {"withdrawn_at": "2026-11-25T00:00:00Z"}),
    )

    assert [type(one) for one in said] == [CorrectionAccepted, WithdrawalAccepted]
    assert all(json.loads(one.to_json())["masked"] == ["data.message"] for one in said)
    assert [MASK in (await intake.opened(one))["message"] for one in said] == [True, True]


async def test_every_channel_either_asks_back_or_masks(intake: Intake) -> None:
    await intake.admit(replace(PORTAL, channels=frozenset(get_args(Channel))))

    said = await intake.receive(
        *(
            application(channel=channel, **ANYWHERE["data.application.applicant.message"])
            for channel in get_args(Channel)
        )
    )

    assert [isinstance(one, ApplicationRejected) for one in said].count(True) == len(guarding.CAN_ASK_BACK)
    assert all(NUMBER not in one.to_json().decode() for one in said)
