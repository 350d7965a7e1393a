"""Histories on the command line: read with a bar, troubles as sentences, days as the file has them."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from console.importing import progress_bar

if TYPE_CHECKING:
    from channels.bulk.histories import Past
    from channels.bulk.mapping import Mapping

Expected = Literal["department", "queue"]
EXPECTED = click.Choice(("department", "queue"))
JOURNAL = "journal"
"""In the place of a file: what the running city has done."""
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
TOLD_EVERY = 5_000
"""Rows between two looks at the bar."""


def read_with_progress(
    file: Path, mapping: "Mapping", expected: Expected, wanted: frozenset[str] | None = None
) -> "Iterator[Past | None]":
    """The cases of a history, a bar on the terminal; None is a row that cannot be read. Raises BulkError."""
    from channels.bulk.histories import opened_history

    with (
        opened_history(file, mapping, expected=expected, wanted=wanted) as history,
        progress_bar(file.name, None) as moved,
    ):
        rows = 0
        for rows, past in enumerate(history.cases, 1):
            yield past
            if rows % TOLD_EVERY == 0:
                moved(rows, history.position(), history.size)
        moved(rows, history.size, history.size)


def existing(history: str) -> Path:
    """The file of a history. Raises BadParameter."""
    path = Path(history)
    if not path.is_file():
        raise click.BadParameter(f"expected a file, or the word {JOURNAL}, found {history}", param_hint="--history")
    return path


@contextmanager
def pack_troubles(folder: Path) -> Generator[None]:
    """A city pack that cannot be used ends the command in a sentence."""
    from console.errors import Trouble
    from services.routing.packs import INVALID

    try:
        yield
    except INVALID as error:
        raise Trouble(f"{folder}: {error}") from None
