"""Test cases of the DMN TCK, run: a decision's tables evaluated over its requirements.

What lies in the language: decisions whose logic is a decision table that `dmn.py` reads, or a literal expression that is a
literal or names an input, a decision or a component of one. A case that needs more is unsupported, with the reason.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Literal, cast
from xml.etree.ElementTree import Element

from services.routing.formats.dmn import Model, read_model, read_table, table_of
from services.routing.formats.names import normal, split_path
from services.routing.formats.tck_cases import Case, Outside, read_cases, read_value
from services.routing.rules.hits import Conflict, outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.sfeel import Unreadable, parse_literal
from services.routing.rules.tables import DecisionTable, InvalidTable

Status = Literal["passed", "failed", "unsupported"]


@dataclass(frozen=True, slots=True)
class Result:
    """How a case went. `about_tables` when its model has a decision table anywhere."""

    model: str
    tests: str
    case: str
    status: Status
    reason: str
    about_tables: bool


def run(folder: Path) -> Iterator[Result]:
    """Run all cases below a folder in the TCK's layout: `*-test-*.xml` beside the model they name. Raises InvalidTable."""
    for path, cases in groupby(read_cases(folder), key=lambda case: case.model):
        about_tables = path.exists() and b"decisionTable" in path.read_bytes()
        model = _open(path) if about_tables else "the model has no decision table"
        for case in cases:
            status, reason = _judge(model, case)
            yield Result(path.name, str(case.tests.relative_to(folder)), case.name, status, reason, about_tables)


def _open(path: Path) -> Model | str:
    """The model, or why there is none."""
    try:
        return read_model(path.read_bytes(), path.name)
    except InvalidTable as error:
        return str(error)


def _judge(model: Model | str, case: Case) -> tuple[Status, str]:
    if isinstance(model, str):
        return "unsupported", model
    try:
        wrong = "; ".join(_wrong(model, case))
    except (Outside, InvalidTable) as error:
        return "unsupported", str(error).splitlines()[0]
    return ("failed", wrong) if wrong else ("passed", "")


def _wrong(model: Model, case: Case) -> Iterator[str]:
    if case.kind == "bkm":
        raise Outside("a business knowledge model, invoked")
    given = {name: read_value(node) for name, node in case.given.items()}
    for name, node in case.expected.items():
        expected, found = read_value(node), decide(model, name, given)
        if not is_equal(expected, found):
            yield f"{name}: expected {expected!r}, found {found!r}"


def decide(model: Model, name: str, given: Mapping[str, object], above: frozenset[str] = frozenset()) -> object:
    """What a decision puts out: null for rules that contradict each other. Raises Outside, InvalidTable."""
    decision = model.decisions.get(name)
    if decision is None or name in above:
        raise Outside(f"{name}: " + ("it is no decision" if decision is None else "it needs itself"))
    above |= {name}
    if table_of(decision) is not None:
        return _decide(model, read_table(model, name), given, above)
    return _express(model, name, decision, given, above)


def _decide(model: Model, table: DecisionTable, given: Mapping[str, object], above: frozenset[str]) -> object:
    facts = {clause.name: _fact(model, clause.name, given, above) for clause in table.inputs}
    try:
        return outcome(table, hits(table, facts)).result
    except Conflict:
        return None


def _fact(model: Model, text: str, given: Mapping[str, object], above: frozenset[str]) -> object:
    value = _look_up(model, text, given, above)
    if isinstance(value, (list, dict)):
        raise Outside(f"{text}: a list or a context as an input")
    return value


def _look_up(model: Model, text: str, given: Mapping[str, object], above: frozenset[str]) -> object:
    """The value of a name or a path. What a case gives goes before a decision's own logic (decision services)."""
    path = split_path(text, model.names | given.keys())
    if path is None:
        raise Outside(f"the expression {text!r}")
    name, components = path
    is_decided = name in model.decisions and name not in given
    value = decide(model, name, given, above) if is_decided else given.get(name)
    for component in components:
        value = cast("dict[str, object]", value).get(component) if isinstance(value, dict) else None
    return value


def _express(model: Model, name: str, decision: Element, given: Mapping[str, object], above: frozenset[str]) -> object:
    text = normal(decision.findtext("{*}literalExpression/{*}text") or "")
    if not text:
        raise Outside(f"{name}: a decision without a decision table and a literal expression")
    try:
        return None if text == "null" else parse_literal(text)
    except Unreadable:
        return _look_up(model, text, given, above)


def is_equal(expected: object, found: object) -> bool:
    """Equality of the TCK: numbers but for rounding, true is no 1, a list in its order, a context by its names."""
    if isinstance(expected, list) and isinstance(found, list):
        pairs = zip(cast("list[object]", expected), cast("list[object]", found), strict=False)
        return len(expected) == len(found) and all(is_equal(one, other) for one, other in pairs)
    if isinstance(expected, dict) and isinstance(found, dict):
        one, other = cast("dict[str, object]", expected), cast("dict[str, object]", found)
        return one.keys() == other.keys() and all(is_equal(value, other[name]) for name, value in one.items())
    if _is_number(expected) and _is_number(found):
        return math.isclose(cast("float", expected), cast("float", found), rel_tol=1e-9, abs_tol=1e-12)
    return type(expected) is type(found) and expected == found


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
