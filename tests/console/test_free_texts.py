"""`rules train-text` and `rules suggest-text` as a person calls them. Training needs scikit-learn and is skipped without it."""

import csv
import json
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from console.free_texts import suggest_text, train_text
from services.routing.free_text import dump
from services.routing.text_trials import Trial, hold_back, try_out
from tests.routing.test_free_text import MODEL, ROADS, WASTE, letters


def call(command: click.Command, *arguments: object, standard_input: str | None = None) -> Result:
    return CliRunner().invoke(command, list(map(str, arguments)), input=standard_input)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "letters.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("本文", "担当課"))
        writer.writerows([*letters(400, 1), ("", ROADS), ("除雪が来ません", "")])
    return path


def train(history: Path, out: Path, *options: object) -> Result:
    named = ("--mapping", "sample", "--text", "本文", "--target", "担当課")
    return call(train_text, "--history", history, *named, "--out", out, *options)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.json"
    path.write_bytes(dump(MODEL))
    return path


def test_a_model_is_trained_and_tried_on_texts_that_it_has_not_seen(history: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "model.json"

    answer = train(history, out, "--json")

    report = json.loads(answer.stdout)
    assert report["known"] + report["held_back"] == 400
    assert report["held_back"] > 40
    assert (report["top1"], report["top3"], report["silent"]) == (1, 1, 0)
    assert report["commonest"] < 0.6
    found = json.loads(call(suggest_text, out, "家の前に除雪車が来ません", "--json").stdout)["suggestions"]
    assert found[0]["department"] == ROADS
    assert found[0]["pieces"]
    assert all(piece["text"] in "家の前に除雪車が来ません" for piece in found[0]["pieces"])


def test_without_scikit_learn_the_command_says_what_to_install(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sklearn", "sklearn.linear_model"):
        monkeypatch.setitem(sys.modules, name, None)

    answer = train(history, tmp_path / "model.json")

    assert answer.exit_code == 1
    assert 'pip install "madoguchi[learn]"' in answer.output
    assert not (tmp_path / "model.json").exists()


def test_candidates_come_with_the_words_that_spoke_for_them(model: Path) -> None:
    answer = call(suggest_text, model, "ごみ、除雪車", "--json")

    first, second, _ = json.loads(answer.stdout)["suggestions"]
    assert (first["department"], [piece["text"] for piece in first["pieces"]]) == (ROADS, ["除雪車"])
    assert (second["department"], [piece["text"] for piece in second["pieces"]]) == (WASTE, ["ごみ"])


def test_a_text_can_be_kept_out_of_the_list_of_processes(model: Path) -> None:
    assert ROADS in call(suggest_text, model, "-", standard_input="除雪車").output.splitlines()[0]


def test_what_the_model_knows_nothing_of_gets_no_suggestion(model: Path) -> None:
    assert "担当課の見当がつきません" in call(suggest_text, model, "xyz").output


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text("[]")

    answer = call(suggest_text, path, "除雪")

    assert answer.exit_code == 1
    assert "x.json: expected a model" in answer.output


def test_a_column_that_the_file_lacks_is_named(history: Path, tmp_path: Path) -> None:
    answer = call(
        train_text, "--history", history, "--mapping", "sample", "--text", "x", "--target", "担当課", "--out", tmp_path / "m"
    )  # fmt: skip

    assert "column 'x' is missing" in str(answer.exception)


def test_a_text_is_never_on_both_sides() -> None:
    texts = [str(number % 200) for number in range(1_000)]

    known, held = hold_back(texts, str)

    assert len(known) + len(held) == len(texts)
    assert not set(known) & set(held)
    assert 100 < len(held) < 300


def test_a_trial_counts_what_is_right_at_first_and_among_three() -> None:
    held = [("除雪車", ROADS), ("ごみ", ROADS), ("xyz", WASTE)]

    found = try_out(MODEL, held)

    assert found == Trial(held=3, first=1, among=2, silent=1, amiss=0)
    assert (round(found.top1, 3), round(found.top3, 3)) == (0.333, 0.667)
    assert (try_out(MODEL, []).top1, try_out(MODEL, []).top3) == (0, 0)
