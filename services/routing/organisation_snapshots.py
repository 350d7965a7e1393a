"""Whole organisations as a city publishes them, each as it stood on one day: CSV or Excel workbooks, a unit a row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import takewhile

from services.routing.rules.organisation import InvalidOrganisation
from services.routing.rules.snapshots import Sighting, Snapshot
from services.routing.sheets import Line, read_lines


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column means what."""

    code: str
    levels: tuple[str, ...]
    """The names of all that a unit belongs to, from the top on; its own is the last that is not empty."""
    full_name: str
    kind: str
    phone: str
    day: str


TAKAMATSU = Layout(
    code="affiliationCode",
    levels=("bureau", "department", "division", "office", "unit"),
    full_name="affiliationName",
    kind="mechanismName",
    phone="telephoneNumber",
    day="applicableDate",
)
"""高松市の組織情報 (open data). `affiliationName` is `affiliationname` since 2024, and a day has a time behind it."""


def read_snapshot(content: bytes, file: str, *, day: date | None = None, layout: Layout = TAKAMATSU) -> Snapshot:
    """A whole organisation on the day that every row gives; `day` where they give none. Raises InvalidOrganisation."""
    optional = (layout.full_name, layout.kind, layout.phone, layout.day)
    lines = read_lines(content, file, needed=(layout.code, *layout.levels), optional=optional)
    if not lines:
        raise InvalidOrganisation(f"{file}: expected units below the header, found none")
    return Snapshot(file, _day(lines, layout.day, day), tuple(_sightings(lines, layout)))


def _day(lines: Sequence[Line], column: str, day: date | None) -> date:
    """The one day of all rows."""
    for line in lines:
        if line.get(column):
            said = line.read(column, _date, "a day such as 2024-04-01")
            if day not in (None, said):
                line.refuse(column, f"the day {day}")
            day = said
    if day is None:
        lines[0].refuse(column, "the day of the organisation (or say it with --at)")
    return day


def _date(text: str) -> date:
    return datetime.fromisoformat(text).date()


def _sightings(lines: Sequence[Line], layout: Layout) -> Iterator[Sighting]:
    paths = [tuple(name for level in layout.levels if (name := line.get(level))) for line in lines]
    codes: dict[tuple[str, ...], list[str]] = {}
    for line, path in zip(lines, paths, strict=True):
        codes.setdefault(path, []).append(line.need(layout.code))
    for line, path in zip(lines, paths, strict=True):
        if not path:
            line.refuse(layout.levels[-1], f"a name in one of {', '.join(layout.levels)}")
        yield _sighting(line, layout, path, _parent(line, layout, path, codes))


def _sighting(line: Line, layout: Layout, path: Sequence[str], parent: str | None) -> Sighting:
    full_name = line.get(layout.full_name)
    return Sighting(
        row=line.row,
        code=line.get(layout.code),
        name=path[-1],
        parent=parent,
        kind=line.get(layout.kind),
        phone=line.get(layout.phone),
        remark=f"in full {full_name}" if full_name not in ("", "".join(path)) else "",
    )


def _parent(
    line: Line, layout: Layout, path: tuple[str, ...], codes: Mapping[tuple[str, ...], Sequence[str]]
) -> str | None:
    """The unit whose names lead to this one; of several with the same names the one with the likest code.

    高松市's three 福祉事務所 have the codes 2520…, 2526… and 2535…, and 2526100000 belongs to the second.
    """
    if len(path) == 1:
        return None
    code = line.get(layout.code)
    found = set(codes.get(path[:-1], ()))
    if not found:
        line.refuse(layout.code, f"a row for {' '.join(path[:-1])}, to which {path[-1]} belongs")
    shared = {other: _letters_shared(code, other) for other in sorted(found)}
    likest = [other for other in shared if shared[other] == max(shared.values())]
    if len(likest) > 1:
        line.refuse(layout.code, f"a code that tells to which of {', '.join(likest)} {path[-1]} belongs")
    return likest[0]


def _letters_shared(one: str, other: str) -> int:
    """How long two codes begin alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
