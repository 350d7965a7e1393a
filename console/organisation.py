"""`madoguchi organisation`: a city's published organisation files made one dated organisation, and what changed in it."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from services.routing.rules.organisation import Organisation, Unit
    from services.routing.rules.snapshots import Change, Snapshot

IMPORT = (
    "madoguchi organisation import 2020.csv 2021.csv 2024.xlsx --suggestions successors.csv",
    "madoguchi organisation import 2020.csv 2021.csv 2024.xlsx --confirmed successors.csv --out organisation.csv",
)
EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
WRITTEN = click.Path(dir_okay=False, path_type=Path)
DAY = click.DateTime(["%Y-%m-%d"])


@click.group(epilog=example(*IMPORT, "madoguchi organisation diff 2021.csv 2024.csv"))
def organisation() -> None:
    """Import a city's organisation as it stood on several days, or show what changed between them."""


@organisation.command("import", epilog=example(*IMPORT))
@click.argument("files", nargs=-1, required=True, type=EXISTING)
@click.option(
    "--at", multiple=True, type=DAY, help="The day of a file that does not say it; once a file, in their order."
)
@click.option("--confirmed", type=EXISTING, help="Suggestions in which a person has filled the column `confirmed`.")
@click.option("--suggestions", type=WRITTEN, help="Write suggested successors here, for a person to confirm.")
@click.option("--out", type=WRITTEN, help="Write the dated organisation here, as a city pack's organisation.csv.")
def import_(
    files: Sequence[Path],
    at: Sequence[datetime],
    confirmed: Path | None,
    suggestions: Path | None,
    out: Path | None,
) -> None:
    """Make FILES, a whole organisation each, one organisation with validity. Suggestions are never applied by themselves."""
    from services.routing import organisations
    from services.routing.rules.succession import unsettled

    with _troubles():
        snapshots = _snapshots(files, at)
        decided = organisations.read_confirmations(confirmed.read_bytes(), str(confirmed)) if confirmed else ()
        found = organisations.unite(snapshots, decided)
    _show_imported(snapshots, found)
    if out:
        _write(out, organisations.write_organisation(found.units), f"{len(found.units):,} versions of units")
    if suggestions:
        _write(
            suggestions,
            organisations.write_suggestions(found),
            f"successors of {len(unsettled(found)):,} units to confirm",
        )


@organisation.command(epilog=example("madoguchi organisation diff 2020.csv 2021.csv 2024.xlsx"))
@click.argument("files", nargs=-1, required=True, type=EXISTING)
@click.option(
    "--at", multiple=True, type=DAY, help="The day of a file that does not say it; once a file, in their order."
)
def diff(files: Sequence[Path], at: Sequence[datetime]) -> None:
    """Show what was added, removed, renamed or moved from each of FILES to the next, by day."""
    from console.terminal import table
    from services.routing.organisations import unite
    from services.routing.rules.snapshots import compare

    if len(files) < 2:
        raise click.UsageError("Two files or more are needed.")
    with _troubles():
        snapshots = sorted(_snapshots(files, at), key=lambda snapshot: snapshot.day)
        found = unite(snapshots)
    for one, other in pairwise(snapshots):
        rows = [_change_row(change) for change in compare(found, one.day, other.day)]
        table(f"{one.day} to {other.day}: {len(rows)} changes", ("change", "code", "before", "after"), rows)
    _show_repeated(snapshots)


def _snapshots(files: Sequence[Path], at: Sequence[datetime]) -> list["Snapshot"]:
    from services.routing.organisation_snapshots import read_snapshot

    if at and len(at) != len(files):
        raise click.UsageError(f"--at is needed once a file or not at all: {len(files)} files, {len(at)} days.")
    days = [day.date() for day in at] or [None] * len(files)
    return [read_snapshot(file.read_bytes(), file.name, day=day) for file, day in zip(files, days, strict=True)]


def _show_imported(snapshots: Sequence["Snapshot"], found: "Organisation") -> None:
    from console.terminal import out, table
    from services.routing.rules.succession import unsettled

    columns = ("file", "day", "rows", "units")
    rows = [(each.source, each.day, len(each.sightings), len(found.units_on(each.day))) for each in snapshots]
    table("Organisation", columns, rows, numbers=columns[2:])
    _show_repeated(snapshots)
    waiting = unsettled(found)
    if waiting:
        out.print(
            f"{len(waiting):,} units ended and name nobody: a person decides (--suggestions FILE, then --confirmed FILE)."
        )


def _show_repeated(snapshots: Sequence["Snapshot"]) -> None:
    from console.terminal import out
    from services.routing.rules.snapshots import repeated

    for snapshot in snapshots:
        for code, rows in repeated(snapshot).items():
            out.print(
                f"{snapshot.source}: {code} stands in rows {', '.join(map(str, rows))}, all alike: taken as one unit."
            )


def _change_row(change: "Change") -> Sequence[object]:
    return change.what, change.code, _named(change.before), _named(change.after)


def _named(unit: "Unit | None") -> str:
    return f"{unit.name} ({unit.parent or '-'})" if unit else ""


def _write(file: Path, content: str, what: str) -> None:
    from console.terminal import out

    file.write_text(content, encoding="utf-8")
    out.print(f"{file}: {what}")


@contextmanager
def _troubles() -> Generator[None]:
    """An organisation that cannot be used ends the command in a sentence."""
    from console.errors import Trouble
    from services.routing.rules.organisation import InvalidOrganisation

    try:
        yield
    except InvalidOrganisation as error:
        raise Trouble(str(error)) from None
