import csv
import io
from pathlib import Path

import pytest

from console.answers import COLUMNS, inert, record


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "=HYPERLINK(…)"])
def test_what_people_have_written_is_no_formula_in_a_sheet(tmp_path: Path, text: str) -> None:
    sheet = record(tmp_path, [text if name == "reason" else "x" for name in COLUMNS])

    assert inert(text) == f"'{text}"
    rows = list(csv.reader(io.StringIO(sheet.read_bytes().decode(), newline=""), delimiter="\t"))
    assert dict(zip(*rows, strict=True))["reason"] == f"'{text}"


def test_all_else_stands_as_it_was_written() -> None:
    assert [inert(text) for text in ("", "道道のため", "1-2", '"=x"')] == ["", "道道のため", "1-2", '"=x"']


def test_a_carriage_return_ends_no_row() -> None:
    assert inert("one\r\ntwo\r=three") == "one\ntwo\n=three"
