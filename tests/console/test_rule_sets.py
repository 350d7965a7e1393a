"""Rules and overlays of a running city, as a person changes them."""

import json
import shutil
from pathlib import Path

import pytest

from deploy.local.process import wait_for
from tests.conftest import ROOT
from tests.console.conftest import Terminal

KUSHIRO = ROOT / "cities" / "kushiro"


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """Kushiro, but graffiti goes to the roads."""
    city = tmp_path / "changed"
    shutil.copytree(KUSHIRO, city, ignore=shutil.ignore_patterns("__pycache__"))
    table = city / "rules" / "responsibility.csv"
    lines = table.read_text("utf-8").splitlines()
    row = next(number for number, line in enumerate(lines) if line.split(",")[1].strip('"') == "graffiti")
    cells = lines[row].split(",")
    cells[6] = "doro-iji"
    lines[row] = ",".join(cells)
    table.write_text("\n".join(lines) + "\n", "utf-8")
    return city


def states(terminal: Terminal) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in terminal.ok("rules", "list").splitlines():
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        if len(cells) > 1 and len(cells[0]) == 12:
            found[cells[0]] = cells[1]
    return found


def test_a_changed_pack_is_proposed_tried_approved_by_a_colleague_and_decides(
    terminal: Terminal, changed: Path, tmp_path: Path
) -> None:
    terminal.ok("up")
    words = terminal.ok("rules", "propose", str(changed), "--staff", "sato", "--note", "落書きは道路の担当へ。")
    name = words.split("rule set ")[1].split(":")[0]
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"history": "trial", "rows": 1, "covered": 1, "agreed": 1, "moved": 0}))

    untried = terminal.run("rules", "approve", name, "--staff", "tanaka")
    terminal.ok("rules", "back-tested", name, str(report), "--staff", "sato")
    alone = terminal.run("rules", "approve", name, "--staff", "sato")
    terminal.ok("rules", "approve", name, "--staff", "tanaka")

    assert (untried.code, alone.code) == (1, 1)
    assert "rules backtest" in untried.err
    assert "ask a colleague" in alone.err
    assert wait_for(lambda: states(terminal).get(name) == "in-force", seconds=20)
    assert sorted(states(terminal).values()) == ["in-force", "superseded"]


def test_an_overlay_is_switched_on_by_two_people(terminal: Terminal) -> None:
    terminal.ok("up")
    asked = terminal.ok("overlay", "switch", "snow-night", "on", "--staff", "sato", "--reason", "大雪警報のため。")
    alone = terminal.run("overlay", "confirm", "snow-night", "--staff", "sato")
    terminal.ok("overlay", "confirm", "snow-night", "--staff", "tanaka")

    assert "waits for a second person" in asked
    assert alone.code == 1
    assert "snow-night (on), tsunami (off)" in terminal.ok("overlay", "list")


def test_a_pack_is_checked_without_a_city(nowhere: Terminal, changed: Path) -> None:
    good = nowhere.run("city", "check", str(changed), "--json")
    (changed / "rules" / "responsibility.csv").write_text("F,in:procedure,out:department\n1,broken,doro-iji\n")
    broken = nowhere.run("city", "check", str(changed))

    assert (good.code, good.json()["errors"]) == (0, 0)
    assert broken.code == 1
    assert "rules/responsibility.csv, row 2, column 2 (in:procedure)" in broken.err


def test_rules_are_tried_on_what_the_city_itself_has_decided(terminal: Terminal, sample: Path) -> None:
    terminal.ok("up")
    terminal.ok("import", str(sample), "--mapping", "sample")
    command = ("rules", "backtest", "--city", str(KUSHIRO), "--history", "journal", "--json")
    assert wait_for(lambda: terminal.run(*command).json()["rows"] >= 200, seconds=60)

    found = terminal.run(*command).json()

    assert 0 < found["covered"] <= found["rows"]
    assert found["agreement"] > 0.8
