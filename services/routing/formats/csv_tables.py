"""Decision tables as CSV: UTF-8, with or without a byte order mark."""

import csv
from io import StringIO

from services.routing.formats.grid import Grid, read_grid
from services.routing.formats.grid_writing import write_grid
from services.routing.rules.tables import DecisionTable, InvalidTable

BYTE_ORDER_MARK = "\ufeff"


def read_csv(content: bytes, *, file: str, name: str) -> DecisionTable:
    """The table called `name` that `file` holds. Raises InvalidTable."""
    text = _text(content, file).removeprefix(BYTE_ORDER_MARK)
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        lines = list(reader)
    except csv.Error as error:
        raise InvalidTable(f"{file}, line {reader.line_num}: expected CSV, found: {error}") from None
    return read_grid(name, Grid(file, lines))


def write_csv(table: DecisionTable) -> bytes:
    """The table as CSV, with the mark without which Excel takes UTF-8 for Shift_JIS. Raises InvalidTable."""
    lines = StringIO(newline="")
    csv.writer(lines, lineterminator="\n").writerows(write_grid(table))
    return (BYTE_ORDER_MARK + lines.getvalue()).encode()


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        said = f"expected UTF-8, found the byte {byte:#x} (Excel writes Shift_JIS unless you save as “CSV UTF-8”)"
        raise InvalidTable(f"{file}, line {line}: {said}") from None
