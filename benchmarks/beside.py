"""Decisions beside compiling: how many are made alone, and while a large candidate is proposed and compiled.

A loop decides as routing's does, in stretches between which others have their turn, and leaves the cycle collector as calm as a
service does. Alone it is measured before and after.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import cities
from chassis import service
from services.routing import compiler, packs
from services.routing.formats.csv_tables import write_csv
from services.routing.packs import Files
from services.routing.rules.tables import DecisionTable

STRETCH = 200
SECONDS = 4.0
TODAY = date(2026, 4, 1)
Decide = Callable[[dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Beside:
    """What a loop did until something else was done."""

    decisions: int
    seconds: float
    worst_pause: float
    """Seconds between two stretches, that of the stretch included."""

    @property
    def per_second(self) -> float:
        """Decisions."""
        return self.decisions / self.seconds


def rows(table: DecisionTable, decide: Decide, asked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Alone, and beside a process that checks and compiles `table` within a city's pack."""
    files = _candidate(table)
    service._calm_the_collector()  # noqa: SLF001  as a service measured
    return asyncio.run(_rows(files, decide, asked))


def _candidate(table: DecisionTable) -> Files:
    """Kushiro with one table more, of which all rows lead to one department."""
    folder = Path(cities.__path__[0]) / "kushiro"
    table = replace(table, rules=tuple(replace(rule, outputs=("doro-iji",)) for rule in table.rules))
    return {**packs.read_folder(folder), "rules/large.csv": write_csv(table)}


async def _rows(files: Files, decide: Decide, asked: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    async def measured(task: Awaitable[object]) -> Beside:
        return await _beside(task, decide, asked)

    before = await measured(asyncio.sleep(SECONDS))
    process = await measured(_propose(files))
    after = await measured(asyncio.sleep(SECONDS))
    alone = Beside(
        before.decisions + after.decisions, before.seconds + after.seconds, max(before.worst_pause, after.worst_pause)
    )
    return [
        _row("decide, alone", alone, alone),
        _row("decide while a candidate of 5,000 rows is checked and compiled", process, alone),
    ]


async def _propose(files: Files) -> None:
    """What routing has done with a candidate that is approved."""
    await compiler.examine(files, TODAY)
    await compiler.compile_files(packs.dump(files))


async def _beside(task: Awaitable[object], decide: Decide, asked: Sequence[dict[str, Any]]) -> Beside:
    busy = asyncio.ensure_future(task)
    began = last = time.perf_counter()
    decisions, worst = 0, 0.0
    while not busy.done():
        at = decisions % (len(asked) - STRETCH)
        for facts in asked[at : at + STRETCH]:
            decide(facts)
        decisions += STRETCH
        await asyncio.sleep(0)
        now = time.perf_counter()
        worst, last = max(worst, now - last), now
    await busy
    return Beside(decisions, last - began, worst)


def _row(what: str, found: Beside, alone: Beside) -> dict[str, Any]:
    return {
        "what": what,
        "beside_per_second": round(found.per_second),
        "of_alone": round(found.per_second / alone.per_second, 3),
        "took": round(found.seconds, 2),
        "worst_pause_ms": round(found.worst_pause * 1000, 1),
    }
