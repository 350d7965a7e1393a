"""The command as a person runs it, on a city of its own."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from channels.bulk.sample import write_sample
from console.city import City, running_city
from console.state import lines
from deploy.local import LocalSettings
from tests.conftest import JARS, ROOT

SECONDS = 120


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Terminal:
    """Runs `madoguchi …` in one home."""

    home: Path

    def start(self, *arguments: str, **told: str) -> subprocess.Popen[str]:
        own = {"MADOGUCHI_HOME": str(self.home), "MADOGUCHI_JARS": str(JARS), "PYTHONPATH": str(ROOT)}
        yours = {"MADOGUCHI_KAFKA_BOOTSTRAP": "", "MADOGUCHI_POSTGRES_DSN": "", "MADOGUCHI_SMTP_URL": ""}
        return subprocess.Popen(
            [sys.executable, "-m", "console.main", *arguments],
            env=os.environ.copy() | yours | own | told,  # noqa: TID251  a child's environment
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **told: str) -> Answer:
        process = self.start(*arguments, **told)
        out, err = process.communicate(timeout=SECONDS)
        return Answer(process.returncode, out, err)

    def ok(self, *arguments: str, **told: str) -> str:
        answer = self.run(*arguments, **told)
        assert answer.code == 0, f"{answer.out}\n{answer.err}"
        return answer.out

    def processes(self) -> dict[str, dict[str, Any]]:
        return {str(line["name"]): line for line in lines(self.settings)}

    def kill(self, name: str) -> int:
        """`kill -9`; the process id it had."""
        pid: int = self.processes()[name]["pid"]
        os.kill(pid, signal.SIGKILL)
        return pid

    @property
    def settings(self) -> LocalSettings:
        return LocalSettings(home=self.home, jars=JARS, kafka_bootstrap=None, postgres_dsn=None, smtp_url=None)

    def city(self) -> City:
        return running_city(self.settings)


@pytest.fixture(scope="package")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Terminal:
    """A home in which nothing has ever run."""
    return Terminal(tmp_path_factory.mktemp("nowhere"))


@pytest.fixture(scope="package")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Generator[Terminal]:
    """A home with a city that is up."""
    terminal = Terminal(tmp_path_factory.mktemp("city"))
    terminal.ok("up")
    yield terminal
    terminal.run("down", "--reset")


@pytest.fixture(scope="package")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 generated rows."""
    path = tmp_path_factory.mktemp("sample") / "sample.csv"
    write_sample(path)
    return path
