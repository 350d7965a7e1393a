"""Latency in an open loop: from the moment an application was due to be submitted until the archive has all of its events.

The schedule never waits for the system. The end is the commit time PostgreSQL remembers (`track_commit_timestamp`) of the last
of an application's three events, plus the mean time a WAL flush took meanwhile, for that stamp is taken just before the flush.
"""

import asyncio
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import processes, workload
from benchmarks.processes import Command, Workers
from benchmarks.rivals import product
from benchmarks.rivals.product import PRODUCT, database_of
from benchmarks.servers import Servers
from deploy.local.home import Say

_ENDS = """
SELECT subject AS id, extract(epoch FROM max(pg_xact_commit_timestamp(xmin)))::float8 AS at FROM event
GROUP BY subject HAVING count(*) = 3
"""
_FLUSHES = "SELECT coalesce(sum(fsyncs), 0)::float8 AS n, coalesce(sum(fsync_time), 0)::float8 AS ms FROM pg_stat_io WHERE object = 'wal'"
WARM_RATE = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """How many wait at first, to warm everything up, and how long the loops last, in seconds."""

    waiting: int
    warm: float
    measured: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds, over all applications of one loop; `late` is how late the worst of them was sent."""

    rate: float
    count: int
    p50: float
    p95: float
    p99: float
    worst: float
    flush: float
    late: float
    void: Sequence[str]


async def measure(servers: Servers, rates: Sequence[float], plan: Plan, say: Say) -> list[Latency]:
    """One start of the product, warmed up, then every rate in turn."""
    await servers.clear()
    await PRODUCT.prepare(servers)
    await PRODUCT.produce(servers, plan.waiting)
    workers = processes.start(PRODUCT.commands(servers), servers.folder / "log" / "latency")
    try:
        say("latency: warming up")
        first = await _loop(servers, workers, WARM_RATE, plan.warm, plan.waiting)
        found: list[Latency] = []
        for rate in rates:
            say(f"latency: {rate:,.0f}/s for {plan.measured:g} s")
            latency, first = await _measured(servers, workers, rate, plan.measured, first)
            say(f"latency: p50 {latency.p50:.1f} ms, p99 {latency.p99:.1f} ms")
            found.append(latency)
        return found
    finally:
        await asyncio.to_thread(processes.stop, workers)


async def _loop(servers: Servers, workers: Workers, rate: float, seconds: float, first: int) -> int:
    """Run one loop to its end, until all is archived. The number of the next application."""
    await _send(servers, time.time() + 1, rate, seconds, first)
    after = first + int(rate * seconds)
    await _archived(servers, workers, after)
    return after


async def _measured(servers: Servers, workers: Workers, rate: float, seconds: float, first: int) -> tuple[Latency, int]:
    start, count, before = time.time() + 2, int(rate * seconds), await _flushes(servers)
    late = await _send(servers, start, rate, seconds, first)
    await _archived(servers, workers, first + count)
    after = await _flushes(servers)
    flush = (after[1] - before[1]) / max(after[0] - before[0], 1)
    ends = {row["id"]: row["at"] for row in await servers.rows(database_of("archive").name, _ENDS)}
    waits = [
        (ends[name] - start - index / rate) * 1000 + flush
        for index in range(count)
        if (name := str(workload.application_id(first + index))) in ends
    ]
    return _latency(rate, count, waits, flush, late), first + count


def _latency(rate: float, count: int, waits: list[float], flush: float, late: float) -> Latency:
    waits.sort()
    void = [] if len(waits) == count else [f"{len(waits):,} of {count:,} archived"]
    void += ["archived before it was submitted"] if waits[:1] and waits[0] < 0 else []
    p50, p95, p99, worst = (_part(waits, part) for part in (0.5, 0.95, 0.99, 1.0))
    return Latency(rate, count, p50, p95, p99, worst, flush, late * 1000, void)


def _part(ordered: Sequence[float], part: float) -> float:
    """The smallest value that is not exceeded by `part` of them."""
    return ordered[min(len(ordered) - 1, max(0, math.ceil(part * len(ordered)) - 1))] if ordered else float("inf")


async def _send(servers: Servers, start: float, rate: float, seconds: float, first: int) -> float:
    """The loop in a process of its own, so that our watching does not hold it up. How late the worst was sent, in seconds."""
    told = (servers.kafka, str(start), str(int(rate * seconds)), str(rate), str(first))
    command = Command((sys.executable, "-m", "benchmarks.workload", *told))
    process = await asyncio.create_subprocess_exec(
        *command.arguments, env=processes.inherited(), cwd=command.folder, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("the producer of the open loop failed")
    return float(output)


async def _archived(servers: Servers, workers: Workers, count: int) -> None:
    deadline = time.monotonic() + PRODUCT.limit
    while min((await product.progress(servers)).values()) < count:
        if (dead := processes.dead(workers)) or time.monotonic() > deadline:
            raise RuntimeError(f"the product does not finish: {', '.join(dead) or 'too slow'}")
        await asyncio.sleep(0.5)


async def _flushes(servers: Servers) -> tuple[float, float]:
    row = (await servers.rows("postgres", _FLUSHES))[0]
    return row["n"], row["ms"]
