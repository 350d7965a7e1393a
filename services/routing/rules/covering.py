"""Whether rules take every case of a box, and if not, the boxes in it that none takes.

A box is a set of segments a column, as bits; a rule takes a box of cases. To cover a box by boxes is co-NP-complete, so a
search is bounded by a number of steps. A box that one rule takes as a whole is covered, a box that none meets is not; any other
is halved where few rules lie on both sides, and the half with fewer rules is looked at first.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import and_, or_

Box = Sequence[int]
"""A set of segments a column."""


SAMPLE = 100
"""Of how many rules, about, a cut is chosen: enough to find a good one, and cheap when there are many rules."""


class Undecided(Exception):
    """The search took more steps than it was given."""


class Search:
    """A search in a box for cases that no rule takes.

    `used` are rules that together take all that was found covered, `steps_taken` how far it went.
    """

    def __init__(self, box: Box, rules: Sequence[Box], steps: int) -> None:
        self.used: set[int] = set()
        self.steps_taken = 0
        self._box, self._boxes, self._count, self._steps = box, list(rules), len(rules), steps

    def is_covered(self) -> bool:
        """Whether the rules take the whole box. Raises Undecided."""
        return next(self._free(), None) is None

    def uncovered(self) -> Iterator[Box]:
        """Boxes that no rule takes anything of: together all that is uncovered, each as large as it can be.

        Raises Undecided.
        """
        rules = self._boxes[: self._count]
        for part in self._free():
            self._boxes.append(_widen(part, self._box, rules))
            yield self._boxes[-1]

    def _free(self) -> Iterator[Box]:
        """Boxes that neither a rule meets nor a box that was found before. A box found in between counts as found."""
        todo = [(self._box, self._meeting(self._box, range(self._count)))] if all(self._box) else []
        while todo:
            self._take_a_step()
            box, rules = todo.pop()
            rules = rules or self._meeting(box, range(self._count, len(self._boxes)))
            if not rules:
                yield box
            elif not self._is_taken(box, rules):
                todo += self._halves(box, rules)

    def _take_a_step(self) -> None:
        if self.steps_taken >= self._steps:
            raise Undecided
        self.steps_taken += 1

    def _meeting(self, box: Box, among: Sequence[int]) -> list[int]:
        return [at for at in among if all(map(and_, self._boxes[at], box))]

    def _is_taken(self, box: Box, rules: Sequence[int]) -> bool:
        for rule in rules:
            if all(not segments & ~asked for segments, asked in zip(box, self._boxes[rule], strict=True)):
                self.used.add(rule)
                return True
        return False

    def _halves(self, box: Box, rules: Sequence[int]) -> list[tuple[Box, list[int]]]:
        """The box in two, and the rules that meet each; more rules first."""
        column, half = self._cut(box, rules)
        halves = [self._part(box, rules, column, segments) for segments in (half, box[column] & ~half)]
        return sorted(halves, key=lambda part: -len(part[1]))

    def _part(self, box: Box, rules: Sequence[int], column: int, segments: int) -> tuple[Box, list[int]]:
        within = [rule for rule in rules if self._boxes[rule][column] & segments]
        return (*box[:column], segments, *box[column + 1 :]), within

    def _cut(self, box: Box, rules: Sequence[int]) -> tuple[int, int]:
        """The column in which to halve a box that no rule takes, and the segments of one half."""
        first = self._boxes[rules[0]]
        column = next(at for at, segments in enumerate(box) if segments & ~first[at])
        best = (math.inf, column, box[column] & first[column])
        some = rules[:: len(rules) // SAMPLE + 1]
        for column, segments in enumerate(box):
            asked = [within for rule in some if (within := self._boxes[rule][column] & segments) != segments]
            for cost, half in _cuts(segments, asked, len(some) - len(asked)):
                best = min(best, (cost, column, half))
        return best[1:]


def _cuts(segments: int, asked: Sequence[int], whole: int) -> Iterator[tuple[int, int]]:
    """Ways to halve the segments, with their costs: the squared numbers of rules in each half, `whole` of them in both."""
    starts = sorted((within & -within).bit_length() for within in asked)
    stops = sorted(within.bit_length() + 1 for within in asked)
    for at in {*starts, *stops}:
        half = segments & (1 << at - 1) - 1
        if half and half != segments:
            left, right = bisect_left(starts, at), len(stops) - bisect_left(stops, at + 1)
            yield (left + whole) ** 2 + (right + whole) ** 2, half


def _widen(part: Box, box: Box, rules: Sequence[Box]) -> Box:
    """A box around a part that no rule meets, which none meets either and which cannot be larger in any column."""
    found = list(part)
    for at, segments in enumerate(box):
        found[at] = segments & ~_taken(at, found, rules)
    return tuple(found)


def _taken(at: int, box: Box, rules: Sequence[Box]) -> int:
    """What rules that meet the box in all other columns ask for in this one."""
    for column, segments in enumerate(box):
        if column != at:
            rules = [rule for rule in rules if rule[column] & segments]
    return reduce(or_, (rule[at] for rule in rules), 0)
