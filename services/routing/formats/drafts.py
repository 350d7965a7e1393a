"""A decision table as texts with their places: what every format is read into, checked and made a table here."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from contracts import control_characters
from services.routing.formats.entries import UNHOLDABLE
from services.routing.rules.cells import ANYTHING, Cell, Equal
from services.routing.rules.sfeel import Unreadable, parse_cell, parse_literal
from services.routing.rules.tables import DecisionTable, HitPolicy, Input, InvalidTable, Output, Rule
from services.routing.rules.values import Kind, Value, is_same, kind_of

T = TypeVar("T")
SHOWN = 20
"""How many faults one error lists."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A text and the place where it stands, in words."""

    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Clause:
    """The head of a column. `default` is an output's."""

    name: str
    kind: Kind | None
    place: str
    allowed: Entry | None = None
    default: Entry | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A rule: an input entry and an output entry a clause."""

    name: Entry
    inputs: Sequence[Entry]
    outputs: Sequence[Entry]
    notes: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Draft:
    """A table as it stands in a file."""

    name: str
    place: str
    policy: HitPolicy
    inputs: Sequence[Clause]
    outputs: Sequence[Clause]
    lines: Sequence[Line]


class Problems:
    """What is wrong with a table, gathered: who edits a spreadsheet wants to hear all of it at once."""

    def __init__(self) -> None:
        self._found: list[str] = []

    def add(self, place: str, said: str) -> None:
        """Note a fault; `said` tells what was expected and what was found."""
        self._found.append(f"{place}: {said}")

    def stop(self) -> None:
        """Raise InvalidTable when there is a fault."""
        if self._found:
            more = len(self._found) - SHOWN
            raise InvalidTable("\n".join(self._found[:SHOWN] + ([f"and {more} more"] if more > 0 else [])))


def build(draft: Draft, problems: Problems) -> DecisionTable:
    """The table that a draft is. Raises InvalidTable with all its faults, and those found before."""
    lines = draft.lines
    inputs = [_input(problems, clause, [line.inputs[at] for line in lines]) for at, clause in enumerate(draft.inputs)]
    outputs = [
        _output(problems, clause, [line.outputs[at] for line in lines]) for at, clause in enumerate(draft.outputs)
    ]
    _check_clauses(problems, draft)
    _check_lines(problems, lines)
    _check_policy(problems, draft, [clause for clause, _ in outputs])
    problems.stop()
    cells = zip(*(cells for _, cells in inputs), strict=True)
    values = zip(*(values for _, values in outputs), strict=True)
    return DecisionTable(
        draft.name,
        draft.policy,
        tuple(clause for clause, _ in inputs),
        tuple(clause for clause, _ in outputs),
        tuple(map(_rule, lines, cells, values)),
    )


def _rule(line: Line, cells: tuple[Cell, ...], outputs: tuple[Value | None, ...]) -> Rule:
    return Rule(line.name.text, cells, outputs, {name: note.text for name, note in line.notes.items() if note.text})


def _input(problems: Problems, clause: Clause, entries: Sequence[Entry]) -> tuple[Input, list[Cell]]:
    cells = [_read(problems, entry, parse_cell, ANYTHING) for entry in entries]
    allowed = _read(problems, clause.allowed, parse_cell, ANYTHING)
    found = [*_pairs(clause.allowed, [allowed]), *zip(entries, cells, strict=True)]
    kind = _one_kind(problems, clause.kind, [(entry, cell.kind) for entry, cell in found])
    return Input(clause.name, kind, allowed), cells


def _output(problems: Problems, clause: Clause, entries: Sequence[Entry]) -> tuple[Output, list[Value | None]]:
    values = [_read(problems, entry, _literal, None) for entry in entries]
    default = _read(problems, clause.default, _literal, None)
    listed = _read(problems, clause.allowed, read_values, ())
    put = [*_pairs(clause.default, [default]), *zip(entries, values, strict=True)]
    found = [*_pairs(clause.allowed, listed), *put]
    kind = _one_kind(
        problems, clause.kind, [(entry, None if value is None else kind_of(value)) for entry, value in found]
    )
    for entry, value in put:
        if listed and value is not None and not any(is_same(value, other) for other in listed):
            problems.add(entry.place, f"expected one of the allowed outputs, found {entry.text}")
    return Output(clause.name, kind, listed, default), values


def _pairs(entry: Entry | None, found: Iterable[T]) -> list[tuple[Entry, T]]:
    return [] if entry is None else [(entry, each) for each in found]


def _read(problems: Problems, entry: Entry | None, reader: Callable[[str], T], otherwise: T) -> T:
    if entry is None:
        return otherwise
    if control_characters.found_in(entry.text):
        problems.add(entry.place, "expected a cell without control characters")
        return otherwise
    try:
        return reader(entry.text)
    except Unreadable as error:
        problems.add(entry.place, str(error))
        return otherwise


def _literal(text: str) -> Value | None:
    return None if text.strip() in ("", "null") else parse_literal(text)


def read_values(text: str) -> tuple[Value, ...]:
    """A list of values; `-` and nothing are the empty one. Raises Unreadable."""
    cell = parse_cell(text)
    values = tuple(test.value for test in cell.tests if isinstance(test, Equal))
    if cell.negated or len(values) < len(cell.tests):
        raise Unreadable(f"expected a list of values, from the most important to the least, found {text.strip()!r}")
    return values


def _one_kind(problems: Problems, kind: Kind | None, found: Iterable[tuple[Entry, Kind | None]]) -> Kind | None:
    first = ""
    for entry, other in found:
        if kind is None and other is not None:
            kind, first = other, f" as in {entry.place}"
        if other not in (None, kind):
            problems.add(entry.place, f"expected a {kind}{first}, found a {other} ({entry.text.strip()})")
    return kind


def _check_clauses(problems: Problems, draft: Draft) -> None:
    for what, clauses in (("input", draft.inputs), ("output", draft.outputs)):
        if not clauses:
            problems.add(draft.place, f"expected an {what} clause, found none")
        _check_names(problems, f"an {what}'s name", [Entry(clause.name, clause.place) for clause in clauses])


def _check_lines(problems: Problems, lines: Sequence[Line]) -> None:
    _check_names(problems, "a rule's name", [line.name for line in lines])
    for line in lines:
        for name, note in line.notes.items():
            if UNHOLDABLE.search(name + note.text):
                problems.add(note.place, "expected a note without control characters")


def _check_names(problems: Problems, what: str, entries: Sequence[Entry]) -> None:
    counted = Counter(entry.text for entry in entries)
    for entry in entries:
        if not entry.text:
            problems.add(entry.place, f"expected {what}, found nothing")
        elif counted[entry.text] > 1:
            problems.add(
                entry.place, f"expected {what} that no other has, found {entry.text!r} {counted[entry.text]} times"
            )
        elif UNHOLDABLE.search(entry.text) or "\n" in entry.text:
            problems.add(entry.place, f"expected {what} in one line without control characters, found {entry.text!r}")


def _check_policy(problems: Problems, draft: Draft, outputs: Sequence[Output]) -> None:
    policy = draft.policy
    if policy in ("P", "O") and not any(clause.priorities for clause in outputs):
        said = "expected an output whose allowed values are listed, from the most important to the least"
        problems.add(draft.place, f"{said} (hit policy {policy})")
    for clause in draft.outputs[1:] if policy in ("C+", "C<", "C>") else ():
        problems.add(clause.place, f"expected one output clause (hit policy {policy}), found {len(outputs)}")
    for clause, output in zip(draft.outputs, outputs, strict=True):
        if policy == "C+" and output.kind not in (None, "number"):
            problems.add(clause.place, f"expected numbers to add (hit policy C+), found a {output.kind}")
