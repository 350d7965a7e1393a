"""What is wrong with a rule set as a whole: its tables, and whether every procedure, department and day is provided for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from services.routing.rules.cells import ANYTHING, Cell, Equal
from services.routing.rules.covering import Undecided
from services.routing.rules.findings import Case, Finding, FindingKind
from services.routing.rules.lifecycle import Words
from services.routing.rules.ownership import strange_owners
from services.routing.rules.phrasing import LANGUAGES, Language
from services.routing.rules.proof_wording import sentence
from services.routing.rules.proving import first_gap, prove
from services.routing.rules.rule_sets import RoutingTable, RuleSet
from services.routing.rules.tables import DecisionTable, Input, Output, Rule

PROCEDURE = "procedure"
ALWAYS = (PROCEDURE, "channel", "municipality")
"""What every application says."""
_COLUMNS: Mapping[Language, str] = {"ja": "name_ja", "ja-easy": "name_easy", "en": "name_en"}
YEARS_AHEAD = 2
"""How far the city must be provided for (the issue's two years)."""

Code = (
    FindingKind
    | Literal[
        "undecided", "no-reason", "no-such-owner", "no-words", "not-routed", "no-such-department", "calendar-too-short"
    ]
)
ERRORS: frozenset[Code] = frozenset(("overlap", "conflict", "not-routed", "no-such-department", "calendar-too-short"))
"""What a rule set cannot come into force with; the rest a person should look at."""


@dataclass(frozen=True, slots=True)
class PackFinding:
    """One thing that is wrong. `table` is None for what no table is guilty of; `witness` a case that shows it."""

    code: Code
    table: str | None
    words: Words
    witness: Case | None = None

    @property
    def is_error(self) -> bool:
        """Whether it keeps the rule set from coming into force."""
        return self.code in ERRORS


def prove_pack(rule_set: RuleSet, today: date) -> list[PackFinding]:
    """All that is wrong, errors first."""
    found = [
        *(finding for table in _all_tables(rule_set) for finding in _of_table(rule_set, table.table)),
        *(finding for table in _all_tables(rule_set) for finding in _without_reason(table)),
        *_strange_owners(rule_set, today),
        *_without_words(rule_set),
        *_not_routed(rule_set),
        *_missing_departments(rule_set, today),
        *_short_calendars(rule_set, today),
    ]
    return sorted(found, key=lambda finding: not finding.is_error)


def _all_tables(rule_set: RuleSet) -> Iterator[RoutingTable]:
    """Those of overlays too: they are proven before the disaster."""
    yield from rule_set.tables
    for overlay in rule_set.overlays.values():
        yield from overlay.tables


def _of_table(rule_set: RuleSet, table: DecisionTable) -> Iterator[PackFinding]:
    """Gaps are asked for by procedure, below: that a table of life events says nothing of snow is none."""
    proof = prove(table, missing=_may_be_missing(table, list(_needs(rule_set, table))))
    for finding in proof.findings:
        if finding.kind != "gap":
            yield PackFinding(finding.kind, table.name, _words(table, finding), finding.witness)
    for kind in sorted(proof.undecided - {"gap"}):
        words = Words(
            f"表 {table.name} は複雑すぎて {kind} を調べきれませんでした。",
            f"{table.name}: too complex to look for all {kind}.",
        )
        yield PackFinding("undecided", table.name, words)


def _needs(rule_set: RuleSet, table: DecisionTable) -> Iterator[frozenset[str]]:
    """What applications that a row of the table may hold for must carry."""
    at = next((at for at, clause in enumerate(table.inputs) if clause.name == PROCEDURE), None)
    for procedure, needs in rule_set.needs.items():
        if at is None or any(rule.cells[at].holds(procedure) for rule in table.rules):
            yield needs


def _may_be_missing(table: DecisionTable, needs: Sequence[frozenset[str]]) -> list[str]:
    """Inputs whose absence is an answer for some application; where it is none, a person asks before anything is decided."""
    names = (clause.name for clause in table.inputs if clause.name not in ALWAYS)
    return [name for name in names if any(name not in each for each in needs)]


def _without_reason(table: RoutingTable) -> Iterator[PackFinding]:
    """Why a row is there is known to somebody today; it must be written down before that person moves on."""
    rows = [row for row, route in table.routes.items() if not route.reason.strip()]
    if rows:
        words = Words(
            f"表 {table.table.name} の規則 {'、'.join(rows)} には理由が書かれていません。",
            f"{table.table.name}, rules {', '.join(rows)}: nobody has written down why.",
        )
        yield PackFinding("no-reason", table.table.name, words)


def _strange_owners(rule_set: RuleSet, today: date) -> Iterator[PackFinding]:
    for table in _all_tables(rule_set):
        for found in strange_owners(table.table, rule_set.organisation, today):
            yield PackFinding("no-such-owner", table.table.name, found)


def _without_words(rule_set: RuleSet) -> Iterator[PackFinding]:
    """Stages and queues that a person reads of and that have no name in some register."""
    for code in _named(rule_set):
        lacking: list[Language] = [each for each in LANGUAGES if not rule_set.labels.get(code, {}).get(each)]
        if lacking:
            columns = "、".join(_COLUMNS[each] for each in lacking)
            words = Words(
                f"words.csv に {code} の呼び名がありません（{columns}）。段階や待ち行列の名前として、職員が読みます。",
                f"words.csv does not say what people call {code} ({', '.join(_COLUMNS[each] for each in lacking)}): "
                "it is the name of a stage or a queue.",
            )
            yield PackFinding("no-words", None, words)


def _named(rule_set: RuleSet) -> list[str]:
    """The stages of procedures and the queues of tables, overlays' too."""
    staged = [rule_set.stages, *(overlay.stages for overlay in rule_set.overlays.values())]
    stages = [stage.name for each in staged for parts in each.values() for stage in parts]
    queues = [route.queue for table in _all_tables(rule_set) for route in table.routes.values() if route.queue]
    return list(dict.fromkeys([*stages, *queues]))


def _words(table: DecisionTable, finding: Finding) -> Words:
    said = sentence(table, finding)
    return Words(said["ja"], said["en"])


def _not_routed(rule_set: RuleSet) -> Iterator[PackFinding]:
    """Procedures for which some case is decided by no table."""
    whole = _united(rule_set.tables)
    for procedure in rule_set.clocks:
        try:
            needs = [rule_set.needs[procedure]] if procedure in rule_set.needs else []
            gap = first_gap(_only(whole, procedure), missing=_may_be_missing(whole, needs))
        except Undecided:
            words = f"手続き {procedure} がすべて振り分けられるか、表が複雑すぎて調べきれませんでした。"
            yield PackFinding(
                "undecided", None, Words(words, f"{procedure}: too complex to tell whether all of it is routed.")
            )
            continue
        if gap is not None:
            yield PackFinding("not-routed", whole.name, _words(whole, gap), gap.witness)


def _only(table: DecisionTable, procedure: str) -> DecisionTable:
    """The table as it stands before applications of one procedure."""
    inputs = (
        replace(clause, allowed=Cell((Equal(procedure),))) if clause.name == PROCEDURE else clause
        for clause in table.inputs
    )
    return replace(table, inputs=tuple(inputs))


def _united(tables: Sequence[RoutingTable]) -> DecisionTable:
    """All tables as one: what one of them says nothing of another may decide."""
    inputs: dict[str, Input] = {}
    for table in tables:
        for clause in table.table.inputs:
            known = inputs.get(clause.name)
            inputs[clause.name] = clause if known is None or known.allowed == ANYTHING else known
    rules = tuple(
        Rule(rule.name, _cells(table.table, rule, inputs), (None,)) for table in tables for rule in table.table.rules
    )
    name = "、".join(table.table.name for table in tables)
    return DecisionTable(name, "C", tuple(inputs.values()), (Output("department"),), rules)


def _cells(table: DecisionTable, rule: Rule, inputs: Mapping[str, Input]) -> tuple[Cell, ...]:
    own = {clause.name: cell for clause, cell in zip(table.inputs, rule.cells, strict=True)}
    return tuple(own.get(name, ANYTHING) for name in inputs)


def _missing_departments(rule_set: RuleSet, today: date) -> Iterator[PackFinding]:
    """Departments that do not exist on some day from today on: what is routed there then goes to triage."""
    days = _days_of_change(rule_set, today)
    for table in _all_tables(rule_set):
        for code, rows in _rows_by_department(table).items():
            missing = next((day for day in days if not rule_set.organisation.exists(code, day)), None)
            if missing is not None:
                listed = "、".join(rows)
                words = Words(
                    f"表 {table.table.name} の規則 {listed} の担当課 {code} は、{missing} の組織表にありません。",
                    f"{table.table.name}, rules {', '.join(rows)}: the department {code} does not exist on {missing}.",
                )
                yield PackFinding("no-such-department", table.table.name, words)


def _days_of_change(rule_set: RuleSet, today: date) -> list[date]:
    """Today, and every later day until the horizon on which the organisation changes."""
    starts = {unit.valid_from for unit in rule_set.organisation.units} | {
        unit.day_after for unit in rule_set.organisation.units
    }
    return [today, *sorted(day for day in starts if day and today < day <= _horizon(today))]


def _rows_by_department(table: RoutingTable) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row, route in table.routes.items():
        found.setdefault(route.department, []).append(row)
    return found


def _short_calendars(rule_set: RuleSet, today: date) -> Iterator[PackFinding]:
    until = _horizon(today)
    for calendar in rule_set.calendars.values():
        if calendar.first > today or calendar.last < until:
            words = Words(
                f"暦 {calendar.name} は {calendar.first} から {calendar.last} までです。{until} までお定めください。",
                f"The calendar {calendar.name} covers {calendar.first} to {calendar.last}: extend it to {until}.",
            )
            yield PackFinding("calendar-too-short", None, words)


def _horizon(today: date) -> date:
    is_leap_day = (today.month, today.day) == (2, 29)
    return today.replace(year=today.year + YEARS_AHEAD, day=28 if is_leap_day else today.day)
