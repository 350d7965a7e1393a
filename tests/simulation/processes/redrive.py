"""Redrive, as chassis/redriving.py has it: a parked key handled in order, up to the first event that still fails."""

from tests.simulation.processes import Process
from tests.simulation.world.city import World
from tests.simulation.world.inbox import Delivery


def redrive(world: World, key: str) -> Process:
    """One key, one transaction, beside a consumer that goes on."""
    tx = world.inbox.begin()
    try:
        while not world.inbox.lock_key(tx, key):
            yield
        handled: list[Delivery] = []
        for delivery in world.decisions.in_order(world.inbox.parked_of(key)):
            yield
            if world.fails(delivery.row):
                break
            handled.append(delivery)
        world.inbox.settle(key, handled)
        world.say("redrive of {}: handled {}", key, [one.row.id for one in handled])
    finally:
        world.inbox.end(tx)
