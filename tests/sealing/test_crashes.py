"""A keyring under `kill -9` before each step, at any moment, and on a full disk: the old state whole, or the new one."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sealing.back_ups import back_up, restore
from sealing.destroying import ask, confirm, withdraw
from sealing.errors import DestroyedKey, SealingError, UnknownKey
from sealing.files import FileUnwrapping, FileWrapping
from sealing.folders import Folders
from sealing.keeping import writing
from sealing.keyring import SealKey
from sealing.making import make_keys, rotate
from tests.conftest import ROOT
from tests.sealing.conftest import LATER, NAME, NOW, PASSPHRASE, REASON, files


def crash(what: str, folder: Path, how: str = "kill") -> list[Path]:
    """The keyrings that were left, one a step; none of them ran to its end."""
    command = [sys.executable, "-m", "tests.sealing.crashing", how, what, str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [left for left in folder.iterdir() if left.name.isdigit()]


def opened(root: Path, one: SealKey) -> bytes | type[SealingError]:
    try:
        return FileUnwrapping(root / "private").unwrap(one.key, one.wrapped)
    except (DestroyedKey, UnknownKey) as error:
        return type(error)


def sealed(root: Path) -> SealKey | type[SealingError]:
    try:
        return FileWrapping(root / "public").new(NAME)
    except (DestroyedKey, UnknownKey) as error:
        return type(error)


@pytest.mark.parametrize("what", ["make", "rotate"])
def test_a_key_killed_in_the_making_is_not_there_or_whole_and_making_goes_on(tmp_path: Path, what: str) -> None:
    start = tmp_path / "start"
    make_keys(start, "3y-2026")
    if what == "rotate":
        make_keys(start, NAME)

    left = crash(what, tmp_path)

    assert len(left) >= 5
    for root in left:
        one = sealed(root)
        assert one is UnknownKey or (isinstance(one, SealKey) and opened(root, one) == one.secret)
        make_keys(root, NAME)
        one = sealed(root)
        assert isinstance(one, SealKey)
        assert opened(root, one) == one.secret
        assert not list(root.rglob(".*"))


def test_a_destruction_killed_at_any_step_has_not_begun_or_is_completed(tmp_path: Path) -> None:
    start = tmp_path / "start"
    make_keys(start, NAME, "3y-2026")
    one = FileWrapping(start / "public").new(NAME)
    rotate(start, NAME)
    two = FileWrapping(start / "public").new(NAME)
    ask(start, NAME, by="佐藤", reason=REASON, at=NOW)

    left = crash("destroy", tmp_path)

    assert len(left) >= 15
    undecided = [root for root in left if not in_hand(root)]
    for root in undecided:
        assert {opened(root, one), opened(root, two)} == {one.secret, two.secret}
        assert isinstance(sealed(root), SealKey)
        withdraw(root, NAME)
        assert opened(root, one) == one.secret
    certified = {root: file.read_bytes() for root in left if (file := Folders(root).certificate(NAME)).exists()}
    assert certified
    time.sleep(1.1)  # a certificate written twice would say another second
    for root in set(left) - set(undecided):
        # Whoever comes next completes it, whatever they came for.
        make_keys(root, "3y-2027")
        assert not secret_left(root)
        assert (opened(root, one), opened(root, two), sealed(root)) == (DestroyedKey,) * 3
        found = confirm(root, NAME, by="鈴木", at=LATER)
        assert (found.asked.by, found.confirmed.by) == ("佐藤", "田中")
        assert [version.version for version in found.versions] == ["5y-2026.1", "5y-2026.2"]
        assert all(version.public_sha256 for version in found.versions)
    assert all(Folders(root).certificate(NAME).read_bytes() == content for root, content in certified.items())
    assert 0 < len(undecided) < len(left)


def in_hand(root: Path) -> bool:
    """Whether the destruction was decided: then its request is confirmed, or it is further than that."""
    folders = Folders(root)
    request = folders.request(NAME)
    return folders.is_destroyed(NAME) or b'"by":"\xe7\x94\xb0\xe4\xb8\xad"' in request.read_bytes()


def secret_left(root: Path) -> list[str]:
    return [path for path in files(root) if NAME in path and (".key" in path or ".pub" in path or ".new" in path)]


def test_while_a_destruction_is_under_way_no_reader_takes_the_key_for_lost(tmp_path: Path) -> None:
    start = tmp_path / "start"
    make_keys(start, NAME)
    one = FileWrapping(start / "public").new(NAME)
    ask(start, NAME, by="佐藤", reason=REASON, at=NOW)

    left = crash("destroy", tmp_path)

    assert {opened(root, one) for root in left} == {one.secret, DestroyedKey}
    assert UnknownKey not in {sealed(root) for root in left}


def test_a_restoration_killed_at_any_step_has_not_begun_or_is_completed(tmp_path: Path) -> None:
    source, start = tmp_path / "source", tmp_path / "start"
    make_keys(source, NAME, "3y-2026", "10y-2026")
    one = FileWrapping(source / "public").new(NAME)
    back_up(source, tmp_path / "back-up", PASSPHRASE, NOW)
    with writing(start):
        pass

    left = crash("restore", tmp_path)

    assert len(left) >= 8
    found: set[int] = set()
    for root in left:
        with writing(root) as folders:
            found.add(len(folders.names()))
        assert not list(root.rglob(".*"))
        assert not Folders(root).restoring.exists()
        assert opened(root, one) == (one.secret if folders.names() else UnknownKey)
    assert found == {0, 3}
    restore(left[0], tmp_path / "back-up", PASSPHRASE)
    assert opened(left[0], one) == one.secret


@pytest.mark.parametrize("seed", range(4))
def test_a_keyring_killed_at_any_moment_opens_all_it_ever_sealed(tmp_path: Path, seed: int) -> None:
    make_keys(tmp_path, NAME)
    chance = random.Random(seed)
    kept: list[SealKey] = []
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", FOREVER, str(tmp_path)], cwd=ROOT)
        known = len(Folders(tmp_path).versions(NAME))
        while len(Folders(tmp_path).versions(NAME)) == known:
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.05))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kept.append(FileWrapping(tmp_path / "public").new(NAME))

    assert all(opened(tmp_path, one) == one.secret for one in kept)
    rotate(tmp_path, NAME)
    assert not list(tmp_path.rglob(".*"))


FOREVER = """
import sys
from pathlib import Path
from sealing.making import rotate
while True:
    rotate(Path(sys.argv[1]), "5y-2026")
