"""`rules backtest` and `rules learn` as a person calls them, without servers."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from console.backtesting import backtest
from console.cities import check, init
from console.errors import explained
from console.learning import learn
from services.routing.formats.csv_tables import read_csv
from services.routing.rules.tables import InvalidTable
from tests.conftest import ROOT, shared_data
from tests.routing import small_pack

KUSHIRO = ROOT / "cities" / "kushiro"
HEADER = (
    *("case_enquiry_id", "open_dt", "closed_dt", "case_title", "reason", "type", "queue", "department"),
    *("location", "pwd_district", "neighborhood", "source"),
)
ROWS = {
    "Request for Pothole Repair": ("doro-iji", "potholes"),
    "Rodent Activity": ("環境保全課", "pests"),
    "Street Light Outages": ("PWDx", "lights"),
}


def history(folder: Path, times: int = 20) -> Path:
    path = folder / "history.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(times):
            for kind, (department, queue) in ROWS.items():
                closed = "2026-04-02 10:00:00" if number else "2026-05-30 10:00:00"
                row = (number, "2026-04-01 10:00:00", closed, "", "", kind, queue, department, "", "03", "", "")
                writer.writerow(row)
    return path


def call(command: click.Command, *arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)))


def tried(*arguments: object) -> dict[str, Any]:
    found = call(backtest, *arguments, "--on", "2026-04-01", "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)


def test_a_backtest_says_how_recorded_names_were_read_and_which_could_not_be(tmp_path: Path) -> None:
    found = tried("--city", KUSHIRO, "--history", history(tmp_path), "--mapping", "boston")

    assert (found["rows"], found["covered"], found["agreed"]) == (60, 60, 40)
    assert found["agreement"] == pytest.approx(40 / 60, abs=1e-6)
    assert found["departments"]["kankyo-hozen"]["agreement"] == 1
    assert found["matched"] == {
        "doro-iji": {"as": "doro-iji", "by": "output"},
        "環境保全課": {"as": "kankyo-hozen", "by": "name"},
    }
    assert found["unmatched"] == {"PWDx": 20}
    assert found["moves"] == [{"from": "PWDx", "to": "doro-iji", "rows": 20}]
    assert found["load"]["city"] == {"doro-iji": 40, "kankyo-hozen": 20}
    assert (found["at_risk"]["dated"], found["at_risk"]["late"]) == (60, 3)


def test_without_a_day_each_case_is_decided_as_on_its_own(tmp_path: Path) -> None:
    """The environment's department ends after the cases came."""
    city, past = tmp_path / "city", history(tmp_path)
    shutil.copytree(KUSHIRO, city, ignore=shutil.ignore_patterns("__pycache__"))
    units = (city / "organisation.csv").read_text("utf-8").splitlines()
    at = next(at for at, line in enumerate(units) if line.startswith("kankyo-hozen,"))
    cells = units[at].split(",")
    until = units[0].split(",").index("valid_until")
    units[at] = ",".join([*cells[:until], "2026-04-01", *cells[until + 1 :]])
    (city / "organisation.csv").write_text("\n".join(units) + "\n", "utf-8")
    arguments = ("--city", city, "--history", past, "--mapping", "boston", "--json")

    then, later = (json.loads(call(backtest, *arguments, *on).stdout) for on in ((), ("--on", "2026-04-02")))

    assert (then["on"], then["triage"], then["undated"]) == (None, {}, 0)
    assert (later["on"], later["triage"]) == ("2026-04-02", {"unknown-department": 20})
    assert then["moved"] == sum(move["rows"] for move in then["moves"]) > 0


def test_a_candidate_is_compared_with_the_city(tmp_path: Path) -> None:
    shutil.copytree(KUSHIRO, tmp_path / "draft")
    table = tmp_path / "draft" / "rules" / "responsibility.csv"
    table.write_text(table.read_text("utf-8").replace(",kankyo-hozen,", ",koen,"), "utf-8")

    found = tried(
        *("--city", KUSHIRO, "--candidate", tmp_path / "draft"),
        *("--history", history(tmp_path), "--mapping", "boston"),
    )

    assert {"from": "kankyo-hozen", "to": "koen", "rows": 20} in found["moves"]
    assert found["candidate"]["departments"]["kankyo-hozen"]["agreement"] == 0
    assert found["rule_set"] != found["candidate_rule_set"]


def test_a_backtest_for_people_is_tables(tmp_path: Path) -> None:
    found = call(backtest, "--city", KUSHIRO, "--history", history(tmp_path), "--mapping", "boston")

    assert found.exit_code == 0
    assert all(word in found.stdout for word in ("一致", "移る件数", "unmatched: PWDx (20)", "66.7%"))


