"""Back-up and restoration of a keyring."""

import hashlib
import json
import shutil
import stat
from pathlib import Path

import pytest

from sealing.back_ups import MAGIC, Header, back_up, restore
from sealing.destroying import ask, confirm
from sealing.documents import _canonical, decoded, digest, encoded
from sealing.errors import BadBackUp, DestroyedKey, KeyringRefusal, UnknownKey
from sealing.files import FileUnwrapping, FileWrapping
from sealing.folders import Folders
from sealing.making import make_keys, rotate
from tests.sealing.conftest import LATER, NAME, NOW, PASSPHRASE, REASON, files
from tests.sealing.test_files import flipped


@pytest.fixture
def made(root: Path) -> Folders:
    make_keys(root, NAME, "3y-2026")
    rotate(root, NAME)
    return Folders(root)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.backup"


def destroy(root: Path) -> None:
    ask(root, NAME, by="sato", reason=REASON, at=NOW)
    confirm(root, NAME, by="tanaka", at=LATER)


def test_a_back_up_into_an_empty_folder_opens_all_that_was_sealed(made: Folders, file: Path, tmp_path: Path) -> None:
    sealed = [FileWrapping(made.public).new(name) for name in (NAME, "3y-2026")]
    note = back_up(made.root, file, PASSPHRASE, NOW)
    before = files(made.root)
    shutil.rmtree(made.root)

    found = restore(tmp_path / "fresh", file, PASSPHRASE)

    unwrapping = FileUnwrapping(tmp_path / "fresh" / "private")
    assert all(unwrapping.unwrap(one.key, one.wrapped) == one.secret for one in sealed)
    assert found.put_back == ("3y-2026.1", "5y-2026.1", "5y-2026.2")
    assert note.keys == ("3y-2026", "5y-2026")
    assert files(tmp_path / "fresh") == before
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "fresh").rglob("*") if path.is_file()} == {0o600}


def test_the_file_is_its_owners_alone_and_shows_no_key(made: Folders, file: Path) -> None:
    back_up(made.root, file, PASSPHRASE, NOW)
    content = file.read_bytes()

    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert content.count(b"private") == 0
    assert content.startswith(MAGIC)
    header = decoded(Header, content.splitlines(keepends=True)[1])
    assert (header.keys, header.scrypt_n) == (("3y-2026", "5y-2026"), 2**17)


def test_two_back_ups_of_the_same_have_nothing_in_common(made: Folders, tmp_path: Path) -> None:
    one = back_up(made.root, tmp_path / "one", PASSPHRASE, NOW)
    two = back_up(made.root, tmp_path / "two", PASSPHRASE, NOW)

    assert one.id != two.id
    assert one.sha256_of_file != two.sha256_of_file
    first, second = ((tmp_path / name).read_bytes()[-2000:] for name in ("one", "two"))
    assert not {first[at : at + 16] for at in range(0, 2000, 16)} & {second[at : at + 16] for at in range(0, 2000, 16)}


def test_a_wrong_passphrase_and_a_changed_byte_are_told_apart(made: Folders, file: Path, root: Path) -> None:
    back_up(made.root, file, PASSPHRASE, NOW)
    content, before = file.read_bytes(), files(root)

    with pytest.raises(BadBackUp, match="passphrase does not open"):
        restore(root, file, PASSPHRASE + "x")
    for bit in range(0, len(content) * 8, 1009):
        file.write_bytes(flipped(content, bit))
        with pytest.raises(BadBackUp, match=r"damaged or cut off|no back-up"):
            restore(root, file, PASSPHRASE)
    for end in (0, 10, len(MAGIC), 100, len(content) - 1):
        file.write_bytes(content[:end])
        with pytest.raises(BadBackUp, match=r"damaged or cut off|no back-up"):
            restore(root, file, PASSPHRASE)
    assert files(root) == before


def test_who_changes_the_header_and_mends_the_digest_opens_nothing(made: Folders, file: Path, root: Path) -> None:
    back_up(made.root, file, PASSPHRASE, NOW)
    magic, line, rest = file.read_bytes().split(b"\n", 2)
    header = decoded(Header, line + b"\n")
    for changed in (header.model_copy(update={"keys": ()}), header.model_copy(update={"salt": bytes(16)})):
        body = magic + b"\n" + encoded(changed) + rest[:-32]
        file.write_bytes(body + hashlib.sha256(body).digest())
        with pytest.raises(BadBackUp, match="passphrase does not open"):
            restore(root, file, PASSPHRASE)

    greedy = json.loads(line) | {"scrypt_n": 2**30}
    del greedy["sha256"]
    rehashed = greedy | {"sha256": digest(_canonical(greedy))}
    body = magic + b"\n" + _canonical(rehashed) + b"\n" + rest[:-32]
    file.write_bytes(body + hashlib.sha256(body).digest())
    with pytest.raises(BadBackUp, match="of a kind that this version does not know"):
        restore(root, file, PASSPHRASE)


