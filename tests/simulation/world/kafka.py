"""Kafka: partitions with offsets, one consumer group, a broker that repeats records and sometimes loses one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from tests.simulation.world.postgres import Row

REPEATS = 0.07


@dataclass(frozen=True, slots=True)
class Record:
    """One record; its offset is its place in the partition."""

    offset: int
    number: int
    row: Row


@dataclass(slots=True)
class Kafka:
    """One topic and the group that reads it."""

    chance: Random
    logs: list[list[Record | None]]
    """None stands where a record was lost; one lost before it had an offset leaves no trace at all."""
    offsets: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    members: list[int] = field(default_factory=lambda: list[int]())
    owners: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    generation: int = 0
    to_lose: int = 0
    first_width: int = 0

    def append(self, partition: int, number: int, row: Row) -> None:
        log = self.logs[partition]
        if self.to_lose:
            self.to_lose -= 1
            if self.chance.random() < 0.5:
                log.append(None)
            return
        for _ in range(2 if self.chance.random() < REPEATS else 1):
            log.append(Record(len(log), number, row))

    def fetch(self, partition: int, offset: int, most: int) -> list[Record]:
        return [record for record in self.logs[partition][offset : offset + most] if record is not None]

    def grow(self) -> None:
        self.logs.append([])
        self.rebalance()

    def width(self) -> int:
        """How many partitions a client believes there are: a broker may answer a while with what was before."""
        return len(self.logs) if self.chance.random() < 0.7 else max(self.first_width, len(self.logs) - 1)

    def join(self, member: int) -> None:
        if member not in self.members:
            self.members.append(member)
        self.rebalance()

    def leave(self, member: int) -> None:
        if member in self.members:
            self.members.remove(member)
            self.rebalance()

    def rebalance(self) -> None:
        """Every partition gets an owner, by chance another one; everybody starts from the committed offsets."""
        self.generation += 1
        members = self.members
        self.owners = {part: self.chance.choice(members) for part in range(len(self.logs))} if members else {}

    def owned_by(self, member: int) -> list[int]:
        return [partition for partition, owner in self.owners.items() if owner == member]

    def commit(self, member: int, partition: int, offset: int) -> bool:
        """False when the group refuses: the partition belongs to somebody else now."""
        if self.owners.get(partition) != member:
            return False
        self.offsets[partition] = offset
        return True

    def numbers_before(self, partition: int, offset: int) -> Iterable[int]:
        return (record.number for record in self.logs[partition][:offset] if record is not None)
