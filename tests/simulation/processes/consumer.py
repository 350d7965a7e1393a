"""The consumer, as chassis/consumer.py is one: fetch, sort by lane, process in one transaction, commit offsets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chassis.errors import Fenced, Transient
from chassis.lanes import Admission, Hole, Lane
from chassis.parking import ParkingLimit
from tests.simulation.processes import Process, Steps
from tests.simulation.processes.processing import process
from tests.simulation.world.city import World
from tests.simulation.world.inbox import Delivery
from tests.simulation.world.kafka import Record

Batch = Mapping[int, Sequence[Record]]
Moves = dict[int, tuple[int, int]]
COMMIT_FAILS = 0.05
REWIND_FAILS = 0.2
TOLD_LATER = 0.5
"""Offsets are told from time to time: with the next batch, or after a crash never."""


def _limit() -> ParkingLimit:
    """A small one: a schedule has four keys."""
    return ParkingLimit(window=12, share=0.4, least=2)


class Violation(AssertionError):
    """Something that must never be, seen while it happened."""


@dataclass(slots=True)
class Session:
    """What a consumer remembers. `generation` is the last one of the group that it has heard of."""

    member: int
    generation: int = -1
    positions: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    lanes: dict[int, Lane] = field(default_factory=lambda: dict[int, Lane]())
    offsets: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    owed: Moves = field(default_factory=lambda: Moves())
    passed: list[Delivery] = field(default_factory=lambda: list[Delivery]())
    """What nobody handles among what is owed."""
    limit: ParkingLimit = field(default_factory=_limit)

    def forget(self, generation: int, positions: dict[int, int]) -> None:
        self.generation, self.positions = generation, positions
        for held in (self.lanes, self.offsets, self.owed, self.passed):
            held.clear()


@dataclass(slots=True)
class Intent:
    """What one batch may do."""

    deliveries: list[Delivery] = field(default_factory=lambda: list[Delivery]())
    passed: list[Delivery] = field(default_factory=lambda: list[Delivery]())
    moves: Moves = field(default_factory=lambda: Moves())
    lanes: dict[int, Lane] = field(default_factory=lambda: dict[int, Lane]())
    offsets: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    rewinds: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    repeats: int = 0


def consumer(world: World, member: int) -> Process:
    """Consume until fenced, or until a rewind fails. A zombie goes on with what it remembers, until it hears from the group.

    It hears when it fetches, never with a batch in hand.
    """
    session = Session(member)
    while True:
        yield
        _notice(world, session)
        batch = _fetch(world, session)
        try:
            while batch:
                yield
                try:
                    intent = yield from _process(world, session, batch)
                except Transient:
                    world.say("consumer {} pauses", member)
                    world.pausing = True
                    continue
                batch = {}
                session.offsets.update(intent.offsets)
                if not _rewind(world, session, intent) and world.decisions.ends_after_failed_rewind:
                    return
            yield from _tell(world, session)
        except Fenced:
            world.say("consumer {} is fenced", member)
            return


def _notice(world: World, session: Session) -> None:
    """The client hears of a rebalance: positions start again from the committed offsets, and what was held is forgotten."""
    if session.generation == world.kafka.generation:
        return
    if session.member not in world.kafka.members:
        world.kafka.join(session.member)
    owned = world.kafka.owned_by(session.member)
    session.forget(world.kafka.generation, {partition: world.kafka.offsets.get(partition, 0) for partition in owned})


def _fetch(world: World, session: Session) -> Batch:
    batch: dict[int, list[Record]] = {}
    for partition, position in session.positions.items():
        most = int(world.chance.random() * 5)
        if most and (records := world.kafka.fetch(partition, position, most)):
            batch[partition] = records
        session.positions[partition] = min(position + most, len(world.kafka.logs[partition]))
    return batch


def _process(world: World, session: Session, batch: Batch) -> Steps[Intent]:
    """Sort a batch and process it; one with nothing for us costs no transaction until offsets are told."""
    _load(world, session, batch)
    yield
    intent = Intent()
    for partition, records in batch.items():
        _admit(world, session, intent, partition, records)
    moves = world.decisions.followed(session.owed, intent.moves)
    passed = [*session.passed, *intent.passed]
    if intent.deliveries or intent.repeats:
        yield from process(world, session.limit, intent.deliveries, moves, passed)
        world.say("consumer {} commits {}", session.member, moves)
        moves, passed = {}, []
    session.owed, session.passed = moves, passed
    session.lanes.update(intent.lanes)
    yield
    return intent


def _load(world: World, session: Session, batch: Batch) -> None:
    """What is not held of a lane is read."""
    for partition in batch:
        if partition not in session.lanes:
            session.lanes[partition] = Lane(world.inbox.seen.setdefault(partition, 0))


def _admit(world: World, session: Session, intent: Intent, partition: int, records: Sequence[Record]) -> None:
    lane = session.lanes[partition]
    numbers = [record.number for record in records]
    admission = world.decisions.admit(lane, [record.offset for record in records], numbers)
    for index in admission.taken:
        delivery = Delivery(records[index].row, partition, records[index].offset, numbers[index])
        (intent.passed if delivery.row.is_aside else intent.deliveries).append(delivery)
    intent.repeats += admission.repeats
    intent.lanes[partition] = admission.lane
    if admission.taken:
        intent.moves[partition] = (lane.seen, admission.lane.seen)
    if admission.rewind is not None:
        intent.rewinds[partition] = admission.rewind
    next_offset = records[-1].offset + 1
    intent.offsets[partition] = world.decisions.offset_after(admission, next_offset, world.decisions.committable)
    _report(world, session, partition, admission)


def _report(world: World, session: Session, partition: int, admission: Admission) -> None:
    if admission.found is not None:
        world.say("consumer {} reports {} of {}", session.member, admission.found, partition)
        _expect_truth(world, partition, admission.found)
        world.holes[partition] = admission.found


def _expect_truth(world: World, partition: int, hole: Hole) -> None:
    """Nothing is called missing that stands before the place where it is missed."""
    there = [n for n in world.kafka.numbers_before(partition, hole.resume) if hole.first <= n <= hole.last]
    if there:
        raise Violation(f"false hole: {hole} of {partition}, but {there} are there")


def _rewind(world: World, session: Session, intent: Intent) -> bool:
    """Read again from before what was passed over; False when the client could not."""
    for partition, offset in intent.rewinds.items():
        if world.chance.random() < REWIND_FAILS:
            world.say("consumer {} cannot rewind {}", session.member, partition)
            return False
        world.say("consumer {} rewinds {} to {}", session.member, partition, offset)
        session.positions[partition] = offset
    return True


def _tell(world: World, session: Session) -> Steps[None]:
    """From time to time: first the watermarks that are owed, then the offsets."""
    if world.chance.random() < TOLD_LATER:
        return
    if session.owed and world.decisions.writes_what_is_owed:
        yield from process(world, session.limit, (), session.owed, session.passed)
        world.say("consumer {} writes {}, which was owed", session.member, session.owed)
        session.owed, session.passed = {}, []
    if world.chance.random() < COMMIT_FAILS:
        if world.decisions.forgets_after_refusal:
            session.lanes.clear()
        return
    offsets, session.offsets = session.offsets, {}
    for partition, offset in offsets.items():
        if world.kafka.commit(session.member, partition, offset):
            _expect_processed(world, partition, offset)


def _expect_processed(world: World, partition: int, offset: int) -> None:
    """No offset is committed beyond a record that was not processed: a restart would never look at it."""
    furthest = max(world.kafka.numbers_before(partition, offset), default=0)
    if furthest > (seen := world.inbox.seen.get(partition, 0)):
        raise Violation(f"offset {offset} of {partition} committed beyond number {furthest}; processed up to {seen}")
