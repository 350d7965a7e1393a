"""What people answered to suggested rows, so that nothing is asked twice: a sheet with tabs in the pack's folder.

It is no part of the rule set: what decides stays the same when somebody says no.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from console.atomically import replace_content
from console.errors import Trouble
from console.reroutes import need, read_lines

NAME = "suggestions.tsv"
"""Its ending is none of those that `packs.read_folder` reads and hashes."""
YES, NO = ("はい", "yes"), ("いいえ", "no")
FORMULA = ("=", "+", "-", "@", "\t", "\0")
COLUMNS = ("id", "accepted", "table", "row", "said", "reason", "staff", "at")


def read_declined(file: Path) -> frozenset[str]:
    """The ids of the suggestions that a person answered with no. Raises Trouble."""
    declined: set[str] = set()
    for place, line in read_lines(file, ("id", "accepted")):
        answer = line["accepted"].casefold()
        if answer and answer not in (*YES, *NO):
            raise Trouble(f"{place}, column accepted: expected はい, いいえ, yes, no or nothing, found {answer!r}")
        if answer in NO:
            declined.add(need(place, line, "id"))
    return frozenset(declined)


def declined_in(city: Path, answers: Path | None) -> frozenset[str]:
    """What was declined in a pack's own sheet and, where another is named, in that. Raises Trouble."""
    files = [file for file in (city / NAME, answers) if file is not None and file.exists()]
    return frozenset[str]().union(*map(read_declined, files))


def record(city: Path, answer: Sequence[str]) -> Path:
    """Write an answer, a text for each of COLUMNS, below the others. Returns the sheet."""
    sheet = city / NAME
    before = sheet.read_bytes() if sheet.exists() else _line(COLUMNS)
    replace_content(sheet, before + _line(answer))
    return sheet


def inert(text: str) -> str:
    """What people have written, so that no spreadsheet takes it for a formula (ASVS 1.2.10), and no carriage return ends a row.

    Python's csv quotes what is in its line terminator, and readers end a row at a carriage return as well.
    """
    one = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{one}" if one.startswith(FORMULA) else one


def _line(cells: Sequence[str]) -> bytes:
    found = io.StringIO(newline="")
    csv.writer(found, delimiter="\t", lineterminator="\n").writerow(map(inert, cells))
    return found.getvalue().encode()
