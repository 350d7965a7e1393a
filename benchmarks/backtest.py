"""What it costs to try a rule set, and a candidate beside it, on a million cases of the past.

    python -m benchmarks.backtest [--rows 1000000] [--history FILE --mapping NAME] [--json]

The history is generated, in Boston's layout, so that hardly two cases are alike: 83 kinds of request, 20 districts, any second of
five years; with --history it is that file, repeated. It is a plain CSV file in a temporary folder. The whole command is measured,
in one process: reading with a bar, deciding by `cities/kushiro` twice, deadlines, comparing.
"""

import argparse
import csv
import gzip
import json
import random
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.targets import target
from channels.bulk.mapping import load_mapping
from console.backtesting import read_file, report, run
from services.routing.packs import read_folder, read_pack

ROWS = 1_000_000
GOAL_SECONDS = 60
CITY = Path(__file__).parents[1] / "cities" / "kushiro"
HEADER = (
    *("case_enquiry_id", "open_dt", "closed_dt", "case_title", "reason", "type", "queue", "department"),
    *("location", "pwd_district", "neighborhood", "source"),
)
BEGIN = datetime(2022, 1, 1)  # noqa: DTZ001  as Boston writes it
SECONDS = 5 * 365 * 86_400


def generate(rows: int) -> Iterator[tuple[object, ...]]:
    """Rows of a history that nobody had."""
    dice = random.Random(1)
    kinds = sorted(load_mapping("boston").procedure.values)
    for number in range(rows):
        kind, district = dice.choice(kinds), dice.randrange(20)
        opened = BEGIN + timedelta(seconds=dice.randrange(SECONDS))
        closed = opened + timedelta(seconds=dice.randrange(40 * 86_400))
        department = f"D{hash_of(kind) % 7}"
        place = f"{dice.randrange(900)} Example St"
        yield (
            number,
            opened,
            closed,
            kind,
            "",
            kind,
            "",
            department,
            place,
            f"{district:02}",
            f"N{district}",
            "Self Service",
        )


def hash_of(text: str) -> int:
    """The same in every process."""
    return sum(text.encode())


def write_generated(path: Path, rows: int) -> None:
    """The generated history as CSV."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows(generate(rows))


def write_repeated(path: Path, source: Path, rows: int) -> None:
    """The rows of another history over and over, until there are enough."""
    content = source.read_bytes()
    header, _, body = (gzip.decompress(content) if source.suffix == ".gz" else content).partition(b"\n")
    count = sum(1 for _ in csv.reader(body.decode("utf-8", "replace").splitlines(keepends=True)))
    with path.open("wb") as file:
        file.write(header + b"\n")
        for _ in range(-(-rows // count)):
            file.write(body)


def measure(path: Path, mapping: str, what: str) -> dict[str, Any]:
    """One back-test of the city pack beside itself."""
    began, cpu = time.perf_counter(), time.process_time()
    packs = [read_pack(read_folder(CITY)) for _ in range(2)]
    found = report(run(packs, read_file(path, mapping, "department", packs), "department", date(2026, 4, 1)))
    return {
        "history": what,
        "rows": found["rows"],
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - cpu, 2),
        "dated": found["at_risk"]["dated"],
        "covered": found["covered"],
        "moves": len(found["moves"]),
        "rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def bench(rows: int, history: Path | None, mapping: str) -> dict[str, Any]:
    """Measure. A candidate that is the same pack moves nobody: anything else is a fault."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "history.csv"
        if history is None:
            write_generated(path, rows)
        else:
            write_repeated(path, history, rows)
        row = measure(path, mapping, "generated" if history is None else history.name)
    per_million = row["seconds"] / row["rows"] * 1e6
    targets = [
        target("seconds for 1,000,000 cases, two rule sets", per_million, "<=", GOAL_SECONDS),
        target("cases that the same rules move", row["moves"], "<=", 0),
        target("rows that were asked for and not tried", max(rows - row["rows"], 0), "<=", 0),
    ]
    return {"rows": [row], "targets": targets}


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--history", type=Path)
    parser.add_argument("--mapping", default="boston")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = bench(arguments.rows, arguments.history, arguments.mapping)
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        for row in result["rows"]:
            print(
                f"{row['history']}: {row['rows']:,} cases in {row['seconds']} s ({row['cpu_seconds']} s CPU, {row['rss_mb']} MB)"
            )
        for one in result["targets"]:
            print(f"{one['name']}: {one['value']} (goal {one['goal']}){'' if one['met'] else '  MISSED'}")
    sys.exit(0 if all(one["met"] for one in result["targets"]) else 1)


if __name__ == "__main__":
    main()