@pytest.mark.parametrize(
    "arguments,said",
    [
        (("--history", "gone.csv", "--mapping", "boston"), "expected a file, or the word journal, found gone.csv"),
        (("--history", "history.csv"), "--mapping is needed"),
        (("--history", "journal", "--expect", "queue"), "departments, not queues"),
    ],
)
def test_what_cannot_be_tried_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    history(tmp_path)
    monkeypatch.chdir(tmp_path)

    found = call(backtest, "--city", KUSHIRO, *arguments)

    assert found.exit_code == 2
    assert said in found.output


def test_queues_are_not_compared_with_tables_that_put_out_none(tmp_path: Path) -> None:
    city = tmp_path / "city"
    for path, content in small_pack.files().items():
        (city / path).parent.mkdir(parents=True, exist_ok=True)
        (city / path).write_bytes(content)

    found = call(
        backtest,
        *("--city", city, "--history", history(tmp_path), "--mapping", "boston", "--expect", "queue"),
    )

    assert found.exit_code == 2
    assert "No table here puts out a queue" in found.output


def test_a_pack_that_is_none_is_named(tmp_path: Path) -> None:
    found = call(backtest, "--city", tmp_path, "--history", history(tmp_path), "--mapping", "boston")

    assert found.exit_code == 1
    assert f"{tmp_path}: procedures.csv: expected this file in the city pack" in found.output


