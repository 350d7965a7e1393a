"""PostgreSQL refuses to run as root; this is how root runs it all the same, and does nothing for anybody else."""

import os
import pwd
import shutil
from pathlib import Path

from deploy.local.home import StackError

UNPRIVILEGED = "nobody"
MAY_PASS = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")


def as_unprivileged(*entered: Path) -> tuple[str, ...]:
    """What to put before a command that works in the folders `entered`.

    Folders that only root may enter stay closed to everybody else: where one is in the way, this command alone may
    pass it.
    """
    if os.geteuid() != 0:
        return ()
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        message = "PostgreSQL refuses to run as root and `setpriv` is missing: install util-linux, or be another user"
        raise StackError(message)
    account = pwd.getpwnam(UNPRIVILEGED)
    who = (f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups")
    return (setpriv, *who, *(() if all(map(is_open, entered)) else MAY_PASS))


def is_open(folder: Path) -> bool:
    """Whether anybody may enter `folder`."""
    return all(step.stat().st_mode & 0o001 for step in (folder, *folder.parents))


def private_folder(folder: Path) -> None:
    """Create `folder` for the account that PostgreSQL runs as, closed to others."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    give_away(folder)


def give_away(path: Path) -> None:
    """Make `path` that account's own."""
    if os.geteuid() == 0:
        account = pwd.getpwnam(UNPRIVILEGED)
        os.chown(path, account.pw_uid, account.pw_gid)