"""

FULL = """
import resource, sys
from datetime import datetime
from pathlib import Path
from sealing.back_ups import back_up, restore
from sealing.destroying import ask, confirm
from sealing.errors import KeyringRefusal
from sealing.keyring import JST
from sealing.making import make_keys, rotate
root, now = Path(sys.argv[2]), datetime(2032, 4, 1, tzinfo=JST)
work = {
    "make": lambda: make_keys(root, "7y-2026"),
    "rotate": lambda: rotate(root, "5y-2026"),
    "ask": lambda: ask(root, "3y-2026", by="a", reason="r", at=now),
    "confirm": lambda: confirm(root, "5y-2026", by="b", at=now),
    "back_up": lambda: back_up(root, root.parent / "new", "a long passphrase", now),
    "restore": lambda: restore(root, root.parent / "back-up", "a long passphrase"),
}
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    work[sys.argv[1]]()
except KeyringRefusal as error:
    print(error)
    sys.exit(3)
"""


@pytest.mark.parametrize("what", ["make", "rotate", "ask", "confirm", "back_up", "restore"])
def test_on_a_full_disk_nothing_changes_and_the_message_says_so(tmp_path: Path, what: str) -> None:
    root, other = tmp_path / "keyring", tmp_path / "other"
    make_keys(other, "9y-2026")
    back_up(other, tmp_path / "back-up", "a long passphrase", NOW)
    make_keys(root, NAME, "3y-2026")
    ask(root, NAME, by="a", reason=REASON, at=NOW)
    before = files(root)

    full = subprocess.run(
        [sys.executable, "-c", FULL, what, str(root), "20"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (full.returncode, "cannot be written: File too large" in full.stdout) == (3, True), full.stderr
    assert files(root) == before
    assert not (tmp_path / "new").exists()

    roomy = subprocess.run([sys.executable, "-c", FULL, what, str(root), "100000"], cwd=ROOT, check=False)
    assert roomy.returncode == 0


def test_a_disk_that_fills_up_at_any_step_of_a_restoration_leaves_all_as_it_was(tmp_path: Path) -> None:
    source, start = tmp_path / "source", tmp_path / "start"
    make_keys(source, "9y-2026", "8y-2026")
    back_up(source, tmp_path / "back-up", PASSPHRASE, NOW)
    make_keys(start, NAME)

    left = crash("restore", tmp_path, "fill")

    assert len(left) >= 6
    assert all(files(root) == files(start) for root in left)
    assert Folders(tmp_path / "whole").names() == ["5y-2026", "8y-2026", "9y-2026"]


def test_a_disk_that_fills_up_at_any_step_of_a_destruction_leaves_it_undecided_or_to_be_completed(
    tmp_path: Path,
) -> None:
    start = tmp_path / "start"
    make_keys(start, NAME)
    one = FileWrapping(start / "public").new(NAME)
    ask(start, NAME, by="佐藤", reason=REASON, at=NOW)

    left = crash("destroy", tmp_path, "fill")

    assert len(left) >= 4
    assert sum(files(root) == files(start) for root in left) == 1
    for root in left:
        confirm(root, NAME, by="田中", at=LATER)
        assert opened(root, one) is DestroyedKey
        assert not secret_left(root)


def test_those_who_write_at_once_wait_for_each_other(tmp_path: Path) -> None:
    make_keys(tmp_path, NAME)
    code = FOREVER.replace("while True", "for _ in range(20)")

    writers = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT) for _ in range(4)]

    assert [writer.wait() for writer in writers] == [0] * 4
    assert Folders(tmp_path).versions(NAME) == list(range(1, 82))
