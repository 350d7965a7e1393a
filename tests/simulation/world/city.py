"""One world: everything a schedule acts upon."""

from dataclasses import dataclass, field
from random import Random

from chassis.lanes import Hole
from tests.simulation.decisions import Decisions
from tests.simulation.world.inbox import Inbox
from tests.simulation.world.kafka import Kafka
from tests.simulation.world.postgres import Postgres, Row


@dataclass(slots=True)
class World:
    """Two databases, a Kafka, chance, and what is known only from outside: which events are poison, what was reported."""

    chance: Random
    decisions: Decisions
    postgres: Postgres
    kafka: Kafka
    trace: list[str] | None
    inbox: Inbox = field(default_factory=lambda: Inbox())
    poison: set[int] = field(default_factory=lambda: set[int]())
    failing: bool = False
    """A bad deployment: whatever is handled fails."""
    pausing: bool = False
    """A consumer has said that too much fails for it to be the messages."""
    failed: set[str] = field(default_factory=lambda: set[str]())
    """Keys of which an event has ever failed: nobody else may be delayed."""
    holes: dict[int, Hole] = field(default_factory=lambda: dict[int, Hole]())
    """The last hole reported of each partition."""

    def say(self, words: str, *values: object) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.postgres.now:4} {words.format(*values)}")

    def fails(self, row: Row) -> bool:
        if self.failing or row.id in self.poison:
            self.failed.add(row.key)
            return True
        return False


def new_world(seed: int, decisions: Decisions, *, tracing: bool = False) -> World:
    chance = Random(seed)
    width = 1 if chance.random() < 0.2 else 2
    kafka = Kafka(chance, [[] for _ in range(width)], first_width=width)
    return World(chance, decisions, Postgres(), kafka, [] if tracing else None)
