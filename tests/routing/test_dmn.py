"""Decision tables as DMN XML."""

import tarfile
from datetime import date, timedelta
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given

from services.routing.formats.csv_tables import read_csv, write_csv
from services.routing.formats.dmn import VERSIONS, read_dmn
from services.routing.formats.dmn_writing import NAMESPACE, write_dmn
from services.routing.rules.cells import ANYTHING, Cell, Equal
from services.routing.rules.tables import DecisionTable, Input, InvalidTable, Output, Rule
from services.routing.rules.values import Months
from tests.conftest import shared_data
from tests.routing.test_formats import TABLE, tables

KUSHIRO = "https://madoguchi.example/kushiro"


def written(*some: DecisionTable) -> bytes:
    return write_dmn(some, name="rules", namespace=KUSHIRO)


@given(tables())
def test_a_table_that_went_through_csv_and_dmn_is_the_same_table(table: DecisionTable) -> None:
    (again,) = read_dmn(written(read_csv(write_csv(table), file="a.csv", name="a table")), file="a.dmn")

    assert again == table


def document(decisions: str, *, namespace: str = NAMESPACE, above: str = "") -> bytes:
    return f'<definitions xmlns="{namespace}" name="m" namespace="urn:m">{above}{decisions}</definitions>'.encode()


def decision(clauses: str, rules: str = "", *, name: str = "Due", table: str = 'hitPolicy="FIRST"') -> str:
    return f'<decision name="{name}"><decisionTable {table}>{clauses}{rules}</decisionTable></decision>'


def clause(name: str, type_ref: str = "") -> str:
    return f'<input><inputExpression typeRef="{type_ref}"><text>{name}</text></inputExpression></input>'


def rule(cell: str, *outputs: str, named: str = "", notes: str = "") -> str:
    put = "".join(f"<outputEntry><text>{text}</text></outputEntry>" for text in outputs)
    return f"<rule {named}<inputEntry><text>{cell}</text></inputEntry>{put}{notes}</rule>"


def read(content: bytes) -> DecisionTable:
    (table,) = read_dmn(content, file="m.dmn")
    return table


OUTPUT = '<output name="days" typeRef="number"/>'
PLAIN = decision(clause("age", "number") + OUTPUT, rule("&gt;= 18", "30", named='id="r1">'))


@pytest.mark.parametrize("namespace", VERSIONS)
def test_dmn_is_read_from_1_2_to_1_5(namespace: str) -> None:
    table = read(document(PLAIN, namespace=namespace))

    assert (table.name, table.policy, table.inputs) == ("Due", "F", (Input("age", "number"),))
    assert (table.outputs, table.rules[0].name, table.rules[0].outputs) == ((Output("days", "number"),), "r1", (30,))


@pytest.mark.parametrize(
    "attributes,policy",
    [
        ("", "U"),
        ('hitPolicy="ANY"', "A"),
        ('hitPolicy="RULE ORDER"', "R"),
        ('hitPolicy="COLLECT"', "C"),
        ('hitPolicy="COLLECT" aggregation="SUM"', "C+"),
        ('hitPolicy="COLLECT" aggregation="MIN"', "C&lt;"),
        ('hitPolicy="COLLECT" aggregation="MAX"', "C&gt;"),
        ('hitPolicy="COLLECT" aggregation="COUNT"', "C#"),
    ],
)
def test_a_hit_policy_is_read_with_its_aggregation(attributes: str, policy: str) -> None:
    table = read(document(decision(clause("age") + OUTPUT, table=attributes)))

    assert table.policy == policy.replace("&lt;", "<").replace("&gt;", ">")


def test_defaults_allowed_values_and_priorities_are_read() -> None:
    values = "<inputValues><text>[0..120]</text></inputValues></input>"
    output = '<output><outputValues><text>"a", "b"</text></outputValues><defaultOutputEntry><text>"b"</text></defaultOutputEntry></output>'
    table = read(document(decision(clause("age").replace("</input>", values) + output, table='hitPolicy="PRIORITY"')))

    assert table.inputs[0].allowed.holds(120)
    assert not table.inputs[0].allowed.holds(121)
    assert table.outputs == (Output("Due", "string", ("a", "b"), "b"),)


def test_values_of_an_output_that_have_no_order_are_left_out_where_none_is_needed() -> None:
    output = "<output><outputValues><text>[0..9]</text></outputValues></output>"

    assert read(document(decision(clause("age") + output))).outputs == (Output("Due"),)
    with pytest.raises(InvalidTable, match=r"output 'Due', outputValues: expected a list of values"):
        read(document(decision(clause("age") + output, table='hitPolicy="OUTPUT ORDER"')))


