"""A decision table as a sheet of text cells; `read_grid` reads it back. The layout is in the package's docstring."""

import re
from collections.abc import Iterator, Sequence

from services.routing.formats.entries import input_text, output_text
from services.routing.formats.grid import ALLOWED, DEFAULT, RESERVED, Grid, kind_as_literal, read_grid
from services.routing.rules.cells import ANYTHING, Cell
from services.routing.rules.tables import DecisionTable, Input, InvalidTable, Output
from services.routing.rules.values import Value

_BARE = re.compile(r"\w(?:[\w .・-]*\w)?")
"""Texts that look like nothing but themselves, to S-FEEL and to a spreadsheet program."""


def write_grid(table: DecisionTable) -> list[list[str]]:
    """The lines of the sheet, the header first. Raises InvalidTable for what a sheet cannot hold."""
    _check_names(table)
    notes = list(dict.fromkeys(name for rule in table.rules for name in rule.notes))
    inputs = [_input_head(clause, [rule.cells[at] for rule in table.rules]) for at, clause in enumerate(table.inputs)]
    lines = [
        [table.policy, *inputs, *map(_output_head, table.outputs), *(f"note:{name}" for name in notes)],
        *([*line, *("" for _ in notes)] for line in _lines_above(table)),
        *(
            [
                rule.name,
                *map(input_text, rule.cells),
                *map(_output, rule.outputs),
                *(rule.notes.get(name, "") for name in notes),
            ]
            for rule in table.rules
        ),
    ]
    read_grid(table.name, Grid(f"{table.name}, as a sheet", lines))
    return lines


def _check_names(table: DecisionTable) -> None:
    """Names that would be read as something else."""
    for clause in (*table.inputs, *table.outputs):
        if ":" in clause.name:
            raise InvalidTable(f"{table.name}: expected a clause without a colon in its name, found {clause.name!r}")
    for rule in table.rules:
        if rule.name in RESERVED:
            raise InvalidTable(f"{table.name}: expected a rule not named {' or '.join(RESERVED)}, found {rule.name!r}")


def _input_head(clause: Input, cells: Sequence[Cell]) -> str:
    """With its kind where no cell tells it."""
    told = any(cell.kind for cell in (clause.allowed, *cells))
    return f"in:{clause.name}" if told or clause.kind is None else f"in:{clause.name}:{clause.kind}"


def _output_head(clause: Output) -> str:
    return f"out:{clause.name}" if clause.kind in (None, "string") else f"out:{clause.name}:{clause.kind}"


def _lines_above(table: DecisionTable) -> Iterator[list[str]]:
    allowed = ["" if clause.allowed == ANYTHING else input_text(clause.allowed) for clause in table.inputs]
    allowed += [", ".join(map(output_text, clause.priorities)) for clause in table.outputs]
    default = [_output(clause.default) for clause in table.outputs]
    if any(allowed):
        yield [ALLOWED, *allowed]
    if any(default):
        yield [DEFAULT, *("" for _ in table.inputs), *default]


def _output(value: Value | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and _BARE.fullmatch(value) and value != "null" and kind_as_literal(value) is None:
        return value
    return output_text(value)
