"""DMN's types: FEEL's own, and those that a file defines on top of them (item definitions; DMN 1.3, 7.3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from services.routing.formats.names import normal
from services.routing.rules.values import Kind

TYPE_REFS: Mapping[Kind, str] = {
    "string": "string",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "date-time": "date and time",
    "time": "time",
    "days-duration": "days and time duration",
    "months-duration": "years and months duration",
}
"""How FEEL calls the kinds."""
_KINDS: Mapping[str, Kind] = {
    **{name: kind for kind, name in TYPE_REFS.items()},
    "dateTime": "date-time",
    "dayTimeDuration": "days-duration",
    "yearMonthDuration": "months-duration",
    **dict.fromkeys(("integer", "long", "double"), "number"),  # Camunda's
}


@dataclass(frozen=True, slots=True)
class Type:
    """What is known of a type: its kind when it is a simple one, and the unary tests that its values satisfy."""

    kind: Kind | None = None
    allowed: str = ""


class ItemDefinitions:
    """The types of a file, by name."""

    def __init__(self, root: Element) -> None:
        self._defined = {normal(item.get("name", "")): item for item in root.findall("{*}itemDefinition")}

    def find(self, reference: str) -> Type:
        """The type of that name, with the narrowest values said on the way down; of a list, that of its items."""
        name, allowed, left = normal(reference), "", dict(self._defined)
        while item := left.pop(name, None):
            allowed = allowed or item.findtext("{*}allowedValues/{*}text") or ""
            name = normal(item.findtext("{*}typeRef") or "")
        return Type(_KINDS.get(name.rpartition(":")[2]), allowed)
