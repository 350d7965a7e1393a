"""What cases of the past have in common. Sets of cases are integers, case i as bit i: a pattern is an AND."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from services.routing.rules.compiling import Facts
from services.routing.rules.sfeel import write_literal
from services.routing.rules.values import Kind, Value, read_fact

MOST_ITEMS = 3


class Item(NamedTuple):
    """One value of one fact; `literal` is it as S-FEEL."""

    name: str
    literal: str


@dataclass(frozen=True, slots=True)
class Pattern:
    """Items, each of another fact in the order of their names, and the cases that have them all."""

    items: tuple[Item, ...]
    held: int


@dataclass(frozen=True, slots=True)
class Indexed:
    """Which cases have which values."""

    every: int
    masks: Mapping[Item, int]
    values: Mapping[Item, Value]

    def hold(self, items: Iterable[Item]) -> Pattern:
        """The cases that have all these items."""
        held = self.every
        for item in items:
            held &= self.masks[item]
        return Pattern(tuple(sorted(items)), held)


def index_cases(cases: Sequence[Facts], kinds: Mapping[str, Kind | None]) -> Indexed:
    """The values of all cases, read as facts of these kinds."""
    places: dict[Item, list[int]] = {}
    values: dict[Item, Value] = {}
    for place, facts in enumerate(cases):
        for name, fact in facts.items():
            value = read_fact(kinds.get(name), fact)
            if value is not None:
                item = Item(name, write_literal(value))
                places.setdefault(item, []).append(place)
                values[item] = value
    masks = {item: set_of(found) for item, found in places.items()}
    return Indexed((1 << len(cases)) - 1, masks, values)


def set_of(places: Sequence[int]) -> int:
    """The set of these cases; their places ascend."""
    found = bytearray((places[-1] >> 3) + 1 if places else 0)
    for place in places:
        found[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(found, "little")


def patterns_of(cases: Indexed, wanted: int, support: int) -> Iterator[Pattern]:
    """Those of one to MOST_ITEMS items that at least `support` of the `wanted` cases have (Apriori, level by level)."""
    items = sorted(item for item, held in cases.masks.items() if (held & wanted).bit_count() >= support)
    level = [Pattern((), cases.every)]
    for _ in range(MOST_ITEMS):
        longer = (one for pattern in level for one in _narrowed(pattern, items, cases))
        level = [pattern for pattern in longer if (pattern.held & wanted).bit_count() >= support]
        yield from level


def possible_patterns(cases: Indexed, support: int) -> int:
    """How many patterns of one to MOST_ITEMS items there are of values that come `support` times, whatever became of the cases."""
    values = Counter(item.name for item, held in cases.masks.items() if held.bit_count() >= support)
    of_length = [1, *(0 for _ in range(MOST_ITEMS))]
    for count in values.values():
        for length in range(MOST_ITEMS, 0, -1):
            of_length[length] += of_length[length - 1] * count
    return sum(of_length[1:])


def _narrowed(pattern: Pattern, items: Sequence[Item], cases: Indexed) -> Iterator[Pattern]:
    for item in items:
        if not pattern.items or item.name > pattern.items[-1].name:
            yield Pattern((*pattern.items, item), pattern.held & cases.masks[item])


def surprise(pattern: Pattern, ended: int, every: int) -> float:
    """By how much the cases of a pattern beat the rate of all: -ln of a bound on the chance that they do so by accident (Chernoff)."""
    share, rate = share_of(pattern.held, ended), share_of(every, ended)
    if share <= rate:
        return 0.0
    rest = 0.0 if share >= 1 else (1 - share) * math.log((1 - share) / (1 - rate))
    return pattern.held.bit_count() * (share * math.log(share / rate) + rest)


def share_of(held: int, ended: int) -> float:
    """The share of `held`, which is not empty, that is in `ended`."""
    return (held & ended).bit_count() / held.bit_count()
