"""Values sealed and opened: what is bound to what, and what is personal at all."""

import asyncio
import os
import time
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import topics
from contracts.channels import Application, Attachment
from contracts.personal import Applicant, personal_paths
from contracts.sealed import SEALED_TEXT, Sealed
from sealing import cipher, fields
from sealing.errors import BrokenSeal, KeyringAway
from sealing.keyring import SealKey, fiscal_year, key_name
from sealing.opener import Opener
from sealing.places import of_application
from sealing.sealer import Sealer
from tests.keyring import MemoryKeyring

KEY = SealKey("5y-2026.1", bytes(range(32)), b"wrapped")
ID = "0198f3a2-0000-7000-8000-000000000001"
HERE = of_application(ID)
NOW = datetime(2026, 11, 26, tzinfo=UTC)
APPLICATION = Application(
    municipality="012068",
    procedure="moving-in",
    channel="portal",
    submitted_at=NOW,
    applicant=Applicant(name="釧路 花子", born=date(1980, 1, 2), email="hanako@example.jp"),
    attachments=(Attachment(name="住民票.pdf", media_type="application/pdf", size=1, sha256="a" * 64),),
)


@given(st.dictionaries(st.text(min_size=1, max_size=40), st.text(max_size=200), min_size=1, max_size=8))
def test_what_is_sealed_is_opened_again_whatever_it_says(values: dict[str, str]) -> None:
    sealed = cipher.seal(KEY, ID, values)

    assert cipher.open_sealed(KEY.secret, ID, sealed) == values


def test_the_same_value_never_looks_the_same() -> None:
    values = {"a": "花子", "b": "花子"}

    first, second = cipher.seal(KEY, ID, values), cipher.seal(KEY, ID, values)

    assert len({*first.values.values(), *second.values.values()}) == 4
    assert first.salt != second.salt


@pytest.mark.parametrize("byte", range(0, 38, 3))
def test_every_changed_byte_of_a_value_is_found(byte: int) -> None:
    sealed = cipher.seal(KEY, ID, {"name": "花子0123"})
    raw = bytearray(cipher.wrapped_of(sealed.model_copy(update={"wrapped": sealed.values["name"]})))
    raw[byte] ^= 1
    text = replace(KEY, wrapped=bytes(raw)).wrapped_text

    with pytest.raises(BrokenSeal):
        cipher.open_sealed(KEY.secret, ID, sealed.model_copy(update={"values": {"name": text}}))


def test_a_value_opens_in_its_own_place_alone() -> None:
    sealed = cipher.seal(KEY, ID, {"name": "花子", "kana": "ハナコ"})
    other = cipher.seal(KEY, ID, {"name": "太郎"})
    swapped = {"name": sealed.values["kana"], "kana": sealed.values["name"]}

    for about, changed in (
        (ID, {"values": swapped}),
        (ID, {"values": other.values}),
        (ID, {"salt": other.salt}),
        (ID.replace("1", "2"), {}),
        (ID, {"values": {"name": ""}}),
        (ID, {"values": {"name": "no Base64!"}}),
    ):
        with pytest.raises(BrokenSeal):
            cipher.open_sealed(KEY.secret, about, sealed.model_copy(update=changed))
    with pytest.raises(BrokenSeal):
        cipher.open_sealed(os.urandom(32), ID, sealed)


def test_one_value_can_be_opened_alone() -> None:
    sealed = cipher.seal(KEY, ID, {"name": "花子", "email": "h@example.jp"})

    assert cipher.open_sealed(KEY.secret, ID, sealed, "email", "phone") == {"email": "h@example.jp"}


@pytest.mark.parametrize("event", topics.EVENTS.values(), ids=lambda event: event.__name__)
def test_whatever_a_contract_marks_is_taken_out_and_nothing_else(event: type[fields.Model]) -> None:
    """The plan by which values are taken out, against the marks in the frozen schema."""
    marked = {path for path in personal_paths(event.model_json_schema()) if not path.startswith("application.")}
    plan = fields.plan_of(event)

    assert {*plan.paths, *(f"{name}[].{path}" for name, part in plan.lists for path in part.paths)} == marked


def test_an_application_is_emptied_and_filled_again() -> None:
    values = fields.personal(APPLICATION)
    empty = fields.emptied(APPLICATION)

    assert set(values) == {"applicant.name", "applicant.born", "applicant.email", "attachments.0.name"}
    assert empty.applicant == Applicant()
    assert empty.attachments[0].name == SEALED_TEXT
    whole = fields.restored(empty.model_dump(mode="json", exclude_none=True), values)
    assert Application.model_validate(whole) == APPLICATION


@pytest.mark.parametrize("path", ["applicant.name", "attachments.0.name", "attachments.19.name"])
def test_a_personal_path_is_known(path: str) -> None:
    assert fields.is_personal(Application, path)


@pytest.mark.parametrize(
    "path",
    [
        "facts.name", "procedure", "applicant", "attachments.name", "attachments.0.size", "",
        "attachments.00.name", "attachments.٣.name", f"attachments.{'1' * 5000}.name",
    ],
)  # fmt: skip
def test_a_path_that_is_not_personal_is_known_for_that(path: str) -> None:
    assert not fields.is_personal(Application, path)


def test_a_sealer_without_a_key_lets_nothing_through() -> None:
    with pytest.raises(KeyringAway, match="nothing is written unsealed"):
        Sealer(MemoryKeyring()).seal(APPLICATION, HERE, "5y-2026")


