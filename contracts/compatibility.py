"""What breaks between two versions of a frozen schema.

Two questions, because both occur: events stay in a journal and on a topic for weeks (the new contract reads the old), and a
department's own system is not upgraded on our day (the old contract reads the new). Where only vendors write, the second
does not arise. What cannot be proven readable is called broken.
"""

import re
from collections.abc import Iterator
from typing import Any

from .personal import personal_paths
from .schemata import Schema, alternatives, places, resolved

_AT_LEAST = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
_AT_MOST = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
_MARKS = {"x-personal", "x-individual-number"}
_SAYS_NOTHING = {"title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly", *_MARKS}
_COMPARED = {
    *_AT_LEAST,
    *_AT_MOST,
    *("type", "enum", "const", "required", "properties", "patternProperties", "additionalProperties", "propertyNames"),
    *("items", "anyOf", "oneOf", "$ref", "$defs", "$id"),
}
_PYTHON = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "object": dict, "array": list}


def breaks(old: Schema, new: Schema) -> list[str]:
    """Every reason why `new` may not replace `old` for an event that we publish; empty when it may."""
    return breaks_for_vendors(old, new) + [f"a reader of the old contract: {why}" for why in refusals(old, new)]


def breaks_for_vendors(old: Schema, new: Schema) -> list[str]:
    """The same for an event that others publish and only we read: a wider contract is no break."""
    return [
        *(f"{path}: removed" for path in _removed(old, new)),
        *(f"{path}: no longer marked personal" for path in sorted(personal_paths(old) - personal_paths(new))),
        *(f"{path}: the default changed" for path in _redefined(old, new)),
        *(f"a reader of the new contract: {why}" for why in refusals(new, old)),
    ]


def refusals(reader: Schema, writer: Schema) -> list[str]:
    """What may be written under `writer` and is refused under `reader`, one sentence each, with its place."""
    return list(dict.fromkeys(_Reading(reader, writer).refused(reader, writer, "", ())))


def _removed(old: Schema, new: Schema) -> list[str]:
    left = {path for path, _ in places(new)}
    gone = sorted({path for path, _ in places(old)} - left)
    return [path for path in gone if not any(path.startswith((f"{other}.", f"{other}[")) for other in gone)]


def _redefined(old: Schema, new: Schema) -> list[str]:
    before, after = _defaults(old), _defaults(new)
    return sorted(path for path in before.keys() & after.keys() if before[path] != after[path])


def _defaults(schema: Schema) -> dict[str, Any]:
    """Scalars only: the default of an object grows with its fields, which are looked at by themselves."""
    return {
        path: node["default"]
        for path, node in places(schema)
        if "default" in node and not isinstance(node["default"], dict | list)
    }


