"""Compiled rule sets at hand: what a batch decides by must not be compiled in it."""

from collections.abc import Iterable

from services.routing import packs
from services.routing.rules.rule_sets import RuleSet

ROOM = 16


class Shelf:
    """Rule sets by their hashes; when it is full, the one that was put there first makes room."""

    def __init__(self) -> None:
        self._held: dict[str, RuleSet] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def __getitem__(self, name: str) -> RuleSet:
        return self._held[name]

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those that are not here, each once."""
        return [name for name in dict.fromkeys(names) if name not in self._held]

    def put(self, name: str, dumped: bytes) -> None:
        """Compile the files of a rule set, which may take a second, and keep it. Raises what packs.read_pack raises."""
        rule_set = packs.read_pack(packs.load(dumped))
        if len(self._held) >= ROOM:
            self._held.pop(next(iter(self._held)))
        self._held[name] = rule_set


SHELF = Shelf()
"""That of the process."""
