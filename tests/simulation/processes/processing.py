"""One batch, one transaction, as chassis/processing.py has it: all at once, or carefully by halves; the guilty are parked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chassis.errors import Fenced, Poison, Transient
from chassis.parking import ParkingLimit
from tests.simulation.processes import Steps
from tests.simulation.world.city import World
from tests.simulation.world.inbox import Delivery, key_of, kind_of
from tests.simulation.world.postgres import Row

Moves = Mapping[int, tuple[int, int]]


@dataclass(slots=True)
class Effects:
    """What a batch has brought about within its transaction. `keys` are those parked before it or by it."""

    keys: set[str]
    handled: list[Row] = field(default_factory=lambda: list[Row]())
    parked: list[Delivery] = field(default_factory=lambda: list[Delivery]())
    waiting: int = 0

    def park(self, delivery: Delivery) -> None:
        self.parked.append(delivery)
        self.keys.add(key_of(delivery))


def process(
    world: World, limit: ParkingLimit, deliveries: Sequence[Delivery], moves: Moves, passed: Sequence[Delivery]
) -> Steps[None]:
    """Process a batch, or raise Fenced or Transient and leave no trace. `passed` is what nobody handles among the moves."""
    try:
        yield from _attempt(world, limit, deliveries, moves, careful=False)
    except Poison:
        yield from _attempt(world, limit, deliveries, moves, careful=True)
    world.inbox.account([*passed, *deliveries])


def _attempt(
    world: World, limit: ParkingLimit, deliveries: Sequence[Delivery], moves: Moves, *, careful: bool
) -> Steps[None]:
    tx = world.inbox.begin()
    try:
        yield from _advance(world, tx, moves)
        effects = Effects((yield from _parked_among(world, tx, sorted({key_of(one) for one in deliveries}))))
        for run in world.decisions.runs(deliveries, kind_of, key_of):
            _run(world, run.items, effects, careful=careful)
            yield
        _commit(world, limit, deliveries, moves, effects)
    finally:
        world.inbox.end(tx)


def _advance(world: World, tx: int, moves: Moves) -> Steps[None]:
    """progress.enter: the watermark is locked, and must be where we believe it is."""
    for partition, (expected, _) in sorted(moves.items()):
        while not world.inbox.lock_lane(tx, partition):
            yield
        if not world.decisions.is_unmoved(world.inbox.seen.get(partition, 0), expected):
            raise Fenced("another instance has advanced this lane")


def _parked_among(world: World, tx: int, keys: Sequence[str]) -> Steps[set[str]]:
    """progress.enter: no redrive finishes with these keys before we have lined up."""
    for key in keys:
        while not world.inbox.share(tx, key):
            yield
    return {key for key in keys if key in world.inbox.parked_keys}


def _run(world: World, deliveries: Sequence[Delivery], effects: Effects, *, careful: bool) -> None:
    free, waiting = world.decisions.split(deliveries, key_of, effects.keys) if effects.keys else (deliveries, [])
    for delivery in waiting:
        effects.park(delivery)
        effects.waiting += 1
    if careful and free:
        _search(world, free, effects)
    else:
        _call(world, free, effects)


def _call(world: World, deliveries: Sequence[Delivery], effects: Effects) -> None:
    if any(world.fails(delivery.row) for delivery in deliveries):
        raise Poison
    effects.handled += [delivery.row for delivery in deliveries]


def _search(world: World, deliveries: Sequence[Delivery], effects: Effects) -> None:
    try:
        _call(world, deliveries, effects)
    except Poison:
        if len(deliveries) == 1:
            effects.park(deliveries[0])
            return
        for half in world.decisions.halves(deliveries):
            _run(world, half, effects, careful=True)


def _commit(world: World, limit: ParkingLimit, deliveries: Sequence[Delivery], moves: Moves, effects: Effects) -> None:
    keys = len({key_of(one) for one in deliveries})
    guilty = len(effects.parked) - effects.waiting
    if limit.exceeded(keys, guilty):
        raise Transient("it is not the messages")
    limit.count(keys, guilty)
    world.inbox.apply(effects.handled, effects.parked, moves)
    if effects.parked:
        world.say("parked {}", [(one.row.id, one.row.key) for one in effects.parked])
