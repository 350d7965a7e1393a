import json
import os
from itertools import permutations

import pytest

from chassis.errors import Foreign
from chassis.parking import ParkingLimit
from chassis.processing import Outcome, process
from chassis.subscription import Record
from contracts.channels import Application
from contracts.ids import uuid7
from contracts.intake import ApplicationAccepted, ApplicationRejected, CorrectionAccepted, WithdrawalAccepted
from services.intake.handlers import handlers
from tests.intake.conftest import (
    CITY_SOURCES,
    CLOSED,
    CORRECTED,
    NOW,
    OPENED,
    PORTALS_OWN,
    WITHDRAWN,
    Intake,
    application,
    event,
    progress,
)

TRIAGED = "jp.madoguchi.case.sent-to-triage.v1"


async def test_an_application_delivered_twice_is_accepted_once(intake: Intake) -> None:
    sent = application()

    first = await intake.receive(sent, sent)
    second = await intake.receive(sent)

    assert [type(said) for said in first] == [ApplicationAccepted]
    assert second == []


async def test_an_accepted_application_carries_all_that_was_submitted(intake: Intake) -> None:
    sent = application()

    (accepted,) = await intake.receive(sent)

    assert isinstance(accepted, ApplicationAccepted)
    whole = Application.model_validate((await intake.opened(accepted))["application"])
    assert whole == Application.model_validate(sent["data"]["application"])
    assert (accepted.origin.source, accepted.origin.id) == (sent["source"], sent["id"])


async def test_the_same_application_in_a_second_submission_is_repeated(intake: Intake) -> None:
    sent = application()

    said = await intake.receive(sent, sent | {"id": "again"})

    assert len(said) == 1
    outcomes = {row["id"]: row["outcome"] for row in await intake.rows("SELECT id, outcome FROM submission")}
    assert outcomes == {sent["id"]: "accepted", "again": "repeated"}


async def test_another_content_under_the_same_application_id_is_rejected(intake: Intake) -> None:
    first = application()
    other = application(first["subject"], procedure="graffiti")

    said = await intake.receive(first, other)

    assert [type(event) for event in said] == [ApplicationAccepted, ApplicationRejected]
    assert isinstance(said[1], ApplicationRejected)
    assert said[1].faults[0].code == "application-id-taken"


async def test_a_submission_with_faults_is_rejected_with_all_of_them_and_kept(intake: Intake) -> None:
    (said,) = await intake.receive(application(procedure="SNOW!", municipality="x"))

    assert isinstance(said, ApplicationRejected)
    assert {fault.field for fault in said.faults} == {"data.application.procedure", "data.application.municipality"}
    (row,) = await intake.rows("SELECT outcome, fault FROM submission")
    assert (row["outcome"], row["fault"]) == ("rejected", "string_pattern_mismatch")


async def test_an_id_that_comes_again_with_another_content_is_refused_once_per_content(intake: Intake) -> None:
    sent = application()
    await intake.receive(sent)
    other = application(sent["subject"], procedure="graffiti") | {"id": sent["id"]}

    said = await intake.receive(other, other)
    again = await intake.receive(other)

    assert [type(event) for event in said] == [ApplicationRejected]
    assert again == []


async def test_corrections_and_withdrawals_in_one_batch_are_judged_in_their_order(intake: Intake) -> None:
    application_id = str(uuid7(NOW))
    correction = event(
        CORRECTED, application_id, {"application_id": application_id, "submitted_at": "2026-11-25T00:00:00Z"}
    )
    withdrawal = event(
        WITHDRAWN, application_id, {"application_id": application_id, "withdrawn_at": "2026-11-26T00:00:00Z"}
    )
    late = correction | {"id": "late"}

    said = await intake.receive(application(application_id), correction, withdrawal, late)

    assert [type(event) for event in said] == [
        ApplicationAccepted,
        CorrectionAccepted,
        WithdrawalAccepted,
        ApplicationRejected,
    ]


async def test_a_correction_of_an_application_nobody_knows_is_rejected(intake: Intake) -> None:
    application_id = str(uuid7(NOW))

    (said,) = await intake.receive(
        event(CORRECTED, application_id, {"application_id": application_id, "submitted_at": "2026-11-25T00:00:00Z"})
    )

    assert isinstance(said, ApplicationRejected)
    assert said.faults[0].code == "unknown-application"


async def test_bytes_that_are_no_event_are_poison(intake: Intake) -> None:
    with pytest.raises(Foreign):
        await intake.receive(b"\xff\xfe not json")


async def consumed(intake: Intake, *sent: tuple[bytes, bytes]) -> Outcome:
    """A batch of records, (key, body), as the consumer takes it from Kafka."""
    given = handlers.given(intake.seals.foresee, seals=intake.seals, own=CITY_SOURCES)
    records = [Record(PORTALS_OWN, 0, offset, key, body, ()) for offset, (key, body) in enumerate(sent)]
    deliveries = [given.read(record, None) for record in records]
    await given.foresight([delivery.event for delivery in deliveries])
    async with intake.pool.acquire() as connection:
        return await process(connection, "/intake", deliveries, {}, ParkingLimit(), clock=lambda: NOW)


async def test_however_many_records_are_no_event_the_others_pass(intake: Intake) -> None:
    garbage = [(b"%d" % number, b"garbage") for number in range(60)]

    outcome = await consumed(intake, *garbage, (b"good", json.dumps(application()).encode()))

    assert (outcome.handled, outcome.parked) == (1, 60)


async def test_a_key_longer_than_any_index_takes_stops_nobody(intake: Intake) -> None:
    key = "".join(map(str, range(5_000))).encode()

    outcome = await consumed(intake, (os.urandom(9_000), b"garbage"), (key, json.dumps(application()).encode()))

    assert (outcome.handled, outcome.parked) == (1, 1)


async def state_of(intake: Intake, application_id: str) -> str:
    (row,) = await intake.rows(f"SELECT state FROM application WHERE application_id = '{application_id}'")
    return row["state"]


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
async def test_an_application_with_two_cases_is_closed_when_both_are_in_whatever_order_it_is_read(
    intake: Intake, order: tuple[int, ...]
) -> None:
    sent = application()
    await intake.receive(sent)
    one, other = uuid7(NOW), uuid7(NOW)
    story = [
        progress(OPENED, sent["subject"], one, 2),
        progress(TRIAGED, sent["subject"], other, 2),
        progress(CLOSED, sent["subject"], one),
        progress(CLOSED, sent["subject"], other),
    ]

    for index in order[:-1]:
        await intake.note(story[index])
    closed_early = await state_of(intake, sent["subject"])
    await intake.note(story[order[-1]])

    assert closed_early == "open"
    assert await state_of(intake, sent["subject"]) == "closed"


async def test_an_application_with_one_case_is_closed_with_it(intake: Intake) -> None:
    sent, case_id = application(), uuid7(NOW)
    await intake.receive(sent)

    await intake.note(progress(OPENED, sent["subject"], case_id))
    assert await state_of(intake, sent["subject"]) == "open"
    await intake.note(progress(CLOSED, sent["subject"], case_id))

    assert await state_of(intake, sent["subject"]) == "closed"


async def test_what_happens_to_rule_sets_is_on_no_timeline(intake: Intake) -> None:
    await intake.note(progress("jp.madoguchi.rule-set.approved.v1", "7c" * 32))

    assert await intake.rows("SELECT 1 FROM progress") == []
