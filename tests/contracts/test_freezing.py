"""`make freeze` keeps the promises of the files it writes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

OPENED = "jp.madoguchi.case.opened.v1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The contracts in a place of their own."""
    return Path(shutil.copytree(ROOT / "contracts", tmp_path / "contracts"))


def freeze(folder: Path, *arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "contracts.freeze", *arguments]
    done = subprocess.run(command, cwd=folder.parent, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def read(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "schemas" / f"{OPENED}.json").read_bytes())


def write(folder: Path, schema: dict[str, Any], kind: str = OPENED) -> None:
    (folder / "schemas" / f"{kind}.json").write_text(json.dumps(schema), "utf-8")


def test_what_is_frozen_is_left_alone(folder: Path) -> None:
    assert freeze(folder, "--check") == (0, "")
    assert freeze(folder) == (0, "")


def test_a_compatible_change_is_frozen_and_until_then_named(folder: Path) -> None:
    frozen = read(folder)
    older = json.loads(json.dumps(frozen))
    del older["properties"]["traceparent"]
    write(folder, older)

    status, said = freeze(folder, "--check")
    assert (status, f"{OPENED}.json" in said, "make freeze" in said) == (1, True, True)

    assert freeze(folder)[0] == 0
    assert read(folder) == frozen


def test_a_broken_promise_is_refused_and_nothing_is_written(folder: Path) -> None:
    older = read(folder)
    older["$defs"]["CaseOpened"]["properties"]["colour"] = {"type": "string"}
    write(folder, older)

    status, said = freeze(folder)

    assert status == 1
    assert f"{OPENED}: data.colour: removed" in said
    assert "new event type and version" in said
    assert read(folder) == older


def test_an_event_that_was_published_is_not_dropped(folder: Path) -> None:
    write(folder, {"type": "object"}, "jp.madoguchi.case.dreamt-of.v1")

    status, said = freeze(folder)

    assert (status, "dreamt-of.v1: the event was removed" in said) == (1, True)
