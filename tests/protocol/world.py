"""Kafka, the reader's database, and the schedule: who does what next, when somebody dies, when a message is lost."""

from collections.abc import Generator
from dataclasses import dataclass, field
from random import Random

from chassis.lanes import Hole
from tests.protocol.decisions import Decisions
from tests.protocol.postgres import Producer, Row

Process = Generator[None]


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a partition."""

    number: int
    row: Row


@dataclass(slots=True)
class World:
    """Everything but the decisions."""

    random: Random
    decisions: Decisions
    producer: Producer = field(init=False)
    partitions: int = 2
    log: dict[int, list[Record]] = field(default_factory=lambda: dict[int, list[Record]]())
    offsets: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    marks: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    state: list[Row] = field(default_factory=lambda: list[Row]())
    parked: list[Row] = field(default_factory=lambda: list[Row]())
    poison: set[int] = field(default_factory=lambda: set[int]())
    poisoned_keys: set[str] = field(default_factory=lambda: set[str]())
    holes: set[tuple[int, Hole]] = field(default_factory=lambda: set[tuple[int, Hole]]())
    to_lose: int = 0
    relays: list[Process] = field(default_factory=lambda: list[Process]())
    consumers: list[Process] = field(default_factory=lambda: list[Process]())

    def __post_init__(self) -> None:
        """Some schedules lose a record, some have a poison event, some both."""
        self.producer = Producer(self.random, self.decisions)
        self.to_lose = self.random.choice((0, 0, 1, 2))
        self.poison = set(self.random.sample(range(1, 20), self.random.choice((0, 0, 1))))

    def append(self, partition: int, record: Record) -> None:
        """A record reaches the broker: now and then it does not, now and then twice."""
        if self.to_lose and self.random.random() < 0.03:
            self.to_lose -= 1
            return
        entries = self.log.setdefault(partition, [])
        entries.append(record)
        if self.random.random() < 0.1:
            entries.append(record)

    def handle(self, rows: list[Row]) -> None:
        """The reader's handler, in its transaction: poison is parked with its key, the rest becomes state."""
        waiting_keys = {row.key for row in self.parked}
        for row in rows:
            free, waiting = self.decisions.split([row], lambda one: one.key, waiting_keys)
            self.parked += waiting
            for one in free:
                if one.id in self.poison:
                    self.parked.append(one)
                    waiting_keys.add(one.key)
                    self.poisoned_keys.add(one.key)
                else:
                    self.state.append(one)

    def redrive(self) -> None:
        """A person has mended what hurt: every parked key is handled again, in order."""
        self.poison.clear()
        ordered = self.parked[::-1] if self.decisions.bug == "redrive out of order" else self.parked
        self.state += ordered
        self.parked = []

    def resend(self) -> None:
        """`madoguchi lane resend` of a hole that was reported, from the ticks and the journal."""
        for partition, hole in list(self.holes):
            self.holes.discard((partition, hole))
            for tick in self.producer.ticks:
                if self.decisions.covers(tick, partition, hole.first, hole.last):
                    self._send_again(partition, hole, tick)

    def compare_ends(self) -> None:
        """`madoguchi doctor`: a lane that is quiet before its last promised number has lost its end; no number tells."""
        for partition, promised in enumerate(self.producer.ticks[-1].counters):
            if self.marks.get(partition, 0) < promised:
                self.holes.add((partition, Hole(self.marks.get(partition, 0) + 1, promised, 0)))

    def _send_again(self, partition: int, hole: Hole, tick: object) -> None:
        from tests.protocol.processes import outgoing

        for place, row in outgoing(self.decisions, tick, self.producer.promised(tick)):  # pyright: ignore[reportArgumentType]
            if place.partition == partition and hole.first <= place.number <= hole.last:
                self.append(partition, Record(place.number, row))

    def turn(self, processes: list[Process]) -> None:
        """One of them does its next step."""
        if not processes:
            return
        process = self.random.choice(processes)
        try:
            next(process)
        except StopIteration:
            processes.remove(process)
