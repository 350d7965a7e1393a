"""`madoguchi rules train-text` and `suggest-text`: departments suggested from what people write."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.helping import example
from console.histories import FILE

if TYPE_CHECKING:
    from services.routing.free_text import FreeTextModel, TextSuggestion
    from services.routing.text_trials import Trial

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, what it was trained on, and how it did on what was held back."""

    model: "FreeTextModel"
    known: int
    trial: "Trial"
    commonest: float
    """How often it is right always to say the department that most have."""


@click.command(
    "train-text",
    epilog=example(
        "madoguchi rules train-text --history requests.csv.gz --mapping boston "
        "--text closure_reason --target department --out text-model.json",
        "MADOGUCHI_ROUTING_TEXT_MODEL=text-model.json madoguchi-routing    suggests by it to whoever triages",
    ),
)
@click.option("--history", required=True, type=FILE, help="A CSV file of past requests, plain or gzip.")
@click.option("--mapping", required=True, help="How the file is read: a name from channels/bulk/mappings.")
@click.option("--text", required=True, help="The column of what people wrote.")
@click.option("--target", required=True, help="The column of the department that had it, by its code in the city pack.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Write the model here, as JSON."
)
@click.option("--json", "as_json", is_flag=True, help="One object.")
def train_text(history: Path, mapping: str, text: str, target: str, out: Path, *, as_json: bool) -> None:
    """Train a small model on past texts, and try it on those held back: one in five, the same text never on both sides.

    The model holds parts of two to four characters that at least five different texts have, and no digit: nobody's text.
    """
    from console.errors import Trouble
    from services.routing.free_text import CannotLearn, dump

    try:
        found = train(list(_pairs(history, mapping, text, target)))
    except CannotLearn as error:
        raise Trouble(f"{history}: {error}") from None
    content = dump(found.model)
    out.write_bytes(content)
    report = _report(found, len(content))
    if as_json:
        sys.stdout.write(json.dumps(report, ensure_ascii=False) + "\n")
    else:
        _print_report(report, out)


def train(pairs: list[Pair]) -> Trained:
    """Train on four fifths of the texts. Raises CannotLearn."""
    from services.routing.free_text import train
    from services.routing.text_trials import hold_back, try_out

    known, held = hold_back(pairs, lambda pair: pair[0])
    model = train(known)
    most = Counter(department for _, department in known).most_common(1)[0][0]
    commonest = sum(department == most for _, department in held) / (len(held) or 1)
    return Trained(model, len(known), try_out(model, held), commonest)


def _pairs(history: Path, mapping: str, text: str, target: str) -> Iterator[Pair]:
    """Rows that have both; a row that cannot be read has neither. Raises BulkError."""
    from channels.bulk.files import opened
    from channels.bulk.headers import position_of
    from channels.bulk.mapping import load_mapping

    columns = load_mapping(mapping)
    with opened(history, columns) as file:
        places = [position_of(columns, file.header, column) for column in (text, target)]
        for cells in file.rows:
            if cells is None or len(cells) != len(file.header):
                continue
            said, department = (cells[at].strip() for at in places)
            if said and department and not {said, department} & columns.nothing:
                yield said, department


def _report(found: Trained, size: int) -> dict[str, Any]:
    return {
        "known": found.known,
        "held_back": found.trial.held,
        "departments": len(found.model.departments),
        "commonest": round(found.commonest, 4),
        "top1": round(found.trial.top1, 4),
        "top3": round(found.trial.top3, 4),
        "silent": found.trial.silent,
        "ngrams": len(found.model.ngrams),
        "bytes": size,
    }


def _print_report(report: dict[str, Any], written: Path) -> None:
    from console.terminal import err, out

    out.print(
        f"学習に使わなかった{report['held_back']:,}件のうち、第一候補が正しいもの {report['top1']:.1%}、"
        f"三つの候補に正しいものがあるもの {report['top3']:.1%}（最も多い課だけを答えた場合 {report['commonest']:.1%}）\n"
        f"Of {report['held_back']:,} texts held back: right at first {report['top1']:.1%}, among three "
        f"{report['top3']:.1%}; always the commonest department: {report['commonest']:.1%}.",
        markup=False,
    )
    err.print(f"{written}: {report['departments']} departments, {report['bytes'] / 1e6:.1f} MB", markup=False)


@click.command(
    "suggest-text",
    epilog=example(
        "madoguchi rules suggest-text text-model.json 家の前に除雪車が来ません",
        "madoguchi rules suggest-text text-model.json - < letter.txt    a text that nobody else shall see",
    ),
)
@click.argument("model", type=FILE)
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="One object.")
def suggest_text(model: Path, text: str, *, as_json: bool) -> None:
    """Departments that TEXT may be for, and the words in it that spoke for them. Nothing is applied. `-` reads standard input."""
    from console.errors import Trouble
    from services.routing.free_text import InvalidModel, load, suggest

    try:
        known = load(model.read_bytes(), file=str(model))
    except InvalidModel as error:
        raise Trouble(str(error)) from None
    found = suggest(known, sys.stdin.read() if text == "-" else text)
    if as_json:
        sys.stdout.write(json.dumps({"suggestions": list(map(_suggestion, found))}, ensure_ascii=False) + "\n")
    else:
        _print_suggestions(found)


def _suggestion(one: "TextSuggestion") -> dict[str, Any]:
    return {
        "department": one.department,
        "score": round(one.score, 4),
        "pieces": [{"text": piece.text, "weight": round(piece.weight, 3)} for piece in one.pieces],
    }


def _print_suggestions(found: "tuple[TextSuggestion, ...]") -> None:
    from console.terminal import out

    for one in found:
        pieces = "、".join(f"「{piece.text}」" for piece in one.pieces)
        out.print(f"{one.department}  {one.score:.0%}  {pieces}", markup=False)
    if not found:
        out.print(
            "この文章からは、担当課の見当がつきません。 Nothing in this text speaks for a department.", markup=False
        )
