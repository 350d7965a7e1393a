"""Files as people have them: what cannot be read is said with what to do, and costs no memory."""

import csv
import resource
from pathlib import Path

import pytest

from channels.bulk import UnreadableFile, load_mapping, write_sample
from channels.bulk import files as bulk_files
from channels.bulk.rows import translator

MAPPING = load_mapping("sample")
HUGE = 300_000_000
"""Characters of one line."""


def read(path: Path) -> list[list[str] | None]:
    """Every row, the header not."""
    with bulk_files.opened(path, MAPPING) as file:
        translator(MAPPING, file.header, "file")
        return list(file.rows)


def lines_of(path: Path) -> list[str]:
    return write_sample(path).read_text("utf-8").splitlines(keepends=True)


def write_with_a_huge_line(path: Path, before: list[str], after: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(before)
        file.write("K9,")
        for _ in range(HUGE // 1_000_000):
            file.write("a" * 1_000_000)
        file.writelines(["\r\n", *after])


def test_a_line_that_never_ends_is_one_row_that_cannot_be_read_and_is_never_in_memory(tmp_path: Path) -> None:
    lines = lines_of(tmp_path / "a.csv")
    whole = read(tmp_path / "a.csv")
    write_with_a_huge_line(tmp_path / "b.csv", lines[:5], lines[5:])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    found = read(tmp_path / "b.csv")

    assert found == [*whole[:4], None, *whole[4:]]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


def test_a_first_row_that_cannot_be_read_is_not_called_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a" * 2_000_000, "utf-8")

    with pytest.raises(UnreadableFile, match=r"the first row of .*a\.csv cannot be read"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("content", ["", "\n\n\r\n", "\ufeff"])
def test_an_empty_file_is_called_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content, "utf-8")

    with pytest.raises(UnreadableFile, match="is empty: expected a header row"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_rows_are_the_same_in_every_encoding_and_with_every_end_of_line(
    tmp_path: Path, encoding: str, ends: str
) -> None:
    lines = lines_of(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_bytes("".join(line.rstrip("\r\n") + ends for line in lines).encode(encoding))

    assert read(tmp_path / "b.csv") == read(tmp_path / "a.csv")


def test_a_quoted_cell_may_hold_lines_and_separators(tmp_path: Path) -> None:
    (header, *_) = lines_of(tmp_path / "a.csv")
    cells = [
        "K1",
        "2026/01/05 08:30",
        "窓口",
        "除雪",
        "阿寒",
        "なし",
        "1",
        "北野 一郎",
        "0154",
        "住所",
        '一行目\r\n二,"行目"\n',
    ]
    with (tmp_path / "b.csv").open("w", encoding="utf-8", newline="") as file:
        file.write(header)
        csv.writer(file).writerow(cells)

    assert read(tmp_path / "b.csv") == [cells]


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_another_separator_is_named(tmp_path: Path, sign: str) -> None:
    text = "".join(lines_of(tmp_path / "a.csv")).replace(",", sign)
    (tmp_path / "b.csv").write_text(text, "utf-8")

    with pytest.raises(UnreadableFile) as raised:
        read(tmp_path / "b.csv")

    assert f"its cells stand apart by {sign!r}, where this mapping says ','" in str(raised.value)


def test_an_archive_or_a_workbook_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"PK\x03\x04 and so on")

    with pytest.raises(UnreadableFile, match="is a ZIP archive or an Excel workbook: unpack it, or save it as CSV"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("change", ["cut short", "written on"])
def test_a_file_that_is_changed_while_it_is_read_is_no_whole_file(tmp_path: Path, change: str) -> None:
    path = write_sample(tmp_path / "a.csv", 3000)

    with bulk_files.opened(path, MAPPING) as file:
        next(file.rows)
        if change == "cut short":
            path.write_bytes(path.read_bytes()[:100_000])
        else:
            path.write_bytes(path.read_bytes() * 2)
        with pytest.raises(UnreadableFile, match=r"was changed while it was read, after row \d+\. Import it again"):
            list(file.rows)
