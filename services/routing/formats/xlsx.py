"""Decision tables as Excel workbooks: a sheet a table, named as it."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile

from defusedxml import DefusedXmlException
from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font
from openpyxl.styles.numbers import is_datetime
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from services.routing.formats.grid import Grid, column_letters, read_grid
from services.routing.formats.grid_writing import write_grid
from services.routing.formats.insertion import NewRow, filler, place
from services.routing.rules.sfeel import Unreadable, parse_literal, write_literal
from services.routing.rules.tables import DecisionTable, InvalidTable
from services.routing.unpacking import check_cells, checked_zip

TEXT, DATE = "@", "yyyy-mm-dd"
"""Number formats. Cells of text stay what is typed: without it Excel makes dates of `4-1`."""
WIDEST = 60
LONGEST = 32_767
"""Characters that Excel holds in a cell."""
_TITLE = re.compile(r"(?!')[^\[\]:*?/\\\n]{1,31}(?<!')")


def read_xlsx(content: bytes, *, file: str, sheet: str | None = None) -> DecisionTable:
    """The table that a sheet holds: of several, without a name, the one that is called as the file. Raises InvalidTable."""
    found = _sheet(_workbook(content, file), file, sheet)
    source = f"{file}, sheet {found.title}"
    _check_merged(found, source)
    return read_grid(found.title, Grid(source, _lines(found, source), letters=True))


def insert_xlsx_row(content: bytes, row: NewRow, *, file: str) -> bytes:
    """A workbook of one sheet with a row more; what stood in its cells stands there. Raises InvalidTable."""
    workbook = _workbook(content, file)
    sheet = _sheet(workbook, file, None)
    placed = place(row, lines := _lines(sheet, file), file)
    width = max(at for at, head in enumerate(lines[placed.header], 1) if head.strip())
    for at, line in enumerate(lines):
        for beside, text in enumerate(filler(placed, at, line)):
            _put(sheet, at + 1, width + beside, text)
    sheet.insert_rows(placed.at + 1)
    for at, text in enumerate(placed.line):
        is_entry = 1 <= at < len(placed.line) and not _is_note(sheet, placed.header + 1, at)
        _put(sheet, placed.at + 1, at, _native(text) if is_entry else text)
    changed = BytesIO()
    workbook.save(changed)
    return changed.getvalue()


def _is_note(sheet: Worksheet, row: int, at: int) -> bool:
    return str(sheet.cell(row, at + 1).value).strip().startswith("note:")


def _sheet(workbook: Workbook, file: str, named: str | None) -> Worksheet:
    titles = workbook.sheetnames
    stem = PurePosixPath(file).stem
    named = stem if named is None and len(titles) > 1 and stem in titles else named
    if named not in (titles if named is not None or len(titles) > 1 else [None]):
        raise InvalidTable(
            f"{file}: expected one of the sheets {', '.join(titles)}, found {named or 'no name'} (of several sheets, call the one with the table {stem})"
        )
    return workbook[named or titles[0]]


def _lines(sheet: Worksheet, source: str) -> list[list[str]]:
    return [[_text(cell, source) for cell in row] for row in sheet.iter_rows()]


def _workbook(content: bytes, file: str) -> Workbook:
    try:
        workbook = load_workbook(checked_zip(content))
        for sheet in workbook.worksheets:
            check_cells(sheet.max_row, sheet.max_column)
    except (BadZipFile, InvalidFileException, DefusedXmlException, ParseError, KeyError, ValueError) as error:
        raise InvalidTable(f"{file}: expected an Excel workbook (.xlsx), found: {error}") from None
    return workbook


def _check_merged(sheet: Worksheet, source: str) -> None:
    """All cells of a merged area but one read as empty, which would mean `-`."""
    areas = ", ".join(str(area) for area in sheet.merged_cells.ranges)
    if areas:
        raise InvalidTable(f"{source}, cells {areas}: expected no merged cells (each rule stands for itself)")


def _text(cell: Any, source: str) -> str:
    value = cell.value
    if cell.data_type in ("f", "e"):
        what = "a formula" if cell.data_type == "f" else "an error"
        raise InvalidTable(
            f"{source}, row {cell.row}, column {cell.column}, cell {cell.coordinate}: expected a value, found {what} ({value})"
        )
    if isinstance(value, datetime) and is_datetime(cell.number_format) == "date" and value.time() == time():
        return write_literal(value.date())
    if isinstance(value, (bool, int, float, date, time, timedelta)):
        return write_literal(value)
    return "" if value is None else str(value)


def write_xlsx(tables: Sequence[DecisionTable]) -> bytes:
    """A workbook that a person can edit: the header stands, columns are as wide as need be. Raises InvalidTable."""
    workbook = Workbook()
    workbook.remove(workbook.worksheets[0])
    for table in tables:
        _check_title(table.name, workbook.sheetnames)
        _fill(workbook.create_sheet(table.name), table)
    content = BytesIO()
    workbook.save(content)
    return content.getvalue()


def _check_title(name: str, others: Sequence[str]) -> None:
    if not _TITLE.fullmatch(name):
        raise InvalidTable(f"{name}: expected a name of at most 31 characters without []:*?/\\ for a sheet")
    if name.casefold() in (other.casefold() for other in others):
        raise InvalidTable(f"{name}: expected a sheet's name that no other has, in small letters or capitals")


def _fill(sheet: Worksheet, table: DecisionTable) -> None:
    lines = write_grid(table)
    clauses = len(table.inputs) + len(table.outputs)
    for row, line in enumerate(lines, 1):
        for at, text in enumerate(line):
            is_entry = row > 1 and 1 <= at <= clauses
            _put(sheet, row, at, _native(text) if is_entry else text)
    for at, column in enumerate(zip(*lines, strict=True)):
        widest = max(map(_width, column))
        sheet.column_dimensions[column_letters(at)].width = min(widest + 2, WIDEST)
    for cell in sheet[1]:
        cell.font = Font(bold=True)
    sheet.freeze_panes = "B2"


def _put(sheet: Worksheet, row: int, at: int, value: str | float | date) -> None:
    cell: Any = sheet.cell(row, at + 1)
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    if isinstance(value, str) and len(value) > LONGEST:
        raise InvalidTable(
            f"{sheet.title}, cell {cell.coordinate}: expected at most {LONGEST} characters, found {len(value)}"
        )
    cell.value = None if value == "" else value
    if isinstance(value, str):
        cell.number_format = TEXT
        cell.data_type = "s" if value else cell.data_type  # a text that begins with = is no formula
    elif isinstance(value, date):
        cell.number_format = DATE


def _native(text: str) -> str | float | date:
    """A literal as Excel's own value where Excel holds it exactly."""
    try:
        value = parse_literal(text)
    except Unreadable:
        return text
    if isinstance(value, datetime) or not isinstance(value, (bool, int, float, date)):
        return text
    if isinstance(value, date):
        return value if value >= date(1900, 3, 1) else text  # before it Excel counts a day that never was
    return value if abs(value) < 10**15 and float(f"{value:.15g}") == value else text  # the digits that Excel keeps


def _width(text: str) -> int:
    """In half-width characters: Japanese ones take two."""
    return max((sum(2 if ord(letter) > 0x2E7F else 1 for letter in line) for line in text.split("\n")), default=0)
