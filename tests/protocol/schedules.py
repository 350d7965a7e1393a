"""One schedule: random steps, then quiet, then the questions."""

from random import Random

from tests.protocol.decisions import Decisions
from tests.protocol.postgres import KEYS
from tests.protocol.processes import consumer, relay
from tests.protocol.world import World

STEPS = 300
QUIET = 1500


def violation(seed: int, decisions: Decisions) -> str | None:
    """Run the schedule of a seed; what was violated, or None."""
    world = World(Random(seed), decisions)
    for _ in range(STEPS):
        _step(world)
    _let_finish(world)
    return _check(world)


def _step(world: World) -> None:
    roll = world.random.random()
    if roll < 0.38:
        _write(world, roll)
    elif roll < 0.47:
        _live_and_die(world, roll)
    elif roll < 0.4715:
        world.partitions += 1
    elif roll < 0.48:
        world.resend()
    elif roll < 0.484:
        world.redrive()
    else:
        world.turn(world.relays if roll < 0.74 else world.consumers)


def _write(world: World, roll: float) -> None:
    if roll < 0.10:
        world.producer.begin()
    elif roll < 0.27:
        world.producer.write()
    else:
        world.producer.end(commit=world.random.random() < 0.9)


def _live_and_die(world: World, roll: float) -> None:
    """A new instance while the old one lives on, or an instance killed where it stands."""
    if roll < 0.41 and len(world.relays) < 3:
        world.relays.append(relay(world))
    elif roll < 0.44 and len(world.consumers) < 3:
        world.consumers.append(consumer(world))
    elif roll < 0.455 and world.relays:
        world.relays.pop(world.random.randrange(len(world.relays)))
    elif world.consumers:
        world.consumers.pop(world.random.randrange(len(world.consumers)))


def _let_finish(world: World) -> None:
    """Nobody dies any more; one relay, one consumer; holes are sent again and parked keys redriven."""
    while world.producer.open:
        world.producer.end()
    world.relays, world.consumers = [relay(world)], [consumer(world)]
    for turn in range(QUIET):
        world.turn(world.relays)
        world.turn(world.consumers)
        world.relays = world.relays or [relay(world)]
        world.consumers = world.consumers or [consumer(world)]
        if turn % 20 == 0:
            world.resend()
        if turn % 400 == 399:
            world.compare_ends()
        if turn % 50 == 0 and len(world.state) + len(world.parked) >= len(world.producer.committed):
            break
    world.redrive()
    for _ in range(30):
        world.turn(world.consumers)


def _check(world: World) -> str | None:
    handled, said = [row.id for row in world.state], [row.id for row in world.producer.committed]
    if len(set(handled)) != len(handled):
        return "doubled"
    if set(handled) != set(said):
        return "lost"
    if world.partitions == 2:  # across a growth, order holds only where the old lane was drained
        for key in KEYS:
            if [row.id for row in world.state if row.key == key] != [
                row.id for row in world.producer.committed if row.key == key
            ]:
                return f"the order of {key}"
    if any(mark > world.producer.ticks[-1].counters[partition] for partition, mark in world.marks.items()):
        return "a watermark beyond what was promised"
    return None
