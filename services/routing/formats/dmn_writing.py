"""Decision tables as DMN 1.3 XML, the version that today's tools all read. `read_dmn` reads them back."""

from collections.abc import Mapping, Sequence
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element, SubElement

from services.routing.formats.dmn import POLICIES, VERSIONS, read_dmn
from services.routing.formats.entries import input_text, output_text
from services.routing.formats.item_definitions import TYPE_REFS
from services.routing.rules.cells import ANYTHING
from services.routing.rules.tables import DecisionTable, HitPolicy, Input, InvalidTable, Output, Rule
from services.routing.rules.values import Kind

NAMESPACE = next(namespace for namespace, version in VERSIONS.items() if version == "1.3")
_SAID: dict[HitPolicy, tuple[str, str]] = {policy: said for said, policy in POLICIES.items()}


def write_dmn(tables: Sequence[DecisionTable], *, name: str, namespace: str) -> bytes:
    """A DMN file of that name and that namespace (a URI of the writer's), a decision a table. Raises InvalidTable."""
    root = Element("definitions", {"xmlns": NAMESPACE, "id": "definitions", "name": name, "namespace": namespace})
    decisions = {table.name: f"decision_{number}" for number, table in enumerate(tables, 1)}
    facts: dict[str, Kind | None] = {
        clause.name: clause.kind for table in tables for clause in table.inputs if clause.name not in decisions
    }
    inputs = {fact: f"input_{number}" for number, fact in enumerate(facts, 1)}
    for table in tables:
        if any(clause.name == table.name for clause in table.inputs):
            raise InvalidTable(f"{table.name}: expected inputs that are not the table itself")
        _write_decision(root, table, decisions[table.name], decisions | inputs)
    for fact, kind in facts.items():
        data = SubElement(root, "inputData", {"id": inputs[fact], "name": fact})
        SubElement(data, "variable", {"name": fact, **_typed(kind)})
    ET.indent(root)
    content: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    read_dmn(content, file=f"{name}, as DMN")
    return content


def _typed(kind: Kind | None) -> dict[str, str]:
    return {"typeRef": TYPE_REFS[kind]} if kind else {}


def _write_decision(root: Element, table: DecisionTable, identity: str, required: Mapping[str, str]) -> None:
    decision = SubElement(root, "decision", {"id": identity, "name": table.name})
    SubElement(decision, "variable", {"name": table.name, **_typed(_result_kind(table))})
    for number, clause in enumerate(table.inputs, 1):
        requirement = SubElement(decision, "informationRequirement", {"id": f"{identity}_requirement_{number}"})
        what = "requiredInput" if required[clause.name].startswith("input") else "requiredDecision"
        SubElement(requirement, what, {"href": f"#{required[clause.name]}"})
    policy, aggregation = _SAID[table.policy]
    said = {"hitPolicy": policy, "aggregation": aggregation} if aggregation else {"hitPolicy": policy}
    _write_table(SubElement(decision, "decisionTable", {"id": f"{identity}_table", **said}), identity, table)


def _result_kind(table: DecisionTable) -> Kind | None:
    """None where the result is a list or has several parts."""
    if table.policy == "C#":
        return "number"
    if table.policy in ("R", "O", "C") or len(table.outputs) != 1:
        return None
    return table.outputs[0].kind


def _write_table(element: Element, identity: str, table: DecisionTable) -> None:
    for number, clause in enumerate(table.inputs, 1):
        _write_input(SubElement(element, "input", {"id": f"{identity}_input_{number}"}), clause)
    for number, clause in enumerate(table.outputs, 1):
        _write_output(element, f"{identity}_output_{number}", clause, is_single=len(table.outputs) == 1)
    notes = list(dict.fromkeys(name for rule in table.rules for name in rule.notes))
    for name in notes:
        SubElement(element, "annotation", {"name": name})
    for number, rule in enumerate(table.rules, 1):
        _write_rule(SubElement(element, "rule", {"id": f"{identity}_rule_{number}"}), rule, notes)


def _write_input(element: Element, clause: Input) -> None:
    _write_text(element, "inputExpression", clause.name, _typed(clause.kind))
    if clause.allowed != ANYTHING:
        _write_text(element, "inputValues", input_text(clause.allowed), {})


def _write_output(table: Element, identity: str, clause: Output, *, is_single: bool) -> None:
    """The name of a single output is its label: DMN forbids it a name (1.3, 8.3.3), and some tools refuse it."""
    named = "label" if is_single else "name"
    element = SubElement(table, "output", {"id": identity, named: clause.name, **_typed(clause.kind)})
    if clause.priorities:
        _write_text(element, "outputValues", ", ".join(map(output_text, clause.priorities)), {})
    if clause.default is not None:
        _write_text(element, "defaultOutputEntry", output_text(clause.default), {})


def _write_rule(element: Element, rule: Rule, notes: Sequence[str]) -> None:
    SubElement(element, "description").text = rule.name
    for cell in rule.cells:
        _write_text(element, "inputEntry", input_text(cell), {})
    for value in rule.outputs:
        _write_text(element, "outputEntry", "null" if value is None else output_text(value), {})
    for name in notes:
        _write_text(element, "annotationEntry", rule.notes.get(name, ""), {})


def _write_text(parent: Element, tag: str, text: str, attributes: dict[str, str]) -> None:
    SubElement(SubElement(parent, tag, attributes), "text").text = text
