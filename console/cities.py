"""`madoguchi city`: packs of cities, proven."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.helping import DAY, as_day, example
from console.histories import FILE

if TYPE_CHECKING:
    from services.routing.packs import Examined


@click.group(
    epilog=example(
        "madoguchi city check cities/kushiro",
        "madoguchi city init my-city --history requests.csv.gz --mapping boston",
    )
)
def city() -> None:
    """A city as a folder of data: its organisation, procedures, calendars and rules."""


@city.command(epilog=example("madoguchi city check cities/kushiro", "madoguchi city check cities/kushiro --json"))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--on", "day", type=DAY, callback=as_day, help="the day on which the pack must be whole (today)")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def check(folder: Path, day: date | None, *, as_json: bool) -> None:
    """Prove a pack: gaps, overlaps, conflicts, shadowed rows, each with a case that shows it; and that nothing is missing.

    Every procedure must be routed, every department exist on every day, every calendar cover the next two years, and what says by
    which law an Individual Number is asked for must name one. Exit code 1: with such errors the city cannot start. Lines that are
    marked as unverified are counted, file by file: a person decides.
    """
    from services.intake import legal_bases

    examined, wrong = _examined(folder, day), legal_bases.faults(folder)
    if as_json:
        report = _report(examined) | {"errors": examined.errors + len(wrong), "legal_bases": wrong}
        report["unverified"] = _unverified(folder)
        sys.stdout.write(json.dumps(report, ensure_ascii=False, indent=2) + "\n")
    else:
        _print(examined, _unverified(folder), wrong)
    sys.exit(1 if examined.errors or wrong else 0)


@city.command(epilog=example("madoguchi city init my-city --history requests.csv.gz --mapping boston"))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--history", required=True, type=FILE, help="A CSV file of past requests, plain or gzip.")
@click.option("--mapping", required=True, help="Which column means what: a name from channels/bulk/mappings.")
def init(folder: Path, history: Path, mapping: str) -> None:
    """Write a new city's pack from what it did so far, and say what a person must still decide.

    Departments and procedures are those of the history, rules are learnt from it, every line is marked as unverified.
    """
    from chassis.database import utc_now
    from console.errors import Trouble
    from console.learning import propose
    from console.scaffold import write_pack
    from services.routing.rules.clock import local_day

    if folder.exists() and any(folder.iterdir()):
        raise Trouble(f"{folder} is not empty: name a folder that is, or one that does not exist.")
    found = propose(history, mapping, "department", "procedure", "responsibility")
    if found.table is None:
        raise Trouble(
            "Nothing in this history tells the department better than its commonest value: write the rules by hand."
        )
    write_pack(folder, found.table, found.cases, local_day(utc_now()))
    _print(_examined(folder, None), _unverified(folder))


def _examined(folder: Path, day: date | None) -> "Examined":
    from chassis.database import utc_now
    from services.routing import packs
    from services.routing.rules.clock import local_day

    return packs.examine(packs.read_folder(folder), day or local_day(utc_now()))


def _report(examined: "Examined") -> dict[str, object]:
    from services.routing.api import said

    return {
        "rule_set": examined.hash,
        "tables": examined.tables,
        "rows": examined.rows,
        "errors": examined.errors,
        "findings": [said(finding) for finding in examined.findings],
    }


def _unverified(folder: Path) -> dict[str, int]:
    """By CSV file how many of its lines say that nobody has verified them: what a person must still decide."""
    texts = {path: path.read_text("utf-8-sig", "replace") for path in sorted(folder.rglob("*.csv"))}
    lines = {path: csv.reader(text.splitlines(keepends=True)) for path, text in texts.items()}
    counted = {path: sum("unverified" in "".join(line) for line in found) for path, found in lines.items()}
    return {path.relative_to(folder).as_posix(): count for path, count in counted.items() if count}


def _print(examined: "Examined", unverified: Mapping[str, int], wrong: Sequence[str] = ()) -> None:
    from console.terminal import out

    for fault in wrong:
        out.print(f"✗ 個人番号を収集する法的根拠が正しく書かれていません。\n  {fault}", markup=False)
    for finding in examined.findings:
        out.print(f"{'✗' if finding.is_error else '!'} {finding.words.ja}\n  {finding.words.en}", markup=False)
    for path, count in unverified.items():
        out.print(f"? {path}：{count}行が未確認です。\n  {path}: {count} lines are unverified.", markup=False)
    out.print(
        f"{len(examined.tables)} tables, {examined.rows} rows: {examined.errors + len(wrong)} errors, "
        f"{len(examined.findings) - examined.errors} warnings; rule set {examined.hash[:12]}"
    )
