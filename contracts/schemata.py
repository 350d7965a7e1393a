"""Walking a JSON Schema as the documents it describes.

Source: JSON Schema draft 2020-12; only `$ref` into `$defs` of the same schema is followed.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]


def resolved(node: Schema, root: Schema) -> Schema:
    """The node itself, with what its `$ref` points at. What stands beside a `$ref` wins."""
    while "$ref" in node:
        beside = {name: value for name, value in node.items() if name != "$ref"}
        node = _target(node["$ref"], root) | beside
    return node


def alternatives(node: Schema) -> list[Schema]:
    """The branches of `anyOf` or `oneOf`; the node alone where it has none."""
    return node.get("anyOf") or node.get("oneOf") or [node]


def places(root: Schema) -> Iterator[tuple[str, Schema]]:
    """Every place in a document with the schema that holds there: `""`, `data`, `data.facts.*`, `data.attachments[]`.

    A place with alternatives comes once for itself and once for each of them. A schema inside itself is not entered again.
    """
    yield from _places(root, root, "", ())


def _places(node: Schema, root: Schema, path: str, inside: tuple[str, ...]) -> Iterator[tuple[str, Schema]]:
    if (reference := node.get("$ref")) in inside:
        return
    inside = (*inside, reference) if reference else inside
    node = resolved(node, root)
    yield path, node
    for step, child in _children(node):
        yield from _places(child, root, f"{path}{step}".lstrip("."), inside)


def _children(node: Schema) -> Iterator[tuple[str, Schema]]:
    for name, child in node.get("properties", {}).items():
        yield f".{name}", child
    for child in node.get("patternProperties", {}).values():
        yield ".*", child
    if isinstance(further := node.get("additionalProperties"), dict):
        yield ".*", further
    if isinstance(items := node.get("items"), dict):
        yield "[]", items
    for branch in (*node.get("anyOf", ()), *node.get("oneOf", ()), *node.get("allOf", ())):
        yield "", branch


def _target(reference: str, root: Schema) -> Schema:
    node = root
    for step in reference.removeprefix("#/").split("/"):
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node
