"""How far the applications are, live."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from channels.bulk.importing import Imported
from console.city import City
from console.patience import Patience
from console.terminal import err

STAGES = {
    "accepted": ("intake", "SELECT count(*) FROM application"),
    "routed": ("routing", "SELECT count(DISTINCT application_id) FROM routed_case"),
    "in the desk": ("desk", "SELECT count(DISTINCT application_id) FROM case_item"),
    "receipt sent": (
        "notify",
        "SELECT count(*) FROM notice WHERE kind = 'receipt' AND state IN ('sent', 'withheld', 'failed')",
    ),
    "archived": ("archive", "SELECT count(*) FROM event WHERE type = 'jp.madoguchi.application.accepted.v1'"),
}
TAKEN_IN = "SELECT count(*) FROM submission WHERE source = $1"
PAUSE = 0.3
STUCK_SECONDS = 60


@dataclass(slots=True)
class Watch:
    """What was counted last, and since when nothing has moved."""

    counts: tuple[int, ...] = ()
    since: float = 0.0

    def stuck(self, counts: tuple[int, ...]) -> bool:
        """Whether nothing has moved for so long that waiting is no use."""
        if counts != self.counts:
            self.counts, self.since = counts, time.monotonic()
        return time.monotonic() - self.since > STUCK_SECONDS


async def watch(city: City, done: Imported, patient: Patience) -> None:
    """Show bars until every row has been taken in and every application is everywhere, or nothing moves any more."""
    watched = Watch()
    with Progress(
        TextColumn("{task.description:>12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err
    ) as bars:
        tasks = {stage: bars.add_task(stage, total=done.rows) for stage in STAGES}
        while True:
            taken_in, counts = await patient.persist(lambda: _counts(city, done.source))
            _draw(bars, tasks, counts, waiting=max(0, done.rows - taken_in))
            finished = taken_in >= done.rows and len(set(counts.values())) == 1
            if finished or patient.over or watched.stuck((taken_in, *counts.values())):
                return
            await asyncio.sleep(PAUSE)


def _draw(bars: Progress, tasks: Mapping[str, TaskID], counts: Mapping[str, int], *, waiting: int) -> None:
    for stage, count in counts.items():
        bars.update(tasks[stage], completed=count, total=counts["accepted"] + waiting)


async def _counts(city: City, source: str) -> tuple[int, dict[str, int]]:
    async with city.database("intake") as connection:
        taken_in = await connection.fetchval(TAKEN_IN, source)
    counts: dict[str, int] = {}
    for stage, (service, query) in STAGES.items():
        async with city.database(service) as connection:
            counts[stage] = await connection.fetchval(query)
    return taken_in, counts
