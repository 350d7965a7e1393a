"""What is personal leaves intake sealed; what a channel sealed is read as if it had come in the open."""

import json
import re
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from chassis.errors import Foreign
from contracts.channels import Application, ApplicationSubmitted
from contracts.intake import ApplicationAccepted, CorrectionAccepted, WithdrawalAccepted
from contracts.sealed import SEALED_TEXT
from sealing.errors import KeyringAway
from sealing.places import of_edge
from sealing.sealer import Sealer
from services.intake.retention import read_retention
from tests.intake.conftest import CORRECTED, PORTALS_OWN, WITHDRAWN, Intake, application, event
from tests.intake.consuming import consumed, record, redriven
from tests.keyring import MemoryKeyring

ATTACHMENT = {"name": "住民票の写し_釧路花子.pdf", "media_type": "application/pdf", "size": 9, "sha256": "a" * 64}


async def test_no_personal_value_leaves_intake_in_the_open(intake: Intake) -> None:
    (said,) = await intake.receive(application(attachments=[ATTACHMENT]))

    assert isinstance(said, ApplicationAccepted)
    assert said.application.sealed is not None
    assert set(said.application.sealed.values) == {
        "applicant.name", "applicant.email", "applicant.message", "attachments.0.name",
    }  # fmt: skip
    assert said.application.attachments[0].name == SEALED_TEXT
    for value in ("花子", "hanako", "雪山", "住民票"):
        assert value not in said.to_json().decode()
    assert said.application.facts == {"district": "akan"}


async def test_the_key_is_that_of_the_retention_class_and_the_fiscal_year(intake: Intake) -> None:
    snow, other = await intake.receive(application(), application(procedure="moving-in"))

    assert isinstance(snow, ApplicationAccepted)
    assert isinstance(other, ApplicationAccepted)
    assert snow.application.sealed is not None
    assert other.application.sealed is not None
    assert (snow.application.sealed.key, other.application.sealed.key) == ("3y-2026.1", "5y-2026.1")


async def test_corrections_and_withdrawals_are_sealed_under_the_class_of_their_application(intake: Intake) -> None:
    sent = application()
    await intake.post(sent)
    about = {"application_id": sent["subject"], "message": "父の分も取り下げます"}

    said = await intake.receive(
        event(
            CORRECTED, sent["subject"], about | {"submitted_at": "2026-11-25T00:00:00Z", "attachments": [ATTACHMENT]}
        ),
        event(WITHDRAWN, sent["subject"], about | {"withdrawn_at": "2026-11-25T00:00:00Z"}),
    )

    assert [type(one) for one in said] == [CorrectionAccepted, WithdrawalAccepted]
    assert all("父" not in one.to_json().decode() and "住民票" not in one.to_json().decode() for one in said)
    assert [one.sealed.key for one in said] == ["3y-2026.1", "3y-2026.1"]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    assert [(await intake.opened(one))["message"] for one in said] == [about["message"]] * 2


async def test_what_a_channel_sealed_is_accepted_as_if_it_had_come_in_the_open(intake: Intake) -> None:
    sent = application(attachments=[ATTACHMENT])

    (said,) = await intake.receive(await sealed_by_channel(intake, sent))

    assert isinstance(said, ApplicationAccepted)
    whole = Application.model_validate((await intake.opened(said))["application"])
    assert whole == Application.model_validate(sent["data"]["application"])
    assert said.application.sealed is not None
    assert said.application.sealed.key == "3y-2026.1"


async def test_the_same_content_sealed_again_is_the_same_submission(intake: Intake) -> None:
    sent = application()

    first = await intake.post(await sealed_by_channel(intake, sent))
    again = await intake.post(await sealed_by_channel(intake, sent))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content


