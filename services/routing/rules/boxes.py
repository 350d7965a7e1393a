"""Decided keys as few readable rows: boxes, each a set of values an input, which together hold every key.

Two boxes of one output become one where that costs no more wrong cases than a row is worth: a row that also holds keys nobody
has seen yet says more, and says it shorter.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product

from services.routing.rules.examples import Key
from services.routing.rules.values import Value

Sides = tuple[frozenset[Value | None], ...]
Counts = Mapping[Key, Counter[str]]
Answers = Mapping[Key, str | None]


@dataclass(frozen=True, slots=True)
class Box:
    """All keys whose values lie in `sides`, one an input, and what is put out for them."""

    sides: Sides
    output: str

    def members(self) -> Iterable[Key]:
        """All keys it holds, also those that never came."""
        return product(*self.sides)


def enclose(stated: Mapping[Key, str], answers: Answers, counts: Counts, *, worth: int) -> list[Box]:
    """Boxes for the stated keys.

    `counts` are the cases of all keys that came, `answers` who gets them when only what is stated is; `worth` is how many cases
    may go wrong so that there is a row less.
    """
    found: list[Box] = []
    for output in sorted(set(stated.values())):
        keys = {tuple(frozenset((value,)) for value in key) for key, who in stated.items() if who == output}
        found += _merged(sorted((Box(sides, output) for sides in _joined(keys)), key=_order), answers, counts, worth)
    return found


def _joined(boxes: set[Sides]) -> set[Sides]:
    """Boxes that differ on one side only, made one: on the last side first, so that the first tells rows apart."""
    for at in reversed(range(len(next(iter(boxes))))):
        alike: dict[tuple[Sides, Sides], frozenset[Value | None]] = {}
        for sides in boxes:
            others = sides[:at], sides[at + 1 :]
            alike[others] = alike.get(others, frozenset()) | sides[at]
        boxes = {(*before, side, *after) for (before, after), side in alike.items()}
    return boxes


def _order(box: Box) -> list[list[str]]:
    return [sorted(map(repr, side)) for side in box.sides]


def _merged(boxes: list[Box], answers: Answers, counts: Counts, worth: int) -> list[Box]:
    kept: list[Box] = []
    for box in boxes:
        hulls = ((at, _hull(box, other)) for at, other in enumerate(kept))
        costs = [(_cost(hull, answers, counts), at, hull) for at, hull in hulls]
        cost, at, hull = min(costs, key=lambda found: found[:2], default=(worth + 1, 0, box))
        if cost <= worth:
            kept[at] = hull
        else:
            kept.append(box)
    return kept


def _hull(one: Box, other: Box) -> Box:
    return Box(tuple(ours | theirs for ours, theirs in zip(one.sides, other.sides, strict=True)), one.output)


def _cost(box: Box, answers: Answers, counts: Counts) -> int:
    """How many cases more go wrong when all keys of the box get its output."""
    cost = 0
    for key in box.members():
        if (counted := counts.get(key)) is not None:
            cost += counted[answers[key] or ""] - counted[box.output]
    return cost
