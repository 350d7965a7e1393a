"""Compiled rule sets at hand: what a batch decides by must not be compiled in it."""

import asyncio
from collections import OrderedDict

from services.routing import compiler, packs
from services.routing.rules.rule_sets import RuleSet

ROOM = 16


class Shelf:
    """Rule sets by their hashes; when it is full, the one that nobody has asked for the longest makes room."""

    def __init__(self) -> None:
        self._held = OrderedDict[str, RuleSet | None]()
        self._turn = asyncio.Lock()

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def get(self, name: str) -> RuleSet | None:
        """A rule set that was put here; None when it cannot be read."""
        found = self._held.get(name)
        if found is not None:
            self._held.move_to_end(name)
        return found

    async def put(self, name: str, dumped: bytes) -> bool:
        """Have the files of a rule set compiled, once however many ask for it, and keep it; False when they cannot be read.

        Raises ChildProcessError when whoever compiles died, again.
        """
        async with self._turn:
            if name not in self._held:
                self._held[name] = await _compiled(dumped)
                while len(self._held) > ROOM:
                    self._held.popitem(last=False)
        return self._held.get(name) is not None


async def _compiled(dumped: bytes) -> RuleSet | None:
    try:
        return await compiler.compile_files(dumped)
    except packs.INVALID:
        return None


SHELF = Shelf()
"""That of the process."""
