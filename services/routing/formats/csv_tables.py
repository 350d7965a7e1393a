"""Decision tables as CSV: UTF-8, with or without a byte order mark."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO

from services.routing.formats.grid import Grid, read_grid
from services.routing.formats.grid_writing import write_grid
from services.routing.formats.insertion import NewRow, filler, place
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


def insert_csv_row(content: bytes, row: NewRow, *, file: str) -> bytes:
    """The file of a table with a row more; all that stood in it before stands there byte for byte. Raises InvalidTable."""
    text = _text(content, file)
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    records = list(_records(text.removeprefix(BYTE_ORDER_MARK)))
    placed = place(row, [cells for _, cells in records], file)
    kept = [_widened(raw, filler(placed, at, cells)) for at, (raw, cells) in enumerate(records)]
    ended = _ending(records[placed.header][0]) or "\n"
    new = _record(placed.line)
    unended = placed.at == len(kept) and not _ending(kept[-1])
    kept.insert(placed.at, ended + new if unended else new + ended)
    return (mark + "".join(kept)).encode()


def _records(text: str) -> Iterator[tuple[str, list[str]]]:
    """Every record as it stands, with what ends it, and its cells."""
    raw: list[str] = []

    def lines() -> Iterator[str]:
        for line in StringIO(text, newline=""):
            raw.append(line)
            yield line

    for cells in csv.reader(lines(), strict=True):
        yield "".join(raw), cells
        raw.clear()


def _ending(raw: str) -> str:
    return raw[len(raw.rstrip("\r\n")) :]


def _widened(raw: str, more: Sequence[str]) -> str:
    ending = _ending(raw)
    return f"{raw.removesuffix(ending)},{_record(more)}{ending}" if more else raw


def _record(cells: Sequence[str]) -> str:
    """Cells as CSV, without what ends them. A single empty one is nothing, not quotes."""
    found = StringIO(newline="")
    csv.writer(found, lineterminator="\r\n").writerow(cells)  # the writer quotes what is in its terminator
    return "" if list(cells) == [""] else found.getvalue().removesuffix("\r\n")


def _text(content: bytes, file: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line, byte = content.count(b"\n", 0, error.start) + 1, content[error.start]
        said = f"expected UTF-8, found the byte {byte:#x} (Excel writes Shift_JIS unless you save as “CSV UTF-8”)"
        raise InvalidTable(f"{file}, line {line}: {said}") from None
