"""Destroying a key: two people, a reason, a certificate, and no way back."""

import hashlib
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from sealing.back_ups import back_up, restore
from sealing.certificates import Certificate, person, unreadable
from sealing.destroying import ask, confirm, withdraw
from sealing.documents import decoded, digest
from sealing.errors import DestroyedKey, KeyringRefusal, UnknownKey, UnsafeKeyring
from sealing.files import FileUnwrapping, FileWrapping, read_public
from sealing.folders import Folders
from sealing.keyring import number_class
from sealing.making import make_keys, rotate, states
from tests.sealing.conftest import LATER, NAME, NOW, PASSPHRASE, REASON
from tests.sealing.test_files import flipped


@pytest.fixture
def made(root: Path) -> Folders:
    make_keys(root, NAME, "3y-2026")
    return Folders(root)


def destroy(folders: Folders) -> Certificate:
    ask(folders.root, NAME, by="佐藤 花子", reason=REASON, at=NOW)
    return confirm(folders.root, NAME, by="田中", at=LATER)


def test_a_destroyed_key_opens_nothing_and_both_halves_say_why(made: Folders) -> None:
    wrapping, unwrapping = FileWrapping(made.public), FileUnwrapping(made.private)
    before = [wrapping.new(NAME)]
    rotate(made.root, NAME)
    before.append(wrapping.new(NAME))
    other = wrapping.new("3y-2026")

    destroy(made)

    for one in before:
        with pytest.raises(DestroyedKey):
            unwrapping.unwrap(one.key, one.wrapped)
    with pytest.raises(DestroyedKey):
        wrapping.new(NAME)
    assert unwrapping.unwrap(other.key, other.wrapped) == other.secret


def test_no_byte_of_the_key_is_left(made: Folders) -> None:
    private = json.loads((made.private / "5y-2026.1.key").read_bytes())["private"].encode()

    destroy(made)

    assert not [file for file in made.root.rglob("*") if file.is_file() and private in file.read_bytes()]
    assert made.versions(NAME) == []


def test_nothing_is_destroyed_before_a_second_person_confirms(made: Folders) -> None:
    one = FileWrapping(made.public).new(NAME)
    ask(made.root, NAME, by="佐藤", reason=REASON, at=NOW)

    assert FileUnwrapping(made.private).unwrap(one.key, one.wrapped) == one.secret
    assert [state.asked_to_be_destroyed for state in states(made.root)] == [False, True]
    assert rotate(made.root, NAME) == "5y-2026.2"


@pytest.mark.parametrize(
    "again", ["sato", "Sato", "ＳＡＴＯ", " sato ", "sa to", "SATO\u3000", "sa\u200bto", "sato\n", "ſato"]
)
def test_the_same_person_in_other_letters_is_no_second_person(made: Folders, again: str) -> None:
    ask(made.root, NAME, by="sato", reason=REASON, at=NOW)

    with pytest.raises(KeyringRefusal, match="another person confirms"):
        confirm(made.root, NAME, by=again, at=LATER)
    assert made.versions(NAME) == [1]


def test_two_people_are_two_people() -> None:
    assert person("佐藤") != person("左藤")
    assert person("sato") != person("saito")
    assert person("ｻﾄｳ") == person("サトウ")


@pytest.mark.parametrize("empty", ["", " ", "\u3000\n", "\u200b"])
def test_nobody_and_no_reason_are_refused(made: Folders, empty: str) -> None:
    with pytest.raises(KeyringRefusal, match="Who asks is missing"):
        ask(made.root, NAME, by=empty, reason=REASON, at=NOW)
    with pytest.raises(KeyringRefusal, match="The reason is missing"):
        ask(made.root, NAME, by="sato", reason=empty, at=NOW)
    ask(made.root, NAME, by="sato", reason=REASON, at=NOW)
    with pytest.raises(KeyringRefusal, match="Who confirms is missing"):
        confirm(made.root, NAME, by=empty, at=LATER)


def test_a_withdrawn_request_cannot_be_confirmed_and_may_be_made_anew(made: Folders) -> None:
    ask(made.root, NAME, by="sato", reason=REASON, at=NOW)
    withdraw(made.root, NAME)

    with pytest.raises(KeyringRefusal, match="Nobody has asked"):
        confirm(made.root, NAME, by="tanaka", at=LATER)
    with pytest.raises(KeyringRefusal, match="Nobody has asked"):
        withdraw(made.root, NAME)
    assert ask(made.root, NAME, by="tanaka", reason=REASON, at=LATER).asked.by == "tanaka"


