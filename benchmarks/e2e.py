"""End to end: this product beside its rivals, on the same machine, in the same run, interleaved.

    python -m benchmarks.e2e                          100,000 waiting, every rival, two rounds
    python -m benchmarks.e2e --million --latency      and 1,000,000 waiting, and latency in an open loop
    python -m benchmarks.e2e --quick --json           a few thousand, for a smoke test

Rivals: product (all services, telemetry on) · product-silent (telemetry off) · pgbatch (batch SQL on PostgreSQL alone) · pgbest
(the same as good as we can make it) · lanes (our spike) · faststream (as its documentation shows it). Each works in processes
of its own on servers of its own folder, emptied between runs; PostgreSQL and Kafka stay warm. A rival is stopped after three
minutes: its rate so far counts. A run whose counters do not add up is void. Exit code 1: a target is missed, or a run is void.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import latency as loops
from benchmarks import report, runs, servers
from benchmarks.rivals import Rival
from benchmarks.rivals.faststream_documented import FASTSTREAM
from benchmarks.rivals.lanes import LANES
from benchmarks.rivals.pgbatch import EQUAL, PGBATCH
from benchmarks.rivals.pgbest import PGBEST
from benchmarks.rivals.product import PRODUCT, SILENT
from benchmarks.servers import Servers
from benchmarks.targets import FULL, MILLION, targets_of

RIVALS: Mapping[str, Rival] = {
    rival.name: rival for rival in (PRODUCT, PGBATCH, PGBEST, LANES, SILENT, FASTSTREAM, EQUAL)
}
DEFAULT = tuple(name for name in RIVALS if name != EQUAL.name)
AT_A_MILLION = ("product", "pgbatch", "pgbest", "pgbatch-equal")
WARM = 20_000
QUICK = 5_000


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for."""

    waiting: int
    million: bool
    latency: bool
    rounds: int
    rivals: Sequence[str]
    quick: bool

    def workloads(self) -> list[tuple[int, Sequence[str]]]:
        """How many wait, and whose runs that makes."""
        full = [(self.waiting, self.rivals)] if self.waiting else []
        million = [(MILLION, [name for name in self.rivals if name in AT_A_MILLION])] if self.million else []
        return full + million

    def plan(self) -> loops.Plan:
        """How long the open loops last."""
        return loops.Plan(500, 3, 5) if self.quick else loops.Plan(WARM, 20, 60)


async def measure(options: Options) -> dict[str, Any]:
    """Everything that was asked for: rows and targets."""
    absent = {name: why for name in options.rivals if (why := RIVALS[name].absent())}
    found = await _waiting(options, absent)
    rows = report.rows_of(found)
    rows += [
        report.absent_row(name, count, why) for count, _ in options.workloads()[:1] for name, why in absent.items()
    ]
    if options.latency:
        rows += await _latency(options, rows)
    return {"rows": rows, "targets": targets_of(rows, absent)}


async def _waiting(options: Options, absent: Mapping[str, str]) -> list[runs.Run]:
    found: list[runs.Run] = []
    if not options.workloads():
        return found
    async with servers.running(_say) as here:
        if not options.quick:
            _say("warming up the servers; this run is not counted")
            await runs.run(PRODUCT, here, WARM, _say)
        for count, names in options.workloads():
            for number in range(options.rounds):
                _say(f"round {number + 1} of {options.rounds}, {count:,} waiting")
                # There and back: the broker is warmer for whoever comes later.
                order = [name for name in names if name not in absent][:: -1 if number % 2 else 1]
                found += [await runs.run(RIVALS[name], here, count, _say) for name in order]
    return found


async def _latency(options: Options, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """At 200/s, and at half of what was measured; when nothing was, that is measured first."""
    async with servers.running(_say, commit_times=True) as here:
        capacity = _capacity(rows) or await _measured_capacity(here, options)
        found = await loops.measure(here, (200.0, capacity / 2), options.plan(), _say)
    return [report.latency_row(one) for one in found]


def _capacity(rows: Sequence[Mapping[str, Any]]) -> float | None:
    ours = [row for row in rows if row["rival"] == PRODUCT.name and row["runs"]]
    return ours[0]["per_second"] if ours else None


async def _measured_capacity(here: Servers, options: Options) -> float:
    _say("how much the product can do is not known yet: measuring it")
    return (await runs.run(PRODUCT, here, QUICK if options.quick else FULL, _say)).cost.per_second


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def options_from(arguments: Sequence[str] | None) -> tuple[Options, bool]:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.e2e", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--waiting", type=int, help=f"how many wait; 0 for none (default {FULL:,}, {QUICK:,} with --quick)"
    )
    parser.add_argument("--million", action="store_true", help="1,000,000 waiting as well")
    parser.add_argument("--latency", action="store_true", help="open loops at 200/s and at half of capacity as well")
    parser.add_argument("--rounds", type=int, help="runs of every rival (default 2, 1 with --quick)")
    parser.add_argument("--rivals", type=_names, default=DEFAULT, help=f"of {','.join(RIVALS)}")
    parser.add_argument("--quick", action="store_true", help="few applications, one round: does it work at all?")
    parser.add_argument("--json", action="store_true", help="one object: rows and targets")
    given = parser.parse_args(arguments)
    waiting = (QUICK if given.quick else FULL) if given.waiting is None else given.waiting
    rounds = given.rounds or (1 if given.quick else 2)
    return Options(waiting, given.million, given.latency, rounds, given.rivals, given.quick), given.json


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in RIVALS]:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(RIVALS)}")
    return names


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, or JSON."""
    options, as_json = options_from(arguments)
    result = asyncio.run(measure(options))
    print(json.dumps(result, ensure_ascii=False) if as_json else report.table(result["rows"], result["targets"]))
    sys.exit(0 if all(target["met"] is not False for target in result["targets"]) else 1)


if __name__ == "__main__":
    main()
