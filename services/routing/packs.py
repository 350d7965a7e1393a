"""A city pack as files, and the rule set that they are. The files are what is kept, hashed, proposed and sent.

    organisation.csv        units with their days (organisations.py)
    procedures.csv          what can be applied for, and how long it may take
    calendars.csv           which days are closed, by area (calendars.py)
    districts.csv, words.csv  what people call what tables call by a code (words.py)
    rules/NAME.csv          a decision table (formats); .xlsx and .dmn too; a department by its code, or by its name in the organisation
    overlays/NAME/          tables in rules/ and, where periods change, a procedures.csv: for a disaster, switched on by two

Tables that open several cases (hit policies C, R, O) are asked before those under which one rule decides, each kind by name.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath

from services.routing.calendars import InvalidCalendars, read_calendars
from services.routing.formats.csv_tables import read_csv
from services.routing.formats.dmn import read_dmn
from services.routing.organisations import read_organisation
from services.routing.procedures import read_clocks, read_needs, read_stages
from services.routing.rules.completeness import PackFinding, prove_pack
from services.routing.rules.organisation import InvalidOrganisation, codes_by_name
from services.routing.rules.rule_sets import Overlay, RoutingTable, RuleSet, make_routing_table, with_codes
from services.routing.rules.tables import SINGLE, DecisionTable, InvalidTable
from services.routing.words import read_labels

Files = Mapping[str, bytes]
"""Contents by path within the pack, `/` between folders."""
SHEETS = frozenset((".csv", ".tsv", ".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers", ".dmn", ".xml"))
"""What programs that edit tables write."""
INVALID = (InvalidTable, InvalidOrganisation, InvalidCalendars)
"""What read_pack raises: what is wrong with a file, and where in it."""


def read_folder(folder: Path) -> Files:
    """The files of a pack that decide. Raises InvalidTable where there is no pack, or a table that nothing would read."""
    if not folder.is_dir():
        raise InvalidTable(f"{folder}: expected the folder of a city pack, found nothing there")
    found = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    for path in found:
        _check_ending(path.relative_to(folder))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.suffix in _READERS}


def _check_ending(path: Path) -> None:
    """Rules that somebody has written must not be passed over in silence because of how the file was saved."""
    if path.parent.name == "rules" and path.suffix.lower() in SHEETS and path.suffix not in _READERS:
        *others, last = _READERS
        raise InvalidTable(f"{path.as_posix()}: expected a table as {', '.join(others)} or {last}, found {path.suffix}")


def hash_of(files: Files) -> str:
    """SHA-256 over paths, lengths and contents, which names the rule set for ever."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path}\0{len(files[path])}\0".encode() + files[path])
    return digest.hexdigest()


def dump(files: Files) -> bytes:
    """Files as JSON, base64 each."""
    return json.dumps({path: base64.b64encode(content).decode() for path, content in files.items()}).encode()


def load(dumped: bytes) -> Files:
    """The files of `dump`."""
    return {path: base64.b64decode(content) for path, content in json.loads(dumped).items()}


def read_pack(files: Files) -> RuleSet:
    """The rule set that these files are. Raises InvalidTable, InvalidOrganisation, InvalidCalendars: what is wrong, and where."""
    clocks = read_clocks(_need(files, "procedures.csv"), "procedures.csv")
    calendars = read_calendars(_need(files, "calendars.csv"), "calendars.csv")
    for path, found in (("procedures.csv", clocks), ("calendars.csv", calendars)):
        if not found:
            raise InvalidTable(f"{path}: expected at least one row below the header, found none")
    organisation = read_organisation(_need(files, "organisation.csv"), "organisation.csv")
    codes = codes_by_name(organisation)
    return RuleSet(
        hash_of(files),
        _routing_tables(files, codes),
        organisation,
        clocks,
        calendars,
        {name: _overlay(files, name, codes) for name in _overlays(files)},
        read_labels(files),
        read_needs(_need(files, "procedures.csv"), "procedures.csv"),
        read_stages(_need(files, "procedures.csv"), "procedures.csv"),
    )


def _overlays(files: Files) -> list[str]:
    folders = (PurePosixPath(path).parts for path in sorted(files))
    return list(dict.fromkeys(parts[1] for parts in folders if parts[0] == "overlays" and len(parts) > 2))


def _overlay(files: Files, name: str, codes: Mapping[str, str]) -> Overlay:
    """An overlay's tables are named after it, so that decisions say that it was on."""
    base = f"overlays/{name}/"
    path, tables = f"{base}procedures.csv", _routing_tables(files, codes, base, f"{name}/")
    content = files.get(path)
    return Overlay(tables, read_clocks(content, path), read_stages(content, path)) if content else Overlay(tables, {})


def _routing_tables(
    files: Files, codes: Mapping[str, str], base: str = "", prefix: str = ""
) -> tuple[RoutingTable, ...]:
    tables = sorted(_tables(files, base), key=lambda found: (found[1].policy in SINGLE, found[1].name))
    if not tables:
        raise InvalidTable(f"{base}rules: expected at least one decision table, found none")
    names = [table.name for _, table in tables]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise InvalidTable(f"{base}rules: expected each table's name once, found {twice} again")
    return tuple(_routing_table(path, replace(table, name=prefix + table.name), codes) for path, table in tables)


def _routing_table(path: str, table: DecisionTable, codes: Mapping[str, str]) -> RoutingTable:
    try:
        return make_routing_table(with_codes(table, codes))
    except InvalidTable as error:
        raise InvalidTable(f"{path}, {error}") from None


def _need(files: Files, path: str) -> bytes:
    if path not in files:
        raise InvalidTable(
            f"{path}: expected this file in the city pack, found {', '.join(sorted(files)) or 'nothing'}"
        )
    return files[path]


def _tables(files: Files, base: str) -> Iterator[tuple[str, DecisionTable]]:
    """Each with the path of its file."""
    for path, content in files.items():
        found = PurePosixPath(path)
        if path.startswith(f"{base}rules/") and found.suffix in _READERS:
            yield from ((path, table) for table in _READERS[found.suffix](content, path, found.stem))


def _read_workbook(content: bytes, path: str, _: str) -> Sequence[DecisionTable]:
    """What reads workbooks takes 20 MB with it, NumPy where that is there: who reads none does not load it."""
    from services.routing.formats.xlsx import read_xlsx

    return [read_xlsx(content, file=path)]


_READERS: Mapping[str, Callable[[bytes, str, str], Sequence[DecisionTable]]] = {
    ".csv": lambda content, path, name: [read_csv(content, file=path, name=name)],
    ".xlsx": _read_workbook,
    ".dmn": lambda content, path, _: read_dmn(content, file=path),
}


@dataclass(frozen=True, slots=True)
class Examined:
    """A candidate that could be read, and what its proof found."""

    hash: str
    tables: tuple[str, ...]
    rows: int
    findings: tuple[PackFinding, ...]

    @property
    def errors(self) -> int:
        """How many findings keep it from coming into force."""
        return sum(finding.is_error for finding in self.findings)


def examine(files: Files, today: date) -> Examined:
    """Read, compile and prove a candidate, which can take seconds. Raises what read_pack raises."""
    rule_set = read_pack(files)
    tables = [one.table for one in rule_set.tables]
    findings = tuple(prove_pack(rule_set, today))
    return Examined(
        rule_set.hash, tuple(table.name for table in tables), sum(len(table.rules) for table in tables), findings
    )
