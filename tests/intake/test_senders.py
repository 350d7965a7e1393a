"""On Kafka too each channel system speaks as itself alone: its sources on its own topic, and nowhere else."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from chassis.errors import Foreign
from contracts import topics
from contracts.channels import ApplicationSubmitted
from contracts.intake import ApplicationAccepted, ApplicationRejected, CorrectionAccepted
from services.intake import channel_systems
from services.intake.admitting import System, objection
from services.intake.handlers import handlers
from tests.intake.conftest import (
    CITY_SOURCES,
    CORRECTED,
    PORTAL,
    PORTALS_OWN,
    THIEF,
    WITHDRAWN,
    Intake,
    application,
    event,
)
from tests.intake.consuming import consumed, record, redriven

LATER = {"submitted_at": "2026-11-25T00:00:00Z"}
THIEFS_OWN = "applications.thief.v1"
OTHER = "0000-0000-0099-0"
CITYS_OWN = topics.APPLICATIONS.name
ACME = System("acme", frozenset({"urn:acme"}), frozenset({"counter"}), ("road.*",), 60, 60)
BRAVE = System("brave", frozenset({"urn:brave", "urn:brave:2"}), frozenset({"web"}), ("*",), 60, 60)


@pytest.mark.parametrize(
    "speaker,source,why",
    [
        ("acme", "urn:acme", None),
        ("brave", "urn:brave:2", None),
        (None, "/channels/bulk/sample/0123", None),
        ("acme", "urn:brave", "acme speaks as urn:brave, a source of brave: its own are urn:acme"),
        ("brave", "/somebody@example.jp", "brave speaks as a source that is nobody's: its own are urn:brave, urn:brave:2"),
        (None, "urn:acme", "a channel of the city speaks as urn:acme, a source of acme: acme publishes on a topic of its own"),
        ("ghost", "urn:x", "ghost speaks as a source that is nobody's: it is no channel system"),
        ("ghost", "urn:acme", "ghost speaks as urn:acme, a source of acme: it is no channel system"),
    ],
)  # fmt: skip
def test_a_source_is_spoken_by_whoever_owns_it_and_the_reason_repeats_none_that_is_nobodys(
    speaker: str | None, source: str, why: str | None
) -> None:
    assert objection(speaker, source, (ACME, BRAVE), CITY_SOURCES) == why


async def sources_taken_in(intake: Intake) -> set[str]:
    return {row["source"] for row in await intake.rows("SELECT source FROM submission")}


@pytest.mark.parametrize("topic", [THIEFS_OWN, CITYS_OWN, "applications.ghost.v1"])
async def test_a_source_on_a_topic_that_is_not_its_systems_is_parked_and_not_taken_in(
    intake: Intake, topic: str
) -> None:
    outcome = await consumed(intake, record(application(), topic, 0))

    (parked,) = await intake.rows("SELECT topic, cause FROM chassis.parked_event")
    assert (outcome.handled, outcome.parked, outcome.announced) == (0, 1, 0)
    assert parked["topic"] == topic
    assert parked["cause"].startswith("chassis.errors.Foreign: ")
    assert "speaks as /channels/portal, a source of portal" in parked["cause"]
    assert outcome.causes == {parked["cause"]: 1}
    assert await sources_taken_in(intake) == set()


@pytest.mark.parametrize("source", ["/channels/bulk/sample/0123456789ab", "urn:city:fax"])
async def test_a_source_of_the_citys_own_is_its_own_channels_and_no_others(intake: Intake, source: str) -> None:
    ours = application() | {"source": source}

    (said,) = await intake.receive(ours, topic=CITYS_OWN)

    assert isinstance(said, ApplicationAccepted)
    with pytest.raises(Foreign, match="portal speaks as a source that is nobody's"):
        await intake.receive(ours | {"id": "another"})


@pytest.mark.parametrize("source", ["/bulk/sample", "/channels/bulk", "urn:city:fax2", "urn:new-vendor"])
async def test_a_source_that_is_nobodys_and_not_the_citys_is_parked_with_what_to_do_and_not_repeated(
    intake: Intake, source: str
) -> None:
    """Else whoever has the login `bulk` could speak as a vendor that is not registered yet."""
    outcome = await consumed(intake, record(application() | {"source": source}, CITYS_OWN, 0))

    (parked,) = await intake.rows("SELECT cause FROM chassis.parked_event")
    assert (outcome.handled, outcome.parked) == (0, 1)
    assert "`madoguchi channel add`" in parked["cause"]
    assert "MADOGUCHI_INTAKE_CITY_SOURCES" in parked["cause"]
    assert source not in parked["cause"]


async def test_a_pattern_of_the_citys_makes_no_channels_source_its_own(intake: Intake) -> None:
    await intake.admit(replace(ACME, sources=frozenset({"/channels/bulk/acme"})))

    with pytest.raises(Foreign, match="a source of acme"):
        await intake.receive(application() | {"source": "/channels/bulk/acme"}, topic=CITYS_OWN)


async def test_however_many_speak_as_another_the_others_pass_and_each_event_is_looked_at_a_few_times_only(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    read = channel_systems.speaking

    async def counted(*asked: Any) -> list[System]:
        looks.append(1)
        return await read(*asked)

    monkeypatch.setattr(channel_systems, "speaking", counted)
    forged = [record(application(), THIEFS_OWN, offset) for offset in range(60)]
    good = application()

    outcome = await consumed(
        intake, *forged[:30], record(good, PORTALS_OWN, 0), *forged[30:], record(b"!", CITYS_OWN, 1)
    )

    assert (outcome.handled, outcome.parked) == (1, 61)
    assert len(looks) == 3
    assert await sources_taken_in(intake) == {good["source"]}


async def test_however_many_documents_are_full_of_faults_each_is_rejected_and_the_others_pass(intake: Intake) -> None:
    """As poison they would be taken for a fault of ours: parking stops, and one vendor has stopped intake for everybody."""
    crowd = {f"x{number}": 0 for number in range(6_000)}
    full = [application() for _ in range(25)]
    for one in full:
        one["data"] |= crowd
    good = application()

    outcome = await consumed(
        intake,
        *(record(one, PORTALS_OWN, offset) for offset, one in enumerate(full)),
        record(good | {"source": "/channels/thief"}, THIEFS_OWN, 0),
    )

    assert (outcome.handled, outcome.parked, outcome.announced) == (26, 0, 26)


async def test_whoever_forges_makes_nobody_wait_behind_it(intake: Intake) -> None:
    sent = application()
    forged = sent | {"id": "forged"}
    correction = event(
        CORRECTED, sent["subject"], {"application_id": sent["subject"], "submitted_at": "2026-11-25T00:00:00Z"}
    )

    await consumed(intake, record(forged, THIEFS_OWN, 0), record(forged, CITYS_OWN, 1))
    first = await consumed(intake, record(sent, PORTALS_OWN, 0), record(forged, THIEFS_OWN, 2))
    second = await consumed(intake, record(correction, PORTALS_OWN, 1))

    assert [(one.handled, one.waiting) for one in (first, second)] == [(1, 0), (1, 0)]
    keys = {row["key"] for row in await intake.rows("SELECT key FROM chassis.parked_key")}
    assert keys == {f"foreign {THIEFS_OWN} {sent['subject']}", f"foreign {sent['subject']}"}


async def test_a_key_that_is_parked_on_one_systems_topic_holds_up_no_other_topic(intake: Intake) -> None:
    given = handlers.given(intake.seals.foresee, seals=intake.seals, own=CITY_SOURCES)
    sent = application()

    keys = [given.read(record(sent, topic, 0), None).key for topic in (THIEFS_OWN, PORTALS_OWN, CITYS_OWN)]

    assert keys == [f"{THIEFS_OWN} {sent['subject']}", f"{PORTALS_OWN} {sent['subject']}", sent["subject"]]


async def test_once_the_source_is_its_systems_what_was_parked_is_redriven_in_order(intake: Intake) -> None:
    sent = application() | {"source": "urn:portal:new"}
    correction = event(
        CORRECTED, sent["subject"], {"application_id": sent["subject"], "submitted_at": "2026-11-25T00:00:00Z"}
    ) | {"source": "urn:portal:new"}
    await consumed(intake, record(sent, PORTALS_OWN, 9), record(correction, PORTALS_OWN, 10))
    (key,) = [row["key"] for row in await intake.rows("SELECT key FROM chassis.parked_key")]
    (before,) = await redriven(intake, key)

    await intake.admit(replace(PORTAL, sources=PORTAL.sources | {"urn:portal:new"}))
    (after,) = await redriven(intake, key)

    assert (before.handled, before.left) == (0, 2)
    assert (
        before.cause
        == "chassis.errors.Foreign: portal speaks as a source that is nobody's: its own are /channels/portal"
    )
    assert (after.handled, after.left) == (2, 0)
    said = [row["type"] for row in await intake.rows("SELECT type FROM chassis.journal ORDER BY id")]
    assert said == [ApplicationAccepted.TYPE, CorrectionAccepted.TYPE]


async def test_a_system_that_was_added_a_moment_ago_is_known_at_once(intake: Intake) -> None:
    sent = application(channel="counter") | {"source": "urn:acme"}
    with pytest.raises(Foreign, match="it is no channel system"):
        await intake.receive(sent, topic="applications.acme.v1")

    await intake.admit(ACME)
    (said,) = await intake.receive(sent, topic="applications.acme.v1")

    assert isinstance(said, ApplicationAccepted)


async def test_what_a_removed_system_had_published_is_still_its_own(intake: Intake) -> None:
    async with intake.as_administrator() as tx:
        await channel_systems.remove_system(tx, "portal")

    (said,) = await intake.receive(application())

    assert isinstance(said, ApplicationAccepted)
    with pytest.raises(Foreign):
        await intake.receive(application(), topic=THIEFS_OWN)


async def test_a_channel_or_procedure_that_is_not_the_systems_is_refused_and_told_which_are(intake: Intake) -> None:
    sent = application(channel="web", procedure="child-allowance.claim") | {"source": "/channels/thief"}

    (said,) = await intake.receive(sent, topic=THIEFS_OWN)
    again = await intake.receive(sent, topic=THIEFS_OWN)

    assert isinstance(said, ApplicationRejected)
    assert {(fault.field, fault.code) for fault in said.faults} == {
        ("data.application.channel", "not-your-channel"),
        ("data.application.procedure", "not-your-procedure"),
    }
    assert "only road.*" in next(fault.message for fault in said.faults if fault.code == "not-your-procedure")
    assert "web" not in "".join(fault.message for fault in said.faults)
    assert again == []


async def test_what_was_accepted_before_its_right_was_taken_is_still_the_same_when_it_comes_again(
    intake: Intake,
) -> None:
    sent = application() | {"source": "/channels/thief"}
    (first,) = await intake.receive(sent, topic=THIEFS_OWN)
    await intake.admit(replace(THIEF, channels=frozenset({"fax"})))

    assert isinstance(first, ApplicationAccepted)
    assert await intake.receive(sent, topic=THIEFS_OWN) == []


def test_both_topics_carry_the_same_events_and_are_read_by_one_handler() -> None:
    assert ApplicationSubmitted in topics.OF_A_CHANNEL.events
    assert topics.OF_A_CHANNEL.events == topics.APPLICATIONS.events
    assert handlers.views[topics.OF_A_CHANNEL.name] == handlers.views[CITYS_OWN]
    assert handlers.subscriptions[:2] == ["applications.v1", r"^applications\.[a-z][a-z0-9-]+\.v1$"]


async def test_what_came_over_kafka_is_read_over_http_by_its_own_system_and_by_no_other(intake: Intake) -> None:
    """A vendor on Kafka reads nothing there: it sends the same event over HTTP, gets the receipt number, and asks with it."""
    sent = application()
    (said,) = await intake.receive(sent)
    assert isinstance(said, ApplicationAccepted)

    answer, stranger = await intake.post(sent), await intake.post(sent, system="thief")
    receipt = answer.json()["receipt"]

    assert (answer.status_code, receipt) == (201, said.receipt)
    assert (stranger.status_code, receipt in stranger.text) == (403, False)
    own, theirs, none = [
        await intake.get(receipt),
        await intake.get(receipt, "thief"),
        await intake.get(OTHER, "thief"),
    ]
    assert (own.status_code, own.json()["state"]) == (200, "open")
    assert (theirs.status_code, theirs.content) == (404, none.content)
    assert len(await intake.rows("SELECT FROM application")) == 1


async def test_what_was_refused_on_kafka_is_refused_over_http_with_every_field_to_mend(intake: Intake) -> None:
    sent = application(municipality="nowhere")
    (said,) = await intake.receive(sent)
    assert isinstance(said, ApplicationRejected)

    answer = await intake.post(sent)

    assert answer.status_code == 422
    assert [fault["field"] for fault in answer.json()["errors"]] == [fault.field for fault in said.faults]


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def test_what_its_channel_might_not_send_is_said_over_http_to_have_been_refused_for_that(intake: Intake) -> None:
    """The right came later: what was refused stays refused, and it is no other content that stands against it."""
    sent = application(channel="web", procedure="child-allowance.claim") | {"source": "/channels/thief"}
    await intake.receive(sent, topic=THIEFS_OWN)
    await intake.admit(replace(THIEF, channels=frozenset({"web"}), procedures=("*",)))

    answer = await intake.post(sent, system="thief")

    assert code_of(answer) == (409, "refused-before")
    assert "(not-your-channel, not-your-procedure)" in answer.json()["title"]
    assert (await intake.post(sent | {"id": "another"}, system="thief")).status_code == 201


async def test_a_correction_that_was_refused_on_kafka_is_never_answered_as_if_it_had_been_accepted(
    intake: Intake,
) -> None:
    sent = application()
    late = event(CORRECTED, sent["subject"], {"application_id": sent["subject"]} | LATER)
    early = late | {"id": "early"}
    await intake.receive(early)
    await intake.receive(sent)
    over = {"application_id": sent["subject"], "withdrawn_at": "2026-11-25T00:00:00Z"}
    await intake.receive(event(WITHDRAWN, sent["subject"], over))
    (said,) = await intake.receive(late)
    assert isinstance(said, ApplicationRejected)

    answers = [await intake.post(early), await intake.post(late)]

    assert [code_of(answer) for answer in answers] == [(409, "refused-before")] * 2
    assert "(unknown-application)" in answers[0].json()["title"]
    assert "(application-over)" in answers[1].json()["title"]
    assert "receipt" not in answers[1].text


async def test_who_took_anothers_application_id_on_kafka_is_not_told_its_receipt_number_over_http(
    intake: Intake,
) -> None:
    hers = application()
    (said,) = await intake.receive(hers)
    assert isinstance(said, ApplicationAccepted)
    stolen = application(hers["subject"]) | {"source": "/channels/thief"}
    await intake.receive(stolen, topic=THIEFS_OWN)

    answer = await intake.post(stolen, system="thief")

    assert code_of(answer) == (409, "refused-before")
    assert "(application-id-taken)" in answer.json()["title"]
    assert said.receipt not in answer.text


async def test_another_content_under_an_id_that_was_refused_is_another_content(intake: Intake) -> None:
    sent = application(channel="web") | {"source": "/channels/thief"}
    await intake.receive(sent, topic=THIEFS_OWN)

    answer = await intake.post(application(sent["subject"]) | {"source": "/channels/thief", "id": sent["id"]}, "thief")

    assert code_of(answer) == (409, "id-reused")


async def test_an_individual_number_that_was_misread_on_kafka_is_not_answered_as_if_it_had_been_accepted(
    intake: Intake,
) -> None:
    sent = application()
    await intake.receive(sent)
    data = {"application_id": sent["subject"], "individual_number": "123456789012"} | LATER
    misread = event(CORRECTED, sent["subject"], data)
    (said,) = await intake.receive(misread)
    assert isinstance(said, ApplicationRejected)

    answer = await intake.post(misread)

    assert code_of(answer) == (409, "refused-before")
    assert "(individual-number-misread)" in answer.json()["title"]