class _Reading:
    """One schema reading what another writes: the two roots, and the walk over both."""

    def __init__(self, reader: Schema, writer: Schema) -> None:
        self.reader, self.writer = reader, writer

    def refused(self, reader: Schema, writer: Schema, path: str, inside: tuple[object, ...]) -> Iterator[str]:
        """Both nodes stand at `path`; `inside` are the pairs of definitions we are in, so that a recursion ends."""
        pair = (reader.get("$ref"), writer.get("$ref"))
        if any(pair) and pair in inside:
            return
        inside = (*inside, pair)
        reader, writer = resolved(reader, self.reader), resolved(writer, self.writer)
        written = alternatives(writer)
        if written != [writer]:
            for branch in written:
                yield from self.refused(reader, branch, path, inside)
        elif alternatives(reader) != [reader]:
            yield from self._by_none(reader, writer, path, inside)
        else:
            yield from self._by_one(reader, writer, path, inside)

    def _by_none(self, reader: Schema, writer: Schema, path: str, inside: tuple[object, ...]) -> Iterator[str]:
        """No alternative reads it: what the one of the same type says, for it is the one that was meant."""
        said = [(branch, list(self.refused(branch, writer, path, inside))) for branch in alternatives(reader)]
        if all(refused for _, refused in said):
            kind = writer.get("type")
            meant = next(
                (refused for branch, refused in said if resolved(branch, self.reader).get("type") == kind), None
            )
            yield from meant or [f"{path}: refuses {kind or 'any value'}"]

    def _by_one(self, reader: Schema, writer: Schema, path: str, inside: tuple[object, ...]) -> Iterator[str]:
        at = path or "the event"
        if (values := _values(writer)) is not None:
            yield from (f"{at}: refuses {value!r}" for value in values if not _reads(reader, value))
            return
        if _values(reader) is not None:
            yield f"{at}: reads only {_values(reader)!r}"
        elif not _types(writer) <= _types(reader):
            yield f"{at}: reads {reader.get('type')}, not {writer.get('type', 'anything')}"
        else:
            yield from (f"{at}: {why}" for why in (*_limits(reader, writer), *_others(reader, writer)))
            yield from self._object(reader, writer, path, inside)
            yield from self._array(reader, writer, path, inside)

    def _object(self, reader: Schema, writer: Schema, path: str, inside: tuple[object, ...]) -> Iterator[str]:
        for name in sorted({*reader.get("required", ())} - {*writer.get("required", ())}):
            yield f"{_join(path, name)}: required, and not always written"
        for name, child in writer.get("properties", {}).items():
            yield from self._named(reader, name, child, _join(path, name), inside)
        yield from self._names(reader, writer, path, inside)
        if "propertyNames" in reader:
            names = {"type": "string"}
            written = names | writer.get("propertyNames", {})
            yield from self.refused(names | reader["propertyNames"], written, _join(path, "*"), inside)

    def _named(self, reader: Schema, name: str, child: Schema, path: str, inside: tuple[object, ...]) -> Iterator[str]:
        known = reader.get("properties", {})
        fitting = [node for pattern, node in reader.get("patternProperties", {}).items() if re.search(pattern, name)]
        readers = [known[name]] if name in known else fitting or [reader.get("additionalProperties", True)]
        for node in readers:
            if node is False:
                yield f"{path}: refused as unknown"
            elif isinstance(node, dict):
                yield from self.refused(node, child, path, inside)

    def _names(self, reader: Schema, writer: Schema, path: str, inside: tuple[object, ...]) -> Iterator[str]:
        """Fields whose names the writer leaves open."""
        at = _join(path, "*")
        for pattern, node in reader.get("patternProperties", {}).items():
            written = writer.get("patternProperties", {}).get(pattern)
            if written is None:
                yield f"{at}: names like {pattern} have rules that they had not"
            else:
                yield from self.refused(node, written, at, inside)
        further, written = reader.get("additionalProperties", True), writer.get("additionalProperties", True)
        if written is False or further is True:
            return
        if further is False:
            yield f"{at}: unknown fields are refused"
        else:
            yield from self.refused(further, written if isinstance(written, dict) else {}, at, inside)

    def _array(self, reader: Schema, writer: Schema, path: str, inside: tuple[object, ...]) -> Iterator[str]:
        if "items" in reader:
            yield from self.refused(reader["items"], writer.get("items", {}), f"{path}[]", inside)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _values(node: Schema) -> list[Any] | None:
    return [node["const"]] if "const" in node else node.get("enum")


def _types(node: Schema) -> set[str]:
    """The types a node allows, a number being an integer too; without `type`, all of them."""
    named = node.get("type", [*_PYTHON, "null"])
    types = {named} if isinstance(named, str) else {*named}
    return types | {"integer"} if "number" in types else types


def _limits(reader: Schema, writer: Schema) -> Iterator[str]:
    for limits, tighter in ((_AT_LEAST, float.__gt__), (_AT_MOST, float.__lt__)):
        for limit in limits:
            if limit in reader and (limit not in writer or tighter(float(reader[limit]), float(writer[limit]))):
                yield f"{limit} is {reader[limit]}, was {writer.get(limit, 'free')}"


def _others(reader: Schema, writer: Schema) -> Iterator[str]:
    """Patterns, formats and every keyword this module does not know: equal, or not provably readable."""
    for keyword in sorted(reader.keys() - _SAYS_NOTHING - _COMPARED):
        if reader[keyword] != writer.get(keyword):
            yield f"{keyword} is {reader[keyword]!r}, was {writer.get(keyword, 'free')!r}"


def _reads(reader: Schema, value: Any) -> bool:
    """Whether one written value is read; used for enums, so scalars are enough."""
    if (values := _values(reader)) is not None:
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in values)
    written = _as_schema(value)
    return _types(written) <= _types(reader) and not [*_limits(reader, written), *_unfit(reader, value)]


def _as_schema(value: Any) -> Schema:
    """The narrowest schema of one scalar."""
    if isinstance(value, bool) or value is None:
        return {"type": "null" if value is None else "boolean"}
    if isinstance(value, str):
        return {"type": "string", "minLength": len(value), "maxLength": len(value)}
    kind = "integer" if isinstance(value, int) else "number"
    return {"type": kind} | dict.fromkeys(("minimum", "maximum"), value)


def _unfit(reader: Schema, value: Any) -> Iterator[str]:
    pattern = reader.get("pattern")
    if pattern is not None and isinstance(value, str) and not re.search(pattern, value):
        yield "pattern"
    yield from (name for name in _others(reader, {}) if not name.startswith("pattern "))
