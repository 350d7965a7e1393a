"""The reader's PostgreSQL: watermarks, parked events, its own state, and the row locks that order them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.simulation.world.postgres import Row


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record on its way to a handler."""

    row: Row
    partition: int
    offset: int
    number: int


def key_of(delivery: Delivery) -> str:
    return delivery.row.key


def kind_of(delivery: Delivery) -> str:
    return delivery.row.kind


@dataclass(slots=True)
class Inbox:
    """What the reader's database keeps. A transaction is a number; what it holds is released when it ends."""

    seen: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    handled: list[Row] = field(default_factory=lambda: list[Row]())
    """The service's state: every event handled, in that order."""
    parked_keys: set[str] = field(default_factory=lambda: set[str]())
    parked: list[Delivery] = field(default_factory=lambda: list[Delivery]())
    processed: dict[int, list[int]] = field(default_factory=lambda: dict[int, list[int]]())
    """Which numbers of a partition were handled, parked or passed over: what the checks compare watermarks with."""
    _next_tx: int = 0
    _lanes: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    _exclusive: dict[str, int] = field(default_factory=lambda: dict[str, int]())
    _shared: dict[str, set[int]] = field(default_factory=lambda: dict[str, set[int]]())

    def begin(self) -> int:
        self._next_tx += 1
        return self._next_tx

    def lock_lane(self, tx: int, partition: int) -> bool:
        """The row lock that `advance` takes; False means: wait."""
        return self._lanes.setdefault(partition, tx) == tx

    def share(self, tx: int, key: str) -> bool:
        """FOR SHARE on a parked key; False means: wait."""
        if self._exclusive.get(key, tx) != tx:
            return False
        if key in self.parked_keys:
            self._shared.setdefault(key, set()).add(tx)
        return True

    def lock_key(self, tx: int, key: str) -> bool:
        """FOR UPDATE on a parked key; False means: wait."""
        if self._shared.get(key) or self._exclusive.get(key, tx) != tx:
            return False
        if key in self.parked_keys:
            self._exclusive[key] = tx
        return True

    def end(self, tx: int) -> None:
        """Release what a transaction holds. What it did not apply before is rolled back."""
        self._lanes = {partition: holder for partition, holder in self._lanes.items() if holder != tx}
        self._exclusive = {key: holder for key, holder in self._exclusive.items() if holder != tx}
        for holders in self._shared.values():
            holders.discard(tx)

    def apply(self, handled: Sequence[Row], parked: Sequence[Delivery], moves: Mapping[int, tuple[int, int]]) -> None:
        """Commit a batch: state, parked events and watermarks at once."""
        self.handled += handled
        known = {(one.partition, one.offset) for one in self.parked}
        self.parked += [one for one in parked if (one.partition, one.offset) not in known]
        self.parked_keys.update(map(key_of, parked))
        for partition, (_, reached) in moves.items():
            self.seen[partition] = reached

    def account(self, deliveries: Iterable[Delivery]) -> None:
        for delivery in sorted(deliveries, key=lambda one: (one.partition, one.number)):
            self.processed.setdefault(delivery.partition, []).append(delivery.number)

    def parked_of(self, key: str) -> list[Delivery]:
        return [one for one in self.parked if key_of(one) == key]

    def settle(self, key: str, handled: Sequence[Delivery]) -> None:
        """Commit a redrive: what was handled is forgotten, the key freed when nothing is left."""
        self.handled += [one.row for one in handled]
        self.parked = [one for one in self.parked if one not in handled]
        if not self.parked_of(key):
            self.parked_keys.discard(key)
