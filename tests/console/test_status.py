"""A city of which a part is dead: what is said of it, and what an import does meanwhile."""

import time
from collections.abc import Generator
from pathlib import Path

import pytest

from channels.bulk import write_sample
from tests.console.conftest import Terminal

DEAD = ("kafka", "supervisor", "desk")


@pytest.fixture
def up(terminal: Terminal) -> Generator[Terminal]:
    """The city, up before and after."""
    terminal.ok("up")
    yield terminal
    terminal.ok("up")


def test_what_is_dead_is_named_with_what_to_do_and_has_no_process(up: Terminal) -> None:
    assert "Stopped:" not in up.ok("status")
    for name in ("supervisor", "kafka", "desk"):
        up.kill(name)
    time.sleep(1)

    said, asked, processes = up.ok("status"), up.run("reconcile"), up.processes()

    assert f"Stopped: {', '.join(DEAD)}. `madoguchi up` starts what is missing and leaves the rest as it is" in said
    assert [processes[name]["pid"] for name in DEAD] == [None] * 3
    assert asked.code == 1
    assert "runs in part only: intake, routing, notify, archive, without the supervisor." in asked.err
    assert "`madoguchi up` starts what is missing" in asked.err

    up.ok("up")
    assert "Stopped:" not in up.ok("status")


@pytest.mark.long
def test_an_import_waits_for_kafka_and_says_so_once_and_not_what_its_client_says(up: Terminal, tmp_path: Path) -> None:
    file = write_sample(tmp_path / "large.csv", 20_000, seed=3)
    importing = up.start("import", str(file), "--mapping", "sample")
    time.sleep(4)

    up.kill("kafka")
    time.sleep(3)
    up.ok("up")
    out, err = importing.communicate(timeout=200)

    assert importing.returncode == 0, err
    assert "20,000 rows read, 20,000 published" in out
    assert "Unable connect" not in err
    assert len(err.splitlines()) < 10, err


def test_a_file_of_a_header_alone_is_said_to_be_one(up: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "header.csv"
    file.write_text(write_sample(tmp_path / "a.csv", 1).read_text("utf-8").splitlines()[0] + "\n", "utf-8")

    said = up.ok("import", str(file), "--mapping", "sample")

    assert said.split("header.csv")[1] == " has a header row and nothing below it: nothing is published.\n"
