"""A seal opens where it was put, and in no other event of the same application."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest

from contracts import topics
from contracts.channels import ApplicationSubmitted, ApplicationWithdrawn, CorrectionSubmitted
from contracts.envelope import CloudEvent, Event, envelope_of
from contracts.intake import CorrectionAccepted
from contracts.sealed import Sealed
from sealing import cipher
from sealing.errors import BrokenSeal
from sealing.keyring import SealKey
from sealing.opener import Opener
from sealing.places import Place, of_application, of_edge, of_step, of_submission, place_of
from sealing.sealer import Sealer
from tests.keyring import MemoryKeyring

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
ID = "0198f3a2-0000-7000-8000-000000000001"
CASE, OTHER = (UUID(f"0198f3a2-0000-7000-8000-00000000000{number}") for number in (2, 3))
AT, LATER = (datetime.fromisoformat(f"2026-11-26T09:00:0{second}+09:00") for second in (0, 1))
BY_CHANNELS = {event.TYPE for event in (ApplicationSubmitted, CorrectionSubmitted, ApplicationWithdrawn)}
SEALED = sorted(
    name
    for name, event in topics.EVENTS.items()
    if {"sealed", "application"} & event.model_fields.keys() and name not in BY_CHANNELS
)
PLACES = [
    of_application(ID),
    of_submission("correction", ID, "/portal", "1"),
    of_submission("correction", ID, "/portal", "2"),
    of_submission("correction", ID, "/portal 1", ""),
    of_submission("correction", ID, "/counter", "1"),
    of_submission("withdrawal", ID, "/portal", "1"),
    of_edge(ID, "/portal", "1"),
    of_step("decided", ID, CASE, AT),
    of_step("decided", ID, OTHER, AT),
    of_step("decided", ID, CASE, LATER),
    of_step("extended", ID, CASE, AT),
]


def examples_of(event_type: str) -> Sequence[CloudEvent[Event]]:
    read = envelope_of(topics.EVENTS[event_type]).model_validate_json
    return [read(path.read_bytes()) for path in sorted((EXAMPLES / event_type).glob("*.json"))]


@pytest.mark.parametrize("event_type", SEALED)
def test_every_event_with_something_sealed_has_a_place(event_type: str) -> None:
    assert {place_of(event.data).about for event in examples_of(event_type)} <= {
        event.subject for event in examples_of(event_type)
    }


@pytest.mark.parametrize("made_for", PLACES, ids=lambda place: repr(place.event))
async def test_a_seal_opens_in_its_own_place_and_in_no_other(made_for: Place) -> None:
    keyring = MemoryKeyring()
    sealer, opener = Sealer(keyring), Opener(keyring)
    await sealer.fetch_keys(["5y-2026"])
    sealed = sealer.seal_values({"message": "花子"}, made_for, "5y-2026")
    await opener.fetch([sealed])

    assert opener.open(sealed, made_for) == {"message": "花子"}
    for place in [place for place in PLACES if place != made_for]:
        with pytest.raises(BrokenSeal):
            opener.open(sealed, place)
    with pytest.raises(BrokenSeal):
        opener.open(sealed.model_copy(update={"form": None}), made_for)


async def test_a_seal_of_the_form_before_opens_and_becomes_none_of_the_new_one() -> None:
    keyring = MemoryKeyring()
    opener, old = Opener(keyring), in_the_old_form(keyring.new("5y-2026"))
    await opener.fetch([old])

    assert [opener.open(old, place) for place in PLACES] == [{"message": "花子"}] * len(PLACES)
    for place in PLACES:
        with pytest.raises(BrokenSeal):
            opener.open(old.model_copy(update={"form": 2}), place)


def in_the_old_form(key: SealKey) -> Sealed:
    return cipher.seal(key, ID, {"message": "花子"})


def test_one_moment_is_one_place_in_whatever_time_zone_it_is_written() -> None:
    assert of_step("decided", ID, CASE, AT) == of_step(
        "decided", ID, CASE, datetime.fromisoformat("2026-11-26T00:00:00Z")
    )


def test_an_application_is_in_one_place_wherever_it_is_carried_on() -> None:
    carried = [event.data for name in SEALED for event in examples_of(name) if hasattr(event.data, "application")]

    assert {place_of(data).event for data in carried} == {"application"}
    assert len({type(data) for data in carried}) == 5


def test_what_holds_nothing_sealed_has_no_place() -> None:
    with pytest.raises(TypeError, match="CorrectionSubmitted"):
        place_of(examples_of(CorrectionSubmitted.TYPE)[0].data)
    assert place_of(examples_of(CorrectionAccepted.TYPE)[0].data).event.startswith(CorrectionAccepted.TYPE)
