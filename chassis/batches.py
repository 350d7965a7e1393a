"""Batches: as many events of one type at a time as the order of each key allows. Pure."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Run(Generic[K, T]):
    """Events of one kind that one handler may take at once."""

    kind: K
    items: list[T]


def runs(items: Iterable[T], kind_of: Callable[[T], K], key_of: Callable[[T], str]) -> Sequence[Run[K, T]]:
    """Group `items` by kind into as few runs as keep every key's own order.

    Each item joins the first run of its kind that does not stand before the last item of its key.
    """
    items = list(items)
    kinds = {kind_of(item) for item in items}
    if len(kinds) == 1:  # nearly always
        return [Run(kinds.pop(), items)]
    found: list[Run[K, T]] = []
    reached: dict[str, int] = {}
    of_kind: dict[K, list[int]] = {}
    for item in items:
        kind, key = kind_of(item), key_of(item)
        least = reached.get(key, 0)
        places = of_kind.setdefault(kind, [])
        at = next((place for place in places if place >= least), -1)
        if at < 0:
            at = len(found)
            found.append(Run(kind, []))
            places.append(at)
        found[at].items.append(item)
        reached[key] = at
    return found
