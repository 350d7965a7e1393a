"""Packed files, unpacked no further than a person's file ever goes: a thousand bytes can hold a gigabyte of nothing."""

import gzip
from io import BytesIO
from zipfile import ZipFile

MOST_BYTES, MOST_FILES = 67_108_864, 1_000
MOST_CELLS = 2_000_000


class TooLarge(ValueError):
    """What was packed is larger than any file that is meant."""


def gunzip(content: bytes) -> bytes:
    """What a gzip file holds. Raises TooLarge, and what gzip raises for a broken one."""
    with gzip.GzipFile(fileobj=BytesIO(content)) as packed:
        found = packed.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise TooLarge(f"more than {MOST_BYTES} bytes when unpacked")
    return found


def checked_zip(content: bytes) -> BytesIO:
    """A zip file (an Excel workbook is one) that may be opened: its own list says how large it is, and zipfile reads no more.

    Raises TooLarge, and BadZipFile for what is none.
    """
    with ZipFile(BytesIO(content)) as packed:
        entries = packed.infolist()
    if len(entries) > MOST_FILES or sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise TooLarge(f"more than {MOST_FILES} files or {MOST_BYTES} bytes when unpacked")
    return BytesIO(content)


def check_cells(rows: int, columns: int) -> None:
    """Raise TooLarge for a sheet that reaches further than anybody writes: one cell at its far end makes seventeen thousand million."""
    if rows * columns > MOST_CELLS:
        raise TooLarge(f"a sheet of {rows} rows and {columns} columns: more than {MOST_CELLS} cells")
