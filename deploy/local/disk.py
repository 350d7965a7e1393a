"""What is said where nothing more can be written: which disk, how much is left there, and what to do."""

import errno
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import psutil

from deploy.local.home import StackError

MEGABYTE = 1_000_000
SCARCE = 32 * MEGABYTE
"""Bytes: with less, PostgreSQL, which writes ahead 16 MB at a time, and Kafka stop, each in words of its own or in none."""

FULL = "No space left on device"
QUOTA = "Disk quota exceeded"
LIMIT = "File too large"
SIGNS = (FULL, QUOTA, LIMIT, "Check free disk space")
"""How the kernel, PostgreSQL and Java say it."""

ELSEWHERE = ("shared memory", "semaphore")
"""What Linux calls full as well, though no disk is; PostgreSQL's own hint says what to do."""

NUMBERS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class DiskFull(StackError):
    """Nothing more can be written; the message names disk, folder and what to do."""


@contextmanager
def blamed(folder: Path, variable: str = "MADOGUCHI_HOME") -> Generator[None]:
    """Whatever goes wrong here for want of room in `folder` becomes DiskFull, with what was said in detail below it.

    `variable` is what names that folder.
    """
    try:
        yield
    except DiskFull:
        raise
    except Exception as error:
        said = _said(error)
        words = shortage(folder, said, variable)
        if words is None:
            raise
        raise DiskFull(f"{words}\n{said}") from error


def is_full(error: OSError) -> bool:
    """Whether it says that nothing more can be written."""
    return error.errno in NUMBERS


def shortage(folder: Path, said: str, variable: str = "MADOGUCHI_HOME") -> str | None:
    """What to say when `said` complains of no room, or when there is hardly any for `folder`; else None.

    Java writes to the folder for temporary files too: the disk with less left is the one that is named.
    """
    complains = any(sign in said for sign in SIGNS) and not any(word in said for word in ELSEWHERE)
    scarce = _free(folder) < SCARCE
    if not complains and not scarce:
        return None
    if LIMIT in said and not scarce:
        return (
            f"A file in {folder} may not grow any more: there is a limit on the size of files. "
            "Lift it (`ulimit -f unlimited`) and start again."
        )
    what = "Your quota is used up on" if QUOTA in said else "There is no room left on"
    temporary = Path(tempfile.gettempdir())
    if scarce or _free(folder) <= _free(temporary):
        return f"{what} {_words(folder, variable)}"
    return f"{what} {_words(temporary, 'TMPDIR')}"


def _words(folder: Path, variable: str) -> str:
    place = _mount(_existing(folder))
    usage = shutil.disk_usage(place)
    return (
        f"the disk {_device(place)} at {place}, where {folder} is: {usage.free / MEGABYTE:,.0f} of {usage.total / MEGABYTE:,.0f} MB "
        f"are free now. Free at least 1,000 MB there, or set {variable} to a folder on another disk, and start again."
    )


def _free(folder: Path) -> int:
    """Bytes."""
    return shutil.disk_usage(_existing(folder)).free


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that there is."""
    return next(one for one in (folder, *folder.parents) if one.exists())


def _mount(folder: Path) -> Path:
    return next(one for one in (folder, *folder.parents) if os.path.ismount(one))


def _device(place: Path) -> str:
    """`/dev/sda1`; of several mounted one over the other the last is the one that is seen."""
    found = [part.device for part in psutil.disk_partitions(all=True) if part.mountpoint == str(place)]
    return found[-1] if found else "(unknown)"


def _said(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__