@pytest.mark.parametrize("ending", ["csv", "xlsx", "dmn"])
def test_a_learnt_table_is_written_for_a_person_to_complete(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"learnt.{ending}"

    found = call(
        learn, *("--history", history(tmp_path), "--mapping", "boston", "--target", "department"), *("--out", out)
    )

    assert found.exit_code == 0, found.output
    assert out.stat().st_size > 0
    if ending == "csv":
        table = read_csv(out.read_bytes(), file="learnt.csv", name="learnt")
        assert len(table.rules) == 3
        assert table.rules[0].notes == {"support": "20", "confidence": "1.000"}


def test_a_queue_is_learnt_with_its_department_from_columns_or_facts(tmp_path: Path) -> None:
    arguments = (
        "--history",
        history(tmp_path),
        "--mapping",
        "boston",
        "--target",
        "queue",
        "--inputs",
        "type,district",
    )

    found = call(learn, *arguments)

    table = read_csv(found.stdout.encode(), file="stdout", name="learnt")
    assert [clause.name for clause in table.inputs] == ["request"]
    assert [clause.name for clause in table.outputs] == ["queue", "department"]
    assert {rule.outputs for rule in table.rules} == {(queue, department) for department, queue in ROWS.values()}


@pytest.mark.parametrize(
    "arguments,said",
    [
        (("--inputs", "ward"), "found 'ward'"),
        (("--inputs", "pwd_district"), "Nothing in these facts tells the department"),
        (("--out", "table.txt"), "expected a file that ends in .csv, .xlsx, .dmn, found table.txt"),
    ],
)
def test_what_cannot_be_learnt_says_why(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    found = call(learn, "--history", history(tmp_path), "--mapping", "boston", "--target", "department", *arguments)

    assert found.exit_code != 0
    assert said in found.output


def test_a_learnt_table_put_into_a_pack_agrees_with_its_history(tmp_path: Path) -> None:
    """The way from a history to a pack, on real cases: learnt from one third, tried on the rest."""
    import gzip

    header, *rows = gzip.decompress(shared_data("requests/baltimore_2014-2018_A.csv.gz").read_bytes()).splitlines(
        keepends=True
    )
    for name, part in (("seen.csv", rows[::3]), ("unseen.csv", rows[1::3])):
        (tmp_path / name).write_bytes(header + b"".join(part))
    pack = tmp_path / "pack"
    (pack / "rules").mkdir(parents=True)
    learnt = call(
        learn,
        *(
            "--history",
            tmp_path / "seen.csv",
            "--mapping",
            "baltimore",
            "--target",
            "department",
            "--inputs",
            "request",
        ),
        *("--out", pack / "rules" / "learnt.csv"),
    )
    assert learnt.exit_code == 0, learnt.output
    for name in ("procedures.csv", "calendars.csv"):
        shutil.copy(KUSHIRO / name, pack / name)
    table = read_csv((pack / "rules" / "learnt.csv").read_bytes(), file="x", name="x")
    units = "".join(f'"{name}","{name}"\n' for name in sorted({str(rule.outputs[0]) for rule in table.rules}))
    (pack / "organisation.csv").write_text("code,name_ja\n" + units, "utf-8")

    found = tried("--city", pack, "--history", tmp_path / "unseen.csv", "--mapping", "baltimore")

    assert found["agreement"] > 0.97
    assert found["agreement_of_all"] > 0.95


def test_a_new_city_is_a_folder_made_from_its_history_and_says_what_a_person_must_decide(tmp_path: Path) -> None:
    past, city = history(tmp_path), tmp_path / "city"

    made = call(init, city, "--history", past, "--mapping", "boston")
    again = call(init, city, "--history", past, "--mapping", "boston")

    assert made.exit_code == 0, made.output
    assert "nobody has written down why" in made.output
    assert again.exit_code == 1
    assert "is not empty" in again.output
    units = list(csv.DictReader((city / "organisation.csv").read_text("utf-8").splitlines()))
    assert [(unit["code"], unit["name_ja"]) for unit in units] == [
        ("pwdx", "PWDx"),
        ("doro-iji", "doro-iji"),
        ("unit", "環境保全課"),
    ]
    assert all(unit["source"].startswith("unverified") for unit in units)
    periods = {
        line["code"]: line["period_days"] for line in csv.DictReader((city / "procedures.csv").open(encoding="utf-8"))
    }
    assert set(periods.values()) == {"1"}
    for name in ("organisation.csv", "procedures.csv", "calendars.csv", "rules/responsibility.csv"):
        _, *lines = (city / name).read_text("utf-8").splitlines()
        assert all("unverified" in line for line in lines), name
        assert f"{name}: {len(lines)} lines are unverified" in made.output
    assert tried("--city", city, "--history", past, "--mapping", "boston")["agreement"] == 1.0


@pytest.mark.parametrize("expect", ["department", "queue"])
def test_a_table_learnt_again_and_put_into_a_new_citys_pack_names_its_departments_as_recorded(
    tmp_path: Path, expect: str
) -> None:
    past, city = history(tmp_path), tmp_path / "city"
    call(init, city, "--history", past, "--mapping", "boston")
    rules = city / "rules" / "responsibility.csv"

    arguments = ("--history", past, "--mapping", "boston", "--target", expect, "--inputs", "type")
    assert call(learn, *arguments, "--out", rules).exit_code == 0

    found = tried("--city", city, "--history", past, "--mapping", "boston", "--expect", expect)
    assert "PWDx" in rules.read_text("utf-8")
    assert (found["covered"], found["agreement"], found["triage"]) == (60, 1.0, {})


@pytest.mark.parametrize(
    "command", [("check", KUSHIRO), ("backtest", "--city", KUSHIRO, "--history", "x", "--mapping", "boston")]
)
def test_a_day_that_no_calendar_reaches_is_refused_in_a_sentence(command: tuple[object, ...]) -> None:
    found = call({"check": check, "backtest": backtest}[str(command[0])], *command[1:], "--on", "9999-12-31")

    assert found.exit_code == 2
    assert "expected a day before the year 9000" in found.output


@pytest.mark.parametrize("name", ["snow.XLSX", "snow.ods", "snow.xls", "snow.Csv", "snow.tsv"])
def test_a_table_that_nothing_would_read_is_refused_and_not_passed_over(tmp_path: Path, name: str) -> None:
    city = Path(shutil.copytree(KUSHIRO, tmp_path / "city"))
    (city / "rules" / name).write_bytes(b"F,in:procedure,out:department")

    found = call(check, city)

    assert found.exit_code == 1
    assert isinstance(found.exception, InvalidTable)
    assert f"rules/{name}: expected a table as .csv, .xlsx or .dmn" in str(found.exception)


def test_a_file_that_cannot_be_written_is_named_and_no_server_is_blamed(tmp_path: Path) -> None:
    error = FileNotFoundError(2, "No such file or directory", str(tmp_path / "gone" / "x.csv"))

    found = explained(error)

    assert found is not None
    assert found.message == f"{tmp_path / 'gone' / 'x.csv'}: No such file or directory."


def test_a_pack_whose_legal_basis_for_individual_numbers_names_no_law_is_refused_with_its_line(tmp_path: Path) -> None:
    city = Path(shutil.copytree(KUSHIRO, tmp_path / "city"))
    file = city / "procedures.csv"
    file.write_text(file.read_text("utf-8").replace("番号利用法 別表44の項", "必要なため"), "utf-8")

    good, broken, report = call(check, KUSHIRO), call(check, city), call(check, city, "--json")

    assert (good.exit_code, broken.exit_code, report.exit_code) == (0, 1, 1)
    assert "column individual_number_basis: expected 番号利用法 別表81の項" in broken.output
    assert "found '必要なため'" in json.loads(report.stdout)["legal_bases"][0]
    assert json.loads(report.stdout)["errors"] == 1
