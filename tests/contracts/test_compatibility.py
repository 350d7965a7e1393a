"""No break said, nothing refused: what one contract writes, the other reads. And every kind of break is named."""

import copy
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contracts.compatibility import breaks, breaks_for_vendors, refusals

Schema = dict[str, Any]
SMALL = st.integers(0, 4)
SCALARS = st.one_of(
    st.text("ab", max_size=5), st.integers(-1, 6), st.sampled_from([0.5, 2.0]), st.booleans(), st.none()
)


def limited(kind: str, least: str, most: str) -> st.SearchStrategy[Schema]:
    return st.fixed_dictionaries({"type": st.just(kind)}, optional={least: SMALL, most: SMALL})


def with_one(keyword: str, values: st.SearchStrategy[Any], **beside: Any) -> st.SearchStrategy[Schema]:
    return st.fixed_dictionaries({keyword: values} | {name: st.just(value) for name, value in beside.items()})


LEAVES = st.one_of(
    limited("string", "minLength", "maxLength"),
    limited("integer", "minimum", "maximum"),
    limited("number", "minimum", "exclusiveMaximum"),
    st.sampled_from([{"type": "string", "pattern": "^a"}, {"type": "boolean"}, {"type": "null"}, {}]),
    with_one("enum", st.lists(SCALARS, min_size=1, max_size=3)),
    with_one("const", SCALARS),
)


def objects(children: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    """Closed ones: a field that an open contract does not name is nobody's, and may hold anything."""
    return st.fixed_dictionaries(
        {
            "type": st.just("object"),
            "properties": st.dictionaries(st.sampled_from("xyz"), children, max_size=3),
            "required": st.sets(st.sampled_from("xyz"), max_size=2).map(sorted),
            "additionalProperties": st.just(False),  # noqa: FBT003
        }
    )


def composed(children: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        objects(children),
        with_one("items", children, type="array", maxItems=3),
        with_one("additionalProperties", children, type="object"),
        with_one("anyOf", st.lists(children, min_size=2, max_size=3)),
    )


SCHEMAS = st.recursive(LEAVES, composed, max_leaves=5)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.sampled_from("xyz"), children, max_size=3),
    max_leaves=6,
)
SOME_DOCUMENTS = st.lists(DOCUMENTS, min_size=5, max_size=20)


def valid(schema: Schema, document: Any) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(document)


@pytest.mark.parametrize("pairs", [150, pytest.param(5000, marks=pytest.mark.long)])
def test_what_no_reader_is_said_to_refuse_every_reader_accepts(pairs: int) -> None:
    # A busy machine generates slowly, which is no fault of the contracts: no clock decides here.
    @settings(
        max_examples=pairs, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
    )
    @given(SCHEMAS, SCHEMAS, st.data())
    def accepts(reader: Schema, writer: Schema, data: st.DataObject) -> None:
        assume(not refusals(reader, writer))
        documents = data.draw(SOME_DOCUMENTS)  # behind the assumption, which two of three pairs do not meet

        assert [document for document in documents if valid(writer, document) and not valid(reader, document)] == []

    accepts()


