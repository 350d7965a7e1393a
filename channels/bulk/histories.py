"""A city's file read as a history: what rules may see of each request, who had it in the end, and for how long.

A row is a case: one that stands in the file twice is two. Days are those of the mapping's zone.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from operator import itemgetter
from pathlib import Path
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from channels.bulk import files
from channels.bulk.errors import InvalidMapping
from channels.bulk.headers import position_of
from channels.bulk.mapping import ISO, Mapping
from channels.bulk.rows import Translator, translator

KEPT = 200_000
"""How many different rows, as far as rules see them, are remembered."""

Fact = str | int | float | bool
Facts = tuple[tuple[str, Fact], ...]
"""Facts that can be counted: (name, value), in the order of the mapping."""
Expected = Literal["department", "queue"]


class Past(NamedTuple):
    """One case. Texts are empty and days None where the file says nothing. `overlays` were on when it came: no file says it."""

    facts: Facts
    department: str
    queue: str
    opened: date | None
    closed: date | None
    overlays: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """An open file. A row that cannot be read is None. `position` and `size` count bytes as they lie on the disk."""

    cases: Iterator[Past | None]
    position: Callable[[], int]
    size: int


def known_facts(mapping: Mapping) -> tuple[str, ...]:
    """What rules may see of an application read with this mapping."""
    return ("procedure", "channel", *mapping.facts)


@contextmanager
def opened_history(
    path: Path, mapping: Mapping, *, expected: Expected, wanted: frozenset[str] | None = None
) -> Generator[History]:
    """The history in a file, of which `expected` must be recorded; with `wanted` only these facts are read.

    Raises InvalidMapping, UnreadableFile.
    """
    if getattr(mapping.recorded, expected) is None:
        raise InvalidMapping(
            f"mapping {mapping.name!r} does not say which column holds the {expected} that had a request in the end: "
            f'expected {expected} = "NAME OF THE COLUMN" under [recorded]'
        )
    with files.opened(path, mapping) as file:
        reader = _reader(mapping, file.header, expected, wanted)
        yield History(map(reader.past, file.rows), file.position, file.size)


class _Days(dict[str, date | None]):
    """Days by their text without the time of day, which no deadline looks at: a history has few."""

    def __init__(self, formats: Sequence[str], zone: ZoneInfo) -> None:
        super().__init__()
        self._formats, self._zone = formats, zone

    def of(self, text: str) -> date | None:
        """The day of a date and time; None where it is none."""
        day, _, time = text.partition(" ")
        return self._whole(text) if not time or "+" in time or time.endswith("Z") else self[day]

    def __missing__(self, day: str) -> date | None:
        if len(self) >= KEPT:
            self.clear()
        found = next((on for form in self._formats if (on := _read(day, form.partition(" ")[0])) is not None), None)
        self[day] = found and found.date()
        return self[day]

    def _whole(self, text: str) -> date | None:
        found = next((on for form in self._formats if (on := _read(text, form)) is not None), None)
        if found is None:
            return None
        return (found.astimezone(self._zone) if found.tzinfo else found).date()


def _read(text: str, form: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return None


class _Facts(dict[tuple[str, ...], Facts]):
    """Facts by the cells they are read from."""

    def __init__(self, translate: Translator, columns: Sequence[int], wanted: frozenset[str] | None) -> None:
        super().__init__()
        self._translate, self._columns, self._wanted = translate, columns, wanted

    def __missing__(self, key: tuple[str, ...]) -> Facts:
        if len(self) >= KEPT:
            self.clear()
        cells = [""] * self._translate.layout.width
        for at, cell in zip(self._columns, key, strict=True):
            cells[at] = cell
        self[key] = tuple((name, fact) for name, fact in self._read(cells) if self._wants(name))
        return self[key]

    def _read(self, cells: list[str]) -> list[tuple[str, Fact]]:
        cleaned = self._translate.cleaned(cells)
        said = [("procedure", self._translate.procedure(cleaned)), ("channel", self._translate.channel(cleaned))]
        return [*((name, fact) for name, fact in said if fact), *self._translate.facts(cleaned).items()]

    def _wants(self, name: str) -> bool:
        return self._wanted is None or name in self._wanted


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the rows of one file."""

    width: int
    key: Callable[[Sequence[str]], tuple[str, ...]]
    facts: _Facts
    department: Sequence[int]
    queue: Sequence[int]
    opened: Sequence[int]
    closed: Sequence[int]
    nothing: frozenset[str]
    days: _Days

    def past(self, cells: list[str] | None) -> Past | None:
        """The case of a row."""
        if cells is None or len(cells) != self.width:
            return None
        opened, closed = self._text(cells, self.opened), self._text(cells, self.closed)
        return Past(
            self.facts[self.key(cells)],
            self._text(cells, self.department),
            self._text(cells, self.queue),
            self.days.of(opened) if opened else None,
            self.days.of(closed) if closed else None,
        )

    def _text(self, cells: Sequence[str], columns: Sequence[int]) -> str:
        """The first of these cells that says something."""
        for at in columns:
            text = cells[at].strip()
            if text and text not in self.nothing:
                return text
        return ""


def _reader(mapping: Mapping, header: Sequence[str], expected: Expected, wanted: frozenset[str] | None) -> _Reader:
    translate = translator(mapping, header, "")
    columns = _columns(translate, wanted)
    recorded = mapping.recorded
    return _Reader(
        width=len(header),
        key=_getter(columns),
        facts=_Facts(translate, columns, wanted),
        department=_places(mapping, header, recorded.department, needed=expected == "department"),
        queue=_places(mapping, header, recorded.queue, needed=expected == "queue"),
        opened=translate.layout.opened,
        closed=_places(mapping, header, recorded.closed, needed=False),
        nothing=mapping.nothing,
        days=_Days(mapping.opened.formats, translate.zone),
    )


def _places(mapping: Mapping, header: Sequence[str], column: str | None, *, needed: bool) -> tuple[int, ...]:
    """Where a column stands, if the file has it. Raises UnreadableFile for one that is needed."""
    if column is None or not (needed or {column, *mapping.aliases.get(column, ())} & set(header)):
        return ()
    return (position_of(mapping, header, column),)


def _columns(translate: Translator, wanted: frozenset[str] | None) -> list[int]:
    """The columns that the wanted facts are read from."""
    layout = translate.layout
    found = {at for name, at, _ in layout.facts if wanted is None or name in wanted}
    if wanted is None or "procedure" in wanted:
        found.update(layout.procedure)
    if layout.channel is not None and (wanted is None or "channel" in wanted):
        found.add(layout.channel)
    return sorted(found)


def _getter(columns: Sequence[int]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """`itemgetter` gives a single value bare."""
    if len(columns) > 1:
        return itemgetter(*columns)
    return lambda cells: tuple(cells[at] for at in columns)
