"""`madoguchi city`: packs of cities, proven."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from services.routing.packs import Examined


@click.group(epilog=example("madoguchi city check cities/kushiro"))
def city() -> None:
    """A city as a folder of data: its organisation, procedures, calendars and rules."""


@city.command(epilog=example("madoguchi city check cities/kushiro", "madoguchi city check cities/kushiro --json"))
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="the day on which the pack must be whole (today)")
@click.option("--json", "as_json", is_flag=True, help="one JSON object")
def check(folder: Path, day: datetime | None, *, as_json: bool) -> None:
    """Prove a pack: gaps, overlaps, conflicts, shadowed rows, each with a case that shows it; and that nothing is missing.

    Every procedure must be routed, every department exist on every day, every calendar cover the next two years. Exit
    code 1: with such errors the rules cannot come into force.
    """
    examined = _examined(folder, day)
    if as_json:
        sys.stdout.write(json.dumps(_report(examined), ensure_ascii=False, indent=2) + "\n")
    else:
        _print(examined)
    sys.exit(1 if examined.errors else 0)


def _examined(folder: Path, day: datetime | None) -> "Examined":
    from chassis.database import utc_now
    from services.routing import packs
    from services.routing.rules.clock import local_day

    return packs.examine(packs.read_folder(folder), day.date() if day else local_day(utc_now()))


def _report(examined: "Examined") -> dict[str, object]:
    from services.routing.api import said

    return {
        "rule_set": examined.hash,
        "tables": examined.tables,
        "rows": examined.rows,
        "errors": examined.errors,
        "findings": [said(finding) for finding in examined.findings],
    }


def _print(examined: "Examined") -> None:
    from console.terminal import out

    for finding in examined.findings:
        out.print(f"{'✗' if finding.is_error else '!'} {finding.words.ja}\n  {finding.words.en}", markup=False)
    out.print(
        f"{len(examined.tables)} tables, {examined.rows} rows: {examined.errors} errors, "
        f"{len(examined.findings) - examined.errors} warnings; rule set {examined.hash[:12]}"
    )
