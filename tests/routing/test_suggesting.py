"""`madoguchi rules suggest`: a history of re-routes in, rows for a person to answer out."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console.suggesting import suggest

CITY = Path(__file__).parents[2] / "cities" / "kushiro"
HEAD = "case,at,in:procedure,in:district,in:circumstance,from,to,reason,row,caller"
DISTRICTS = ("kushiro", "east", "west", "akan", "onbetsu")
REASON = "=阿寒の道道は行政センターへ"


def lines() -> list[str]:
    found = [HEAD]
    for number in range(300):
        district, way = DISTRICTS[number % 5], ("national", "prefectural", "municipal")[number % 3]
        moved = district == "akan" and way == "prefectural"
        facts = f"road.snow,{district},{way}"
        source = "akan-shimin" if district == "akan" and way == "municipal" else "doro-iji"
        source = "onbetsu-shimin" if district == "onbetsu" and way == "municipal" else source
        if not moved:
            found.append(f"{number},2026-01-05T09:00:00+09:00,{facts},{source},,,S08,090-0000-0000")
            continue
        found.append(f"{number},2026-01-05T09:00:00+09:00,{facts},doro-iji,triage,うちではない,S02,山田")
        found.append(f"{number},2026-01-06T09:00:00+09:00,{facts},triage,akan-shimin,{REASON},,山田")
    return found


def run(folder: Path, history: Sequence[str], *options: str) -> Result:
    file = folder / "history.csv"
    file.write_text("\n".join(history) + "\n", encoding="utf-8")
    return CliRunner().invoke(suggest, ["--city", str(CITY), "--history", str(file), *options])


def test_a_repeated_correction_in_kushiro_becomes_a_row_with_its_evidence(tmp_path: Path) -> None:
    result = run(tmp_path, lines(), "--json")

    said = json.loads(result.stdout)
    (found,) = said["suggestions"]
    assert (said["cases"], said["rerouted"], said["left_out"]) == (300, 20, 0)
    assert found["cells"] == {
        "procedure": '"road.snow", "road.ice"',
        "district": '"akan"',
        "circumstance": '"prefectural"',
    }
    assert (found["table"], found["before"], found["department"]) == ("responsibility", "S02", "akan-shimin")
    assert found["evidence"]["reasons"] == [{"reason": REASON, "cases": 20}]
    assert found["trial"] == {
        "cases": 300,
        "before": 280,
        "after": 300,
        "moves": [{"from_department": "doro-iji", "to_department": "akan-shimin", "cases": 20, "right": 20}],
    }


def test_it_is_told_to_staff_in_japanese_first_and_in_whole_sentences(tmp_path: Path) -> None:
    result = run(tmp_path, lines())

    assert "規則 S02 の前" in result.stdout
    assert f"理由の候補（職員の言葉）: 「{REASON}」 20件" in result.stdout
    assert "適用するかどうかは、職員がお決めください。\n1 suggested rows" in result.stdout


@pytest.mark.parametrize("answer, suggested", [("いいえ", 0), ("no", 0), ("はい", 1), ("", 1)])
def test_what_a_person_declines_in_the_sheet_is_not_suggested_again(
    tmp_path: Path, answer: str, suggested: int
) -> None:
    sheet = tmp_path / "suggested.csv"
    run(tmp_path, lines(), "--out", str(sheet))
    with sheet.open(encoding="utf-8-sig", newline="") as opened:
        (row,) = csv.DictReader(opened)
    assert (row["accepted"], row["note:reason"], row["before"]) == ("", "", "S02")
    assert (row["in:district"], row["out:department"]) == ('"akan"', "akan-shimin")
    assert row["staff_reasons"] == f"'{REASON} (20)", "a reason is no formula"
    with sheet.open("w", encoding="utf-8-sig", newline="") as opened:
        writer = csv.DictWriter(opened, list(row))
        writer.writeheader()
        writer.writerow(row | {"accepted": answer})

    again = run(tmp_path, lines(), "--answers", str(sheet), "--json")

    assert len(json.loads(again.stdout)["suggestions"]) == suggested


def test_cases_of_tables_that_open_several_cases_are_left_out_and_counted(tmp_path: Path) -> None:
    more = [f"m{number},2026-01-05T09:00+09:00,moving-in,akan,,koseki,kokuho,…,M01," for number in range(30)]

    said = json.loads(run(tmp_path, [*lines(), *more], "--json").stdout)

    assert said["left_out"] == 30
    assert len(said["suggestions"]) == 1


@pytest.mark.parametrize(
    "history, said",
    [
        ([], "line 1: expected the columns case, at, from, to, reason, missing case"),
        (["case,at,from,to"], "line 1: expected the columns case, at, from, to, reason, missing reason"),
        (["case,at,from,to,reason", "1,2026-01-05,a,b"], "line 2: expected 5 cells"),
        (["case,at,from,to,reason", "1,2026-01-05,a,b,c,d"], "line 2: expected 5 cells"),
        (["case,at,from,to,reason", "1,yesterday,a,b,c"], "line 2, column at: expected a time"),
        (["case,at,from,to,reason", "1,2026-01-05,a,b,"], "line 2, column reason: expected a value"),
        (["case,at,from,to,reason", "1,2026-01-05,,b,c"], "line 2, column from: expected a value"),
        (["case,at,from,to,reason", ",2026-01-05,a,b,c"], "line 2, column case: expected a value"),
        (
            ["case,at,from,to,reason,in:has_children", "1,2026-01-05,a,b,c,perhaps"],
            "line 2, column in:has_children: expected true or false",
        ),
    ],
)
def test_a_history_that_cannot_be_read_is_refused_with_the_place(tmp_path: Path, history: list[str], said: str) -> None:
    result = run(tmp_path, history)

    assert result.exit_code == 1
    assert said in result.stderr
