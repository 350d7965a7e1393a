"""A CSV file, plain or gzip, read as a stream: whatever its size, one row at a time is in memory."""

import codecs
import csv
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from channels.bulk.errors import UnreadableFile
from channels.bulk.mapping import Mapping

_BLOCK = 1 << 20
_GZIP = b"\x1f\x8b"
_ZIP = b"PK\x03\x04"
"""How a ZIP archive begins, and a workbook (.xlsx), which is one."""

_LONGEST = 1 << 20
"""Characters: no event may be longer, so no line of that length is a row."""


@dataclass(frozen=True, slots=True)
class Csv:
    """An open file. A row that is no CSV at all is None. `position` and `size` count bytes as they lie on the disk."""

    header: list[str]
    rows: Iterator[list[str] | None]
    position: Callable[[], int]
    size: int


def fingerprint(path: Path) -> str:
    """SHA-256 of the file as it lies on the disk: a file packed anew is another file."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a text as csv asks for them; of one that is too long to be a row no more than a piece is in memory."""

    text: io.TextIOWrapper

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self.text.readline(_LONGEST)
        if not line:
            raise StopIteration
        if len(line) < _LONGEST or line[-1] in "\r\n":
            return line
        while line and line[-1] not in "\r\n":
            line = self.text.readline(_LONGEST)
        raise csv.Error("a line that is too long")


@contextmanager
def opened(path: Path, mapping: Mapping) -> Generator[Csv]:
    """The file, its header read. Bytes that are none in its encoding become U+FFFD. Raises UnreadableFile."""
    with ExitStack() as stack:
        encoding = _encoding(path, mapping.encodings)
        raw, plain = _streams(path, stack)
        text = io.TextIOWrapper(plain, encoding, errors="replace", newline="")
        size = os.fstat(raw.fileno()).st_size
        rows = _rows(path, csv.reader(_Lines(text), delimiter=mapping.delimiter), lambda: raw.tell() == size)
        yield Csv(_header(path, next(rows, [])), rows, raw.tell, size)


def _header(path: Path, cells: list[str] | None) -> list[str]:
    if cells is None:
        raise UnreadableFile(f"the first row of {path} cannot be read: expected the names of the columns, as CSV")
    if not cells:
        raise UnreadableFile(f"{path} is empty: expected a header row with the names of the columns")
    return [name.strip() for name in cells]


def _rows(path: Path, reader: Iterator[list[str]], is_whole: Callable[[], bool]) -> Iterator[list[str] | None]:
    """Every row; blank lines are none. After a row that cannot be read, reading goes on at the next line.

    `is_whole` is asked at the end: whether that is where the file ended when it was opened. Raises UnreadableFile.
    """
    count = 0
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            if not is_whole():
                raise UnreadableFile(
                    f"{path} was changed while it was read, after row {max(count - 1, 0)}. Import it again once it is "
                    "written: no row is counted twice."
                ) from None
            return
        except csv.Error:
            cells = None
        except (EOFError, zlib.error, OSError) as error:
            raise UnreadableFile(
                f"{path} is damaged after row {max(count - 1, 0)}: {error}. Get the file again."
            ) from None
        if cells != []:
            count += 1
            yield cells


def _streams(path: Path, stack: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """The file as it lies on the disk, and what it says once unpacked."""
    try:
        raw = stack.enter_context(path.open("rb"))
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}") from None
    begins = raw.peek(4)
    if begins[:4] == _ZIP:
        raise UnreadableFile(f"{path} is a ZIP archive or an Excel workbook: unpack it, or save it as CSV in UTF-8")
    packed = begins[:2] == _GZIP
    return raw, stack.enter_context(cast("IO[bytes]", gzip.GzipFile(fileobj=raw))) if packed else raw


def _encoding(path: Path, candidates: Sequence[str]) -> str:
    """The first encoding in which the whole file is sound; the first of all when there is none."""
    if len(candidates) == 1:
        return candidates[0]
    return next((name for name in candidates if _is_sound(path, name)), candidates[0])


def _is_sound(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    with ExitStack() as stack:
        _raw, plain = _streams(path, stack)
        try:
            while block := plain.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        except (EOFError, zlib.error, OSError):
            return True
    return True
