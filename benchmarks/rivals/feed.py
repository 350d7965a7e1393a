"""The rivals' applications on Kafka, and the topics between their services."""

import asyncio

from benchmarks.rivals import work
from benchmarks.servers import Servers
from benchmarks.workload import Publishing
from contracts.topics import Topic

TOPICS = tuple(Topic(name, None, (), ()) for name in ("in", "accepted", "routed"))


async def prepare(servers: Servers) -> None:
    """The tables of the work, and the topics."""
    await work.prepare(servers)
    await servers.topics(TOPICS)


async def produce(servers: Servers, count: int) -> None:
    """Applications on `in`."""
    await asyncio.to_thread(_publish, servers.kafka, count)


def _publish(bootstrap: str, count: int) -> None:
    publishing = Publishing(bootstrap, 5)
    for body in work.applications(count):
        publishing.send("in", body[30:46], body)  # key: a piece of the id, as the spike has it
    publishing.flush()
