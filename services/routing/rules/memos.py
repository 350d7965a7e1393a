"""Dictionaries that compute what they do not have yet, and never grow beyond a bound."""

import sys
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
LONG = 1_000
"""Bytes from which on a key is not kept: a text that somebody wrote hardly comes twice."""


class Memo(dict[K, V], Generic[K, V]):
    """What `compute` gives for a key. Holds at most `room`, of which a value takes `size(value)`: then it begins anew."""

    __slots__ = ("_compute", "_free", "_room", "_size")

    def __init__(self, compute: Callable[[K], V], *, room: int, size: Callable[[V], int] = lambda _: 1) -> None:
        super().__init__()
        self._compute, self._size = compute, size
        self._free = self._room = room

    def __missing__(self, key: K) -> V:
        value = self._compute(key)
        if sys.getsizeof(key) < LONG:
            self._keep(key, value)
        return value

    def _keep(self, key: K, value: V) -> None:
        size = self._size(value)
        if size > self._free:
            self.clear()
            self._free = self._room
        if size <= self._free:
            self[key] = value
            self._free -= size
