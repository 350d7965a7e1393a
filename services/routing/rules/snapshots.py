"""Whole organisations as they stood on some days, made one dated organisation, and what changed between two days. Pure.

A snapshot says what there was on its day, not since when. So a unit is valid from the first snapshot that has it ("first seen")
to the day before the first that lacks it ("gone by"); its source says so, and in which rows it stood.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Literal

from services.routing.rules.consistency import refuse
from services.routing.rules.organisation import ONE_DAY, Organisation, Unit


@dataclass(frozen=True, slots=True)
class Sighting:
    """A unit as a row of a snapshot has it. `remark` is what its source says besides."""

    row: int
    code: str
    name: str
    parent: str | None
    kind: str = ""
    phone: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All units of one day."""

    source: str
    day: date
    sightings: tuple[Sighting, ...]


def repeated(snapshot: Snapshot) -> Mapping[str, tuple[int, ...]]:
    """The codes that stand in several rows, with these rows."""
    rows = {code: tuple(sighting.row for sighting in found) for code, found in _by_code(snapshot).items()}
    return {code: found for code, found in rows.items() if len(found) > 1}


def combine(snapshots: Iterable[Snapshot]) -> tuple[Unit, ...]:
    """The units of all snapshots with their validity, ordered by code and day.

    Rows that repeat a unit are one; rows of one code that differ are refused. A unit that keeps code and name goes on though its
    parent or kind changes. Whether the same code under another name is the same unit is not decided here: codes are given
    again (高松市, 2024: 移住・定住促進室's to 東京事務所). Raises InvalidOrganisation.
    """
    ordered = sorted(snapshots, key=lambda snapshot: snapshot.day)
    refuse([said for snapshot in ordered for said in _contradictions(snapshot)])
    refuse(
        [
            f"{other.source}: expected a day of its own, found {other.day} as in {one.source}"
            for one, other in pairwise(ordered)
            if one.day == other.day
        ]
    )
    found = [_by_code(snapshot) for snapshot in ordered]
    codes = sorted({code for rows in found for code in rows})
    return tuple(unit for code in codes for unit in _versions([rows.get(code, []) for rows in found], ordered))


def _by_code(snapshot: Snapshot) -> Mapping[str, list[Sighting]]:
    found: dict[str, list[Sighting]] = {}
    for sighting in snapshot.sightings:
        found.setdefault(sighting.code, []).append(sighting)
    return found


def _contradictions(snapshot: Snapshot) -> Iterator[str]:
    for code, (first, *others) in _by_code(snapshot).items():
        for other in others:
            if replace(other, row=first.row) != first:
                place = f"{snapshot.source}, row {other.row}, column code"
                yield f"{place}: expected {code} to be what it is in row {first.row} ({first}), found {other}"


@dataclass(slots=True)
class _Run:
    """Snapshots in a row that have a unit unchanged, with its rows there, from the position `first` on."""

    first: int
    seen: list[list[Sighting]]

    @property
    def end(self) -> int:
        """The position of the first snapshot without it."""
        return self.first + len(self.seen)


def _versions(seen: Sequence[list[Sighting]], snapshots: Sequence[Snapshot]) -> Iterator[Unit]:
    """The versions of one code, from its rows in every snapshot."""
    runs: list[_Run] = []
    for at, rows in enumerate(seen):
        if rows and runs and runs[-1].end == at and _aspect(runs[-1].seen[-1][0]) == _aspect(rows[0]):
            runs[-1].seen.append(rows)
        elif rows:
            runs.append(_Run(at, [rows]))
    for run, after in zip(runs, [*runs[1:], None], strict=True):
        goes_on = after is not None and after.first == run.end and _is_named_alike(run, after)
        yield _unit(run, snapshots, goes_on=goes_on)


def _aspect(sighting: Sighting) -> tuple[str, str | None, str]:
    return _plain(sighting.name), sighting.parent, sighting.kind


def _is_named_alike(one: _Run, other: _Run) -> bool:
    return _plain(one.seen[-1][0].name) == _plain(other.seen[0][0].name)


def _plain(name: str) -> str:
    """Without what differs in writing only: full and half width, spaces."""
    return "".join(unicodedata.normalize("NFKC", name).split())


def _unit(run: _Run, snapshots: Sequence[Snapshot], *, goes_on: bool) -> Unit:
    last = run.seen[-1][0]
    there = snapshots[run.first : run.end]
    gone_by = snapshots[run.end].day if run.end < len(snapshots) else None
    return Unit(
        code=last.code,
        names={"ja": last.name},
        parent=last.parent,
        valid_from=there[0].day,
        valid_until=gone_by and gone_by - ONE_DAY,
        successors=(last.code,) if goes_on else (),
        kind=last.kind,
        phone=last.phone,
        source="; ".join(_source(run, there, gone_by)),
    )


def _source(run: _Run, there: Sequence[Snapshot], gone_by: date | None) -> Iterator[str]:
    yield f"first seen {there[0].day}, last seen {there[-1].day}"
    if gone_by:
        yield f"gone by {gone_by}"
    for snapshot, rows in zip(there, run.seen, strict=True):
        yield f"{snapshot.source} row {' and '.join(str(sighting.row) for sighting in rows)}"
    yield from dict.fromkeys(rows[0].remark for rows in run.seen if rows[0].remark)


What = Literal["added", "removed", "renamed", "moved", "of another kind"]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a code between two days. A code can change in several ways at once."""

    what: What
    code: str
    before: Unit | None
    after: Unit | None


def compare(organisation: Organisation, one: date, other: date) -> tuple[Change, ...]:
    """All that differs on the day `other` from the day `one`, by code."""
    before = {unit.code: unit for unit in organisation.units_on(one)}
    after = {unit.code: unit for unit in organisation.units_on(other)}
    return tuple(
        Change(what, code, before.get(code), after.get(code))
        for code in sorted(before.keys() | after.keys())
        for what in _changes(before.get(code), after.get(code))
    )


def _changes(before: Unit | None, after: Unit | None) -> Iterator[What]:
    if before is None or after is None:
        yield "added" if before is None else "removed"
        return
    if _plain(before.name) != _plain(after.name):
        yield "renamed"
    if before.parent != after.parent:
        yield "moved"
    if before.kind != after.kind:
        yield "of another kind"