def test_full_width_letters_are_the_same_passphrase(made: Folders, file: Path, tmp_path: Path) -> None:
    back_up(made.root, file, "long passphrase 1", NOW)

    assert restore(tmp_path / "fresh", file, "ｌｏｎｇ　ｐａｓｓｐｈｒａｓｅ　１").put_back


@pytest.mark.parametrize("short", ["", "eleven char"])
def test_a_short_passphrase_is_refused_and_writes_nothing(made: Folders, file: Path, short: str) -> None:
    with pytest.raises(KeyringRefusal, match="at least 12 characters"):
        back_up(made.root, file, short, NOW)
    assert not file.exists()


def test_a_back_up_overwrites_nothing(made: Folders, file: Path) -> None:
    file.write_bytes(b"another back-up")

    with pytest.raises(KeyringRefusal, match="is there already"):
        back_up(made.root, file, PASSPHRASE, NOW)
    assert file.read_bytes() == b"another back-up"
    assert not list(made.back_ups.iterdir())


def test_a_damaged_key_is_not_backed_up_as_if_it_were_well(made: Folders, file: Path) -> None:
    (made.private / "5y-2026.1.key").write_bytes(b"rot")

    with pytest.raises(BadBackUp, match=r"private/5y-2026\.1\.key is damaged"):
        back_up(made.root, file, PASSPHRASE, NOW)
    assert not file.exists()


def test_a_folder_that_is_not_there_is_said(made: Folders, tmp_path: Path) -> None:
    with pytest.raises(KeyringRefusal, match="cannot be written: No such file"):
        back_up(made.root, tmp_path / "absent" / "file", PASSPHRASE, NOW)
    assert not list(made.back_ups.iterdir())
    with pytest.raises(BadBackUp, match="cannot be read"):
        restore(made.root, tmp_path / "absent", PASSPHRASE)


def test_a_restoration_puts_back_what_is_missing_and_leaves_the_rest(made: Folders, file: Path) -> None:
    back_up(made.root, file, PASSPHRASE, NOW)
    make_keys(made.root, "3y-2027")
    lost = made.private / "5y-2026.1.key"
    content = lost.read_bytes()
    lost.unlink()

    found = restore(made.root, file, PASSPHRASE)

    assert lost.read_bytes() == content
    assert (found.put_back, found.here_already) == (("5y-2026.1",), ("3y-2026.1", "5y-2026.2"))
    assert made.versions("3y-2027") == [1]


def test_a_key_that_differs_stops_the_whole_restoration(made: Folders, file: Path, tmp_path: Path) -> None:
    back_up(made.root, file, PASSPHRASE, NOW)
    other = tmp_path / "other"
    make_keys(other, NAME)
    before = files(other)

    with pytest.raises(KeyringRefusal, match="another key than the back-up's: nothing was restored"):
        restore(other, file, PASSPHRASE)
    assert files(other) == before
    with pytest.raises(UnknownKey):
        FileWrapping(other / "public").new("3y-2026")


def test_certificates_come_along_and_hold_in_the_new_place(made: Folders, file: Path, tmp_path: Path) -> None:
    one = FileWrapping(made.public).new(NAME)
    destroy(made.root)
    back_up(made.root, file, PASSPHRASE, LATER)

    fresh = tmp_path / "fresh"
    assert restore(fresh, file, PASSPHRASE).put_back == ("3y-2026.1",)
    assert Folders(fresh).certificate(NAME).read_bytes() == made.certificate(NAME).read_bytes()
    with pytest.raises(DestroyedKey):
        FileUnwrapping(fresh / "private").unwrap(one.key, one.wrapped)
    with pytest.raises(DestroyedKey):
        FileWrapping(fresh / "public").new(NAME)
    with pytest.raises(DestroyedKey):
        make_keys(fresh, NAME)


def test_a_certificate_that_comes_along_destroys_a_copy_of_the_key(made: Folders, file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(made.root, copy)
    destroy(made.root)
    back_up(made.root, file, PASSPHRASE, LATER)

    restore(copy, file, PASSPHRASE)

    assert Folders(copy).versions(NAME) == []
    assert not [path for path in files(copy) if path.startswith("private/5y-2026.") and path.endswith("key")]


def test_an_old_back_up_into_an_empty_folder_heeds_the_certificates_that_are_laid_there_first(
    made: Folders, file: Path, tmp_path: Path
) -> None:
    back_up(made.root, file, PASSPHRASE, NOW)
    destroy(made.root)
    fresh = Folders(tmp_path / "fresh")
    fresh.destroyed.mkdir(parents=True)
    shutil.copy(made.certificate(NAME), fresh.destroyed)

    found = restore(fresh.root, file, PASSPHRASE)

    assert found.destroyed == ("5y-2026.1", "5y-2026.2")
    assert fresh.versions(NAME) == []


def test_a_restored_keyring_knows_the_back_up_it_came_from(made: Folders, file: Path, tmp_path: Path) -> None:
    note = back_up(made.root, file, PASSPHRASE, NOW)
    fresh = tmp_path / "fresh"
    restore(fresh, file, PASSPHRASE)

    destroy(fresh)

    assert confirm(fresh, NAME, by="tanaka", at=LATER).back_ups == (note,)