def test_types_are_followed_to_feels_own_and_bring_their_values() -> None:
    types = (
        '<itemDefinition name="tGrade"><typeRef>string</typeRef><allowedValues><text>"A", "B"</text></allowedValues></itemDefinition>'
        '<itemDefinition name="tGrades" isCollection="true"><typeRef>tGrade</typeRef></itemDefinition>'
        '<itemDefinition name="tLoop"><typeRef>tLoop</typeRef></itemDefinition>'
    )
    some = clause("a", "tGrades") + clause("b", "dayTimeDuration") + clause("c", "feel:dateTime") + clause("d", "tLoop")
    table = read(document(decision(some + '<output typeRef="integer"/>'), above=types))

    assert [found.kind for found in table.inputs] == ["string", "days-duration", "date-time", None]
    assert table.inputs[0].allowed == Cell((Equal("A"), Equal("B")))
    assert table.outputs[0].kind == "number"


@pytest.mark.parametrize(
    "first,second,names",
    [
        ('id="r1"><description>Young</description>', 'id="r2"><description> Old\n age </description>', ["Young", "Old age"]),
        ('id="r1"><description>Same</description>', 'id="r2"><description>Same</description>', ["r1", "r2"]),
        ('id="r1"><description>Young</description>', ">", ["1", "2"]),
    ],
)  # fmt: skip
def test_a_rule_is_named_by_its_description_else_its_id_else_its_number(
    first: str, second: str, names: list[str]
) -> None:
    rules = rule("1", "1", named=first) + rule("2", "2", named=second)

    assert [found.name for found in read(document(decision(clause("age") + OUTPUT, rules))).rules] == names


def test_annotations_are_notes_and_no_description_is_lost() -> None:
    annotation = '<annotation name="reason"/><annotation/>'
    notes = "".join(f"<annotationEntry><text>{text}</text></annotationEntry>" for text in ("why", "law", "more"))
    rules = "".join(rule("1", "1", named=f'id="{name}"><description>Same</description>', notes=notes) for name in "ab")
    table = read(document(decision(clause("age") + OUTPUT + annotation, rules)))

    told = {"reason": "why", "annotation 2": "law", "annotation 3": "more", "description": "Same"}
    assert [found.notes for found in table.rules] == [told, told]


def test_an_output_that_is_null_or_nothing_is_none() -> None:
    rules = rule("1", "null", named='id="a">') + rule("2", "", named='id="b">')

    assert [found.outputs for found in read(document(decision(clause("age") + OUTPUT, rules))).rules] == [(None,)] * 2


def test_all_decision_tables_of_a_file_are_read_and_nothing_else() -> None:
    literal = '<decision name="Text"><literalExpression><text>Due + 1</text></literalExpression></decision>'
    more = decision(clause("Due") + OUTPUT, name="Late")

    assert [table.name for table in read_dmn(document(PLAIN + literal + more), file="m.dmn")] == ["Due", "Late"]


