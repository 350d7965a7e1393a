"""How often free text alone finds the department: a model tried on texts that it has not seen."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from services.routing.free_text import FreeTextModel, suggest

T = TypeVar("T")
HELD_BACK = 5
"""One group in so many is held back."""


@dataclass(frozen=True, slots=True)
class Trial:
    """Of `held` texts: `first` had their department suggested first, `among` at all; of `silent` nothing was known.

    `amiss` are pieces shown that do not stand in the text: there must be none.
    """

    held: int
    first: int
    among: int
    silent: int
    amiss: int

    @property
    def top1(self) -> float:
        """The share that had their department suggested first; none of none."""
        return self.first / self.held if self.held else 0.0

    @property
    def top3(self) -> float:
        """The share that had their department suggested at all; none of none."""
        return self.among / self.held if self.held else 0.0


def hold_back(rows: Iterable[T], group: Callable[[T], str]) -> tuple[list[T], list[T]]:
    """(what to learn from, what is held back): whole groups, by the hash of each, so that no text is on both sides."""
    sides: tuple[list[T], list[T]] = ([], [])
    for row in rows:
        digest = hashlib.sha256(group(row).encode(errors="replace")).digest()
        sides[digest[0] % HELD_BACK == 0].append(row)
    return sides


def try_out(model: FreeTextModel, held: Iterable[tuple[str, str]]) -> Trial:
    """The model asked about (text, department)."""
    count = first = among = silent = amiss = 0
    for text, department in held:
        found = suggest(model, text)
        said = [one.department for one in found]
        count += 1
        first += said[:1] == [department]
        among += department in said
        silent += not said
        amiss += sum(piece.text not in text for one in found for piece in one.pieces)
    return Trial(count, first, among, silent, amiss)
