"""A relay and a consumer, as in chassis/relay.py and chassis/consumer.py: each `yield` is a place to die or to fall asleep."""

from collections.abc import Sequence
from dataclasses import replace

from chassis.lanes import Lane
from chassis.ticks import Place, Tick
from tests.protocol.decisions import Decisions
from tests.protocol.postgres import PAGE, Row
from tests.protocol.world import Process, Record, World


def outgoing(decisions: Decisions, tick: Tick, rows: Sequence[Row]) -> list[tuple[Place, Row]]:
    """The records of a promise."""
    partitions = [decisions.partition_of(row.key.encode(), len(tick.counters)) for row in rows]
    return list(zip(decisions.places(tick, partitions), rows, strict=True))


def relay(world: World) -> Process:
    """Publish the last promise again, then promise and publish for ever."""
    tick = world.producer.ticks[-1]
    yield from _publish(world, tick, world.producer.promised(tick))
    while True:
        tick, snapshot, rows = _next_page(world, tick)
        if not rows:
            yield
            continue
        following = _follow(world, tick, snapshot, rows)
        if world.decisions.bug == "publish before save":
            yield from _publish(world, following, rows)
        yield
        if not world.producer.save_tick(following):
            return
        tick = following
        yield
        if world.decisions.bug != "publish before save":
            yield from _publish(world, tick, rows)


def _next_page(world: World, tick: Tick) -> tuple[Tick, str, list[Row]]:
    if not tick.whole:
        if rows := world.producer.page(tick):
            return tick, tick.snapshot, rows
        tick = replace(tick, whole=True)
    snapshot, rows = world.producer.window(tick.snapshot, tick.upto)
    return tick, snapshot, rows


def _follow(world: World, tick: Tick, snapshot: str, rows: Sequence[Row]) -> Tick:
    width = world.partitions
    return world.decisions.follow(
        tick,
        snapshot,
        [row.id for row in rows],
        [world.decisions.partition_of(row.key.encode(), width) for row in rows],
        width=width,
        whole=len(rows) < PAGE,
    )


def _publish(world: World, tick: Tick, rows: Sequence[Row]) -> Process:
    if world.decisions.bug == "growth not saved":
        tick = replace(tick, before=_wide(tick.before, world), counters=_wide(tick.counters, world))
    if world.decisions.bug == "republish renumbered":
        tick = replace(tick, before=tuple(_highest(world, p) for p in range(len(tick.counters))))
    for place, row in outgoing(world.decisions, tick, rows):
        world.append(place.partition, Record(place.number, row))
        yield


def _wide(counters: tuple[int, ...], world: World) -> tuple[int, ...]:
    return counters + (0,) * (world.partitions - len(counters))


def _highest(world: World, partition: int) -> int:
    return max((record.number for record in world.log.get(partition, [])), default=0)


def consumer(world: World) -> Process:
    """An instance that owns all partitions; one that was fenced ends, as chassis/consumer.py starts anew then."""
    lanes = {partition: Lane(mark) for partition, mark in world.marks.items()}
    positions = {partition: world.random.randint(0, offset) for partition, offset in world.offsets.items()}
    while True:
        partition = world.random.randrange(world.partitions)
        position = positions.get(partition, 0)
        batch = world.log.get(partition, [])[position : position + world.random.randrange(1, 5)]
        if not batch:
            yield
            continue
        lane = lanes.get(partition, Lane())
        offsets = list(range(position, position + len(batch)))
        admission = world.decisions.admit(lane, offsets, [record.number for record in batch])
        yield
        if admission.taken:
            if world.marks.get(partition, 0) != lane.seen and world.decisions.bug != "unfenced watermark":
                return
            world.marks[partition] = admission.lane.seen
            world.handle([batch[index].row for index in admission.taken])
        lanes[partition] = admission.lane
        if admission.found is not None:
            world.holes.add((partition, admission.found))
        yield
        following = position + len(batch)
        positions[partition] = following if admission.rewind is None else admission.rewind
        world.offsets[partition] = (
            world.decisions.committable(admission.lane, following) if admission.rewind is None else admission.rewind
        )
