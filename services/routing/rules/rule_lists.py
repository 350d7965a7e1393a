"""Rules in layers, learnt from examples: what holds for a value, the exceptions to it, and what to say about other values.

A layer looks at some inputs and says for each of their keys who had most cases. From the most special layer to the most general,
the first that knows a key answers: hit policy F. An exception is stated only where it puts right as many cases as a row is
worth, and what is hardly ever right is not stated: a person decides.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.routing.rules.boxes import Box, enclose
from services.routing.rules.cells import ANYTHING, Cell, Equal
from services.routing.rules.examples import Examples, Key, most
from services.routing.rules.sfeel import write_literal
from services.routing.rules.tables import DecisionTable, Input, Output, Rule
from services.routing.rules.values import Kind, Value, kind_of

ROW_WORTH = 4e-4
"""What share of all cases a row must put right: four in ten thousand."""
LEAST_RIGHT = 1 / 3
"""How often the commonest answer must have been right."""

Layer = tuple[str, ...]
"""The inputs it looks at."""
Shape = tuple[Layer, ...]
"""Layers, the most special first."""


class Line(NamedTuple):
    """A row to be: values by input, and what is put out."""

    sides: Mapping[str, frozenset[Value | None]]
    output: str


@dataclass(frozen=True, slots=True)
class _Known:
    """A layer that is learnt: what it says of each key, and of which keys it says it."""

    layer: Layer
    stated: Mapping[Key, str]


def inputs_of(shape: Shape) -> tuple[str, ...]:
    """All inputs that layers look at, in the order in which rows are read."""
    return tuple(dict.fromkeys(name for layer in shape for name in layer))


def learn_lines(examples: Examples, shape: Shape) -> list[Line]:
    """The rows of a table of this shape, in their order."""
    worth = round(examples.total * ROW_WORTH)
    lines: list[Line] = []
    below: list[_Known] = []
    for layer in reversed(shape):
        seen = examples.project(layer)
        counts = {key: counted for key, counted in seen.counts.items() if None not in key}
        beneath = {key: _answer(below, layer, key) for key in counts}
        stated = {key: who for key, counted in counts.items() if (who := _stated(counted, beneath[key], worth))}
        answers = {key: stated.get(key) or beneath[key] for key in counts}
        boxes = enclose(stated, answers, counts, worth=worth)
        lines = [*_lines(layer, boxes, counts), *lines]
        below = [_Known(layer, stated), *below]
    return lines


def _answer(below: Sequence[_Known], layer: Layer, key: Key) -> str | None:
    """What the layers beneath say of a key, as far as its values tell."""
    values = dict(zip(layer, key, strict=True))
    for known in below:
        if all(name in values for name in known.layer):
            found = known.stated.get(tuple(values[name] for name in known.layer))
            if found is not None:
                return found
    return None


def _stated(counted: Counter[str], beneath: str | None, worth: int) -> str | None:
    """Who gets these cases, if it is worth saying: one case alone makes no exception."""
    who = most(counted)
    if beneath is None:
        return who if counted[who] >= LEAST_RIGHT * counted.total() else None
    return who if counted[who] - counted[beneath] >= max(worth, 2) else None


def _lines(layer: Layer, boxes: Sequence[Box], counts: Mapping[Key, Counter[str]]) -> list[Line]:
    """Those with most cases first: where two of them hold a key that never came, more speaks for the first."""

    def cases(box: Box) -> int:
        return sum(counts[key][box.output] for key in box.members() if key in counts)

    ordered = sorted(boxes, key=lambda box: (-cases(box), box.output))
    return [Line(dict(zip(layer, box.sides, strict=True)), box.output) for box in ordered]


def make_table(inputs: Sequence[str], lines: Sequence[Line]) -> DecisionTable:
    """The rows as a decision table: hit policy F, rules named L1, L2 and so on."""
    rules = tuple(_rule(f"L{at}", inputs, line) for at, line in enumerate(lines, 1))
    clauses = tuple(Input(each, _kind(lines, each)) for each in inputs)
    return DecisionTable("learnt", "F", clauses, (Output("who", "string"),), rules)


def _rule(name: str, inputs: Sequence[str], line: Line) -> Rule:
    return Rule(name, tuple(_cell(line.sides.get(each, frozenset())) for each in inputs), (line.output,))


def _cell(side: frozenset[Value | None]) -> Cell:
    values = sorted((value for value in side if value is not None), key=write_literal)
    return Cell(tuple(map(Equal, values))) if values else ANYTHING


def _kind(lines: Sequence[Line], name: str) -> Kind:
    """Of the values that a column names; a column that names none is of texts."""
    named = (value for line in lines for value in line.sides.get(name, ()) if value is not None)
    first = next(named, None)
    return "string" if first is None else kind_of(first)
