""".ci/run over a Makefile of a few lines: what it calls a success."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.reading import ROOT


def ci_run(folder: Path, *, check: str = "true", test: str = "echo '3 passed in 0.01s'") -> tuple[int, str]:
    """Run it in a checkout whose `make check` and `make test` are these commands."""
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci" / "run")
    (folder / "Makefile").write_text(f"check:\n\t{check}\ntest:\n\t{test}\n")
    done = subprocess.run([folder / ".ci" / "run"], capture_output=True, text=True, check=False, cwd="/")
    return done.returncode, done.stdout


def test_it_succeeds_when_both_do_and_shows_the_closing_line(tmp_path: Path) -> None:
    code, said = ci_run(tmp_path)

    assert code == 0
    assert "3 passed in 0.01s" in said.splitlines()


@pytest.mark.parametrize("wrong", ["check", "test"])
def test_it_fails_when_either_does_and_still_runs_the_other(tmp_path: Path, wrong: str) -> None:
    failing = {wrong: "echo '1 failed, 2 passed in 0.01s'; exit 3"}

    code, said = ci_run(tmp_path, **failing)

    assert code == 1
    assert f"make {wrong} (exit code 2)" in said
    assert {"=== make check (420 s at most)", "=== make test (1260 s at most)"} <= set(said.splitlines())


def test_it_fails_when_no_test_ran(tmp_path: Path) -> None:
    code, said = ci_run(tmp_path, test="true")

    assert code == 1
    assert "no closing line" in said


@pytest.mark.parametrize("reason", ["Kafka could not be started", "no PostgreSQL here"])
def test_it_fails_when_a_test_was_skipped_for_want_of_a_server(tmp_path: Path, reason: str) -> None:
    line = f"echo 'SKIPPED [1] tests/test_x.py:3: {reason}'; echo '3 passed, 1 skipped in 0.01s'"

    code, said = ci_run(tmp_path, test=line)

    assert code == 1
    assert "for want of a server" in said


def test_it_asks_nobody_anything(tmp_path: Path) -> None:
    code, _ = ci_run(tmp_path, check="! read answer")

    assert code == 0
