"""What is shown on the terminal: progress on stderr, results on stdout."""

import re
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

PIPE_WIDTH = 120
"""How wide a line may be where there is no terminal to ask."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True, width=None if sys.stderr.isatty() else PIPE_WIDTH)


def say(line: str) -> None:
    """What is being done just now."""
    err.print(f"· {line}", markup=False)


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: Sequence[str] = ()) -> None:
    """Print a table; columns named in `numbers` are aligned to the right."""
    drawn = Table(title=title, title_justify="left", title_style="bold")
    for column in columns:
        drawn.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(plain(cell) for cell in row))
    out.print(drawn, soft_wrap=False)


def show(line: str) -> None:
    """A line of results in which others' words may stand."""
    out.print(harmless(line).replace("\n", "\ufffd"), markup=False)


def harmless(text: str) -> str:
    """Text of others that a terminal obeys in nothing: an escape writes to the clipboard, a return over what stood there before."""
    return _OBEYED.sub("\ufffd", text)


_OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and those that turn the direction of writing."""


def plain(cell: object) -> str:
    """A cell as text: numbers grouped, nothing for None; brackets are not markup, and control characters control nothing."""
    if isinstance(cell, int):
        return f"{cell:,}"
    return "" if cell is None else harmless(str(cell)).replace("[", "\\[")