def test_what_is_asked_for_already_is_not_asked_for_again_by_the_second_person(made: Folders) -> None:
    ask(made.root, NAME, by="sato", reason=REASON, at=NOW)

    with pytest.raises(KeyringRefusal, match="asked for already"):
        ask(made.root, NAME, by="tanaka", reason=REASON, at=LATER)


def test_a_key_that_is_not_there_is_not_destroyed(made: Folders) -> None:
    with pytest.raises(UnknownKey):
        ask(made.root, "9y-2026", by="sato", reason=REASON, at=NOW)
    with pytest.raises(UnknownKey):
        ask(made.root, "../5y-2026", by="sato", reason=REASON, at=NOW)


def test_a_destroyed_name_is_never_used_again(made: Folders) -> None:
    destroy(made)

    for order in (
        lambda: make_keys(made.root, NAME),
        lambda: rotate(made.root, NAME),
        lambda: ask(made.root, NAME, by="sato", reason=REASON, at=NOW),
        lambda: withdraw(made.root, NAME),
    ):
        with pytest.raises(DestroyedKey):
            order()
    assert [(state.name, state.destroyed) for state in states(made.root)] == [("3y-2026", False), (NAME, True)]


def test_the_certificate_says_what_was_destroyed_by_whom_why_and_what_still_holds_it(made: Folders) -> None:
    rotate(made.root, NAME)
    prints = [digest(read_public(made.public, f"{NAME}.{number}").public) for number in (1, 2)]
    old = back_up(made.root, made.root.parent / "old", PASSPHRASE, NOW)
    certificate = destroy(made)
    back_up(made.root, made.root.parent / "new", PASSPHRASE, LATER)

    assert (certificate.key, certificate.retention, certificate.fiscal_year) == (NAME, "5y", 2026)
    assert [(version.version, version.public_sha256) for version in certificate.versions] == [
        ("5y-2026.1", prints[0]),
        ("5y-2026.2", prints[1]),
    ]
    assert (certificate.asked.by, certificate.asked.at, certificate.asked.reason) == ("佐藤 花子", NOW, REASON)
    assert (certificate.confirmed.by, certificate.confirmed.at) == ("田中", LATER)
    assert certificate.back_ups == (old,)
    assert certificate.back_ups[0].sha256_of_file == digest((made.root.parent / "old").read_bytes())
    assert "2026年度" in certificate.unreadable.ja
    assert "fiscal year 2026" in certificate.unreadable.en
    assert confirm(made.root, NAME, by="鈴木", at=LATER + timedelta(days=9)) == certificate


def test_what_a_key_for_individual_numbers_takes_with_it_is_said_of_numbers() -> None:
    words = unreadable(number_class("5y"), 2026)

    assert "保存区分「5y」・2026年度に受け付けた申請の個人番号は" in words.ja
    assert words.en.startswith("Individual Numbers of applications received in retention class 5y")


def test_a_retention_class_that_leaves_no_room_for_a_key_of_numbers_is_refused() -> None:
    assert number_class("permanent") == "numberpermanent"
    with pytest.raises(ValueError, match="at most ten"):
        number_class("elevensigns")


def test_a_certificate_can_be_checked_with_nothing_but_sha256(made: Folders) -> None:
    destroy(made)
    text = made.certificate(NAME).read_text("utf-8")
    body = json.loads(text)
    stated = body.pop("sha256")
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    assert hashlib.sha256(canonical.encode()).hexdigest() == stated
    assert text.replace(f',"sha256":"{stated}"', "") == canonical + "\n"


def test_a_changed_certificate_is_found_and_its_key_stays_destroyed(made: Folders) -> None:
    destroy(made)
    file = made.certificate(NAME)
    content = file.read_bytes()
    for bit in range(0, len(content) * 8, 37):
        with pytest.raises(ValueError, match=r"it is|its SHA"):
            decoded(Certificate, flipped(content, bit))

    file.write_bytes(flipped(content, 900))
    with pytest.raises(UnsafeKeyring, match="damaged"):
        confirm(made.root, NAME, by="tanaka", at=LATER)
    with pytest.raises(DestroyedKey):
        make_keys(made.root, NAME)


def test_a_changed_request_destroys_nothing_and_can_be_withdrawn(made: Folders) -> None:
    ask(made.root, NAME, by="sato", reason=REASON, at=NOW)
    file = made.request(NAME)
    file.write_bytes(file.read_bytes().replace(b"sato", b"kato"))

    with pytest.raises(UnsafeKeyring, match="damaged"):
        confirm(made.root, NAME, by="sato", at=LATER)
    assert made.versions(NAME) == [1]
    withdraw(made.root, NAME)
    assert ask(made.root, NAME, by="sato", reason=REASON, at=NOW).key == NAME


