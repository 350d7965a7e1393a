"""The file keyring: halves, rotation, and what a reader refuses."""

import shutil
import stat
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sealing.errors import BrokenSeal, DestroyedKey, KeyringAway, UnknownKey, UnsafeKeyring
from sealing.files import FileUnwrapping, FileWrapping
from sealing.folders import Folders
from sealing.keyring import JST
from sealing.making import make_keys, names_ahead, rotate, states
from tests.sealing.conftest import NAME


@pytest.fixture
def made(root: Path) -> Folders:
    make_keys(root, NAME)
    return Folders(root)


def test_what_the_public_half_wraps_the_private_half_unwraps(made: Folders) -> None:
    one = FileWrapping(made.public).new(NAME)

    assert one.key == "5y-2026.1"
    assert len(one.secret) == 32
    assert FileUnwrapping(made.private).unwrap(one.key, one.wrapped) == one.secret


def test_every_secret_is_fresh_and_shows_in_no_repr(made: Folders) -> None:
    wrapping = FileWrapping(made.public)
    found = [wrapping.new(NAME) for _ in range(20)]

    assert len({one.secret for one in found}) == len({one.wrapped for one in found}) == 20
    assert repr(found[0].secret) not in repr(found[0])


def test_who_holds_the_public_half_only_can_open_nothing(made: Folders, tmp_path: Path) -> None:
    intake = tmp_path / "intake"
    shutil.copytree(made.public, intake)
    one = FileWrapping(intake).new(NAME)

    assert not [file for file in intake.iterdir() if file.suffix == ".key"]
    with pytest.raises(UnknownKey):
        FileUnwrapping(intake).unwrap(one.key, one.wrapped)


def test_making_a_key_again_makes_nothing(made: Folders, root: Path) -> None:
    before = made.public.joinpath("5y-2026.1.pub").read_bytes()

    assert make_keys(root, NAME, "10y-2026") == ["5y-2026.1", "10y-2026.1"]
    assert made.public.joinpath("5y-2026.1.pub").read_bytes() == before
    assert made.versions(NAME) == [1]


def test_after_a_rotation_the_newest_seals_and_all_open(made: Folders, root: Path) -> None:
    wrapping, unwrapping = FileWrapping(made.public), FileUnwrapping(made.private)
    found = [wrapping.new(NAME)]
    for _ in range(10):
        rotate(root, NAME)
        found.append(wrapping.new(NAME))

    assert [one.key for one in found] == [f"5y-2026.{number}" for number in range(1, 12)]
    assert all(unwrapping.unwrap(one.key, one.wrapped) == one.secret for one in found)


def test_what_one_version_wrapped_another_does_not_open(made: Folders, root: Path) -> None:
    one = FileWrapping(made.public).new(NAME)
    rotate(root, NAME)

    with pytest.raises(BrokenSeal):
        FileUnwrapping(made.private).unwrap("5y-2026.2", one.wrapped)


def test_a_version_is_bound_by_its_name_even_to_the_same_pair(made: Folders) -> None:
    one = FileWrapping(made.public).new(NAME)
    from sealing.documents import encoded
    from sealing.files import read_private

    twin = read_private(made.private, one.key).model_copy(update={"key": "5y-2026.2"})
    file = made.private / "5y-2026.2.key"
    file.write_bytes(encoded(twin))
    file.chmod(0o600)

    with pytest.raises(BrokenSeal):
        FileUnwrapping(made.private).unwrap("5y-2026.2", one.wrapped)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(data=st.data())
def test_a_changed_wrapping_is_a_broken_seal(made: Folders, data: st.DataObject) -> None:
    one = FileWrapping(made.public).new(NAME)
    other = data.draw(
        st.one_of(
            st.binary(max_size=120),
            st.integers(0, len(one.wrapped) * 8 - 1).map(lambda bit: flipped(one.wrapped, bit)),
            st.integers(0, len(one.wrapped) - 1).map(lambda end: one.wrapped[:end]),
        )
    )

    with pytest.raises(BrokenSeal):
        FileUnwrapping(made.private).unwrap(one.key, other)


@pytest.mark.parametrize(
    "key",
    ["", "5y-2026", "5y-2026.", "../../etc/passwd", "5y-2026.1/../x", "5y-2026.1\n", "5Y-2026.1", "5y-2026.99999"],
)
def test_what_is_no_version_names_no_file(made: Folders, key: str) -> None:
    with pytest.raises(UnknownKey, match="that is no version of a key"):
        FileUnwrapping(made.private).unwrap(key, b"x" * 80)
    with pytest.raises(UnknownKey, match="that is no version of a key"):
        FileWrapping(made.public).new(key.partition(".")[0] + "/")


def test_a_key_that_nobody_made_is_unknown(made: Folders) -> None:
    with pytest.raises(UnknownKey, match="madoguchi keys make 3y-2026"):
        FileWrapping(made.public).new("3y-2026")
    with pytest.raises(UnknownKey):
        FileUnwrapping(made.private).unwrap("5y-2026.2", b"x" * 80)


@pytest.mark.parametrize("state", ["absent", "empty"])
def test_a_volume_that_is_not_mounted_is_waited_for_and_parks_nothing(tmp_path: Path, state: str) -> None:
    if state == "empty":
        (tmp_path / "half").mkdir()

    for ask in (lambda: FileWrapping(tmp_path / "half").new(NAME), lambda: unwrap(tmp_path / "half")):
        with pytest.raises(KeyringAway, match="is it mounted"):
            ask()


