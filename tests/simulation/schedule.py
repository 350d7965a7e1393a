"""One random schedule: what happens to the world, step by step, and how it is brought to rest at the end."""

from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

from tests.simulation.processes import Process
from tests.simulation.processes.consumer import consumer
from tests.simulation.processes.redrive import redrive
from tests.simulation.processes.relay import relay, resend
from tests.simulation.world.city import World
from tests.simulation.world.postgres import ASIDE, LIFETIME

STEPS = 200
KEYS = "abcd"
KINDS = ("opened", "closed", ASIDE)
PATIENCE = 25
"""Rounds without any progress after which an operator looks at the lanes."""
ATTEMPTS = 12


@dataclass(slots=True)
class Schedule:
    """Who runs, and who sleeps until when. `grew`, `loses` and `poisons` say what kind of schedule this is."""

    world: World
    loses: bool
    grows: bool
    poisons: bool
    relays: list[Process] = field(default_factory=lambda: list[Process]())
    consumers: dict[int, Process] = field(default_factory=lambda: dict[int, Process]())
    others: list[Process] = field(default_factory=lambda: list[Process]())
    asleep: dict[int, int] = field(default_factory=lambda: dict[int, int]())
    grew: bool = False
    losses: int = 0
    _named: int = 0

    # writers

    def begin(self) -> None:
        if len(self.world.postgres.running) < 4:
            self.world.postgres.begin()

    def write(self) -> None:
        postgres, chance = self.world.postgres, self.world.chance
        if not postgres.running:
            self.begin()
        writing = chance.choice(postgres.running)
        key = chance.choice(KEYS)
        if postgres.lock(writing, key) or not self.world.decisions.locks_rows:
            row = postgres.append(writing, key, chance.choice(KINDS))
            if self.poisons and chance.random() < 0.06:
                self.world.poison.add(row.id)
                self.world.say("event {} of {} is poison", row.id, key)

    def end(self) -> None:
        postgres = self.world.postgres
        if postgres.running:
            writing = self.world.chance.choice(postgres.running)
            if self.world.chance.random() < 0.9:
                postgres.commit(writing)
                self.world.say("committed {}", [(row.id, row.key) for row in writing.rows])
            else:
                postgres.roll_back(writing)

    def time_out(self) -> None:
        """`transaction_timeout`: no transaction lives longer."""
        running = self.world.postgres.running
        if running and self.world.postgres.now - running[0].began >= LIFETIME:
            self.world.postgres.roll_back(running[0])

    # processes

    def start_relay(self) -> None:
        """A new leader; the old one may live on."""
        if len(self.relays) < 3:
            self._named += 1
            self.relays.append(relay(self.world, self._named))

    def start_consumer(self) -> None:
        if len(self.consumers) < 3:
            self._named += 1
            self.world.kafka.join(self._named)
            self.consumers[self._named] = consumer(self.world, self._named)

    def kill_relay(self) -> None:
        if self.relays:
            self.relays.pop(int(self.world.chance.random() * len(self.relays))).close()

    def kill_consumer(self) -> None:
        if self.consumers:
            self._bury(self.world.chance.choice(list(self.consumers)))

    def _bury(self, member: int) -> None:
        self.world.say("consumer {} ends", member)
        self.consumers.pop(member).close()
        self.asleep.pop(member, None)
        self.world.kafka.leave(member)

    def make_zombie(self) -> None:
        """A consumer stands still; the group gives its partitions away; later it goes on as if nothing had been."""
        awake = [member for member in self.consumers if member not in self.asleep]
        if awake:
            member = self.world.chance.choice(awake)
            self.world.say("consumer {} falls asleep", member)
            self.asleep[member] = self.world.postgres.now + int(self.world.chance.random() * 40)
            self.world.kafka.leave(member)

    def rebalance(self) -> None:
        self.world.kafka.rebalance()

    def turn_relay(self) -> None:
        if self.relays:
            self._turn(self.relays, self.world.chance.choice(self.relays))
        else:
            self.start_relay()

    def turn_consumer(self) -> None:
        awake = [member for member in self.consumers if self.asleep.get(member, 0) <= self.world.postgres.now]
        if not awake:
            self.start_consumer()
            return
        member = self.world.chance.choice(awake)
        self.asleep.pop(member, None)
        self._turn_consumer(member)

    def turn_other(self) -> None:
        if self.others:
            self._turn(self.others, self.world.chance.choice(self.others))

    def _turn_consumer(self, member: int) -> None:
        try:
            next(self.consumers[member])
        except StopIteration:
            self._bury(member)

    def _turn(self, processes: list[Process], process: Process) -> None:
        try:
            next(process)
        except StopIteration:
            processes.remove(process)

    # what befalls the city

    def grow(self) -> None:
        if self.grows and len(self.world.kafka.logs) < 4:
            self.world.say("the topic grows to {}", len(self.world.kafka.logs) + 1)
            self.world.kafka.grow()
            self.grew = True

    def lose(self) -> None:
        """The next record appended is lost."""
        if self.loses and not self.losses:
            self.losses = self.world.kafka.to_lose = 1

    def resend(self) -> None:
        """An operator answers the last alarm; what is sent again may be lost again."""
        if self.world.holes and not self.others:
            partition = self.world.chance.choice(sorted(self.world.holes))
            hole = self.world.holes[partition]
            if self.loses and self.losses < 2 and self.world.chance.random() < 0.4:
                self.losses, self.world.kafka.to_lose = 2, 1
            self.others.append(resend(self.world, partition, hole.first, hole.last))

    def fail(self) -> None:
        """A deployment under which every event fails, until it is taken back."""
        self.world.failing = self.poisons and not self.world.failing and self.world.chance.random() < 0.3

    def cure(self) -> None:
        if self.world.poison and self.world.chance.random() < 0.3:
            self.world.poison.discard(min(self.world.poison))

    def redrive(self) -> None:
        if self.world.inbox.parked_keys and len(self.others) < 2:
            key = self.world.chance.choice(sorted(self.world.inbox.parked_keys))
            self.others.append(redrive(self.world, key))

    # the whole

    def run(self) -> None:
        chance, postgres = self.world.chance, self.world.postgres
        acts = [getattr(self, name) for name in _WEIGHTS]
        for _ in range(STEPS):
            postgres.now += 1
            self.time_out()
            acts[bisect(_THRESHOLDS, chance.random() * _THRESHOLDS[-1])]()
        self.world.failing = False
        while postgres.running:
            self.end()

    def settle(self, is_done: Callable[[World], bool]) -> None:
        """Let everybody run, zombies too, until all is done; an operator helps where nothing moves any more."""
        for _ in range(ATTEMPTS):
            if self._rounds(is_done):
                return
            self._look_at_lanes()
            self._look_at_the_cause()
        self.world.say("gave up")

    def _rounds(self, is_done: Callable[[World], bool]) -> bool:
        before, still = self._progress(), 0
        while still < PATIENCE:
            self.round()
            if is_done(self.world) and not self.others:
                return True
            now = self._progress()
            still = still + 1 if now == before else 0
            before = now
        return False

    def _progress(self) -> tuple[int, int, int]:
        world = self.world
        return (
            len(world.inbox.handled) + len(world.inbox.parked),
            len(world.postgres.ticks),
            sum(map(len, world.kafka.logs)),
        )

    def round(self) -> None:
        self.world.postgres.now += 1
        if not self.relays:
            self.start_relay()
        if not self.consumers:
            self.start_consumer()
        for process in list(self.relays):
            self._turn(self.relays, process)
        for member in list(self.consumers):
            self._turn_consumer(member)
        for process in list(self.others):
            self._turn(self.others, process)

    def _look_at_lanes(self) -> None:
        """`madoguchi lane list`: a lane that lags and does not move is sent the hole that was reported, or its end."""
        for partition, last in enumerate(self.world.postgres.ticks[-1][0].counters):
            seen = self.world.inbox.seen.get(partition, 0)
            if seen >= last:
                continue
            hole = self.world.holes.get(partition)
            if hole is not None and hole.last > seen:
                self.others.append(resend(self.world, partition, hole.first, hole.last))
            elif not self._is_more(partition, seen):
                self.others.append(resend(self.world, partition, seen + 1, last))

    def _look_at_the_cause(self) -> None:
        """Where a consumer pauses because too much fails, somebody mends what it depends on."""
        if self.world.pausing:
            self.world.say("the cause of the pause is mended")
            self.world.pausing = False
            self.world.poison.clear()

    def _is_more(self, partition: int, seen: int) -> bool:
        """Whether records wait that nobody takes and no hole was reported for: an operator would not help there."""
        log = self.world.kafka.logs[partition]
        return any(record is not None and record.number > seen for record in log)


_WEIGHTS = {
    "begin": 8,
    "write": 20,
    "end": 13,
    "start_relay": 2,
    "kill_relay": 1.5,
    "start_consumer": 2,
    "kill_consumer": 1.2,
    "make_zombie": 1.5,
    "rebalance": 1,
    "grow": 1,
    "lose": 3,
    "resend": 1.5,
    "fail": 2,
    "cure": 0.5,
    "redrive": 1.5,
    "turn_other": 6,
    "turn_relay": 36,
    "turn_consumer": 44,
}
_THRESHOLDS = list(accumulate(_WEIGHTS.values()))
