"""A decision table cut into cases: a segment of values for each input."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from operator import and_

from services.routing.rules.covering import Box
from services.routing.rules.findings import Case
from services.routing.rules.regions import Column, cut
from services.routing.rules.tables import DecisionTable, InvalidTable


@dataclass(frozen=True, slots=True)
class Grid:
    """A table, its columns cut, and what each rule asks for, which is nothing in a column whose cell cannot hold."""

    table: DecisionTable
    columns: Sequence[Column]
    boxes: Sequence[Box]
    extents: Sequence[tuple[Sequence[int], Sequence[int]]]
    """By column, the lowest and the highest segment of each rule."""

    @property
    def whole(self) -> Box:
        """All cases."""
        return [column.every for column in self.columns]

    def holding(self) -> list[int]:
        """The rules that hold for some case."""
        return [rule for rule, box in enumerate(self.boxes) if all(box)]

    def case(self, box: Box) -> Case:
        """One of the cases in a box, in values that are short to write."""
        return {column.name: column.sample(segments) for column, segments in zip(self.columns, box, strict=True)}

    def meeting(self, rule: int, others: Sequence[int]) -> list[int]:
        """Those of the others that hold together with the rule in some case."""
        box, found = self.boxes[rule], others
        for (lows, highs), segments in zip(self.extents, box, strict=True):  # quicker than to intersect them all
            low, high = _low(segments), segments.bit_length()
            found = [other for other in found if lows[other] <= high and low <= highs[other]]
        return [other for other in found if all(map(and_, self.boxes[other], box))]


def _low(segments: int) -> int:
    return (segments & -segments).bit_length()


def grid_of(table: DecisionTable, missing: Collection[str]) -> Grid:
    """The grid of a table, in which the facts of the inputs `missing` need not be there. Raises InvalidTable."""
    known = [clause.name for clause in table.inputs]
    unknown = [name for name in missing if name not in known]
    if unknown:
        raise InvalidTable(f"{table.name}: expected inputs that may be missing, found {', '.join(unknown)}")
    asked = [[rule.cells[at] for rule in table.rules] for at in range(len(known))]
    columns = [
        cut(clause, cells, may_be_missing=clause.name in missing)
        for clause, cells in zip(table.inputs, asked, strict=True)
    ]
    boxes = [
        tuple(column.asked(cell) for column, cell in zip(columns, rule.cells, strict=True)) for rule in table.rules
    ]
    extents = [([_low(box[at]) for box in boxes], [box[at].bit_length() for box in boxes]) for at in range(len(known))]
    return Grid(table, columns, boxes, extents)