@pytest.mark.parametrize(
    "content,said",
    [
        (b"", "m.dmn: expected XML, found: no element found"),
        (b"<definitions", "m.dmn: expected XML, found: unclosed token"),
        (document(PLAIN, namespace="http://www.omg.org/spec/DMN/20151101/dmn.xsd"), "expected DMN 1.2, 1.3, 1.4, 1.5, found <definitions> of the namespace 'http://www.omg.org/spec/DMN/20151101/dmn.xsd'"),
        (b"<html/>", "found <html> of the namespace 'none'"),
        (b'<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + document(PLAIN), "expected XML without a document type and entities"),
        (b'<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>', "expected XML without a document type and entities"),
        (b"<!DOCTYPE definitions>" + document(PLAIN), "expected XML without a document type and entities"),
        (document(""), "m.dmn: expected a decision whose logic is a decisionTable, found none"),
        (document(PLAIN + PLAIN), "expected decisions with a name of their own, found 'Due' twice"),
        (document(decision(clause("age") + OUTPUT, table='hitPolicy="BEST"')), "decision 'Due': expected a hit policy of DMN, found 'BEST "),
        (document(decision(clause("age * 2") + OUTPUT)), "decision 'Due', input 'age * 2': expected the name of an input, found an expression"),
        (document(decision(clause("age now") + OUTPUT)), "input 'age now': expected the name of an input, found an expression"),
        (document(decision(clause("age") + clause("age") + OUTPUT)), "input 'age': expected an input's name that no other has, found 'age' 2 times"),
        (document(decision(OUTPUT)), "decision 'Due': expected an input clause, found none"),
        (document(decision(clause("age") + OUTPUT, rule("1", "1", "2", named=">"))), "decision 'Due', rule 1: expected 1 output entries, found 2"),
        (document(decision(clause("age") + OUTPUT, rule("limit", "1", named=">"))), "decision 'Due', rule 1, input 'age': expected -, a value"),
        (document(decision(clause("age") + OUTPUT, rule("1", "age + 1", named=">"))), "decision 'Due', rule 1, output 'days': expected"),
        (document(decision(clause("age", "date") + OUTPUT, rule("1", "1", named=">"))), "rule 1, input 'age': expected a date, found a number (1)"),
        (document(decision(clause("age") + OUTPUT, table='hitPolicy="PRIORITY"')), "decision 'Due': expected an output whose allowed values are listed"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_says_where_and_what_was_expected(content: bytes, said: str) -> None:
    with pytest.raises(InvalidTable) as raised:
        read_dmn(content, file="m.dmn")

    assert said in str(raised.value)


@pytest.mark.parametrize("name", ["order.price", "Age of applicant", "年齢", "a-b", "a+b"])
def test_an_input_is_a_declared_name_or_a_path_from_one(name: str) -> None:
    declared = "".join(f'<inputData name="{some}"/>' for some in ("order", "Age of applicant", "a-b", "a+b"))

    assert read(document(decision(clause(name) + OUTPUT), above=declared)).inputs == (Input(name),)


LATE = DecisionTable(
    "late",
    "C#",
    (Input("routing", "string"), Input("left", "days-duration"), Input("since", "months-duration")),
    (Output("a", "date"), Output("b", "string")),
    (
        Rule("L1", (ANYTHING, Cell((Equal(timedelta(0)),)), Cell((Equal(Months(1)),))), (date(2026, 4, 1), None)),
        Rule("L2", (ANYTHING, ANYTHING, ANYTHING), (None, "x"), {"reason": "期限のため。"}),
    ),
)


def test_written_dmn_names_what_a_table_needs_and_a_single_output_by_its_label() -> None:
    root = fromstring(written(TABLE, LATE))
    single = DecisionTable("single", "U", (Input("a", "number"),), (Output("b", "date"),), ())

    needed = [[need[0].get("href") for need in found.findall("{*}informationRequirement")] for found in root]
    assert needed[:2] == [["#input_1", "#input_2", "#input_3"], ["#decision_1", "#input_4", "#input_5"]]
    assert [data.get("name") for data in root.findall("{*}inputData")] == ["procedure", "age", "on", "left", "since"]
    assert [output.get("name") for output in root.findall(".//{*}output")] == ["department", "days", "a", "b"]
    (output,) = fromstring(written(single)).findall(".//{*}output")
    assert (output.get("name"), output.get("label"), output.get("typeRef")) == (None, "b", "date")


def test_a_table_that_asks_for_itself_is_not_written() -> None:
    with pytest.raises(InvalidTable, match="district: expected inputs that are not the table itself"):
        written(DecisionTable("district", "U", (Input("district"),), (Output("b"),), ()))


def test_written_dmn_has_the_elements_in_the_schemas_order_and_only_its_attributes() -> None:
    root = fromstring(written(TABLE, LATE))
    schema = dmn_schema("1.3")

    for element in root.iter():
        children, attributes = declared(schema, TYPES[local(element)])
        ranks = [children.index(SUBSTITUTED.get(local(child), local(child))) for child in element]
        assert ranks == sorted(ranks), local(element)
        assert set(element.keys()) <= attributes, local(element)
    identities = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identities) == len(set(identities))


TYPES = {
    "definitions": "tDefinitions",
    "decision": "tDecision",
    "variable": "tInformationItem",
    "informationRequirement": "tInformationRequirement",
    "requiredInput": "tDMNElementReference",
    "requiredDecision": "tDMNElementReference",
    "inputData": "tInputData",
    "decisionTable": "tDecisionTable",
    "input": "tInputClause",
    "inputExpression": "tLiteralExpression",
    "inputValues": "tUnaryTests",
    "output": "tOutputClause",
    "outputValues": "tUnaryTests",
    "defaultOutputEntry": "tLiteralExpression",
    "annotation": "tRuleAnnotationClause",
    "rule": "tDecisionRule",
    "description": "",
    "inputEntry": "tUnaryTests",
    "outputEntry": "tLiteralExpression",
    "annotationEntry": "tRuleAnnotation",
    "text": "",
}
SUBSTITUTED = {"decision": "drgElement", "inputData": "drgElement", "decisionTable": "expression"}


def local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def dmn_schema(version: str) -> Element:
    with tarfile.open(shared_data("conformance/dmn_tck_A.tar.gz")) as archive:
        found = archive.extractfile(f"TestCases/DMN{version.replace('.', '')}.xsd")
        assert found
        return fromstring(found.read())


def declared(schema: Element, name: str) -> tuple[list[str], set[str]]:
    """The child elements in their order, and the attributes, that a type of the schema declares with its bases."""
    found = schema.find(f"{{*}}complexType[@name='{name}']")
    if found is None:
        return [], set()
    extension = found.find("{*}complexContent/{*}extension")
    children, attributes = ([], set[str]()) if extension is None else declared(schema, extension.get("base", ""))
    own = found if extension is None else extension
    names = (child.get("name") or child.get("ref", "") for child in own.findall(".//{*}element"))
    return [*children, *names], attributes | {each.get("name", "") for each in own.findall("{*}attribute")}
