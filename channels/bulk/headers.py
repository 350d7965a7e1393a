"""The header of a city's file: where the columns that a mapping names stand in it, and what to say where they do not."""

from collections.abc import Sequence
from dataclasses import dataclass

from channels.bulk.errors import UnreadableFile
from channels.bulk.mapping import FactColumn, Mapping
from contracts import control_characters


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a row the mapping's columns stand. A column that this file lacks is left out."""

    width: int
    id: int
    opened: tuple[int, ...]
    channel: int | None
    procedure: tuple[int, ...]
    facts: tuple[tuple[str, int, FactColumn], ...]
    personal: tuple[tuple[str, tuple[int, ...]], ...]


def layout_of(mapping: Mapping, header: Sequence[str]) -> Layout:
    """Find the mapping's columns in the header of a file. Raises UnreadableFile."""
    at = _positions(mapping, header)
    return Layout(
        width=len(header),
        id=at[mapping.id],
        opened=tuple(at[column] for column in mapping.opened.columns if column in at),
        channel=at.get(mapping.channel.column or ""),
        procedure=tuple(at[column] for column in mapping.procedure.columns if column in at),
        facts=tuple((name, at[fact.column], fact) for name, fact in mapping.facts.items() if fact.column in at),
        personal=tuple(
            (field, tuple(at[column] for column in columns if column in at))
            for field, columns in mapping.personal.fields().items()
        ),
    )


def _positions(mapping: Mapping, header: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for column in columns_of(mapping):
        spellings = (column, *mapping.aliases.get(column, ()))
        if any(name in spellings for name in header) or column not in mapping.optional:
            found[column] = position_of(mapping, header, column)
    return found


def position_of(mapping: Mapping, header: Sequence[str], column: str) -> int:
    """Where a column stands in the header of a file, in whatever spelling. Raises UnreadableFile."""
    spellings = (column, *mapping.aliases.get(column, ()))
    places = [index for index, name in enumerate(header) if name in spellings]
    if len(places) == 1:
        return places[0]
    wrong = "stands more than once" if places else "is missing"
    raise UnreadableFile(
        f"column {' or '.join(map(repr, spellings))} {wrong}. Mapping {mapping.name!r} needs it once; {_told(mapping, header)}"
    )


def _other_separator(known: set[str], header: Sequence[str]) -> str | None:
    """What stands between the names, where they are those of the mapping."""
    return next(
        (
            sign
            for sign in ";\t|,"
            if not known.isdisjoint(name.strip() for cell in header for name in cell.split(sign))
        ),
        None,
    )


def _told(mapping: Mapping, header: Sequence[str]) -> str:
    """What the first row of a file is. One that is no header row may be somebody's data, and is not repeated."""
    if any(control_characters.found_in(name) for name in header):
        return "the first row of the file is no text in an encoding that is expected: save it as CSV in UTF-8"
    known = {name for column in columns_of(mapping) for name in (column, *mapping.aliases.get(column, ()))}
    if not known.isdisjoint(header):
        return f"the columns of the file are: {', '.join(header)}"
    if sign := _other_separator(known, header):
        wanted = f"by {sign!r}, where this mapping says {mapping.delimiter!r}"
        return f"its cells stand apart {wanted}: save the file so, or set `delimiter` in the mapping"
    return "the first row of the file names none of its columns: is there a header row, and is it the right mapping?"


def columns_of(mapping: Mapping) -> list[str]:
    """Every column that the mapping names."""
    named = [mapping.id, *mapping.opened.columns, mapping.channel.column or mapping.id, *mapping.procedure.columns]
    personal = [column for columns in mapping.personal.fields().values() for column in columns]
    return list(dict.fromkeys([*named, *(fact.column for fact in mapping.facts.values()), *personal]))
