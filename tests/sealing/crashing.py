"""`kill -9`, or a full disk, at every single step that changes the disk.

    python -m tests.sealing.crashing kill|fill make|rotate|destroy|restore FOLDER

Each trial is a copy of the keyring at FOLDER/start, worked upon by a process that ends at its n-th step, or can create no file from
there on, and is left in FOLDER/n. The last one, which ran to its end, is FOLDER/whole.
"""

import errno
import functools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from sealing import back_ups, destroying, making
from sealing.errors import KeyringRefusal
from tests.sealing.conftest import LATER, NAME, PASSPHRASE

REFUSED = 3
_WRITES = os.O_WRONLY | os.O_RDWR


def die_at(step: int) -> None:
    """End this process by SIGKILL when it is about to change the disk for the `step`-th time."""
    left = [step]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        opens = event == "open" and bool(int(str(arguments[2] or 0)) & _WRITES)
        if opens or event in {"os.rename", "os.remove", "os.mkdir"}:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def fill_at(step: int) -> None:
    """From the `step`-th file on that this process would create there is no space."""
    left = [step]

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and bool(int(str(arguments[2] or 0)) & os.O_EXCL):
            left[0] -= 1
            if left[0] <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sys.addaudithook(watch)


def try_all(folder: Path, work: Callable[[Path], object], hinder: Callable[[int], None]) -> None:
    step, hindered = 0, True
    while hindered:
        step += 1
        trial = folder / str(step)
        shutil.copytree(folder / "start", trial)
        hindered = _is_hindered(trial, work, lambda at=step: hinder(at))
    (folder / str(step)).rename(folder / "whole")


def _is_hindered(trial: Path, work: Callable[[Path], object], hinder: Callable[[], None]) -> bool:
    child = os.fork()
    if child == 0:
        try:
            hinder()
            work(trial)
        except KeyringRefusal:
            os._exit(REFUSED)
        except BaseException as error:
            sys.stderr.write(f"{error!r}\n")
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == REFUSED:
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


WORK: dict[str, Callable[[Path], object]] = {
    "make": lambda root: making.make_keys(root, NAME),
    "rotate": lambda root: making.rotate(root, NAME),
    "destroy": lambda root: destroying.confirm(root, NAME, by="田中", at=LATER),
    "restore": lambda root: back_ups.restore(root, root.parent / "back-up", PASSPHRASE),
}

if __name__ == "__main__":
    if sys.argv[2] == "restore":
        # Half a second of scrypt for each of a hundred trials: the passphrase is stretched once, and every child inherits that.
        back_ups._key = functools.cache(back_ups._key)
        back_ups.restore(Path(sys.argv[3]) / "first", Path(sys.argv[3]) / "back-up", PASSPHRASE)
    try_all(Path(sys.argv[3]), WORK[sys.argv[2]], {"kill": die_at, "fill": fill_at}[sys.argv[1]])
