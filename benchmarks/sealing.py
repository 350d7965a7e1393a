"""What sealing costs: by itself, and end to end beside the same application with everything in its facts.

    python -m benchmarks.sealing                  20,000 waiting, three rounds, interleaved
    python -m benchmarks.sealing --quick --json   a smoke test
    python -m benchmarks.sealing --alone          only the micro-benchmark

Alone: one application of the workload (six personal values and the name of an attachment) sealed in a batch, and opened. End to
end: CPU of all processes per application, the product fed applications with personal data against the product fed the same
words as facts, which nobody seals and no mail is sent for. Exit code 1: a target is missed, or a run is void.
"""

import argparse
import asyncio
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import report, runs, servers, workload
from benchmarks.rivals import Rival, product
from benchmarks.servers import Servers
from benchmarks.targets import Target, target
from contracts import reading
from contracts.channels import Application, ApplicationSubmitted
from contracts.envelope import CloudEvent
from sealing.adapters import open_unwrapping, open_wrapping
from sealing.making import make_keys
from sealing.opener import Opener, require_sealed
from sealing.places import of_application
from sealing.sealer import Sealer

BATCH = 1000
ROUNDS = 15
MOST_US, MOST_RATIO = 15, 1.08
NAME = "5y-2026"


def alone() -> list[dict[str, Any]]:
    """µs per application, the best and the median of several batches: what else the machine does makes it slower, never faster."""
    applications = [_application(number) for number in range(BATCH)]
    with tempfile.TemporaryDirectory() as folder:
        make_keys(Path(folder), NAME)
        sealer, opener = Sealer(open_wrapping(f"file://{folder}")), Opener(open_unwrapping(f"file://{folder}"))
        asyncio.run(sealer.fetch_keys([NAME]))
        sealed = [sealer.seal(one.application, of_application(one.application_id), NAME) for one in applications]
        asyncio.run(opener.fetch(one.sealed for one in sealed))
        both = [
            (of_application(one.application_id), other.sealed)
            for one, other in zip(applications, sealed, strict=True)
            if other.sealed
        ]
        events = [_as_read(one, other) for one, other in zip(applications, sealed, strict=True)]
        return [
            _timed(
                "sealed",
                lambda: [
                    sealer.seal(one.application, of_application(one.application_id), NAME) for one in applications
                ],
            ),
            _timed("opened", lambda: [opener.open(seal, place) for place, seal in both]),
            _timed("address opened", lambda: [opener.open(seal, place, "applicant.email") for place, seal in both]),
            _timed("looked over before opening", lambda: require_sealed(events)),
        ]


def _application(number: int) -> ApplicationSubmitted:
    event = reading.read({}, workload.submitted(number)[1]).event
    if not isinstance(event, ApplicationSubmitted):
        raise TypeError("the workload is no application")
    return event


def _as_read(event: ApplicationSubmitted, application: Application) -> CloudEvent[Any]:
    """The event as whoever opens it has it: through JSON, with its application sealed."""
    read = event.model_copy(update={"application": Application.model_validate_json(application.model_dump_json())})
    return CloudEvent[Any].model_construct(data=read)


def _timed(name: str, batch: Callable[[], object]) -> dict[str, Any]:
    gc.disable()
    spent: list[float] = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        batch()
        spent.append((time.perf_counter() - began) / BATCH * 1e6)
    gc.enable()
    return {"what": name, "us": round(min(spent), 2), "us_median": round(statistics.median(spent), 2)}


async def _produce_facts(here: Servers, count: int) -> None:
    await asyncio.to_thread(workload.publish, here.kafka, count, personal=False)


async def _counters_of_facts(here: Servers) -> Mapping[str, int]:
    """The product's, but that nobody can be told: what is withheld counts as what is queued."""
    database = product.database_of("notify").name
    withheld = await here.count(database, "SELECT count(*) FROM notice WHERE state = 'withheld'")
    said = "SELECT count(*) FROM chassis.journal WHERE type = 'jp.madoguchi.notice.withheld.v1'"
    return dict(await product.counters(here)) | {
        "notify: notices": withheld,
        "notify: queued": await here.count(database, said),
        "intake: timeline: notice": withheld,
        "archive: kept: notice.queued": withheld,
    }


FACTS = replace(
    product.PRODUCT,
    name="facts-only",
    produce=_produce_facts,
    counters=_counters_of_facts,
)
SEALED = replace(product.PRODUCT, name="sealed")


async def beside(waiting: int, rounds: int) -> list[dict[str, Any]]:
    """Both, turn about."""
    async with servers.running(_say) as here:
        return report.rows_of([await runs.run(rival, here, waiting, _say) for rival in _turns(rounds)])


def _turns(rounds: int) -> Sequence[Rival]:
    """Sealed and facts, facts and sealed: who comes first changes."""
    return [rival for number in range(rounds) for rival in ((SEALED, FACTS), (FACTS, SEALED))[number % 2]]


def targets_of(rows: Sequence[Mapping[str, Any]]) -> list[Target]:
    """What must be reached."""
    found = [
        target("µs to seal an application in a batch", row["us"], "<=", MOST_US)
        for row in rows
        if row.get("what") == "sealed"
    ]
    waiting = {row["rival"]: row for row in rows if "rival" in row and row["runs"]}
    if {"sealed", "facts-only"} <= waiting.keys():
        ratio = waiting["sealed"]["cpu_us"] / waiting["facts-only"]["cpu_us"]
        found.append(target("CPU per application ÷ facts-only", ratio, "<=", MOST_RATIO))
    found.append(target("void runs", sum(len(row["void"]) for row in rows if "rival" in row), "<=", 0))
    return found


def _say(line: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S} {line}\n")


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alone", action="store_true", help="only the micro-benchmark")
    parser.add_argument("--waiting", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="1,000 waiting, one round")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    rows = alone()
    if not chosen.alone:
        rows += asyncio.run(beside(1000, 1) if chosen.quick else beside(chosen.waiting, chosen.rounds))
    targets = targets_of(rows)
    if chosen.json:
        print(json.dumps({"rows": rows, "targets": targets}, ensure_ascii=False))
    else:
        for row in rows:
            print(json.dumps({name: value for name, value in row.items() if name != "counters"}, ensure_ascii=False))
        for one in targets:
            print(f"{'met   ' if one['met'] else 'MISSED'} {one['name']}: {one['value']} (goal {one['goal']})")
    sys.exit(0 if all(one["met"] for one in targets) else 1)


if __name__ == "__main__":
    main()
