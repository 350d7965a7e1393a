"""Whether the units of an organisation fit together, on every day. Pure.

| checked                        | why                                                                       |
|--------------------------------|---------------------------------------------------------------------------|
| one version of a code at a time| else nobody can say which one is meant                                    |
| parents and successors exist   | under the code that is named, on the days on which they are needed        |
| a successor begins without gap | a case that is open on the day between would be nobody's                  |
| no unit lies below itself      | on any day; over the years two units may change places                    |

Successors cannot run in a circle: each exists on the day after the one before has ended.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import takewhile

from services.routing.rules.organisation import InvalidOrganisation, Organisation, Unit, versions_by_code

SHOWN = 20
"""How many faults one error lists."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a unit (its position from 0 on), in which column, and what was expected and found."""

    at: int
    column: str
    said: str


def organise(units: Iterable[Unit], place: Callable[[int, str], str]) -> Organisation:
    """The organisation of these units. `place` says where the column of a unit (its position from 0 on) stands, in words.

    Raises InvalidOrganisation with all faults.
    """
    organisation = Organisation(tuple(units))
    refuse([f"{place(fault.at, fault.column)}: {fault.said}" for fault in faults(organisation)])
    return organisation


def refuse(found: Sequence[str]) -> None:
    """Raise InvalidOrganisation when there is a fault; up to twenty are listed."""
    if found:
        more = [f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else []
        raise InvalidOrganisation("\n".join([*found[:SHOWN], *more]))


def faults(organisation: Organisation) -> list[Fault]:
    """All that is wrong, in the order of the units."""
    versions = versions_by_code(organisation.units)
    days = sorted({unit.valid_from or date.min for unit in organisation.units})
    return [
        Fault(at, column, said)
        for at, unit in enumerate(organisation.units)
        for column, said in (
            *_of_validity(unit, versions[unit.code]),
            *_of_parent(unit, versions),
            *_of_cycles(unit, organisation, days),
            *_of_successors(unit, versions, organisation),
        )
    ]


_Found = Iterator[tuple[str, str]]
"""A column, and what was expected and found there."""


def _of_validity(unit: Unit, versions: Sequence[Unit]) -> _Found:
    if unit.valid_from and unit.valid_until and unit.valid_until < unit.valid_from:
        yield "valid_until", f"expected a day from {unit.valid_from} on, found {unit.valid_until}"
    for earlier in takewhile(lambda version: version is not unit, versions):
        if earlier.valid_until is None or unit.valid_from is None or unit.valid_from <= earlier.valid_until:
            found = unit.valid_from or "nothing"
            yield (
                "valid_from",
                f"expected a day after the other validity of {unit.code} ({_validity(earlier)}), found {found}",
            )


def _validity(unit: Unit) -> str:
    return f"{unit.valid_from or ''}..{unit.valid_until or ''}"


def _of_parent(unit: Unit, versions: Mapping[str, Sequence[Unit]]) -> _Found:
    if unit.parent is None:
        return
    parents = versions.get(unit.parent)
    if parents is None:
        yield "parent", f"expected the code of a unit, found {unit.parent}"
    elif gap := _first_day_without(parents, unit):
        yield "parent", f"expected a parent as long as {unit.code} is valid, found no {unit.parent} on {gap}"


def _first_day_without(versions: Sequence[Unit], child: Unit) -> date | None:
    """The first day of the child's without any of the versions; before a first day that is not known none is missed."""
    day = child.valid_from or versions[0].valid_from or date.min
    for version in versions:
        if version.is_valid(day):
            if version.day_after is None:
                return None
            day = version.day_after
    return day if child.is_valid(day) else None


def _of_cycles(unit: Unit, organisation: Organisation, days: Sequence[date]) -> _Found:
    for day in filter(unit.is_valid, days):
        way = list(_upwards(unit, organisation, day))
        if len(way) > 1 and way[-1] == unit.code:
            yield "parent", f"expected no unit below itself, found {' < '.join(way)} on {day}"
            return


def _upwards(unit: Unit, organisation: Organisation, day: date) -> Iterator[str]:
    """The codes from a unit on upwards, until the top or a code that was there."""
    above: Unit | None = unit
    seen: set[str] = set()
    while above and above.code not in seen:
        seen.add(above.code)
        yield above.code
        if above.parent in seen:
            yield above.parent
        above = organisation.unit(above.parent, day) if above.parent else None


def _of_successors(unit: Unit, versions: Mapping[str, Sequence[Unit]], organisation: Organisation) -> _Found:
    if unit.successors and unit.day_after is None:
        yield "successors", f"expected a last day (valid_until) where there are successors, found none for {unit.code}"
        return
    for code in unit.successors:
        if code not in versions:
            yield "successors", f"expected the code of a unit, found {code}"
        elif unit.day_after and not organisation.exists(code, unit.day_after):
            valid = ", ".join(map(_validity, versions[code]))
            yield "successors", f"expected a unit that is valid on {unit.day_after}, found {code} ({valid})"
