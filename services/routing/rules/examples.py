"""Cases of the past that somebody decided, counted: what a table is learnt from."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from services.routing.rules.values import Value

Key = tuple[Value | None, ...]
"""What a case has of each input; None is a missing fact. The values of one input are of one kind."""
Decided = tuple[Key, str]
"""A case of the past, and who had it."""


@dataclass(frozen=True, slots=True)
class Examples:
    """How often each key was given to whom."""

    inputs: tuple[str, ...]
    counts: Mapping[Key, Counter[str]]

    @property
    def total(self) -> int:
        """How many cases there are."""
        return sum(counted.total() for counted in self.counts.values())

    def project(self, inputs: Sequence[str]) -> "Examples":
        """The same cases, seen by these inputs alone."""
        places = [self.inputs.index(name) for name in inputs]
        found: dict[Key, Counter[str]] = {}
        for key, counted in self.counts.items():
            found.setdefault(tuple(key[at] for at in places), Counter()).update(counted)
        return Examples(tuple(inputs), found)


def count(inputs: Sequence[str], decided: Iterable[Decided]) -> Examples:
    """Cases as examples."""
    counts: dict[Key, Counter[str]] = {}
    for key, who in decided:
        counts.setdefault(key, Counter())[who] += 1
    return Examples(tuple(inputs), counts)


def hold_back(inputs: Sequence[str], decided: Sequence[Decided], parts: int) -> Iterator[tuple[Examples, Examples]]:
    """(what to learn from, what is held back), `parts` + 1 times: each part of the cases shuffled, then the last part of them."""
    size = len(decided) // parts
    yield from _folds(inputs, Random(0).sample(decided, len(decided)), parts)
    yield count(inputs, decided[:-size] if size else decided), count(inputs, decided[-size:] if size else ())


def _folds(inputs: Sequence[str], decided: Sequence[Decided], parts: int) -> Iterator[tuple[Examples, Examples]]:
    for part in range(parts):
        rest = (case for at, case in enumerate(decided) if at % parts != part)
        yield count(inputs, rest), count(inputs, decided[part::parts])


def most(counted: Counter[str]) -> str:
    """Who had most of them; of equals the first by name."""
    return min(counted, key=lambda who: (-counted[who], who))
