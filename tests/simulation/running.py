"""Schedules by their seeds: one, many, many at once."""

from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from tests.simulation.checks import check_all, check_delays, is_handled, is_processed
from tests.simulation.decisions import REAL, Decisions
from tests.simulation.processes.consumer import Violation
from tests.simulation.processes.redrive import redrive
from tests.simulation.schedule import Schedule
from tests.simulation.world.city import World, new_world

REST = 15
"""Rounds after everything is done: time for something to be done twice."""
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """A schedule that went wrong, and how to see it again."""

    seed: int
    what: str

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.what}\nrepeat it: python -m tests.simulation --seed {self.seed} --trace"


def run(seed: int, decisions: Decisions = REAL, trace: list[str] | None = None) -> Failure | None:
    """Run one schedule. `trace` is filled with what happened, when one is given."""
    world = new_world(seed, decisions, tracing=trace is not None)
    try:
        _run(world)
    except (Violation, ValueError) as violation:  # ticks.follow refuses what would number a lane anew
        return Failure(seed, str(violation))
    finally:
        if trace is not None:
            trace += world.trace or []
    return None


def _run(world: World) -> None:
    chance = world.chance
    schedule = Schedule(
        world, loses=chance.random() < 0.35, grows=chance.random() < 0.3, poisons=chance.random() < 0.45
    )
    schedule.run()
    schedule.settle(is_processed)
    check_delays(world)
    world.say("all poison is cured")
    world.poison.clear()
    schedule.others += [redrive(world, key) for key in sorted(world.inbox.parked_keys)]
    schedule.settle(is_handled)
    for _ in range(REST):
        schedule.round()
    check_all(world, in_order=not schedule.grew)


def first_failure(seeds: Iterable[int], decisions: Decisions = REAL) -> Failure | None:
    """The first schedule of `seeds` that goes wrong."""
    return next((failure for seed in seeds if (failure := run(seed, decisions))), None)


def needed(decisions: Decisions, most: int) -> int | None:
    """After how many schedules a planted bug is found; None when `most` do not find it."""
    return next((seed + 1 for seed in range(most) if run(seed, decisions)), None)


def first_failure_of_many(first: int, runs: int, processes: int) -> Failure | None:
    """As first_failure, over several processors."""
    chunks = [range(start, min(start + _CHUNK, first + runs)) for start in range(first, first + runs, _CHUNK)]
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return next((failure for failure in pool.map(first_failure, chunks) if failure), None)
