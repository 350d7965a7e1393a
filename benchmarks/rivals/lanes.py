"""Our spike of numbered lanes: four services over Kafka, without parking, telemetry, a desk or a timeline. Runs `shared/spike/lanes.py`."""

import asyncio
import sys
from collections.abc import Mapping

from benchmarks.processes import Command, inherited
from benchmarks.rivals import ABSENT, SPIKE, Rival, feed, work
from benchmarks.servers import Servers

SERVICES = ("intake", "route", "notify", "archive")


async def prepare(servers: Servers) -> None:
    """The tables of the work and the spike's own."""
    await feed.prepare(servers)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "lanes.py", "setup", env=inherited() | _told(servers), cwd=SPIKE
    )
    if await process.wait():
        raise RuntimeError("lanes.py setup failed")


def commands(servers: Servers) -> Mapping[str, Command]:
    """One process a service."""
    return {name: Command((sys.executable, "lanes.py", name), _told(servers), SPIKE) for name in SERVICES}


async def progress(servers: Servers) -> dict[str, int]:
    """The work's, and how much intake has said."""
    said = await servers.count(work.DATABASE, "SELECT last_value * is_called::int FROM e.j_intake_seq_seq")
    return {"intake": said} | await work.progress(servers)


def _told(servers: Servers) -> dict[str, str]:
    return {"DSN": servers.database(work.DATABASE), "KAFKA": servers.kafka, "HDR": "2"}


def _absent() -> str | None:
    return None if (SPIKE / "lanes.py").exists() else ABSENT


LANES = Rival("lanes", prepare, feed.produce, commands, progress, work.counters, absent=_absent)