def test_a_key_nobody_made_is_waited_for_and_the_words_say_what_to_do() -> None:
    with pytest.raises(KeyringAway, match="madoguchi keys make"):
        asyncio.run(Sealer(MemoryKeyring(known=frozenset())).fetch(["5y"], NOW))


def test_a_secret_is_used_for_minutes_and_then_another() -> None:
    clock = [0.0]
    sealer = Sealer(MemoryKeyring(), clock=lambda: clock[0])
    asyncio.run(sealer.fetch(["5y"], NOW))
    first = sealer.seal(APPLICATION, HERE, "5y-2026")
    asyncio.run(sealer.fetch(["5y"], NOW))
    second = sealer.seal(APPLICATION, HERE, "5y-2026")
    clock[0] = 301
    asyncio.run(sealer.fetch(["5y"], NOW))
    third = sealer.seal(APPLICATION, HERE, "5y-2026")

    assert first.sealed is not None
    assert second.sealed is not None
    assert third.sealed is not None
    assert first.sealed.wrapped == second.sealed.wrapped != third.sealed.wrapped


def test_an_opener_forgets_a_destroyed_key_within_a_minute() -> None:
    clock, city = [0.0], MemoryKeyring()
    sealer, opener = Sealer(city), Opener(city, clock=lambda: clock[0])
    asyncio.run(sealer.fetch(["5y"], NOW))
    sealed = sealer.seal(APPLICATION, HERE, "5y-2026").sealed
    assert sealed is not None
    asyncio.run(opener.fetch([sealed]))
    city.destroy("5y-2026")

    assert opener.open(sealed, HERE, "applicant.email") == {"applicant.email": "hanako@example.jp"}
    clock[0] = 61
    asyncio.run(opener.fetch([sealed]))
    with pytest.raises(Exception, match="5y-2026"):
        opener.open(sealed, HERE)


def test_a_secret_is_kept_no_longer_than_its_time_also_where_nobody_asks_for_another() -> None:
    clock, city = [0.0], MemoryKeyring()
    sealer, opener = Sealer(city, clock=lambda: clock[0]), Opener(city, clock=lambda: clock[0])
    asyncio.run(sealer.fetch(["5y"], NOW))
    sealed = sealer.seal(APPLICATION, HERE, "5y-2026").sealed
    asyncio.run(opener.fetch([sealed]))
    assert sealed is not None

    clock[0] = 61
    with pytest.raises(KeyringAway):
        opener.open(sealed, HERE)
    opener.forget()
    assert not opener.opens(sealed)
    clock[0] = 301
    sealer.forget()
    with pytest.raises(KeyringAway):
        sealer.seal(APPLICATION, HERE, "5y-2026")


async def test_what_was_fetched_is_forgotten_by_itself() -> None:
    city = MemoryKeyring()
    sealer, opener = Sealer(city, seconds=0.2), Opener(city, seconds=0.1)
    await sealer.fetch(["5y"], NOW)
    sealed = sealer.seal(APPLICATION, HERE, "5y-2026").sealed
    await opener.fetch([sealed])
    assert sealed is not None
    assert opener.opens(sealed)

    await asyncio.sleep(0.3)

    assert not opener.opens(sealed)
    with pytest.raises(KeyringAway):
        sealer.seal(APPLICATION, HERE, "5y-2026")


async def test_a_timer_that_comes_a_little_early_leaves_no_secret_behind() -> None:
    """One of uvloop's does so: of four secrets one stayed in the memory of a service of which nobody asked any more."""
    city = MemoryKeyring()

    def slow() -> float:
        return time.monotonic() * 0.99

    sealer, opener = Sealer(city, seconds=0.1, clock=slow), Opener(city, seconds=0.1, clock=slow)
    await sealer.fetch_keys(["5y-2026"])
    sealed = sealer.seal(APPLICATION, HERE, "5y-2026").sealed
    await opener.fetch([sealed])
    assert sealed is not None

    await asyncio.sleep(0.2)

    assert not opener.opens(sealed)
    with pytest.raises(KeyringAway):
        sealer.seal(APPLICATION, HERE, "5y-2026")


def test_a_secret_that_was_not_fetched_is_asked_for_and_not_guessed() -> None:
    sealed = Sealed(key="5y-2026.1", wrapped="AAAA", salt="AAAA", values={})

    with pytest.raises(KeyringAway):
        Opener(MemoryKeyring()).open(sealed, HERE)


@pytest.mark.parametrize(
    "at, year",
    [
        ("2027-03-31T23:59:59+09:00", 2026),
        ("2027-03-31T15:00:00+00:00", 2027),
        ("2026-04-01T00:00:00+09:00", 2026),
        ("2026-01-01T00:00:00+09:00", 2025),
    ],
)
def test_the_fiscal_year_begins_in_april_in_japan(at: str, year: int) -> None:
    assert fiscal_year(datetime.fromisoformat(at)) == year
    assert key_name("5y", datetime.fromisoformat(at)) == f"5y-{year}"


def test_both_sides_of_the_new_fiscal_year_are_at_hand_on_its_eve() -> None:
    sealer = Sealer(MemoryKeyring())
    asyncio.run(sealer.fetch(["5y"], datetime.fromisoformat("2027-03-31T12:00:00+09:00")))

    assert {sealer.seal(APPLICATION, HERE, name).sealed is None for name in ("5y-2026", "5y-2027")} == {False}