async def test_a_sealed_field_is_held_to_the_rules_of_an_open_one(intake: Intake) -> None:
    sent = application()
    body = await sealed_by_channel(intake, sent, {"applicant.email": "no address", "applicant.phone": "0" * 40})

    answer = await intake.post(body)

    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["errors"]} == {
        "data.application.applicant.email", "data.application.applicant.phone",
    }  # fmt: skip
    assert "no address" not in answer.text


async def test_an_individual_number_is_found_within_a_seal(intake: Intake) -> None:
    body = await sealed_by_channel(intake, application(), {"applicant.message": "番号は 1234 5678 9018 です"})

    answer = await intake.post(body)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "individual-number"


def changed_bytes(body: dict[str, Any]) -> None:
    values = body["data"]["application"]["sealed"]["values"]
    values["applicant.name"] = values["applicant.name"][:-8] + "AAAAAAA="


def swapped_fields(body: dict[str, Any]) -> None:
    values = body["data"]["application"]["sealed"]["values"]
    values["applicant.name"], values["applicant.message"] = values["applicant.message"], values["applicant.name"]


def another_application(body: dict[str, Any]) -> None:
    body["subject"] = body["data"]["application_id"] = str(UUID(int=UUID(body["subject"]).int + 1))


def another_event(body: dict[str, Any]) -> None:
    body["id"] = "another"


def a_form_that_binds_less(body: dict[str, Any]) -> None:
    del body["data"]["application"]["sealed"]["form"]


def a_key_nobody_has(body: dict[str, Any]) -> None:
    body["data"]["application"]["sealed"]["key"] = "edge-2031.7"


def no_base64(body: dict[str, Any]) -> None:
    body["data"]["application"]["sealed"]["salt"] = "ä"


def a_field_that_is_not_personal(body: dict[str, Any]) -> None:
    sealed = body["data"]["application"]["sealed"]["values"]
    sealed["facts.district"] = sealed["applicant.name"]


@pytest.mark.parametrize(
    "spoil",
    [
        changed_bytes, swapped_fields, another_application, another_event, a_form_that_binds_less, a_key_nobody_has, no_base64,
        a_field_that_is_not_personal,
    ],
)  # fmt: skip
async def test_a_seal_that_does_not_open_is_parked_and_over_http_refused_with_an_alarm_and_what_to_do(
    intake: Intake, spoil: Any
) -> None:
    good, body = application(), await sealed_by_channel(intake, application())
    spoil(body)

    answer = await intake.post(body)
    outcome = await consumed(intake, record(body, PORTALS_OWN, 0), record(good, PORTALS_OWN, 1))

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("data.application.sealed", "broken-seal")
    assert "public key" in error["message"]
    assert intake.alarms == [("http.suspicious", {"status": 422, "code": "broken-seal", "who": "portal"})]
    (parked,) = await intake.rows("SELECT value, cause FROM chassis.parked_event")
    assert json.loads(parked["value"]) == body
    assert outcome.causes == {parked["cause"]: 1}
    assert re.fullmatch(
        r"chassis\.errors\.Foreign: (BrokenSeal|UnknownKey): .* public key for the edge", parked["cause"]
    )
    assert (outcome.handled, outcome.announced) == (1, 1)
    assert [row["id"] for row in await intake.rows("SELECT id FROM submission")] == [good["id"]]


async def test_what_was_parked_for_want_of_a_key_is_redriven_once_the_key_is_back(intake: Intake) -> None:
    body = await sealed_by_channel(intake, application())
    keys, intake.edge.keys = intake.edge.keys, {}
    await consumed(intake, record(body, PORTALS_OWN, 0))
    (key,) = [row["key"] for row in await intake.rows("SELECT key FROM chassis.parked_key")]

    intake.edge.keys = keys
    intake.seals.edge.clock = lambda: time.monotonic() + 3600
    (done,) = await redriven(intake, key)

    assert (done.handled, done.left) == (1, 0)
    assert [row["type"] for row in await intake.rows("SELECT type FROM chassis.journal")] == [ApplicationAccepted.TYPE]