def test_a_disk_that_does_not_answer_is_waited_for(made: Folders, tmp_path: Path) -> None:
    # Names that no file system takes, and a folder where a file must be, stand for a disk that fails.
    one = FileWrapping(made.public).new(NAME)
    (made.private / "5y-2026.1.key").unlink()
    (made.private / "5y-2026.1.key").mkdir()

    with pytest.raises(KeyringAway, match="cannot be read: Is a directory"):
        FileUnwrapping(made.private).unwrap(one.key, one.wrapped)
    with pytest.raises(KeyringAway, match="cannot be read: File name too long"):
        FileWrapping(tmp_path / ("x" * 300)).new(NAME)


def unwrap(half: Path) -> bytes:
    return FileUnwrapping(half).unwrap("5y-2026.1", b"x" * 80)


def test_files_are_the_owners_alone(made: Folders, root: Path) -> None:
    modes = {file: stat.S_IMODE(file.stat().st_mode) for file in (root, *root.rglob("*"))}

    assert {mode for file, mode in modes.items() if file.is_dir()} == {0o700}
    assert {mode for file, mode in modes.items() if file.is_file()} == {0o600}
    assert len(modes) > 8


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_private_key_that_others_may_read_is_refused_with_what_to_do(made: Folders, mode: int) -> None:
    one = FileWrapping(made.public).new(NAME)
    file = made.private / "5y-2026.1.key"
    file.chmod(mode)

    with pytest.raises(UnsafeKeyring, match=f"chmod 600 {file}"):
        FileUnwrapping(made.private).unwrap(one.key, one.wrapped)

    file.chmod(0o600)
    assert FileUnwrapping(made.private).unwrap(one.key, one.wrapped) == one.secret


def test_a_public_key_that_others_may_replace_is_refused(made: Folders) -> None:
    (made.public / "5y-2026.1.pub").chmod(0o622)

    with pytest.raises(UnsafeKeyring, match="chmod 600"):
        FileWrapping(made.public).new(NAME)


@pytest.mark.parametrize("file", ["public/5y-2026.1.pub", "private/5y-2026.1.key"])
def test_any_changed_byte_of_a_key_is_found_and_no_event_is_guilty(made: Folders, root: Path, file: str) -> None:
    content = (root / file).read_bytes()
    for change in [*range(0, len(content) * 8, 5), None]:
        (root / file).write_bytes(content[:-1] if change is None else flipped(content, change))
        with pytest.raises(UnsafeKeyring, match="damaged"):
            _ = FileWrapping(made.public).new(NAME) if "pub" in file[-3:] else unwrap(made.private)


def test_a_key_under_another_keys_name_is_found(made: Folders, root: Path) -> None:
    make_keys(root, "5y-2027")
    shutil.copy(made.public / "5y-2026.1.pub", made.public / "5y-2027.1.pub")
    shutil.copy(made.private / "5y-2026.1.key", made.private / "5y-2027.1.key")

    with pytest.raises(UnsafeKeyring, match=r"holds 5y-2026\.1"):
        FileWrapping(made.public).new("5y-2027")
    with pytest.raises(UnsafeKeyring, match=r"holds 5y-2026\.1"):
        FileUnwrapping(made.private).unwrap("5y-2027.1", b"x" * 80)


def test_a_mark_alone_tells_either_half_that_the_key_is_destroyed(made: Folders) -> None:
    one = FileWrapping(made.public).new(NAME)
    for mark in made.marks(NAME):
        mark.write_bytes(b"")

    with pytest.raises(DestroyedKey):
        FileWrapping(made.public).new(NAME)
    with pytest.raises(DestroyedKey):
        FileUnwrapping(made.private).unwrap(one.key, one.wrapped)
    with pytest.raises(DestroyedKey):
        make_keys(made.root, NAME)
    with pytest.raises(DestroyedKey):
        rotate(made.root, NAME)


def test_one_destroyed_key_stops_all_that_were_to_be_made_with_it(made: Folders) -> None:
    made.marks(NAME)[0].write_bytes(b"")

    with pytest.raises(DestroyedKey):
        make_keys(made.root, "3y-2026", NAME)
    assert made.versions("3y-2026") == []


def test_rotating_what_is_not_there_makes_nothing(root: Path) -> None:
    with pytest.raises(UnknownKey, match="keys make"):
        rotate(root, NAME)
    assert Folders(root).names() == []


def test_the_public_half_is_made_good_where_only_the_private_one_was_written(made: Folders, root: Path) -> None:
    before = made.public.joinpath("5y-2026.1.pub").read_bytes()
    made.public.joinpath("5y-2026.1.pub").unlink()

    assert make_keys(root, NAME) == ["5y-2026.1"]
    assert made.public.joinpath("5y-2026.1.pub").read_bytes() == before


@pytest.mark.parametrize(
    "at, years",
    [
        (datetime(2027, 3, 31, 23, 59, tzinfo=JST), [2026, 2027]),
        (datetime(2027, 4, 1, 0, 0, tzinfo=JST), [2027, 2028]),
    ],
)
def test_next_fiscal_years_keys_are_made_ahead(at: datetime, years: list[int]) -> None:
    assert names_ahead("5y", at) == [f"5y-{year}" for year in years]


def test_the_list_says_which_version_seals(made: Folders, root: Path) -> None:
    rotate(root, NAME)

    found = states(root)

    assert [(state.name, state.version, state.seals, state.destroyed) for state in found] == [
        (NAME, 1, False, False),
        (NAME, 2, True, False),
    ]
    assert len({state.fingerprint for state in found}) == 2


def flipped(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
