"""Files that are there whole, as they were or as they shall be, whatever happens meanwhile; and files that are gone."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Generator
from pathlib import Path

from sealing.errors import KeyringRefusal

_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700


def make_folder(folder: Path) -> None:
    """Create a folder that only its owner enters; one that is there is left alone."""
    with _explained(folder):
        if not folder.exists():
            folder.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            sync(folder.parent)


def write(file: Path, content: bytes) -> None:
    """Put `content` in place of `file`, 0600: written beside it, on the disk before it takes the name.

    Raises KeyringRefusal when the disk is full or may not be written; then `file` is what it was.
    """
    with _explained(file):
        beside = file.with_name(f".{file.name}.new")
        try:
            _write_new(beside, content)
            beside.replace(file)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync(file.parent)


def _write_new(file: Path, content: bytes) -> None:
    # Whatever lies there was left by a process that was killed. EXCL, so that no link of somebody else's is followed.
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_FILE)
    with open(descriptor, "wb") as out:  # noqa: PTH123  a descriptor has no path
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def shred(file: Path) -> None:
    """Take a file's name away, overwrite it where it lies, remove it; well when it is gone already.

    The name first: whoever is killed after that leaves no half-overwritten file that somebody reads, only one that `sweep` finds.
    """
    with _explained(file), contextlib.suppress(FileNotFoundError):
        nameless = file.replace(file.with_name(f".{file.name}.new"))
        sync(file.parent)
        _overwrite_and_remove(nameless)


def sweep(folder: Path) -> None:
    """Shred what a process that was killed had begun to write or to remove here: it may be half a private key."""
    for left in folder.glob(".*.new"):
        with _explained(left):
            _overwrite_and_remove(left)


def _overwrite_and_remove(file: Path) -> None:
    try:
        with file.open("r+b") as out:
            out.write(secrets.token_bytes(file.stat().st_size))
            out.flush()
            os.fsync(out.fileno())
    finally:
        # It goes even if it cannot be overwritten, as on a full file system that copies on write.
        file.unlink()
        sync(file.parent)


def sync(folder: Path) -> None:
    """Make the names in a folder last: a rename is not on the disk before its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(file: Path) -> Generator[None]:
    """Hold the lock file; the kernel lets go of it however this process ends."""
    with _explained(file):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _explained(file: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise KeyringRefusal(f"{file} cannot be written: {error.strerror}. Mend that and try again.") from error
