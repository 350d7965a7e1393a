"""The names that a history has for departments or queues, matched with those that the rules put out. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from services.routing.rules.organisation import Organisation

By = Literal["mapping", "output", "code", "name"]
"""By the mapping's `names`; the rules put out this text; it is the code, or a name, of a unit of the organisation."""


@dataclass(frozen=True, slots=True)
class Match:
    """What a recorded name is to the rules. `by` is None when nothing says so: then it is compared as it stands."""

    recorded: str
    meant: str
    by: By | None


@dataclass(frozen=True, slots=True)
class Matcher:
    """Matches recorded names. Capitals make no difference in the names of units."""

    names: Mapping[str, str]
    outputs: Collection[str]
    units: Mapping[str, str]
    """Codes of units by code and by name, in small letters; a name that two units have is none of them."""

    def match(self, recorded: str) -> Match:
        """What a recorded name is to the rules."""
        if recorded in self.names:
            return Match(recorded, self.names[recorded], "mapping")
        if recorded in self.outputs:
            return Match(recorded, recorded, "output")
        code = self.units.get(recorded.casefold())
        if code is None:
            return Match(recorded, recorded, None)
        return Match(recorded, code, "code" if code.casefold() == recorded.casefold() else "name")


def matcher(names: Mapping[str, str], outputs: Iterable[str], organisations: Iterable[Organisation]) -> Matcher:
    """A matcher for what rule sets put out."""
    found: dict[str, set[str]] = {}
    units = [unit for organisation in organisations for unit in organisation.units]
    for unit in units:
        for name in unit.names.values():
            found.setdefault(name.casefold(), set()).add(unit.code)
    by_name = {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}
    return Matcher(names, frozenset(outputs), by_name | {unit.code.casefold(): unit.code for unit in units})
