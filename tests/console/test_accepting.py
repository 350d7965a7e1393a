"""`madoguchi rules accept | decline`: a person's answer to a suggested row, without servers."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from console.accepting import accept, decline
from console.answers import NAME
from console.atomically import replace_content
from console.suggesting import suggest
from services.routing.formats.csv_tables import read_csv
from services.routing.formats.dmn_writing import write_dmn
from services.routing.formats.xlsx import read_xlsx, write_xlsx
from services.routing.packs import hash_of, read_folder
from tests.conftest import ROOT

REASON = "阿寒の道道は、行政センターが北海道と調整するため。"
TABLE = Path("rules") / "responsibility.csv"
ANSWER = ("--reason", REASON, "--staff", "sato")


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Kushiro's pack, to be changed."""
    found = tmp_path / "city"
    shutil.copytree(ROOT / "cities" / "kushiro", found, ignore=shutil.ignore_patterns("__pycache__"))
    return found


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """Snow on prefectural roads of Akan, moved to Akan's centre twenty times; elsewhere it stayed."""
    file = tmp_path / "history.csv"
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(("case", "at", "in:procedure", "in:district", "in:circumstance", "from", "to", "reason", "row"))
        for number in range(120):
            district = ("akan", "east", "west")[number % 3]
            moved = ("akan-shimin", "阿寒は阿寒へ") if district == "akan" else ("", "")
            at = "2026-01-05T09:00:00+09:00"
            writer.writerow((number, at, "road.snow", district, "prefectural", "doro-iji", *moved, "S02"))
    return file


def call(command: click.Command, *arguments: object) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)))


def suggested(city: Path, history: Path) -> list[dict[str, Any]]:
    found = call(suggest, "--city", city, "--history", history, "--json")
    assert found.exit_code == 0, found.output
    return json.loads(found.stdout)["suggestions"]


def accepted(city: Path, history: Path, *more: object) -> Result:
    (one,) = suggested(city, history)
    options = ("--city", city, "--history", history, "--suggestion", one["id"], *ANSWER, "--owner", "akan-shimin")
    return call(accept, *options, *more)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_accepted_row_stands_before_the_one_it_corrects_and_nothing_else_has_changed(
    city: Path, history: Path
) -> None:
    before = (city / TABLE).read_text("utf-8").splitlines(keepends=True)

    found = accepted(city, history, "--json")

    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    after = (city / TABLE).read_text("utf-8").splitlines(keepends=True)
    at = next(at for at, line in enumerate(before) if line.startswith("S02,"))
    assert (after[:at], after[at + 1 :]) == (before[:at], before[at:])
    (rule,) = (rule for rule in read_csv("".join(after).encode(), file="x", name="x").rules if rule.name == "S02a")
    assert rule.outputs == ("akan-shimin",)
    source = "職員による担当課の変更 40件（2026-01-05〜2026-01-05）、採用 sato"
    assert rule.notes == {"reason": REASON, "owner": "akan-shimin", "source": source}
    assert (said["row"], said["cases"], said["agreed_before"], said["agreed_after"]) == ("S02a", 120, 80, 120)
    assert said["moves"] == [{"from": "doro-iji", "to": "akan-shimin", "rows": 40}]
    assert (said["put_right"], said["rule_set"]) == (40, hash_of(read_folder(city)))
    assert suggested(city, history) == []


def test_it_is_told_with_the_evidence_and_with_what_to_do_next(city: Path, history: Path) -> None:
    found = accepted(city, history)

    assert "理由の候補（職員の言葉）: 「阿寒は阿寒へ」 40件" in found.stdout
    assert "一致 80→120（全120件）; 移る件数: doro-iji→akan-shimin 40件" in found.stdout
    assert f"Next: madoguchi rules propose {city} --as" in found.stdout


def test_a_workbook_gets_the_row_as_a_sheet_does(city: Path, history: Path) -> None:
    table = read_csv((city / TABLE).read_bytes(), file="x", name="responsibility")
    (city / TABLE).unlink()
    (city / TABLE).with_suffix(".xlsx").write_bytes(write_xlsx([table]))

    found = accepted(city, history, "--source", "道との協定")

    assert found.exit_code == 0, found.output
    after = read_xlsx((city / TABLE).with_suffix(".xlsx").read_bytes(), file="x")
    assert [rule for rule in after.rules if rule.name != "S02a"] == list(table.rules)
    assert next(rule for rule in after.rules if rule.name == "S02a").notes["source"] == "道との協定"


