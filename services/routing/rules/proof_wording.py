"""What is wrong with a decision table, as sentences for the people who keep it."""

from collections.abc import Mapping
from typing import Literal

from services.routing.rules.findings import Case, Finding, FindingKind
from services.routing.rules.sfeel import write_cell, write_literal
from services.routing.rules.tables import DecisionTable

Language = Literal["ja", "en"]
_EXAMPLE: Mapping[Language, str] = {"ja": "例：", "en": " Example: "}
_STOP: Mapping[Language, str] = {"ja": "。", "en": "."}
_COMMA: Mapping[Language, str] = {"ja": "、", "en": ", "}
_AND: Mapping[Language, str] = {"ja": "、", "en": " and "}
_MISSING: Mapping[Language, str] = {"ja": "記載なし", "en": "missing"}
_OR_MISSING: Mapping[Language, str] = {"ja": "{cell} または記載なし", "en": "{cell} or missing"}
_ALL: Mapping[Language, str] = {"ja": "すべての場合", "en": "all cases"}

_SAID: Mapping[FindingKind, Mapping[Language, str]] = {
    "never-holds": {
        "ja": "表 {table} の規則 {rules} は、どのような場合にも当てはまりません（起こりえない条件：{region}）。",
        "en": "{table}: rule {rules} never holds; what cannot be: {region}.",
    },
    "duplicate": {
        "ja": "表 {table} の規則 {rules} は、条件も結果も同じです。一方を削除してください。",
        "en": "{table}: the rules {rules} ask for the same and put out the same: delete one.",
    },
    "overlap": {
        "ja": "表 {table} の規則 {rules} は、同時に当てはまる場合があります（結果は同じです）。",
        "en": "{table}: the rules {rules} hold together, with the same outputs.",
    },
    "conflict": {
        "ja": "表 {table} の規則 {rules} は、同時に当てはまる場合があり、結果が異なります。",
        "en": "{table}: the rules {rules} hold together, with different outputs.",
    },
    "shadowed": {
        "ja": "表 {table} の規則 {first} は、決して使われません。先に規則 {others} が、その場合のすべてを決めます。",
        "en": "{table}: rule {first} never decides: {others} take all its cases first.",
    },
    "gap": {
        "ja": "表 {table} には、どの規則にも当てはまらない場合があります（{region}）。",
        "en": "{table}: no rule holds for {region}.",
    },
}


def sentence(table: DecisionTable, finding: Finding) -> dict[Language, str]:
    """The finding in Japanese, for staff, and in English; with the case that shows it as S-FEEL literals."""
    return {language: _say(table, finding, language) for language in ("ja", "en")}


def _say(table: DecisionTable, finding: Finding, language: Language) -> str:
    said = _SAID[finding.kind][language].format(
        table=table.name,
        rules=_AND[language].join(finding.rules),
        first="".join(finding.rules[:1]),
        others=_COMMA[language].join(finding.rules[1:]),
        region=_region(finding, language),
    )
    if not finding.witness:
        return said
    return f"{said}{_EXAMPLE[language]}{_case(finding.witness, language)}{_STOP[language]}"


def _region(finding: Finding, language: Language) -> str:
    cells = {name: write_cell(cell) for name, cell in finding.region.items()}
    for name in finding.missing:
        cell = cells.get(name)
        cells[name] = _MISSING[language] if cell is None else _OR_MISSING[language].format(cell=cell)
    return _COMMA[language].join(f"{name}: {cell}" for name, cell in cells.items()) or _ALL[language]


def _case(case: Case, language: Language) -> str:
    values = {name: _MISSING[language] if value is None else write_literal(value) for name, value in case.items()}
    return _COMMA[language].join(f"{name} = {value}" for name, value in values.items())
