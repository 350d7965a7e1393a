"""Sheets with a header row, from CSV or an Excel workbook, gzipped or not, as lines whose cells know their place."""

import csv
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import pairwise
from typing import NoReturn, TypeVar
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from contracts import control_characters
from services.routing.rules.organisation import InvalidOrganisation
from services.routing.unpacking import TooLarge, check_cells, checked_zip, gunzip

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """A row below the header, its cells by column."""

    file: str
    row: int
    cells: Mapping[str, str]

    def get(self, column: str) -> str:
        """The cell, without spaces around it; empty when there is no such column."""
        return self.cells.get(column, "").strip()

    def need(self, column: str) -> str:
        """The cell, which must not be empty."""
        return self.get(column) or self.refuse(column, "a text")

    def read(self, column: str, reader: Callable[[str], T], expected: str) -> T:
        """The cell as `reader` has it, which raises ValueError or KeyError when the text is not as `expected`."""
        try:
            return reader(self.get(column))
        except (ValueError, KeyError):
            self.refuse(column, expected)

    def refuse(self, column: str, expected: str) -> NoReturn:
        """Raise InvalidOrganisation for a cell."""
        found = repr(self.get(column)) if self.get(column) else "nothing"
        raise InvalidOrganisation(f"{self.place(column)}: expected {expected}, found {found}")

    def place(self, column: str) -> str:
        """A cell in words."""
        at = next((f" {at}" for at, name in enumerate(self.cells, 1) if name == column), "")
        return f"{self.file}, row {self.row}, column{at} ({column})"


def read_lines(content: bytes, file: str, *, needed: Sequence[str], optional: Sequence[str] = ()) -> list[Line]:
    """The lines of a sheet. Names of columns are taken without regard to capitals, as `needed` and `optional` write them.

    Other columns are kept as they are. Raises InvalidOrganisation.
    """
    content = _unzipped(content, file)
    rows = _read_xlsx(content, file) if content.startswith(b"PK") else _read_csv(content, file)
    written = {name.casefold(): name for name in (*needed, *optional)}
    header = [written.get(name.strip().casefold(), name.strip()) for name in next(rows, [])]
    _check_header(file, header, needed)
    return [_line(file, row, header, cells) for row, cells in enumerate(rows, 2) if any(cells)]


def _check_header(file: str, header: Sequence[str], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in header]
    if missing:
        raise InvalidOrganisation(
            f"{file}, row 1: expected the columns {', '.join(needed)}, found no {', '.join(missing)}"
        )
    for one, other in pairwise(sorted(header)):
        if one == other:
            raise InvalidOrganisation(f"{file}, row 1: expected each column once, found {one!r} again")


def _line(file: str, row: int, header: Sequence[str], cells: Sequence[str]) -> Line:
    if len(cells) != len(header):
        raise InvalidOrganisation(f"{file}, row {row}: expected {len(header)} cells, found {len(cells)}")
    return Line(file, row, dict(zip(header, cells, strict=True)))


def _unzipped(content: bytes, file: str) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        return gunzip(content)
    except (OSError, EOFError, zlib.error, TooLarge) as error:
        raise InvalidOrganisation(f"{file}: expected a whole gzip file, found: {error}") from None


def _read_csv(content: bytes, file: str) -> Iterator[list[str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidOrganisation(f"{file}, line {line}: expected UTF-8 (in Excel: save as “CSV UTF-8”)") from None
    if (line := control_characters.line_of(text)) is not None:
        raise InvalidOrganisation(f"{file}, line {line}: expected text, found a control character: delete it")
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        yield from reader
    except csv.Error as error:
        raise InvalidOrganisation(f"{file}, line {reader.line_num}: expected CSV, found: {error}") from None


def _read_xlsx(content: bytes, file: str) -> Iterator[list[str]]:
    """The first sheet's rows."""
    from openpyxl import load_workbook

    try:
        sheet = load_workbook(checked_zip(content), data_only=True).worksheets[0]
        check_cells(sheet.max_row, sheet.max_column)
    except (BadZipFile, ParseError, KeyError, ValueError) as error:
        raise InvalidOrganisation(f"{file}: expected an Excel workbook (.xlsx), found: {error}") from None
    for cells in sheet.iter_rows(values_only=True):
        yield ["" if cell is None else str(cell) for cell in cells]