def spoilt(city: Path) -> None:
    """A department that ends: the pack has an error, whatever row is added."""
    file = city / "organisation.csv"
    lines = file.read_text("utf-8").splitlines()
    at = next(at for at, line in enumerate(lines) if line.startswith("koen,"))
    file.write_text("\n".join([*lines[:at], *lines[at + 1 :]]) + "\n", "utf-8")


def drawn(city: Path) -> None:
    """A table that was made with a tool."""
    table = read_csv((city / TABLE).read_bytes(), file="x", name="responsibility")
    (city / TABLE).unlink()
    (city / TABLE).with_suffix(".dmn").write_bytes(write_dmn([table], name="x", namespace="urn:x"))


def whole(_city: Path) -> None:
    """Nothing is wrong with it."""


@pytest.mark.parametrize(
    "spoil,more,said",
    [
        (spoilt, (), "nothing was written, as the pack would have errors.\n✗ "),
        (drawn, (), "The table responsibility is DMN"),
        (whole, ("--reason", "一行目\r二行目"), "this file would not hold the row as it is meant"),
        (whole, ("--owner", "課\x07"), "expected a note without control characters"),
    ],
)
def test_nothing_is_written_where_the_pack_would_not_be_whole(
    city: Path, history: Path, spoil: Callable[[Path], None], more: tuple[str, ...], said: str
) -> None:
    spoil(city)
    before = everything(city)

    found = accepted(city, history, *more)

    assert found.exit_code == 1
    assert said in found.output
    assert everything(city) == before


@pytest.mark.parametrize(
    "options,code,said",
    [
        (("--suggestion", "0000", "--owner", "x", *ANSWER), 1, "expected the id of a row that this history suggests ("),
        (("--suggestion", "", "--owner", "x", *ANSWER), 1, "found 0"),
        (("--suggestion", "0000", "--owner", " ", *ANSWER), 2, "expected words, found nothing"),
        (("--suggestion", "0000", *ANSWER), 2, "Missing option '--owner'"),
    ],
)
def test_an_answer_to_nothing_is_refused(
    city: Path, history: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    before = everything(city)

    found = call(accept, "--city", city, "--history", history, *options)

    assert (found.exit_code, everything(city)) == (code, before)
    assert said in found.output


def test_a_declined_row_is_not_suggested_again_and_the_rule_set_stays_the_same(city: Path, history: Path) -> None:
    (one,) = suggested(city, history)
    before = hash_of(read_folder(city))

    found = call(decline, "--city", city, "--history", history, "--suggestion", one["id"], *ANSWER)

    assert found.exit_code == 0, found.output
    assert suggested(city, history) == []
    assert hash_of(read_folder(city)) == before
    (line,) = csv.DictReader((city / NAME).open(encoding="utf-8", newline=""), delimiter="\t")
    assert (line["accepted"], line["reason"], line["staff"]) == ("いいえ", REASON, "sato")
    assert 'district="akan"' in line["said"]
    again = call(decline, "--city", city, "--history", history, "--suggestion", one["id"], *ANSWER)
    assert again.exit_code == 1


def test_answers_stand_below_one_another(city: Path, history: Path) -> None:
    accepted(city, history)
    (city / TABLE).write_bytes((ROOT / "cities" / "kushiro" / TABLE).read_bytes())

    (one,) = suggested(city, history)
    call(decline, "--city", city, "--history", history, "--suggestion", one["id"][:6], *ANSWER)

    lines = list(csv.DictReader((city / NAME).open(encoding="utf-8", newline=""), delimiter="\t"))
    assert [(line["id"], line["accepted"], line["row"]) for line in lines] == [
        (one["id"], "はい", "S02a"),
        (one["id"], "いいえ", ""),
    ]


def test_a_file_is_replaced_whole_keeps_its_permissions_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file, folder = tmp_path / "table.csv", tmp_path / "folder"
    file.write_bytes(b"before")
    file.chmod(0o640)
    folder.mkdir()

    replace_content(file, b"after")
    with pytest.raises(IsADirectoryError):
        replace_content(folder, b"nowhere to go")

    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"after", 0o640)
    assert sorted(tmp_path.iterdir()) == [folder, file]
