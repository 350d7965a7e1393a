"""What a run costs: CPU by process tree, WAL, memory, and how far the work has come, sampled while it goes on.

Progress is counted in applications for every stage of a rival (intake, routing, …). `work` is the mean of the stages, so that
what early stages did ahead of the last one is neither forgotten nor given away; a run is done when every stage is.
Rates and costs are those between 10 % and 100 % of the work: starting a process costs the same however much waits.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import psutil

PAUSE = 0.25
FROM = 0.1
LATEST_MARK = 0.5

Progress = Callable[[], Awaitable[Mapping[str, int]]]
Measure = Callable[[], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at everything."""

    at: float
    stages: Mapping[str, int]
    cpu: Mapping[str, float]
    rss: Mapping[str, int]
    busy: float
    wal: int

    @property
    def work(self) -> float:
        """How many applications' worth of work is done: the mean of the stages."""
        return sum(self.stages.values()) / len(self.stages)

    @property
    def done(self) -> int:
        """How many applications have passed every stage."""
        return min(self.stages.values())


@dataclass(frozen=True, slots=True)
class Cost:
    """What one application cost, between two samples."""

    per_second: float
    cpu_us: Mapping[str, float]
    wal_bytes: float
    rss_mb: Mapping[str, float]
    elsewhere: float
    """The share of this machine's CPU that went to neither the rival nor its servers: noise, and our own watching."""


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, of what it has started, and of those of them that have ended and were waited for."""
    root = psutil.Process(pid)
    while (spent := _look(root)) is None:
        continue
    return spent


def _look(root: psutil.Process) -> float | None:
    """None when a child ended meanwhile: it would be in neither account, its own and that of who waited for it, or in both."""
    before = _waited_for(root)
    spent = [_cpu_of(process) for process in (root, *root.children(recursive=True))]
    found = [seconds for seconds in spent if seconds is not None]
    return sum(found) if len(found) == len(spent) and _waited_for(root) == before else None


def _waited_for(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.children_user + times.children_system


def _cpu_of(process: psutil.Process) -> float | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system
    return None


def busy() -> float:
    """CPU seconds that this machine was not idle."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - times.iowait - times.guest - times.guest_nice


def rss_of(pid: int) -> int:
    """Resident bytes of one process."""
    return psutil.Process(pid).memory_info().rss


async def sample(trees: Mapping[str, int], progress: Progress, wal: Measure) -> Sample:
    """One look."""
    stages = await progress()
    return Sample(
        at=time.monotonic(),
        stages=stages,
        cpu={name: cpu_of(pid) for name, pid in trees.items()},
        rss={name: rss_of(pid) for name, pid in trees.items()},
        busy=busy(),
        wal=await wal(),
    )


async def watch(
    take: Callable[[], Awaitable[Sample]], rows: int, limit: float, on: Callable[[Sample], bool]
) -> list[Sample]:
    """Samples until every stage has done `rows`, until `limit` seconds have passed, or until `on` says no."""
    samples = [await take()]
    while samples[-1].done < rows and samples[-1].at - samples[0].at < limit and on(samples[-1]):
        await asyncio.sleep(PAUSE)
        samples.append(await take())
    return samples


def cost(samples: list[Sample]) -> Cost:
    """From the mark to the end."""
    first, last = mark(samples), samples[-1]
    work, seconds = max(last.work - first.work, 1e-9), max(last.at - first.at, 1e-9)
    cpu = {name: last.cpu[name] - first.cpu[name] for name in last.cpu}
    spent = last.busy - first.busy
    return Cost(
        per_second=work / seconds,
        cpu_us={name: seconds / work * 1e6 for name, seconds in cpu.items()},
        wal_bytes=(last.wal - samples[0].wal) / max(last.work, 1e-9),
        rss_mb={name: max(seen.rss[name] for seen in samples) / 1e6 for name in last.rss},
        elsewhere=max(0.0, (spent - sum(cpu.values())) / (seconds * (psutil.cpu_count() or 1))),
    )


def mark(samples: list[Sample]) -> Sample:
    """The first sample with 10 % of the work done; of a run too short for that, the last one before any was."""
    enough = samples[-1].work * FROM
    index = next(index for index, seen in enumerate(samples) if seen.work >= enough)
    return samples[index] if samples[index].work <= samples[-1].work * LATEST_MARK else samples[max(0, index - 1)]


def troubles(samples: list[Sample]) -> list[str]:
    """What cannot be: counters that run backwards, or more CPU than the machine has given."""
    first, last = samples[0], samples[-1]
    spent = sum(last.cpu.values()) - sum(first.cpu.values())
    found = [
        f"CPU of {name} ran backwards"
        for before, after in pairwise(samples)
        for name in after.cpu
        if after.cpu[name] < before.cpu[name] - 0.05
    ]
    if spent > (last.busy - first.busy) * 1.02 + 0.5:
        found.append(f"the trees used {spent:.1f} s of CPU, the machine only {last.busy - first.busy:.1f} s")
    if last.wal <= first.wal:
        found.append("no WAL was written")
    return list(dict.fromkeys(found))
