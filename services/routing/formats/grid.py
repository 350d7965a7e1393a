"""A sheet of text cells, read as a decision table. The layout is in the package's docstring."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, get_args

from services.routing.formats.drafts import Clause, Draft, Entry, Line, Problems, build
from services.routing.rules.sfeel import Unreadable, parse_literal, write_literal
from services.routing.rules.tables import HIT_POLICIES, DecisionTable, HitPolicy, InvalidTable
from services.routing.rules.values import KINDS, Kind, kind_of

Role = Literal["in", "out", "note"]
_ROLES: Mapping[str, Role] = {role: role for role in get_args(Role)}
_KINDS: Mapping[str, Kind] = {kind: kind for kind in KINDS}
ALLOWED, DEFAULT = RESERVED = ("allowed", "default")


@dataclass(frozen=True, slots=True)
class Grid:
    """The lines of a sheet from its first on, the empty ones too. With `letters` a cell has a name, as C5."""

    source: str
    lines: Sequence[Sequence[str]]
    letters: bool = False

    def place(self, row: int, at: int, head: str) -> str:
        """A cell in words; rows count from 1, `at` from 0."""
        cell = f", cell {column_letters(at)}{row}" if self.letters else ""
        return f"{self.source}, row {row}, column {at + 1}{cell}" + (f" ({head})" if head else "")


def column_letters(at: int) -> str:
    """How a spreadsheet names its columns: A, B, … Z, AA."""
    return (column_letters(at // 26 - 1) if at >= 26 else "") + chr(ord("A") + at % 26)


@dataclass(frozen=True, slots=True)
class _Column:
    at: int
    role: Role
    name: str
    kind: Kind | None
    head: str
    place: str


_Numbered = tuple[int, Sequence[str]]
"""A line and its row number."""


def read_grid(name: str, grid: Grid) -> DecisionTable:
    """The table that a sheet holds. Raises InvalidTable."""
    lines = [(row, [cell.strip() for cell in line]) for row, line in enumerate(grid.lines, 1)]
    lines = [(row, line) for row, line in lines if any(line)]
    if not lines:
        raise InvalidTable(f"{grid.source}: expected a first line with the hit policy and the clauses, found no line")
    problems = Problems()
    (row, header), *below = lines
    policy = _policy(problems, grid.place(row, 0, ""), header[0])
    columns = list(_columns(problems, grid, row, header))
    problems.stop()
    whole = [line for line in below if _is_whole(problems, grid, line, len(columns) + 1)]
    said, rules = _parted(problems, grid, whole)
    _check_default(problems, grid, columns, said)
    return build(
        Draft(
            name,
            grid.place(row, 0, ""),
            policy,
            [_clause(problems, grid, column, said) for column in columns if column.role == "in"],
            [_clause(problems, grid, column, said) for column in columns if column.role == "out"],
            [_line(problems, grid, columns, numbered) for numbered in rules],
        ),
        problems,
    )


def _policy(problems: Problems, place: str, text: str) -> HitPolicy:
    for policy in HIT_POLICIES:
        if text == policy:
            return policy
    problems.add(place, f"expected a hit policy ({', '.join(HIT_POLICIES)}), found {text!r}")
    return "U"


def _columns(problems: Problems, grid: Grid, row: int, header: Sequence[str]) -> Iterator[_Column]:
    width = max((at for at, head in enumerate(header, 1) if head), default=0)
    for at, head in enumerate(header[1:width], 1):
        place = grid.place(row, at, head)
        prefix, _, rest = head.partition(":")
        role = _ROLES.get(prefix)
        name, _, kind = (rest, "", "") if role == "note" else rest.partition(":")
        if role is None:
            problems.add(place, f"expected in:NAME, out:NAME or note:NAME, found {head!r}")
            continue
        yield _Column(at, role, " ".join(name.split()), _kind(problems, place, kind), head, place)
    _check_notes(problems, grid, row, header[:width])


def _kind(problems: Problems, place: str, text: str) -> Kind | None:
    found = _KINDS.get(text)
    if text and found is None:
        problems.add(place, f"expected a kind ({', '.join(KINDS)}), found {text!r}")
    return found


def _check_notes(problems: Problems, grid: Grid, row: int, header: Sequence[str]) -> None:
    for at, head in enumerate(header):
        if head.startswith("note:") and (head in header[:at] or head == "note:"):
            problems.add(grid.place(row, at, head), f"expected a note's name that no other has, found {head!r}")


def _is_whole(problems: Problems, grid: Grid, numbered: _Numbered, width: int) -> bool:
    row, line = numbered
    if len(line) >= width and not any(line[width:]):
        return True
    problems.add(f"{grid.source}, row {row}", f"expected {width} cells, found {len(line)}")
    return False


def _parted(
    problems: Problems, grid: Grid, lines: Sequence[_Numbered]
) -> tuple[Mapping[str, _Numbered], Sequence[_Numbered]]:
    """The lines between the header and the rules, by their first cell, and the rules."""
    above = list(takewhile(lambda numbered: numbered[1][0] in RESERVED, lines))
    said = {line[0]: (row, line) for row, line in above}
    for row, line in lines[len(said) :]:
        if line[0] in RESERVED:
            problems.add(
                grid.place(row, 0, ""), f"expected the line `{line[0]}` once, above all rules, or another name"
            )
    return said, lines[len(said) :]


def _check_default(problems: Problems, grid: Grid, columns: Sequence[_Column], said: Mapping[str, _Numbered]) -> None:
    if DEFAULT not in said:
        return
    row, line = said[DEFAULT]
    for column in columns:
        if column.role == "in" and line[column.at] not in ("", "-"):
            place = grid.place(row, column.at, column.head)
            problems.add(place, "expected no input entry in the line `default` (a rule needs another name)")


def _clause(problems: Problems, grid: Grid, column: _Column, said: Mapping[str, _Numbered]) -> Clause:
    kind = "string" if column.kind is None and column.role == "out" else column.kind
    allowed, default = (_entry(grid, column, said[name]) if name in said else None for name in (ALLOWED, DEFAULT))
    if column.role == "in":
        return Clause(column.name, kind, column.place, allowed)
    return Clause(column.name, kind, column.place, allowed, default and _quoted(problems, column, default))


def _line(problems: Problems, grid: Grid, columns: Sequence[_Column], numbered: _Numbered) -> Line:
    row, line = numbered
    found = [(column, _entry(grid, column, numbered)) for column in columns]
    return Line(
        Entry(" ".join(line[0].split()), grid.place(row, 0, "the rule's name")),
        [entry for column, entry in found if column.role == "in"],
        [_quoted(problems, column, entry) for column, entry in found if column.role == "out"],
        {column.name: _note(entry) for column, entry in found if column.role == "note"},
    )


def _entry(grid: Grid, column: _Column, numbered: _Numbered) -> Entry:
    row, line = numbered
    return Entry(line[column.at], grid.place(row, column.at, column.head))


def _note(entry: Entry) -> Entry:
    return Entry(entry.text.replace("\r\n", "\n").replace("\r", "\n"), entry.place)


def _quoted(problems: Problems, column: _Column, entry: Entry) -> Entry:
    """An output entry as a literal: where strings are wanted, a text may stand bare unless it reads as something else."""
    text = entry.text
    if column.kind not in (None, "string") or text in ("", "null") or text.startswith('"'):
        return entry
    if text == "-":
        problems.add(entry.place, "expected a string, found -: leave the cell empty to put out nothing")
    kind = kind_as_literal(text)
    if kind is None:
        return Entry(write_literal(text), entry.place)
    asked = f"""write "{text.replace('"', "'")}" in quotes, or head the column {column.head.removesuffix(":string")}:{kind}"""
    problems.add(entry.place, f"expected a string, found the {kind} {text}: {asked}")
    return Entry("", entry.place)


def kind_as_literal(text: str) -> Kind | None:
    """The kind of the literal that a text is; None when it is none, and may be a string that stands bare."""
    try:
        return kind_of(parse_literal(text))
    except Unreadable:
        return None
