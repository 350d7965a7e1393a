"""A row to be put into a table's file, as the texts of a sheet. Columns that the sheet lacks come after all others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.routing.formats.grid import RESERVED
from services.routing.formats.grid_writing import write_grid
from services.routing.rules.tables import DecisionTable, InvalidTable

Head = tuple[str, str]
"""What a column is, and its name: (`in`, `procedure`)."""


@dataclass(frozen=True, slots=True)
class NewRow:
    """A rule's name, its entries by column, and the rule that it comes before; None is the end of the table."""

    name: str
    before: str | None
    entries: Mapping[Head, str]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a row goes in a sheet whose lines are numbered from 0: `at` is the line that follows it, `more` new columns by head."""

    at: int
    line: list[str]
    more: Mapping[str, str]
    """What the other rules have in them."""
    header: int


def as_new_row(table: DecisionTable, name: str) -> NewRow:
    """The rule called `name` of a table that has it in its place."""
    names = [rule.name for rule in table.rules]
    at = names.index(name)
    header, *_, line = write_grid(replace(table, rules=(table.rules[at],)))
    entries = {_head(text): entry for text, entry in zip(header[1:], line[1:], strict=True)}
    return NewRow(name, names[at + 1] if at + 1 < len(names) else None, entries)


def place(row: NewRow, lines: Sequence[Sequence[str]], file: str) -> Placed:
    """Where the row goes among the lines of a sheet that holds a table. Raises InvalidTable when the rule after it is not there."""
    filled = [at for at, line in enumerate(lines) if any(cell.strip() for cell in line)]
    header = filled[0]
    known = [_head(text) for text in lines[header][1:]]
    missing = [head for head in row.entries if head not in known]
    line = [row.name, *(row.entries.get(head, "") for head in (*known, *missing))]
    more = {":".join(head): "-" if head[0] == "in" else "" for head in missing}
    if row.before is None:
        return Placed(filled[-1] + 1, line, more, header)
    found = (at for at in filled[1:] if " ".join(lines[at][0].split()) == row.before)
    if (at := next(found, None)) is None:
        raise InvalidTable(f"{file}: expected the rule {row.before}, before which the new one comes")
    return Placed(at, line, more, header)


def filler(placed: Placed, at: int, line: Sequence[str]) -> list[str]:
    """What a line of the sheet has in the new columns: their heads, nothing above the rules, or what asks nothing."""
    if at == placed.header:
        return list(placed.more)
    if not any(cell.strip() for cell in line):
        return []
    return ["" if line[0].strip() in RESERVED else entry for entry in placed.more.values()]


def _head(text: str) -> Head:
    """As `grid` reads it: a kind is no part of the name, except that a note has none."""
    role, _, rest = text.strip().partition(":")
    name = rest if role == "note" else rest.partition(":")[0]
    return role, " ".join(name.split())
