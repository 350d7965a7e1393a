"""Rules and overlays of a running city, as a person changes them."""

import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.city import City
from console.plain import PLAIN
from deploy.local.process import wait_for
from tests.conftest import ROOT
from tests.console.conftest import Terminal
from tests.staff import as_staff

KUSHIRO = ROOT / "cities" / "kushiro"
STREET_LIGHTS = 22
"""At least so many of the sample's requests are about street lights."""
RETURNED = "音別の街路灯は、行政センターが見ています。"


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
    for line in terminal.ok("rules", "list", "--as", "clerk").splitlines():
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        if len(cells) > 1 and len(cells[0]) == 12:
            found[cells[0]] = cells[1]
    return found


def test_a_changed_pack_is_proposed_tried_approved_by_a_colleague_and_decides(
    terminal: Terminal, changed: Path, tmp_path: Path
) -> None:
    terminal.ok("up")
    words = terminal.ok("rules", "propose", str(changed), "--as", "approver", "--note", "落書きは道路の担当へ。")
    name = words.split("rule set ")[1].split(":")[0]
    report = tmp_path / "report.json"
    report.write_text(json.dumps({"history": "trial", "rows": 1, "covered": 1, "agreed": 1, "moved": 0}))

    untried = terminal.run("rules", "approve", name, "--as", "chief")
    terminal.ok("rules", "back-tested", name, str(report), "--as", "approver")
    alone = terminal.run("rules", "approve", name, "--as", "approver")
    terminal.ok("rules", "approve", name, "--as", "chief")

    assert (untried.code, alone.code) == (1, 1)
    assert "rules backtest" in untried.err
    assert "ask a colleague" in alone.err
    assert wait_for(lambda: states(terminal).get(name) == "in-force", seconds=20)
    assert sorted(states(terminal).values()) == ["in-force", "superseded"]


def test_somebody_who_may_not_approve_or_is_not_known_is_told_so(terminal: Terminal) -> None:
    terminal.ok("up")

    answers = {
        name: terminal.run("rules", "approve", "0", *told)
        for name, told in {"nobody": (), "stranger": ("--as", "mayor"), "clerk": ("--as", "clerk")}.items()
    }
    refused = terminal.run("overlay", "confirm", "tsunami", "--as", "clerk")

    assert {answer.code for answer in (*answers.values(), refused)} == {1}
    assert "add `--as NAME`" in answers["nobody"].err
    assert "no account 'mayor'" in answers["stranger"].err
    assert "Your role does not allow this" in refused.err


def test_a_token_of_the_local_provider_opens_what_its_account_may(terminal: Terminal) -> None:
    terminal.ok("up")
    printed = terminal.ok("token", "auditor").strip()
    chain = f"{terminal.city().service('archive').url}/v1/chain/verify"

    answers = [
        httpx.get(chain, headers={"Authorization": f"Bearer {one}"}, verify=PLAIN)
        for one in (printed, printed[:-8] + "A" * 8)
    ]

    assert [answer.status_code for answer in answers] == [200, 401]
    listed = terminal.run("overlay", "list", MADOGUCHI_TOKEN=printed)
    assert (listed.code, "known:" in listed.out) == (0, True)


def test_an_overlay_is_switched_on_by_two_people(terminal: Terminal) -> None:
    terminal.ok("up")
    asked = terminal.ok("overlay", "switch", "snow-night", "on", "--as", "approver", "--reason", "大雪警報のため。")
    alone = terminal.run("overlay", "confirm", "snow-night", "--as", "approver")
    terminal.ok("overlay", "confirm", "snow-night", "--as", "chief")

    assert "waits for a second person" in asked
    assert alone.code == 1
    assert "snow-night (on), tsunami (off)" in terminal.ok("overlay", "list", "--as", "auditor")


def test_a_request_for_an_overlay_is_taken_back_and_the_desk_knows_it_all(terminal: Terminal) -> None:
    terminal.ok("up")
    wish = ("--as", "clerk", "--reason", "津波警報のため。")
    terminal.ok("overlay", "switch", "tsunami", "on", *wish)

    again = terminal.run("overlay", "switch", "tsunami", "on", *wish)
    withdrawn = terminal.ok("overlay", "withdraw", "tsunami", "--as", "manager", "--reason", "警報が解除されたため。")
    late = terminal.run("overlay", "confirm", "tsunami", "--as", "chief")

    assert (again.code, late.code) == (1, 1)
    assert "confirm it, or withdraw it" in again.err
    assert "nothing was switched" in withdrawn
    listed = terminal.ok("overlay", "list", "--as", "auditor")
    assert "tsunami (off)" in listed
    assert "withdrawn" in listed
    assert wait_for(lambda: overlay_steps(terminal, "tsunami") == ["switch-withdrawn", "switch-requested"], seconds=20)