CLOSED: Schema = {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize(
    "reader,writer",
    [
        ({"enum": [1]}, {"enum": [True]}),
        ({"type": "string", "pattern": "^b"}, {"enum": ["a"]}),
        (CLOSED, CLOSED | {"properties": {"x": {"type": "string"}}}),
        ({"type": "array", "items": {"type": "integer"}}, {"type": "array"}),
        ({"type": "object", "patternProperties": {"^x": {"type": "string"}}}, {"type": "object"}),
        ({"type": "object", "propertyNames": {"maxLength": 3}}, {"type": "object"}),
        ({"type": "array", "uniqueItems": True}, {"type": "array"}),
        ({"type": "string"}, {}),
    ],
)
def test_a_reader_with_a_rule_that_the_writer_does_not_keep_refuses(reader: Schema, writer: Schema) -> None:
    assert refusals(reader, writer)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(SCHEMAS)
def test_a_contract_reads_itself(schema: Schema) -> None:
    assert breaks(schema, copy.deepcopy(schema)) == []


OLD: Schema = {
    "type": "object",
    "properties": {
        "code": {"type": "string", "maxLength": 8, "pattern": "^[a-z]+$"},
        "kind": {"enum": ["a", "b"]},
        "count": {"type": "integer", "minimum": 0},
        "day": {"type": "string", "format": "date"},
        "language": {"type": "string", "default": "ja"},
        "person": {"$ref": "#/$defs/Person"},
        "papers": {"type": "array", "items": {"$ref": "#/$defs/Paper"}, "maxItems": 5},
    },
    "required": ["code"],
    "$defs": {
        "Person": {"type": "object", "properties": {"name": {"type": "string", "x-personal": True}}},
        "Paper": {"type": "object", "properties": {"size": {"type": "integer", "maximum": 9}}},
    },
}


def changed(path: str, value: object) -> Schema:
    """OLD with `value` at a path such as `properties/code/maxLength`; None takes the entry out."""
    schema = copy.deepcopy(OLD)
    *steps, last = path.split("/")
    node = schema
    for step in steps:
        node = node[step]
    if value is None:
        del node[last]
    else:
        node[last] = value
    return schema


@pytest.mark.parametrize(
    "path,value,place",
    [
        ("properties/day", None, "day: removed"),
        ("$defs/Person/properties/name", None, "person.name: removed"),
        ("required", ["code", "kind"], "kind: required, and not always written"),
        ("required", [], "code: required, and not always written"),
        ("properties/code/maxLength", 4, "code: maxLength is 4, was 8"),
        ("properties/code/pattern", "^[a-c]+$", "code: pattern"),
        ("properties/kind/enum", ["a"], "kind: refuses 'b'"),
        ("properties/kind/enum", ["a", "b", "c"], "kind: refuses 'c'"),
        ("properties/count/minimum", 1, "count: minimum is 1, was 0"),
        ("properties/count/type", "string", "count: reads string, not integer"),
        ("properties/day/format", "date-time", "day: format"),
        ("properties/language/default", "en", "language: the default changed"),
        ("properties/papers/maxItems", 3, "papers: maxItems is 3, was 5"),
        ("$defs/Paper/properties/size/maximum", 5, "papers[].size: maximum is 5, was 9"),
        ("additionalProperties", False, "*: unknown fields are refused"),
        ("$defs/Person/properties/name/x-personal", None, "person.name: no longer marked personal"),
        ("$defs/Person/properties", {"nom": {"type": "string", "x-personal": True}}, "person.name: removed"),
    ],
)
def test_every_kind_of_break_is_named_with_its_place(path: str, value: object, place: str) -> None:
    assert [why for why in breaks(OLD, changed(path, value)) if place in why]


@pytest.mark.parametrize(
    "path,value",
    [
        ("properties/colour", {"type": "string"}),
        ("properties/code/description", "in other words"),
        ("properties/kind/x-personal", True),
        ("$defs/Person/properties/kana", {"type": "string"}),
    ],
)
def test_growth_and_other_words_break_nobody(path: str, value: object) -> None:
    assert breaks(OLD, changed(path, value)) == []


@pytest.mark.parametrize(
    "path,value",
    [("properties/kind/enum", ["a", "b", "c"]), ("properties/code/maxLength", 16), ("required", [])],
)
def test_what_only_we_read_may_be_wider(path: str, value: object) -> None:
    assert breaks(OLD, changed(path, value))
    assert breaks_for_vendors(OLD, changed(path, value)) == []


def test_a_schema_inside_itself_is_walked_once() -> None:
    tree: Schema = {
        "$ref": "#/$defs/Node",
        "$defs": {
            "Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "size": {"type": "integer"}}}
        },
    }
    other = copy.deepcopy(tree)
    other["$defs"]["Node"]["properties"]["size"]["type"] = "string"

    assert breaks(tree, copy.deepcopy(tree)) == []
    assert breaks(tree, other)
