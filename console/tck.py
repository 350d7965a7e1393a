"""`madoguchi rules tck`: the DMN Technology Compatibility Kit."""

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from services.routing.formats.tck import Result

STATUSES = ("passed", "failed", "unsupported")


@click.command(epilog=example("madoguchi rules tck ~/tck/TestCases", "madoguchi rules tck ~/tck/TestCases --json"))
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One object: totals and cases.")
def tck(folder: Path, *, as_json: bool) -> None:
    """Run the test cases of the DMN Technology Compatibility Kit below DIR.

    A case that needs more of FEEL than a sheet holds is unsupported, and says what. Exit code 1: a case failed.
    """
    results = _results(folder)
    if as_json:
        sys.stdout.write(json.dumps(_report(results), ensure_ascii=False, indent=2) + "\n")
    else:
        _print(results)
    sys.exit(1 if any(result.status == "failed" for result in results) else 0)


def _results(folder: Path) -> "list[Result]":
    from console.errors import Trouble
    from services.routing.formats.tck import run
    from services.routing.rules.tables import InvalidTable

    try:
        results = list(run(folder))
    except InvalidTable as error:
        raise Trouble(str(error)) from None
    if not results:
        raise Trouble(f"There is no test case below {folder}: expected *-test-*.xml files beside the models they name.")
    return results


def _totals(results: "Sequence[Result]") -> dict[str, int]:
    counted = Counter(result.status for result in results)
    return {status: counted[status] for status in STATUSES}


def _report(results: "Sequence[Result]") -> dict[str, object]:
    return {
        "totals": _totals(results),
        "totals_of_models_with_decision_tables": _totals([result for result in results if result.about_tables]),
        "cases": [asdict(result) for result in results],
    }


def _print(results: "Sequence[Result]") -> None:
    from console.terminal import out

    for result in results:
        line = f"{result.status:<12} {result.tests} {result.case}"
        out.print(f"{line}: {result.reason}" if result.reason else line, markup=False)
    for what, some in (
        ("all cases", results),
        ("models with decision tables", [result for result in results if result.about_tables]),
    ):
        out.print(f"{what}: " + ", ".join(f"{count:,} {status}" for status, count in _totals(some).items()))
