"""Organisations as files: a pack's `organisation.csv`, and suggested successors for a person to confirm.

`organisation.csv` has a version of a unit a row: `code`, `name_ja`, `name_easy`, `name_en`, `kind`, `parent`, `valid_from`,
`valid_until` (its last day), `successors` (codes, spaces between them), `phone`, `source`. Only the first two must be there.

Suggestions have a unit that ended and one that may have taken over a row, and an empty column `confirmed`, where a person writes
`yes` (はい) or `no` (いいえ). A person may add rows; a unit without any suggestion stands there with an empty `successor`.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from io import SEEK_END, StringIO

from services.routing.rules.consistency import organise
from services.routing.rules.organisation import Language, Organisation, Unit
from services.routing.rules.snapshots import Snapshot, combine
from services.routing.rules.succession import Confirmation, Suggestion, confirm, suggest, unsettled
from services.routing.sheets import Line, read_lines

LANGUAGES: tuple[Language, ...] = ("ja", "easy", "en")
COLUMNS = (
    *("code", "name_ja", "name_easy", "name_en", "kind", "parent"),
    *("valid_from", "valid_until", "successors", "phone", "source"),
)
SUGGESTED = (
    *("code", "name_ja", "last_day", "successor", "successor_name_ja"),
    *("score", "reason_ja", "reason_en", "confirmed"),
)
CONFIRMED = {"yes": True, "はい": True, "no": False, "いいえ": False, "": False}
BYTE_ORDER_MARK = "\ufeff"
DAY = "a day such as 2026-04-01"


def read_organisation(content: bytes, file: str) -> Organisation:
    """The organisation that a pack's `organisation.csv` holds, checked. Raises InvalidOrganisation."""
    lines = read_lines(content, file, needed=COLUMNS[:2], optional=COLUMNS[2:])
    return organise([_unit(line) for line in lines], lambda at, column: lines[at].place(column))


def unite(snapshots: Iterable[Snapshot], confirmations: Iterable[Confirmation] = ()) -> Organisation:
    """Snapshots as one dated organisation, with the successors that a person has confirmed. Raises InvalidOrganisation."""
    units = confirm(combine(snapshots), confirmations)
    return organise(units, lambda at, column: f"{units[at].code}, {column} ({units[at].source})")


def _unit(line: Line) -> Unit:
    names: dict[Language, str] = {"ja": line.need("name_ja")}
    names |= {language: name for language in LANGUAGES if (name := line.get(f"name_{language}"))}
    return Unit(
        code=line.need("code"),
        names=names,
        parent=line.get("parent") or None,
        valid_from=line.read("valid_from", _day, f"{DAY}, or nothing"),
        valid_until=line.read("valid_until", _day, f"{DAY}, or nothing"),
        successors=tuple(line.get("successors").split()),
        kind=line.get("kind"),
        phone=line.get("phone"),
        source=line.get("source"),
    )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def write_organisation(units: Iterable[Unit]) -> str:
    """Units as `organisation.csv`; `read_organisation` reads the same ones."""
    return _written(COLUMNS, map(_row, units))


def _row(unit: Unit) -> Sequence[object]:
    return (
        unit.code,
        *(unit.names.get(language) for language in LANGUAGES),
        unit.kind,
        unit.parent,
        unit.valid_from,
        unit.valid_until,
        " ".join(unit.successors),
        unit.phone,
        unit.source,
    )


def write_suggestions(organisation: Organisation) -> str:
    """A file in which a person confirms who took over from the units that ended and name nobody."""
    return _written(SUGGESTED, (row for unit in unsettled(organisation) for row in _suggested(organisation, unit)))


def _suggested(organisation: Organisation, ended: Unit) -> Iterator[Sequence[object]]:
    found = suggest(organisation, ended)
    yield from map(_suggestion_row, found)
    if not found:
        nothing = "似た名称の組織が見つかりません", "no unit with a similar name was found"
        yield ended.code, ended.name, ended.valid_until, None, None, None, *nothing, None


def _suggestion_row(found: Suggestion) -> Sequence[object]:
    ended, successor = found.ended, found.successor
    reasons = found.reason_ja, found.reason_en
    return ended.code, ended.name, ended.valid_until, successor.code, successor.name, found.score, *reasons, None


def read_confirmations(content: bytes, file: str) -> tuple[Confirmation, ...]:
    """What a person has confirmed in a file of suggestions; all else is passed over. Raises InvalidOrganisation."""
    lines = read_lines(content, file, needed=("code", "last_day", "successor", "confirmed"), optional=SUGGESTED)
    return tuple(_confirmation(line) for line in lines if line.read("confirmed", _is_confirmed, "yes, no or nothing"))


def _is_confirmed(text: str) -> bool:
    return CONFIRMED[text.casefold()]


def _confirmation(line: Line) -> Confirmation:
    last_day = line.read("last_day", date.fromisoformat, DAY)
    return Confirmation(line.need("code"), last_day, line.need("successor"), line.place("successor"))


def _written(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV, with the mark without which Excel takes UTF-8 for Shift_JIS; None is an empty cell."""
    content = StringIO(BYTE_ORDER_MARK, newline="")
    content.seek(0, SEEK_END)
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return content.getvalue()
