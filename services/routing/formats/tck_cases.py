"""The test cases of the DMN Technology Compatibility Kit (TCK), read from their XML."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from services.routing.formats.names import normal
from services.routing.rules.tables import InvalidTable
from services.routing.rules.values import Value, read_date, read_date_time, read_duration

NAMESPACE = "http://www.omg.org/spec/DMN/20160719/testcase"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


class Outside(ValueError):
    """Something of DMN that this language has not. Says what."""


@dataclass(frozen=True, slots=True)
class Case:
    """One `testCase`: what is given, and what each decision must put out."""

    model: Path
    tests: Path
    name: str
    kind: str
    given: Mapping[str, Element]
    expected: Mapping[str, Element | None]


def read_cases(folder: Path) -> Iterator[Case]:
    """The test cases of all files below a folder that have a `<testCases>` in them. Raises InvalidTable."""
    for path in sorted(folder.rglob("*-test-*.xml")):
        root = _root(path)
        model = (root.findtext("{*}modelName") or "").strip() or f"{path.parent.name}.dmn"
        for case in root.findall("{*}testCase"):
            yield Case(
                path.with_name(model),
                path,
                case.get("id") or case.get("name", ""),
                case.get("type", "decision"),
                {normal(node.get("name", "")): node for node in case.findall("{*}inputNode")},
                {normal(node.get("name", "")): node.find("{*}expected") for node in case.findall("{*}resultNode")},
            )


def _root(path: Path) -> Element:
    try:
        root: Element = fromstring(path.read_bytes(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise InvalidTable(f"{path}: expected XML, found: {error}") from None
    if root.tag != f"{{{NAMESPACE}}}testCases":
        raise InvalidTable(f"{path}: expected <testCases> of {NAMESPACE}, found <{root.tag}>")
    return root


def read_value(node: Element | None) -> object:
    """A value, a list of such or a dict of such by component; None is null. Raises Outside."""
    if node is None:
        return None
    listed, components, value = node.find("{*}list"), node.findall("{*}component"), node.find("{*}value")
    if components:
        return {normal(component.get("name", "")): read_value(component) for component in components}
    if listed is not None and not _is_nil(listed):
        return [read_value(item) for item in listed.findall("{*}item")]
    return None if value is None or _is_nil(value) else _read(value)


def _is_nil(element: Element) -> bool:
    return element.get(NIL) == "true"


def _read(element: Element) -> Value:
    name, text = element.get(TYPE, "string").rpartition(":")[2], element.text or ""
    reader = _READERS.get(name)
    if reader is None:
        raise Outside(f"a value of type {name}")
    try:
        return reader(text)
    except ValueError:
        raise Outside(f"the {name} {text!r}") from None


def _number(text: str) -> int | float:
    return float(text) if {".", "e", "E"} & set(text) else int(text)


_READERS: Mapping[str, Callable[[str], Value]] = {
    "string": str,
    "boolean": lambda text: text.strip() in ("true", "1"),
    "date": read_date,
    "dateTime": read_date_time,
    "time": time.fromisoformat,
    "duration": read_duration,
    **dict.fromkeys(("decimal", "double", "float", "integer", "int", "long"), _number),
}
