"""Who was seen at which stage, and how often: the common measure of databases and topics."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Stage = Literal[
    "read",
    "accepted-submissions",
    "repeated",
    "rejected",
    "accepted",
    "cases",
    "routed",
    "triaged",
    "in-desk",
    "desk-cases",
    "receipts",
    "queued",
    "sent",
    "failed",
    "withheld",
    "mailed",
    "archived",
    "events",
    "refusals",
    "closed",
    "sealed",
]
Key = UUID | tuple[str, ...]
"""An application, a case or an event; a submission by source and id, and one that said another content under them by its number too."""


@dataclass(slots=True)
class Tally:
    """Distinct keys, and how many entries there were in all."""

    keys: set[Key] = field(default_factory=lambda: set[Key]())
    entries: int = 0

    def add(self, key: Key) -> None:
        """One entry."""
        self.keys.add(key)
        self.entries += 1

    @property
    def twice(self) -> int:
        """Entries beyond the first of their key."""
        return self.entries - len(self.keys)


def said_again(source: str, submission: str, number: int) -> Key:
    """The submission that came as the `number`th (from 1) with yet another content under a source and an id: a row of its own."""
    return source, submission, f"with another content, number {number}"


def tallies() -> defaultdict[Stage, Tally]:
    """Nothing seen yet, at any stage."""
    return defaultdict(Tally)


@dataclass(slots=True)
class Account:
    """What one side, the databases or the topics, says. `faults` are sentences about lanes and parked events."""

    stages: defaultdict[Stage, Tally] = field(default_factory=tallies)
    faults: list[str] = field(default_factory=lambda: list[str]())
    reasons: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    repeats: int = 0
    complete: bool = True
    highest: dict[tuple[str, int], int] = field(default_factory=lambda: dict[tuple[str, int], int]())
    """The last lane number by topic and partition."""

    def keys(self, *stages: Stage) -> set[Key]:
        """The distinct keys of all of these stages."""
        return set[Key]().union(*(self.stages[stage].keys for stage in stages))

    def twice(self, *stages: Stage) -> int:
        """Entries of these stages beyond the first of their key."""
        return sum(self.stages[stage].twice for stage in stages)
