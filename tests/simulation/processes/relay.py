"""The relay, as chassis/relay.py is one: promise, publish; after a crash publish the last promise again. And `resend`."""

from collections.abc import Sequence

from chassis.ticks import Tick
from tests.simulation.decisions import Lead
from tests.simulation.processes import Process, Steps
from tests.simulation.world.city import World
from tests.simulation.world.postgres import PAGE, Row


def relay(world: World, name: int) -> Process:
    """Lead until somebody else has promised under our number. Nothing keeps two from believing that they lead."""
    decisions, postgres = world.decisions, world.postgres
    lead = Lead(*postgres.ticks[-1])
    yield
    if rows := decisions.promised(postgres, lead.tick):
        world.say("relay {} publishes tick {} again", name, lead.tick.number)
        yield from _publish(world, decisions.resumed(lead.tick, world.kafka), rows)
    while True:
        yield
        read_at = postgres.now
        snapshot, rows = decisions.next_page(postgres, decisions.horizon, lead)
        if not rows:
            continue
        yield
        tick = _follow(world, lead.tick, snapshot, rows)
        since = decisions.opened(lead.since, read_at, continues=not lead.tick.whole)
        if decisions.promises_first:
            if not _promise(world, name, tick, since):
                return
            yield
            yield from _publish(world, tick, rows)
        else:
            yield from _publish(world, tick, rows)
            if not _promise(world, name, tick, since):
                return
        lead = Lead(tick, since)


def _follow(world: World, last: Tick, snapshot: str, rows: Sequence[Row]) -> Tick:
    width = world.decisions.width(world.kafka.width(), last)
    partitions = _partitions(world, rows, width)
    ids = [row.id for row in rows]
    return world.decisions.follow(last, snapshot, ids, partitions, width=width, whole=len(rows) < PAGE)


def _promise(world: World, name: int, tick: Tick, since: int) -> bool:
    saved = world.postgres.save_tick(tick, since)
    world.say("relay {} {} {}", name, "promises" if saved else "is fenced at", tick)
    return saved


def _partitions(world: World, rows: Sequence[Row], width: int) -> list[int]:
    return [world.decisions.partition_of(row.key.encode(), width) for row in rows]


def _publish(world: World, tick: Tick, rows: Sequence[Row], only: tuple[int, int, int] | None = None) -> Steps[None]:
    """Publish the rows of a promise under their numbers, or of `only` (partition, first, last) what is among them."""
    partitions = _partitions(world, rows, world.decisions.width_of(tick, world.kafka))
    for place, row in zip(world.decisions.places(tick, partitions), rows, strict=True):
        if only is None or (place.partition == only[0] and only[1] <= place.number <= only[2]):
            world.say("publish {}/{}: event {} of {}", place.partition, place.number, row.id, row.key)
            world.kafka.append(place.partition, place.number, row)
            yield


def resend(world: World, partition: int, first: int, last: int) -> Process:
    """relay.resend: publish numbers `first`…`last` of a lane once more, from the journal."""
    world.say("resend {}/{}-{}", partition, first, last)
    for tick, _ in list(world.postgres.ticks):
        if world.decisions.covers(tick, partition, first, last):
            rows = world.decisions.promised(world.postgres, tick)
            yield from _publish(world, tick, rows, (partition, first, last))
