"""How long the records of a procedure are kept: the retention class (保存期間) of each, as the city pack says."""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_CLASS = re.compile(r"(?P<years>[1-9][0-9]?)(-years|y)|permanent")


@dataclass(frozen=True, slots=True)
class Retention:
    """The class of every procedure, as keys are named after it (`5y`): `usual` where the pack names none."""

    usual: str
    by_procedure: Mapping[str, str]

    def of(self, procedure: str) -> str:
        """The class of a procedure."""
        return self.by_procedure.get(procedure, self.usual)

    def classes(self) -> frozenset[str]:
        """Every class there is."""
        return frozenset({self.usual, *self.by_procedure.values()})


def read_retention(city: Path, usual: str) -> Retention:
    """The columns `code` and `retention_class` of the pack's `procedures.csv`. Raises ValueError naming the line."""
    rows = csv.DictReader(io.StringIO((city / "procedures.csv").read_text("utf-8-sig")))
    found = {row["code"]: _class(row.get("retention_class") or usual, rows.line_num) for row in rows}
    return Retention(_class(usual, 0), found)


def _class(text: str, line: int) -> str:
    found = _CLASS.fullmatch(text)
    if found is None:
        raise ValueError(f"procedures.csv, line {line}: expected 5-years, 30-years or permanent, found {text!r}")
    return f"{found['years']}y" if found["years"] else text
