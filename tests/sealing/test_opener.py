"""Past intake nothing is taken from the open: whoever opens looks first whether all that is personal is sealed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chassis.consuming import Handlers
from contracts import topics
from contracts.channels import Application, Attachment
from contracts.envelope import CloudEvent, Event, Model, envelope_of
from contracts.personal import Applicant
from contracts.sealed import SEALED_TEXT
from sealing import fields
from sealing.errors import BrokenSeal
from sealing.fields import emptied
from sealing.opener import Opener, require_sealed
from sealing.places import of_application, place_of
from sealing.sealer import Sealer
from services.desk.handlers import handlers as desk
from services.notify.handlers import handlers as notify
from tests.keyring import MemoryKeyring

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"
NAME = "5y-2026"
HERE = of_application("1")
NOTHING: Any = None


def carrying(event: type[Event]) -> bool:
    """Whether what is personal in this event, or in the application it carries, may be sealed."""
    return bool({"sealed", "application"} & event.model_fields.keys())


def ways() -> Iterator[Any]:
    """Every way by which desk or notify reads an event that may hold something sealed."""
    for service, handlers in (("desk", desk), ("notify", notify)):
        for topic, event_type in handlers.by_type:
            if carrying(topics.EVENTS[event_type]):
                yield pytest.param(handlers, topic, event_type, id=f"{service} {event_type}")


ASKED = list(ways())


def example(event_type: str) -> CloudEvent[Any]:
    """An example of the contracts, with something personal in the open."""
    path = min((EXAMPLES / event_type).glob("*.json"))
    read = envelope_of(topics.EVENTS[event_type]).model_validate_json(path.read_bytes())
    update = {"application": with_everything(read.data.application)} if hasattr(read.data, "application") else WORDS
    known = {name: value for name, value in update.items() if name in type(read.data).model_fields}
    return read.model_copy(update={"data": read.data.model_copy(update=known)})


WORDS = {"message": "電話をください", "wanted": "住民票", "explanation": "要件を満たす"}
DOCUMENT = Attachment(name="釧路花子.pdf", media_type="application/pdf", size=1, sha256="a" * 64)


def with_everything(application: Application) -> Application:
    return application.model_copy(
        update={"applicant": Applicant(name="釧路 花子", email="h@example.jp"), "attachments": (DOCUMENT, DOCUMENT)}
    )


async def sealed(event: CloudEvent[Any]) -> CloudEvent[Any]:
    """The event as intake or desk seals it."""
    sealer = Sealer(MemoryKeyring())
    await sealer.fetch_keys([NAME])
    return with_holder(event, sealer.seal(holder_of(event), place_of(event.data), NAME))


def holder_of(event: CloudEvent[Any]) -> Any:
    return getattr(event.data, "application", event.data)


def with_holder(event: CloudEvent[Any], holder: Model) -> CloudEvent[Any]:
    """The event with another part to which its seal belongs."""
    data = holder if isinstance(holder, Event) else event.data.model_copy(update={"application": holder})
    return event.model_copy(update={"data": data})


@pytest.mark.parametrize("handlers, topic, event_type", ASKED)
async def test_no_handler_takes_a_personal_value_from_the_open(handlers: Handlers, topic: str, event_type: str) -> None:
    handling = handlers.given(seals=NOTHING).by_type[topic, event_type]

    with pytest.raises(BrokenSeal, match="in the open"):
        await handling.call([example(event_type)], NOTHING)


def test_desk_and_notify_are_both_asked() -> None:
    assert len(ASKED) >= 11


@pytest.mark.parametrize("event_type", sorted({case.values[2] for case in ASKED}))
async def test_what_is_sealed_as_it_should_be_passes(event_type: str) -> None:
    require_sealed([await sealed(example(event_type))])


async def test_every_value_put_back_beside_the_seal_is_noticed() -> None:
    plain = example("jp.madoguchi.application.accepted.v1")
    event = await sealed(plain)
    content = event.data.application.model_dump(mode="json", exclude_none=True)

    for path, text in fields.personal(plain.data.application).items():
        beside = Application.model_validate(fields.restored(content, {path: text}))
        with pytest.raises(BrokenSeal, match="in the open"):
            require_sealed([with_holder(event, beside)])


async def test_a_required_value_left_out_is_noticed_and_an_optional_one_cannot_be() -> None:
    event = await sealed(example("jp.madoguchi.application.accepted.v1"))

    require_sealed([without(event, "applicant.email")])
    for path in ("attachments.0.name", "attachments.1.name"):
        with pytest.raises(BrokenSeal, match="left out"):
            require_sealed([without(event, path)])


def without(event: CloudEvent[Any], path: str) -> CloudEvent[Any]:
    """The event with one value less in its seal."""
    seal = holder_of(event).sealed
    values = {name: text for name, text in seal.values.items() if name != path}
    less = seal.model_copy(update={"values": values})
    return with_holder(event, holder_of(event).model_copy(update={"sealed": less}))


async def test_json_is_held_to_the_same_and_what_is_hidden_says_nothing() -> None:
    plain = example("jp.madoguchi.application.accepted.v1").data.application
    content = plain.model_dump(mode="json", exclude_none=True)

    with pytest.raises(BrokenSeal, match="in the open"):
        Opener(MemoryKeyring()).opened(content, HERE, Application)

    assert fields.personal_in(content, Application) == fields.personal(plain)
    assert set(fields.personal_in(fields.hidden(content, Application), Application).values()) == {SEALED_TEXT}


async def test_the_refusal_never_says_what_stood_there() -> None:
    with pytest.raises(BrokenSeal) as raised:
        require_sealed([example("jp.madoguchi.application.accepted.v1")])

    assert "花子" not in str(raised.value)


@pytest.mark.parametrize(
    "path", ["procedure", "facts.district", "attachments.7.name", "applicant.name.more", "nowhere"]
)
async def test_who_can_seal_changes_no_fact_and_finds_no_other_place(path: str) -> None:
    keyring = MemoryKeyring()
    sealer, opener = Sealer(keyring), Opener(keyring)
    await sealer.fetch_keys([NAME])
    application = emptied(example("jp.madoguchi.application.accepted.v1").data.application)
    content = application.model_copy(update={"attachments": (), "sealed": sealer.seal_values({path: "x"}, HERE, NAME)})
    await opener.fetch([content.sealed])

    with pytest.raises(BrokenSeal):
        opener.opened(content.model_dump(mode="json", exclude_none=True), HERE, Application)


FACTS = ("outcome", "receipt", "application_id", "procedure", "facts.district", "attachments.2.name", "nowhere", "kind")


def seals() -> Iterator[Any]:
    """Every seal that such an event may have."""
    for case in ASKED:
        holder = holder_of(example(case.values[2]))
        for member in sorted({"sealed", "sealed_numbers"} & type(holder).model_fields.keys()):
            yield pytest.param(*case.values, member, id=f"{case.id} {member}")


@pytest.mark.parametrize("path", FACTS)
@pytest.mark.parametrize("handlers, topic, event_type, member", list(seals()))
async def test_no_handler_takes_a_sealed_value_where_nothing_personal_can_stand(
    handlers: Handlers, topic: str, event_type: str, member: str, path: str
) -> None:
    event = await sealed(example(event_type))
    seal = holder_of(event).sealed
    more = seal.model_copy(update={"values": {**seal.values, path: "AAAA"}})
    handling = handlers.given(seals=NOTHING).by_type[topic, event_type]

    with pytest.raises(BrokenSeal, match="not personal"):
        await handling.call([with_holder(event, holder_of(event).model_copy(update={member: more}))], NOTHING)


def test_whatever_service_opens_a_seal_is_asked() -> None:
    """One that opens and looks nothing over would be in no list here."""
    root = Path(__file__).parents[2] / "services"
    openers = {path.parent.name for path in root.glob("*/*.py") if "opener.open(" in path.read_text()}

    assert openers == {"desk", "notify"}
