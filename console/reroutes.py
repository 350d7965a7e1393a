"""Histories of re-routes as CSV, read with the place of every fault."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from console.errors import Trouble

if TYPE_CHECKING:
    from services.routing.rules.assigning import Fact
    from services.routing.rules.reroutes import Kept, Reroute
    from services.routing.rules.values import Kind

NEEDED = ("case", "at", "from", "to", "reason")
FACT = "in:"

Line = tuple[str, Mapping[str, str]]
"""Where it is, and its cells by column."""


def read_history(file: Path, kinds: "Mapping[str, Kind | None]") -> "list[Reroute | Kept]":
    """The cases of a history, each once. `kinds` are those of the facts that rules ask for. Raises Trouble."""
    from services.routing.rules.reroutes import Kept, join_moves

    moves: dict[str, list[Reroute]] = {}
    kept: dict[str, Kept] = {}
    for place, line in read_lines(file, NEEDED):
        case, facts = need(place, line, "case"), _facts(place, line, kinds)
        if line["to"]:
            moves.setdefault(case, []).append(_move(place, line, facts))
        else:
            kept[case] = Kept(facts, need(place, line, "from"))
    return [join_moves(moves[case]) if case in moves else kept[case] for case in dict.fromkeys([*moves, *kept])]


def read_lines(file: Path, needed: Sequence[str]) -> Iterator[Line]:
    """The lines of a sheet that has these columns: CSV, or with tabs where the name ends in .tsv. Raises Trouble."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            reader = csv.DictReader(opened, delimiter="\t" if file.suffix == ".tsv" else ",", strict=True)
            missing = [name for name in needed if name not in (reader.fieldnames or ())]
            if missing:
                raise Trouble(f"{file}, line 1: expected the columns {', '.join(needed)}, missing {', '.join(missing)}")
            for line in reader:
                place = f"{file}, line {reader.line_num}"
                if None in line or None in line.values():
                    raise Trouble(f"{place}: expected {len(reader.fieldnames or ())} cells, found another number")
                yield place, {name: cell.strip() for name, cell in line.items()}
    except UnicodeDecodeError:
        raise Trouble(f"{file}: expected UTF-8 (in Excel, save as “CSV UTF-8”)") from None
    except csv.Error as error:
        raise Trouble(f"{file}: expected CSV, found: {error}") from None


def need(place: str, line: Mapping[str, str], column: str) -> str:
    """A cell that says something. Raises Trouble."""
    if not line[column]:
        raise Trouble(f"{place}, column {column}: expected a value, found nothing")
    return line[column]


def _move(place: str, line: Mapping[str, str], facts: "Mapping[str, Fact]") -> "Reroute":
    from services.routing.rules.reroutes import Reroute

    source, reason = need(place, line, "from"), need(place, line, "reason")
    return Reroute(facts, source, line["to"], reason, line.get("row") or None, _moment(place, line["at"]))


def _moment(place: str, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Trouble(
            f"{place}, column at: expected a time such as 2026-04-01T09:00:00+09:00, found {text!r}"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _facts(place: str, line: Mapping[str, str], kinds: "Mapping[str, Kind | None]") -> "dict[str, Fact]":
    cells = {head.removeprefix(FACT): cell for head, cell in line.items() if head.startswith(FACT) and cell}
    return {name: _fact(f"{place}, column {FACT}{name}", kinds.get(name), cell) for name, cell in cells.items()}


def _fact(place: str, kind: "Kind | None", text: str) -> "Fact":
    """As JSON has it; dates stay texts."""
    if kind == "boolean":
        if text.casefold() not in ("true", "false"):
            raise Trouble(f"{place}: expected true or false, found {text!r}")
        return text.casefold() == "true"
    if kind == "number":
        try:
            return int(text) if text.lstrip("-").isdecimal() else float(text)
        except ValueError:
            raise Trouble(f"{place}: expected a number, found {text!r}") from None
    return text
