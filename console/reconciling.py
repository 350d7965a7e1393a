"""`madoguchi reconcile`."""

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from console.balance import Row


@click.command(epilog=example("madoguchi reconcile", "madoguchi reconcile --source /bulk/sample --wait 60"))
@click.option("--source", help="Only what one channel has sent, as `madoguchi import` prints it.")
@click.option("--wait", "seconds", type=float, default=0, metavar="SECONDS", help="Wait until it adds up.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")
def reconcile(source: str | None, seconds: float, as_json: bool) -> None:  # noqa: FBT001
    """Count every application at every stage, in the databases and on the topics, and compare.

    Exit code 1 when any two numbers that must agree do not.
    """
    from console import reconciliation
    from console.balance import adds_up
    from console.city import running_city
    from console.patience import patience
    from console.terminal import err, out
    from deploy.local import LocalSettings

    city = running_city(LocalSettings())
    with err.status("counting") as spinner:
        table = asyncio.run(reconciliation.settled(city, source, patience(seconds), spinner.update))
    if as_json:
        out.print_json(json.dumps(reconciliation.as_json(table)))
    else:
        show(table, source)
    sys.exit(0 if adds_up(table) else 1)


def show(found: "list[Row]", source: str | None) -> None:
    """The table, and whether it adds up."""
    from console.balance import adds_up
    from console.terminal import out, table

    columns = ("", "stage", "databases", "topics", "")
    lines = [
        ("✗" if row.wrong else "✓", row.what, row.databases, row.topics, "; ".join(filter(None, (row.wrong, row.note))))
        for row in found
    ]
    table(f"Reconciliation of {source or 'everything'}", columns, lines, numbers=("databases", "topics"))
    wrong = sum(row.wrong is not None for row in found)
    out.print("Everything adds up." if adds_up(found) else f"{wrong} rows do not add up: see the lines marked ✗.")
