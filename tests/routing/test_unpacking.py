"""Files that are small until they are unpacked."""

import gzip
from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook

from services.routing import unpacking
from services.routing.formats.xlsx import read_xlsx
from services.routing.rules.organisation import InvalidOrganisation
from services.routing.rules.tables import InvalidTable
from services.routing.sheets import read_lines


def workbook_with(more: bytes) -> bytes:
    """A true workbook, and a large file in it that compresses well."""
    content = BytesIO()
    Workbook().save(content)
    with ZipFile(content, "a", ZIP_DEFLATED) as packed:
        packed.writestr("xl/media/more.bin", more)
    return content.getvalue()


BOMBS: list[Callable[[], bytes]] = [
    lambda: gzip.compress(b"a," * 40_000_000, 1),
    lambda: workbook_with(b"0" * 70_000_000),
]


@pytest.mark.parametrize("bomb", BOMBS, ids=["gzip", "zip"])
def test_a_sheet_is_unpacked_so_far_and_no_further(bomb: Callable[[], bytes]) -> None:
    content = bomb()

    assert len(content) < 1_000_000
    with pytest.raises(InvalidOrganisation, match="when unpacked"):
        read_lines(content, "f", needed=["code"])


def test_a_table_is_unpacked_so_far_and_no_further() -> None:
    with pytest.raises(InvalidTable, match="when unpacked"):
        read_xlsx(workbook_with(b"0" * 70_000_000), file="f.xlsx")


def far_reaching() -> bytes:
    """A workbook of five thousand bytes whose last cell is the last there is."""
    content, workbook = BytesIO(), Workbook()
    workbook.worksheets[0]["XFD1048576"] = "x"
    workbook.save(content)
    return content.getvalue()


def test_a_sheet_that_reaches_to_the_end_of_the_world_is_not_walked_through() -> None:
    with pytest.raises(InvalidOrganisation, match="more than 2000000 cells"):
        read_lines(far_reaching(), "f", needed=["code"])
    with pytest.raises(InvalidTable, match="more than 2000000 cells"):
        read_xlsx(far_reaching(), file="f.xlsx")


def test_what_is_of_common_size_is_unpacked_whole() -> None:
    text = b"code\n" * 100_000

    assert unpacking.gunzip(gzip.compress(text[:70_000]) + gzip.compress(text[70_000:])) == text
    assert unpacking.checked_zip(workbook_with(b"0" * 1000)).read(2) == b"PK"
