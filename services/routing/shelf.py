"""Compiled rule sets at hand: what a batch decides by must not be compiled in it."""

from collections import OrderedDict

from services.routing import packs
from services.routing.rules.rule_sets import RuleSet

ROOM = 16


class Shelf:
    """Rule sets by their hashes; when it is full, the one that nobody has asked for the longest makes room."""

    def __init__(self) -> None:
        self._held = OrderedDict[str, RuleSet | None]()

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def get(self, name: str) -> RuleSet | None:
        """A rule set that was put here; None when it cannot be read."""
        found = self._held.get(name)
        if found is not None:
            self._held.move_to_end(name)
        return found

    def put(self, name: str, dumped: bytes) -> bool:
        """Compile the files of a rule set, which may take a second, and keep it; False when this release cannot read them."""
        try:
            found = packs.read_pack(packs.load(dumped))
        except packs.INVALID:
            found = None
        self._held[name] = found
        while len(self._held) > ROOM:
            self._held.popitem(last=False)
        return found is not None


SHELF = Shelf()
"""That of the process."""
