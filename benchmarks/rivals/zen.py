"""zen-engine, the quickest general rules engine with a Python package: our decision table as its JSON Decision Model.

Its unary tests are those of S-FEEL but for `not(…)`, which it writes as `not in […]`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import zen

from services.routing.rules.cells import Cell
from services.routing.rules.sfeel import write_cell, write_literal
from services.routing.rules.tables import DecisionTable, Rule
from services.routing.rules.values import Value

Facts = dict[str, Any]


def decider(table: DecisionTable) -> Callable[[Facts], Any]:
    """zen-engine's quickest way: a table that the engine itself has loaded. A `create_decision` is compiled at every call.

    The table's hit policy must be F.
    """
    return partial(_engine(table).evaluate, table.name)


def tracer(table: DecisionTable) -> Callable[[Facts], Any]:
    """The same with the trace, which is its explanation."""
    evaluate, name = _engine(table).evaluate, table.name
    return lambda facts: evaluate(name, facts, {"trace": True})


def result_of(answer: Any, table: DecisionTable) -> object:
    """The value of the table's only output in an answer, None without a match."""
    return (answer["result"] or {}).get(table.outputs[0].name)


def _engine(table: DecisionTable) -> zen.ZenEngine:
    return zen.ZenEngine({"loader": {"type": "static", "content": {table.name: _model(table)}}})


def _model(table: DecisionTable) -> dict[str, Any]:
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode"},
        {"id": "table", "name": table.name, "type": "decisionTableNode", "content": _content(table)},
        {"id": "out", "name": "out", "type": "outputNode"},
    ]
    edges = [
        {"id": f"{source}-{target}", "type": "edge", "sourceId": source, "targetId": target}
        for source, target in (("in", "table"), ("table", "out"))
    ]
    return {"nodes": nodes, "edges": edges}


def _content(table: DecisionTable) -> dict[str, Any]:
    clauses = (*table.inputs, *table.outputs)
    fields = [{"id": clause.name, "name": clause.name, "field": clause.name} for clause in clauses]
    inputs, outputs = fields[: len(table.inputs)], fields[len(table.inputs) :]
    return {
        "hitPolicy": "first",
        "inputs": inputs,
        "outputs": outputs,
        "rules": [_rule(table, rule) for rule in table.rules],
    }


def _rule(table: DecisionTable, rule: Rule) -> dict[str, str]:
    asked = {clause.name: _test(cell) for clause, cell in zip(table.inputs, rule.cells, strict=True)}
    put_out = {clause.name: _value(value) for clause, value in zip(table.outputs, rule.outputs, strict=True)}
    return {"_id": rule.name, **asked, **put_out}


def _test(cell: Cell) -> str:
    if not cell.tests:
        return ""
    return f"not in [{write_cell(Cell(cell.tests))}]" if cell.negated else write_cell(cell)


def _value(value: Value | None) -> str:
    return "null" if value is None else write_literal(value)