async def test_however_many_seals_do_not_open_it_is_no_fault_of_ours(intake: Intake) -> None:
    good, broken = application(), [await sealed_by_channel(intake, application()) for _ in range(60)]
    for body in broken:
        changed_bytes(body)

    outcome = await consumed(intake, *(record(body, PORTALS_OWN, place) for place, body in enumerate([*broken, good])))

    assert (outcome.handled, outcome.parked) == (1, 60)


async def test_a_seal_whose_name_is_written_with_escapes_keeps_nobody_waiting(intake: Intake) -> None:
    body = json.dumps(await sealed_by_channel(intake, application())).replace('"sealed"', r'"\u0073e\u0061\u006Ced"')

    (said,) = await intake.receive(body.encode())

    assert isinstance(said, ApplicationAccepted)


class OnlyTheEdge(MemoryKeyring):
    """As Vault and KMS answer whoever asks for a key that is not theirs: with a refusal that may pass."""

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        if not key.startswith("edge-"):
            raise KeyringAway("permission denied")
        return super().unwrap(key, wrapped)


async def test_a_seal_by_a_key_that_is_not_the_edges_is_parked_and_keeps_nobody_waiting(intake: Intake) -> None:
    intake.seals.edge.unwrapping = OnlyTheEdge()
    body = await sealed_by_channel(intake, application())
    body["data"]["application"]["sealed"]["key"] = "5y-2026.1"

    with pytest.raises(Foreign, match="UnknownKey: "):
        await intake.receive(body)


async def test_what_is_partly_sealed_and_partly_open_is_refused(intake: Intake) -> None:
    body = await sealed_by_channel(intake, application())
    body["data"]["application"]["applicant"] = {"phone": "0154-00-0000"}

    (error,) = (await intake.post(body)).json()["errors"]

    assert error["code"] == "mixed-seal"


async def test_nothing_is_written_while_there_is_no_key(intake: Intake) -> None:
    intake.city.away = True

    answer = await intake.post(application())

    assert answer.status_code == 503
    with pytest.raises(KeyringAway):
        await intake.receive(application())
    assert await intake.rows("SELECT 1 FROM submission") == []
    assert await intake.rows("SELECT 1 FROM chassis.journal") == []

    intake.city.away = False
    assert (await intake.post(application())).status_code == 201


def test_the_city_pack_says_how_long_records_are_kept(tmp_path: Path) -> None:
    (tmp_path / "procedures.csv").write_text("code,retention_class\nbirth,30-years\nsnow,\nland,permanent\n")

    retention = read_retention(tmp_path, "5y")

    assert [retention.of(name) for name in ("birth", "snow", "unheard-of", "land")] == ["30y", "5y", "5y", "permanent"]
    assert retention.classes() == {"5y", "30y", "permanent"}


def test_a_retention_class_that_is_no_name_of_a_key_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "procedures.csv").write_text("code,retention_class\nbirth,thirty\n")

    with pytest.raises(ValueError, match="line 2: expected 5-years"):
        read_retention(tmp_path, "5y")


async def sealed_by_channel(
    intake: Intake, sent: dict[str, Any], values: dict[str, str] | None = None
) -> dict[str, Any]:
    """The same submission as a channel system sends it that seals by the key of the edge; `values` it seals besides."""
    sealer = Sealer(intake.edge)
    await sealer.fetch_keys(["edge-2026"])
    data = ApplicationSubmitted.model_validate(sent["data"])
    applicant = data.application.applicant
    for path, text in (values or {}).items():
        applicant = applicant.model_copy(update={path.removeprefix("applicant."): text})
    whole = data.application.model_copy(update={"applicant": applicant})
    application = sealer.seal(whole, of_edge(data.application_id, sent["source"], sent["id"]), "edge-2026")
    return sent | {"data": json.loads(data.model_copy(update={"application": application}).to_json())}
