"""For which procedures the city may collect an Individual Number (個人番号), and by which law, as the city pack says.

Nobody may ask for one but where the Act (行政手続における特定の個人を識別するための番号の利用等に関する法律, 番号利用法) names the work in its
schedule (9条1項, 別表) or an ordinance of the city does (9条2項): 20条 forbids the rest. An empty cell is no basis.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COLUMN = "individual_number_basis"
EXPECTED = (
    "番号利用法 別表81の項, or an ordinance with its article or item such as ○○市…条例 別表第1の3の項, or nothing"
)
_ACT = re.compile(r"番号(利用)?法(第9条第1項)?別表の?[1-9][0-9]{0,2}の項")
_ORDINANCE = re.compile(r".+条例.*(第[1-9][0-9]*条|別表.*[1-9][0-9]*の項).*")
NONE: Mapping[str, str] = {}


class NoSuchBasis(ValueError):
    """What stands in the cell is no legal basis; the message names the line and what is expected."""


@dataclass(frozen=True, slots=True)
class LegalBases:
    """The law by which each procedure may ask for an Individual Number; one that is not here may not."""

    by_procedure: Mapping[str, str]

    def allow(self, procedure: str) -> bool:
        """Whether an Individual Number may be kept of this procedure."""
        return procedure in self.by_procedure


NOWHERE = LegalBases(NONE)
"""A city that collects none."""


def read_legal_bases(city: Path) -> LegalBases:
    """The columns `code` and `individual_number_basis` of the pack's `procedures.csv`. Raises NoSuchBasis for the first bad line."""
    for wrong in faults(city):
        raise NoSuchBasis(wrong)
    return LegalBases({code: basis for _, code, basis in _cells(city) if basis})


def faults(city: Path) -> list[str]:
    """Every cell that holds no legal basis, one sentence each: where, what is expected, what was found."""
    return [
        f"procedures.csv, line {line}, column {COLUMN}: expected {EXPECTED}, found {basis!r}"
        for line, _, basis in _cells(city)
        if basis and not _is_basis(basis)
    ]


def _cells(city: Path) -> Iterator[tuple[int, str, str]]:
    """(line, procedure, what its cell says)."""
    rows = csv.DictReader(io.StringIO((city / "procedures.csv").read_text("utf-8-sig")))
    for row in rows:
        yield rows.line_num, row["code"], (row.get(COLUMN) or "").strip()


def _is_basis(text: str) -> bool:
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    return bool(_ACT.fullmatch(plain) or _ORDINANCE.fullmatch(plain))