def test_a_damaged_note_of_a_back_up_is_found_before_there_is_no_way_back(made: Folders) -> None:
    back_up(made.root, made.root.parent / "old", PASSPHRASE, NOW)
    note = next(made.back_ups.iterdir())
    content = note.read_bytes()
    note.write_bytes(flipped(content, 100))
    ask(made.root, NAME, by="sato", reason=REASON, at=NOW)

    with pytest.raises(UnsafeKeyring, match="damaged"):
        confirm(made.root, NAME, by="tanaka", at=LATER)
    assert made.versions(NAME) == [1]
    note.write_bytes(content)
    assert len(confirm(made.root, NAME, by="tanaka", at=LATER).back_ups) == 1


@pytest.mark.parametrize("damaged", [["pub"], ["key"], ["pub", "key"]])
def test_a_key_whose_files_are_damaged_can_be_destroyed_too(made: Folders, damaged: list[str]) -> None:
    expected = digest(read_public(made.public, "5y-2026.1").public) if len(damaged) == 1 else None
    for half in damaged:
        next(made.root.glob(f"*/5y-2026.1.{half}")).write_bytes(b"x")

    certificate = destroy(made)

    assert [version.public_sha256 for version in certificate.versions] == [expected]
    assert made.versions(NAME) == []


@pytest.mark.parametrize("left", ["nothing", "an empty folder"])
def test_no_certificate_is_made_of_a_key_that_lies_where_nothing_is_mounted(made: Folders, left: str) -> None:
    """Either half may be a volume of its own."""
    one = FileWrapping(made.public).new(NAME)
    ask(made.root, NAME, by="sato", reason=REASON, at=NOW)
    mounted = made.private.rename(made.root.parent / "elsewhere")
    if left == "an empty folder":
        made.private.mkdir()

    for order in (
        lambda: confirm(made.root, NAME, by="tanaka", at=LATER),
        lambda: make_keys(made.root, "5y-2027"),
        lambda: rotate(made.root, NAME),
        lambda: back_up(made.root, made.root.parent / "half", PASSPHRASE, NOW),
    ):
        with pytest.raises(KeyringRefusal, match=f"{made.private} holds no keyring, .* is it mounted"):
            order()

    assert not made.certificate(NAME).exists()
    assert not list(made.private.glob("*"))
    if made.private.exists():
        made.private.rmdir()
    mounted.rename(made.private)
    assert FileUnwrapping(made.private).unwrap(one.key, one.wrapped) == one.secret
    assert confirm(made.root, NAME, by="tanaka", at=LATER).key == NAME


def test_an_opening_half_that_is_lost_is_restored(made: Folders) -> None:
    one = FileWrapping(made.public).new(NAME)
    back_up(made.root, made.root.parent / "old", PASSPHRASE, NOW)
    shutil.rmtree(made.private)

    restore(made.root, made.root.parent / "old", PASSPHRASE)

    assert FileUnwrapping(made.private).unwrap(one.key, one.wrapped) == one.secret


def test_what_a_killed_process_had_begun_to_write_of_the_key_goes_too(made: Folders) -> None:
    left = made.private / ".5y-2026.2.key.new"
    left.write_bytes(b"half a private key")
    left.chmod(0o600)

    destroy(made)

    assert not left.exists()


def test_a_restoration_brings_no_destroyed_key_back(made: Folders) -> None:
    one = FileWrapping(made.public).new(NAME)
    back_up(made.root, made.root.parent / "old", PASSPHRASE, NOW)
    destroy(made)

    found = restore(made.root, made.root.parent / "old", PASSPHRASE)

    assert (found.put_back, found.here_already, found.destroyed) == ((), ("3y-2026.1",), ("5y-2026.1",))
    with pytest.raises(DestroyedKey):
        FileUnwrapping(made.private).unwrap(one.key, one.wrapped)


def test_a_certificate_names_no_back_up_that_never_held_the_key(made: Folders) -> None:
    back_up(made.root, made.root.parent / "old", PASSPHRASE, NOW)
    make_keys(made.root, "5y-2027")
    ask(made.root, "5y-2027", by="sato", reason=REASON, at=NOW)

    assert confirm(made.root, "5y-2027", by="tanaka", at=LATER).back_ups == ()


def test_a_certificate_alone_keeps_a_key_destroyed_and_puts_the_marks_back(made: Folders) -> None:
    destroy(made)
    for mark in made.marks(NAME):
        mark.unlink()

    assert [state.destroyed for state in states(made.root)] == [False, True]
    with pytest.raises(DestroyedKey):
        make_keys(made.root, NAME)
    assert all(mark.exists() for mark in made.marks(NAME))
