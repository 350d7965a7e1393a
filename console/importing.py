"""`madoguchi import`."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from channels.bulk.importing import Imported
    from console.city import City


@click.command("import", epilog=example("madoguchi import requests.csv.gz --mapping boston --rows 2000"))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--mapping", required=True, help="Which column means what: a name from channels/bulk/mappings.")
@click.option("--rows", type=click.IntRange(min=1), help="Only the first N rows.")
def import_(file: Path, mapping: str, rows: int | None) -> None:
    """Publish every row of a city's file as an application. Safe to repeat: a row is counted once."""
    from console.city import running_city
    from console.terminal import out
    from deploy.local import LocalSettings

    check_mapping(mapping)
    done = asyncio.run(import_with_progress(running_city(LocalSettings()), file, mapping, rows))
    if not done.rows:
        out.print(f"{file} has a header row and nothing below it: nothing is published.")
        return
    rate = done.rows / done.seconds if done.seconds else 0
    out.print(f"{done.rows:,} rows read, {done.published:,} published in {done.seconds:.1f} s ({rate:,.0f} rows/s)")
    out.print(f"source: {done.source}")
    out.print(f"see what became of them: madoguchi reconcile --source {done.source} --wait 60")


def check_mapping(name: str) -> None:
    """Raise InvalidMapping, with the names there are, before anything is started."""
    from channels.bulk.mapping import load_mapping

    load_mapping(name)


async def import_with_progress(city: "City", file: Path, mapping: str, rows: int | None) -> "Imported":
    """Import, a bar on the terminal. Raises BulkError."""
    from channels.bulk.importing import import_file
    from console.terminal import say

    with progress_bar(file.name, rows) as moved:
        kafka = city.brokers["bulk"].aiokafka()
        return await import_file(file, mapping, kafka, moved, keyring=city.edge_keyring, rows=rows, on_trouble=say)


@contextmanager
def progress_bar(title: str, rows: int | None) -> Generator[Callable[[int, int, int], None]]:
    """Rows, rows a second, and the time left: by rows where their number is known, else by bytes."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from console.terminal import err

    text = TextColumn("{task.fields[rows]:,} rows, {task.fields[rate]:,.0f}/s")
    with Progress(TextColumn("{task.description}"), BarColumn(), text, TimeRemainingColumn(), console=err) as bar:
        task = bar.add_task(title, total=rows, rows=0, rate=0.0)

        def moved(done: int, read: int, total: int) -> None:
            elapsed = bar.tasks[0].elapsed or 1
            bar.update(task, completed=done if rows else read, total=rows or total, rows=done, rate=done / elapsed)

        yield moved
