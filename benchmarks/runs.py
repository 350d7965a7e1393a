"""One run of one rival: everything waits before its workers start; void when a counter does not add up."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from benchmarks import measure, processes
from benchmarks.measure import Cost, Sample
from benchmarks.processes import Workers
from benchmarks.rivals import Rival
from benchmarks.servers import Servers
from deploy.local.home import Say

SERVERS = ("kafka", "postgres")
TELL_SECONDS = 10
SETTLE_SECONDS = 5
_WAL = "SELECT pg_current_wal_lsn() - '0/0'"


@dataclass(frozen=True, slots=True)
class Run:
    """What came out. `void` says why it does not count; a stopped run counts with the rate it had so far."""

    rival: str
    rows: int
    done: int
    seconds: float
    stopped: bool
    cost: Cost
    counters: Mapping[str, int]
    void: Sequence[str]


async def run(rival: Rival, servers: Servers, rows: int, say: Say) -> Run:
    """Prepare, produce, start, watch, stop, count."""
    say(f"{rival.name}: {rows:,} waiting")
    await servers.clear()
    await rival.prepare(servers)
    await rival.produce(servers, rows)
    await servers.run("postgres", "CHECKPOINT")
    posts = servers.posts()
    workers = processes.start(rival.commands(servers), servers.folder / "log" / rival.name)
    try:
        samples = await _watch(rival, servers, workers, rows, say)
        died = processes.dead(workers)
    finally:
        await asyncio.to_thread(processes.stop, workers)
    stopped = samples[-1].done < rows
    counters = await _settled(rival, servers, rows, stopped=stopped)
    void = [
        *measure.troubles(samples),
        *(f"{name} ended by itself: {_last_words(servers, rival, name)}" for name in died),
        *miscounts(counters, rows, stopped=stopped),
        *(["the OTLP sink got nothing"] if rival.exports and servers.posts() == posts else []),
    ]
    return _told(
        Run(
            rival=rival.name,
            rows=rows,
            done=samples[-1].done,
            seconds=samples[-1].at - samples[0].at,
            stopped=stopped,
            cost=measure.cost(samples),
            counters=counters,
            void=void,
        ),
        say,
    )


def trees(servers: Servers, workers: Workers) -> dict[str, int]:
    """Everything whose CPU is counted, by name."""
    return servers.pids | {name: worker.pid for name, worker in workers.items()}


async def _watch(rival: Rival, servers: Servers, workers: Workers, rows: int, say: Say) -> list[Sample]:
    told = [0.0]

    def on(seen: Sample) -> bool:
        if seen.at - told[0] > TELL_SECONDS:
            told[0] = seen.at
            say(f"{rival.name}: {seen.work:,.0f} of {rows:,}")
        return not processes.dead(workers)

    take = partial(
        measure.sample,
        trees(servers, workers),
        partial(rival.progress, servers),
        partial(servers.count, "postgres", _WAL),
    )
    return await measure.watch(take, rows, rival.limit, on)


def _last_words(servers: Servers, rival: Rival, name: str) -> str:
    lines = (servers.folder / "log" / rival.name / f"{name}.log").read_text(errors="replace").splitlines()
    return " / ".join(lines[-3:])


async def _settled(rival: Rival, servers: Servers, rows: int, *, stopped: bool) -> Mapping[str, int]:
    """The counters, once the last transaction is visible."""
    counters = await rival.counters(servers)
    for _ in range(SETTLE_SECONDS):
        if not miscounts(counters, rows, stopped=stopped):
            break
        await asyncio.sleep(1)
        counters = await rival.counters(servers)
    return counters


def miscounts(counters: Mapping[str, int], rows: int, *, stopped: bool) -> list[str]:
    """The counters that are not what they must be: all of the rows, or of a stopped run some and not more than all."""
    return [
        f"{name}: {count:,} of {rows:,}"
        for name, count in counters.items()
        if (count != rows if not stopped else not 0 < count <= rows)
    ]


def _told(found: Run, say: Say) -> Run:
    cpu = sum(found.cost.cpu_us.values())
    say(
        f"{found.rival}: {found.cost.per_second:,.0f}/s, {cpu:,.0f} µs of CPU each"
        + (", stopped" if found.stopped else "")
        + (f", VOID: {'; '.join(found.void)}" if found.void else "")
    )
    return found
