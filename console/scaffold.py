"""A new city's pack out of its request history: what can be read from it, every line marked as unverified."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from channels.bulk.histories import Past
    from services.routing.rules.tables import DecisionTable

UNVERIFIED = "unverified: from the history"
LEAST_CLOSED = 20
"""Requests of a procedure that must have been closed before a period is proposed."""
README = """# A city as data

Made by `madoguchi city init` from a history of {rows:,} requests. Every line is marked as unverified: it says what was done, not what is right.

What a person must still decide:

* `rules/responsibility.csv`: each row's `reason`, `source` and `owner`; rows with low `confidence`.
* `organisation.csv`: real names, what belongs to what, the days on which units exist, who takes over.
* `procedures.csv`: names people understand, and periods by law or ordinance; those here are how long nine of ten requests took.
* `calendars.csv`: the year's end and local closed days.

`madoguchi city check .` says what is missing; `madoguchi rules backtest` how far the rules agree with the history.
"""


def code_of(name: str, taken: Iterable[str]) -> str:
    """A code for a recorded name: its letters and digits; a number where it has none of ours, or another has the code."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    code = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48] or "unit"
    others = set(taken)
    return (
        code if code not in others else next(c for n in range(2, len(others) + 3) if (c := f"{code}-{n}") not in others)
    )


def codes_of(names: Iterable[str]) -> dict[str, str]:
    """A code for every name, in the order of the names."""
    found: dict[str, str] = {}
    for name in sorted(set(names)):
        found[name] = code_of(name, found.values())
    return found


def coded(table: "DecisionTable", codes: Mapping[str, str]) -> "DecisionTable":
    """The table with codes for the recorded departments, every row marked and with an owner for a person to fill."""
    at = next(at for at, clause in enumerate(table.outputs) if clause.name == "department")
    rules = (
        replace(
            rule,
            outputs=tuple(codes[str(value)] if each == at else value for each, value in enumerate(rule.outputs)),
            notes={**rule.notes, "source": UNVERIFIED, "owner": ""},
        )
        for rule in table.rules
    )
    return replace(table, rules=tuple(rules))


def periods_of(cases: Sequence["Past"]) -> dict[str, int | None]:
    """By procedure the days within which nine of ten requests were closed; None where too few were."""
    days: dict[str, list[int]] = {}
    for past in cases:
        found = days.setdefault(str(dict(past.facts).get("procedure", "")), [])
        if past.opened and past.closed and past.closed >= past.opened:
            found.append((past.closed - past.opened).days)
    return {
        name: max(1, sorted(found)[len(found) * 9 // 10]) if len(found) >= LEAST_CLOSED else None
        for name, found in sorted(days.items())
        if name
    }


def write_pack(folder: Path, table: "DecisionTable", cases: Sequence["Past"], today: date) -> None:
    """Write the files of a pack into an empty folder."""
    from services.routing.formats.csv_tables import write_csv

    codes = codes_of(past.department for past in cases if past.department)
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    (folder / "rules" / "responsibility.csv").write_bytes(write_csv(coded(table, codes)))
    _write(
        folder / "organisation.csv",
        ("code", "name_ja", "source"),
        [(code, name, UNVERIFIED) for name, code in codes.items()],
    )
    _write(
        folder / "procedures.csv",
        ("code", "name_ja", "period_days", "period_kind", "source"),
        [(name, name, days or "", "days", UNVERIFIED) for name, days in periods_of(cases).items()],
    )
    _write(folder / "calendars.csv", ("calendar", "kind", "first", "last", "name", "source"), _calendar(today))
    (folder / "README.md").write_text(README.format(rows=len(cases)), encoding="utf-8")


def _calendar(today: date) -> list[tuple[str, ...]]:
    first, last = date(today.year - 1, 1, 1), date(today.year + 3, 12, 31)
    return [
        ("office", "covers", str(first), str(last), "", UNVERIFIED),
        ("office", "national", "JP", "", "", "unverified: 国民の祝日に関する法律"),
        ("office", "weekly", "SA", "", "土曜日", "unverified: 地方自治法4条の2第2項1号"),
        ("office", "weekly", "SU", "", "日曜日", "unverified: 地方自治法4条の2第2項1号"),
        ("office", "yearly", "--12-29", "--01-03", "年末年始の休日", "unverified: 市の休日条例を確かめること"),
    ]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    path.write_text(text.getvalue(), encoding="utf-8")
