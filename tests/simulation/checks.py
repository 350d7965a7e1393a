"""What must hold when a schedule has come to rest."""

from collections import Counter

from tests.simulation.processes.consumer import Violation
from tests.simulation.world.city import World
from tests.simulation.world.inbox import key_of
from tests.simulation.world.postgres import Row


def is_processed(world: World) -> bool:
    """Whether every committed event was handled or parked."""
    return len(world.inbox.handled) + len(world.inbox.parked) >= len(_said(world))


def is_handled(world: World) -> bool:
    """Whether every committed event was handled."""
    return len(world.inbox.handled) >= len(_said(world))


def _said(world: World) -> list[Row]:
    """Every committed event that the reader has a handler for, in commit order."""
    return [row for row in world.postgres.said if not row.is_aside]


def check_delays(world: World) -> None:
    """Before the last redrive: only keys of which an event failed wait, and everything else was handled."""
    innocent = sorted(world.inbox.parked_keys - world.failed)
    _expect(not innocent, "delayed", innocent)
    handled = {row.id for row in world.inbox.handled}
    waiting = {one.row.id for one in world.inbox.parked}
    missing = [row.id for row in _said(world) if row.id not in handled and row.id not in waiting]
    _expect(not missing, "lost", missing)
    _expect(
        world.inbox.parked_keys == {key_of(one) for one in world.inbox.parked}, "a key waits for nothing", world.inbox
    )


def check_all(world: World, *, in_order: bool) -> None:
    """At the end: nothing lost, nothing doubled, watermarks true, and order where the topic did not grow."""
    said = [row.id for row in _said(world)]
    handled = [row.id for row in world.inbox.handled]
    doubled = [event for event, times in Counter(handled).items() if times > 1]
    _expect(not doubled, "doubled", doubled)
    _expect(not set(handled) - set(said), "invented", set(handled) - set(said))
    _expect(not set(said) - set(handled), "lost", sorted(set(said) - set(handled)))
    _check_watermarks(world)
    if in_order:
        _check_order(world)


def _check_watermarks(world: World) -> None:
    for partition, seen in world.inbox.seen.items():
        processed = world.inbox.processed.get(partition, [])
        _expect(processed == list(range(1, seen + 1)), f"watermark {partition}/{seen}, but processed were", processed)


def _check_order(world: World) -> None:
    for key in sorted({row.key for row in _said(world)}):
        said = [row.id for row in _said(world) if row.key == key]
        handled = [row.id for row in world.inbox.handled if row.key == key]
        _expect(said == handled, f"order of {key}", f"said {said}, handled {handled}")


def _expect(holds: object, what: str, found: object) -> None:
    if not holds:
        raise Violation(f"{what}: {found}")
