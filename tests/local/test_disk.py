"""Where nothing more can be written, the disk, the folder and what to do are named."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.disk import DiskFull, blamed, shortage
from tests.conftest import ROOT
from tests.local.conftest import JARS

UP = f"{sys.executable} -m console.main up"
DOWN = f"{sys.executable} -m console.main down --reset"
ONLY_KAFKA = f"""{sys.executable} -c '
from deploy.local import LocalSettings, StackError, down, up
try:
    up(LocalSettings(), print)
except StackError as error:
    print(f"Error: {{error}}")
down(LocalSettings(), print)'"""
OTHERS = {
    "MADOGUCHI_POSTGRES_DSN": "postgresql://db/x",
    "MADOGUCHI_SMTP_URL": "smtp://mail:25",
    "MADOGUCHI_OIDC_ISSUER": "https://login.city.example",
}
SECONDS = 150
Run = Callable[..., str]


@pytest.fixture
def on_a_disk(tmp_path: Path) -> Run:
    """Runs a script on a disk of so many kilobytes, which only its processes see; what it printed."""

    def run(kilobytes: int, script: str, **told: str) -> str:
        mounted = f"mount -t tmpfs -o size={kilobytes}k tmpfs {tmp_path}"
        own = {"MADOGUCHI_HOME": str(tmp_path / "home"), "MADOGUCHI_JARS": str(JARS), "PYTHONPATH": str(ROOT)}
        empty = dict.fromkeys(("MADOGUCHI_KAFKA_BOOTSTRAP", *OTHERS), "")
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", f"{mounted}\ncd {tmp_path}\n{script}"],
            env=os.environ.copy() | empty | own | told,  # noqa: TID251  a child's environment
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.stdout

    try:
        if "tmpfs" in run(1024, f"df {tmp_path}"):
            return run
    except FileNotFoundError:
        pass
    pytest.skip("a small disk can be mounted by root alone, and with util-linux")


def named(said: str, home: Path) -> bool:
    """The disk, the folder, what is left and what to do."""
    wanted = (
        rf"There is no room left on the disk tmpfs at {home.parent}, where {home} is: \d+ of \d+ MB are free now\. "
        r"Free at least 1,000 MB there, or set MADOGUCHI_HOME to a folder on another disk, and start again\."
    )
    return re.search(wanted, said) is not None


@pytest.mark.parametrize(
    "kilobytes,detail",
    [(4, "[Errno 28] No space left on device"), (1024, "initdb failed"), (20_000, "initdb failed"), (60_000, "")],
    ids=["our own files", "the first of initdb's", "the last of initdb's", "PostgreSQL's while it starts or later"],
)
def test_up_on_a_disk_that_is_too_small_says_so(on_a_disk: Run, tmp_path: Path, kilobytes: int, detail: str) -> None:
    said = on_a_disk(kilobytes, f"{UP}; {DOWN}")

    assert named(said, tmp_path / "home"), said
    assert detail in said
    assert "A server does not answer" not in said


@pytest.mark.parametrize(
    "kilobytes,detail", [(32, "Kafka could not make"), (64, "Kafka stopped while starting")], ids=["format", "start"]
)
def test_kafka_on_a_disk_that_is_too_small_says_so_and_not_who_called_whom(
    on_a_disk: Run, tmp_path: Path, kilobytes: int, detail: str
) -> None:
    said = on_a_disk(kilobytes, ONLY_KAFKA, **OTHERS)

    assert named(said, tmp_path / "home"), said
    assert detail in said
    assert "\tat " not in said


def test_once_there_is_room_again_the_city_starts_with_what_it_had(on_a_disk: Run, tmp_path: Path) -> None:
    fill, free = f"head -c 900M /dev/zero > {tmp_path}/filled", f"rm {tmp_path}/filled"

    said = on_a_disk(
        600_000, f"{UP} && {DOWN.removesuffix(' --reset')}\n{fill}\n{UP}\n{free}\necho FREED\n{UP}\n{DOWN}"
    )

    before, after = said.split("FREED")
    assert before.count("The city is up") == 1
    assert named(before, tmp_path / "home"), before
    assert "The city is up" in after, after


def test_a_limit_on_the_size_of_files_is_told_from_a_full_disk(tmp_path: Path) -> None:
    words = shortage(tmp_path, 'FATAL:  could not write to file "pg_wal/xlogtemp.1": File too large')

    assert words == (
        f"A file in {tmp_path} may not grow any more: there is a limit on the size of files. "
        "Lift it (`ulimit -f unlimited`) and start again."
    )


@pytest.mark.parametrize(
    "said",
    [
        "connection refused",
        "FATAL:  could not create semaphores: No space left on device",
        'could not resize shared memory segment "/PostgreSQL.1" to 1048576 bytes: No space left on device',
    ],
)
def test_a_disk_with_room_is_not_blamed(tmp_path: Path, said: str) -> None:
    assert shortage(tmp_path, said) is None


def test_a_quota_is_named_as_one(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match=r"^Your quota is used up on the disk .*, where "), blamed(tmp_path):
        raise OSError(122, "Disk quota exceeded")
