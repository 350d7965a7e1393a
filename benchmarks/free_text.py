"""How often free text alone finds the department: top-1 and top-3 on rows held back.

    python -m benchmarks.free_text [--data DIR] [--json]        needs `pip install "madoguchi[learn]"`

None of the public request files holds what citizens wrote: descriptors and titles are chosen from lists, New York's resolutions are
sentences kept for reuse that name their agency, and the open-data questionnaire has no department. What people wrote themselves, with
an answer beside it, is:

* the names of 37,511 Japanese procedures, and the ministry. Official wording, not a citizen's; short; hardly any occurs twice. Names
  within one law are alike, so whole laws are held back too: the harder row, and the one to believe for what is really new.
* Boston's closing remarks, and the department. Written by staff in haste, but afterwards: they know the outcome, which a request
  does not. The system's own words before them, and remarks that occur five times or more (kept for reuse), are left out.

A group (a text, or a law) is held back as a whole, one in five by the hash of it, so no text is on both sides.
"""

import argparse
import csv
import gzip
import json
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.targets import target
from services.routing.free_text import LEAST_TEXTS, CannotLearn, FreeTextModel, dump, load, train
from services.routing.text_trials import hold_back, try_out

DATA = Path(__file__).parents[2] / "shared" / "data"
KEPT_FOR_REUSE = 5
_SYSTEM = re.compile(r"^Case Closed\.?( Closed date : \S+ \S+)?( Case (Resolved|Noted|Invalid))?")


@dataclass(frozen=True, slots=True)
class Source:
    """A file, its columns, what is held back together, and the shares that must be reached (top-1, top-3)."""

    name: str
    file: str
    text: str
    department: str
    together: str
    goals: tuple[float, float]
    written_once: bool = False


PROCEDURES = "jp/procedures_survey_2025_A.csv.gz"
SOURCES = (
    Source("procedures, texts held back", PROCEDURES, "手続名", "所管府省庁", "手続名", (0.80, 0.90)),
    Source("procedures, laws held back", PROCEDURES, "手続名", "所管府省庁", "法令名", (0.50, 0.70)),
    Source(
        "Boston's closing remarks",
        "requests/boston_2011H2_A.csv.gz",
        "closure_reason",
        "department",
        "closure_reason",
        (0.80, 0.90),
        written_once=True,
    ),
)


class Row(NamedTuple):
    """A text, who had it, and the group that is held back together."""

    text: str
    department: str
    group: str


def measure(source: Source, data: Path) -> dict[str, Any]:
    """Train on four fifths of the groups, and ask about the others, with the model as it comes from its file."""
    known, held = hold_back(_rows(source, data), attrgetter("group"))
    began = time.perf_counter()
    dumped = dump(train((row.text, row.department) for row in known))
    seconds = time.perf_counter() - began
    model = load(dumped, file=source.name)
    return {
        "source": source.name,
        "known": len(known),
        "held_back": len(held),
        "departments": len(model.departments),
        "commonest": round(_commonest(known, held), 3),
        **_asked(model, held),
        "rare_ngrams": _rare(model, known),
        "ngrams": len(model.ngrams),
        "train_seconds": round(seconds, 1),
        "model_mb": round(len(dumped) / 1e6, 1),
    }


def _rows(source: Source, data: Path) -> Iterator[Row]:
    with gzip.open(data / source.file, "rt", encoding="utf-8-sig", errors="replace", newline="") as opened:
        lines = list(csv.DictReader(opened))
    texts = [_SYSTEM.sub("", line[source.text]).strip() for line in lines]
    often = {text for text, count in Counter(texts).items() if source.written_once and count >= KEPT_FOR_REUSE}
    for text, line in zip(texts, lines, strict=True):
        if text and text not in often and line[source.department].strip():
            group = text if source.together == source.text else line[source.together]
            yield Row(text, line[source.department].strip(), group)


def _commonest(known: Sequence[Row], held: Sequence[Row]) -> float:
    """How often it is right always to say the department that most have."""
    most = Counter(row.department for row in known).most_common(1)[0][0]
    return statistics.mean(row.department == most for row in held)


def _asked(model: FreeTextModel, held: Sequence[Row]) -> dict[str, Any]:
    began = time.perf_counter()
    trial = try_out(model, ((row.text, row.department) for row in held))
    each = (time.perf_counter() - began) / len(held)
    return {
        "top1": round(trial.top1, 4),
        "top3": round(trial.top3, 4),
        "silent": trial.silent,
        "amiss": trial.amiss,
        "ms_each": round(each * 1000, 2),
    }


def _rare(model: FreeTextModel, known: Sequence[Row]) -> int:
    """N-grams of plain lower-case ASCII letters, which no normalising changes, that fewer texts have than an n-gram must."""
    plain = [ngram for ngram in model.ngrams if re.fullmatch("[a-z]+", ngram)]
    texts = [text.casefold() for text in {row.text for row in known}]
    counts = Counter(part for text in texts for part in _parts(text))
    return sum(counts[ngram] < LEAST_TEXTS for ngram in plain)


def _parts(text: str) -> set[str]:
    return {text[at : at + length] for length in (2, 3, 4) for at in range(len(text) - length + 1)}


def bench(data: Path) -> dict[str, Any]:
    """Measure every source."""
    rows = [measure(source, data) for source in SOURCES]
    targets = [
        target(f"{source.name}: {name}", row[name], ">=", goal)
        for source, row in zip(SOURCES, rows, strict=True)
        for name, goal in zip(("top1", "top3"), source.goals, strict=True)
    ]
    targets += [
        target("pieces shown that do not stand in the text", sum(row["amiss"] for row in rows), "<=", 0),
        target(f"n-grams kept of fewer than {LEAST_TEXTS} texts", sum(row["rare_ngrams"] for row in rows), "<=", 0),
        target("ms a suggestion, the slowest source", max(row["ms_each"] for row in rows), "<=", 20),
    ]
    return {"rows": rows, "targets": targets}


def main() -> None:
    """Print lines, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="where the files are")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        result = bench(arguments.data)
    except (CannotLearn, FileNotFoundError) as error:
        sys.exit(str(error))
    print(json.dumps(result, ensure_ascii=False) if arguments.json else _lines(result))
    sys.exit(0 if all(one["met"] for one in result["targets"]) else 1)


def _lines(result: dict[str, Any]) -> str:
    rows = [", ".join(f"{name} {value}" for name, value in row.items()) for row in result["rows"]]
    targets = [
        f"{one['name']}: {one['value']} (goal {one['goal']}){'' if one['met'] else '  MISSED'}"
        for one in result["targets"]
    ]
    return "\n".join([*rows, *targets])


if __name__ == "__main__":
    main()