def overlay_steps(terminal: Terminal, overlay: str) -> list[str]:
    """What the desk says of it, the newest step first."""
    city = terminal.city()
    found = httpx.get(f"{city.service('desk').url}/v1/overlays", headers=as_staff(city), verify=PLAIN).json()[
        "overlays"
    ]
    return [step["what"] for one in found if one["overlay"] == overlay for step in one["history"]]


def test_a_pack_is_checked_without_a_city(nowhere: Terminal, changed: Path) -> None:
    good = nowhere.run("city", "check", str(changed), "--json")
    (changed / "rules" / "responsibility.csv").write_text("F,in:procedure,out:department\n1,broken,doro-iji\n")
    broken = nowhere.run("city", "check", str(changed))

    assert (good.code, good.json()["errors"]) == (0, 0)
    assert broken.code == 1
    assert "rules/responsibility.csv, row 2, column 2 (in:procedure)" in broken.err


def test_rules_are_tried_on_what_the_city_has_decided_and_mended_by_what_staff_return(
    terminal: Terminal, sample: Path, tmp_path: Path
) -> None:
    city, report = tmp_path / "city", tmp_path / "report.json"
    shutil.copytree(KUSHIRO, city, ignore=shutil.ignore_patterns("__pycache__"))
    terminal.ok("up")
    terminal.ok("import", str(sample), "--mapping", "sample")
    journal = ("--city", str(city), "--history", "journal", "--json")
    agreed = once(terminal, ("rules", "backtest", *journal), "rows", least=200)
    report.write_text(json.dumps(agreed))

    returned = return_from_onbetsu(terminal.city())
    (found,) = once(terminal, ("rules", "suggest", *journal), "rerouted", least=returned)["suggestions"]
    answer = ("--suggestion", found["id"], "--reason", "音別の街路灯のため。", "--owner", "onbetsu-shimin")
    accepted = terminal.ok("rules", "accept", "--city", str(city), *answer, "--staff", "sato")
    proposed = terminal.ok("rules", "propose", str(city), "--as", "clerk", "--note", "差戻しが続くため。")
    name = proposed.split("rule set ")[1].split(":")[0]

    assert 0 < agreed["covered"] <= agreed["rows"]
    assert agreed["agreement"] > 0.8
    assert (found["before"], found["department"], found["cells"]["district"]) == ("R01", "onbetsu-shimin", '"onbetsu"')
    assert found["evidence"]["reasons"] == [{"reason": RETURNED, "cases": returned}]
    assert f"doro-iji→onbetsu-shimin {returned}件" in accepted
    assert f"rule set {name}: checked" in proposed
    assert "back-tested" in terminal.ok("rules", "back-tested", name, str(report), "--as", "clerk")
    assert not [log for log in terminal.city().log_folder.rglob("*.log") if RETURNED in log.read_text("utf-8")]


def once(terminal: Terminal, command: tuple[str, ...], count: str, *, least: int) -> dict[str, Any]:
    """What a command says as soon as it counts so many: the archive reads what happens a moment later."""
    said: dict[str, Any] = {}

    def enough() -> bool:
        said.update(terminal.run(*command).json())
        return said[count] >= least

    assert wait_for(enough, seconds=60), said
    return said


def street_lights(desk: httpx.Client) -> list[str]:
    """Where the open cases are."""
    cases = desk.get("/v1/departments/doro-iji/cases?state=open&limit=200").json()["cases"]
    return [f"/v1/cases/{case['case_id']}" for case in cases if case["procedure"] == "road.streetlight"]


def return_from_onbetsu(city: City) -> int:
    """Somebody claims every street light, and returns those of Onbetsu; how many."""
    returned = 0
    with httpx.Client(base_url=city.service("desk").url, headers=as_staff(city), verify=PLAIN) as desk:
        assert wait_for(lambda: len(street_lights(desk)) >= STREET_LIGHTS, seconds=60)
        for path in street_lights(desk):
            desk.post(f"{path}/claim", json={}).raise_for_status()
            if desk.get(path).json()["application"].get("facts", {}).get("district") == "onbetsu":
                order = {"reason": RETURNED, "suggestion": "onbetsu-shimin"}
                desk.post(f"{path}/return", json=order).raise_for_status()
                returned += 1
    return returned
