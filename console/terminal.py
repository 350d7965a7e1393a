"""What is shown on the terminal: progress on stderr, results on stdout."""

import sys
import unicodedata
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

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
        drawn.add_row(*(Text(plain(cell)) for cell in row))
    out.print(drawn, soft_wrap=False)


def show(line: str) -> None:
    """A line of results in which others' words may stand."""
    out.print(harmless(line).replace("\n", "\ufffd"), markup=False)


def plain(cell: object) -> str:
    """A cell as text: numbers grouped, nothing for None, and no sign that a terminal obeys."""
    if isinstance(cell, int):
        return f"{cell:,}"
    return "" if cell is None else harmless(str(cell))


def harmless(text: str) -> str:
    """Text of others that a terminal obeys in nothing: an escape writes to the clipboard, a return over what stood there before."""
    return "".join("\ufffd" if _is_obeyed(sign) else sign for sign in text)


def _is_obeyed(sign: str) -> bool:
    """Whether it is a control or format character, such as an escape or one that turns the line around."""
    return sign not in "\n\t" and unicodedata.category(sign) in ("Cc", "Cf", "Cs")
