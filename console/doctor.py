"""`madoguchi doctor`: is everything well, and what to do where it is not."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import click

from console.findings import Finding, code_of
from console.helping import example

if TYPE_CHECKING:
    from console.city import City
    from deploy.local import LocalSettings

LEAST_FREE = 2 << 30

SECONDS = 30


@click.command(epilog=example("madoguchi doctor"))
def doctor() -> None:
    """Examine servers, topics, channels' rights, schemas, parked keys, lanes and disk; say for each what to do. Exit code 1 if any is ill."""
    from console.city import running_city
    from console.terminal import out
    from deploy.local import LocalSettings

    settings = LocalSettings()
    city = running_city(settings)
    found = [*_processes(settings), _disk(city), *asyncio.run(_collect(city))]
    for finding in found:
        out.print(finding.line, markup=False)
    sys.exit(code_of(found))


def _processes(settings: "LocalSettings") -> list[Finding]:
    from console.state import lines

    well = {"running", "ready", "yours"}
    advice = "run `madoguchi up`, and read its log if it does not come back"
    return [
        Finding(f"{line['name']} is {line['state']}", "" if line["state"] in well else advice)
        for line in lines(settings)
    ]


def _disk(city: "City") -> Finding:
    free = shutil.disk_usage(city.log_folder).free
    advice = "" if free >= LEAST_FREE else "make room: Kafka and PostgreSQL stop when the disk is full"
    return Finding(f"{free / (1 << 30):.1f} GiB of disk free", advice)


async def _collect(city: "City") -> list[Finding]:
    found = await _looked("Kafka", lambda: _kafka(city))
    for service in city.services:
        found += await _looked(f"the database of {service}", lambda service=service: _database(city, service))
    return found


async def _looked(what: str, look: Callable[[], AsyncIterator[Finding]]) -> list[Finding]:
    """What was found; a server that does not answer is a finding too."""
    from console.errors import name_of

    try:
        async with asyncio.timeout(SECONDS):
            return [finding async for finding in look()]
    except Exception as error:
        return [
            Finding(f"{what} answers with {name_of(error)}", "run `madoguchi up`; see its log if that does not help")
        ]


async def _kafka(city: "City") -> AsyncIterator[Finding]:
    """First whether it can be spoken with at all: what hangs on that is of no interest otherwise."""
    from chassis import handshake
    from console import channel_topics

    if found := await handshake.trouble(city.kafka):
        yield Finding("Kafka cannot be spoken with", found)
        return
    if line := _certificate(city):
        yield line
    async for finding in _topics(city):
        yield finding
    for finding in await channel_topics.findings(city):
        yield finding


def _certificate(city: "City") -> Finding | None:
    """Of the broker that runs here; of another the administrator knows."""
    from chassis.database import utc_now
    from deploy.local import certificates

    ends = certificates.end_of(city.home.certificates) if city.kafka.ca else None
    if ends is None:
        return None
    days = (ends - utc_now()).days
    advice = "" if days > certificates.RENEW_DAYS else "madoguchi down, madoguchi up: it is renewed"
    return Finding(f"Kafka is spoken with over TLS; its certificate is good for {days} days", advice)


async def _topics(city: "City") -> AsyncIterator[Finding]:
    from aiokafka.admin import AIOKafkaAdminClient

    from contracts.topics import TOPICS

    admin = AIOKafkaAdminClient(**city.brokers["operator"].aiokafka())
    async with asyncio.timeout(SECONDS):
        try:
            await admin.start()
            described: list[dict[str, Any]] = await admin.describe_topics([topic.name for topic in TOPICS])
        finally:
            await admin.close()
    found = {topic["topic"]: len(topic["partitions"]) for topic in described}
    for topic in TOPICS:
        number = found.get(topic.name, 0)
        advice = (
            "" if number >= topic.partitions else f"it should have {topic.partitions}: madoguchi down, madoguchi up"
        )
        yield Finding(f"topic {topic.name} has {number} partitions", advice)


async def _database(city: "City", service: str) -> AsyncIterator[Finding]:
    from chassis import migrations
    from chassis.errors import WrongSchema
    from console.books import parked_in

    async with city.database(service) as connection:
        try:
            await migrations.check(connection, ("chassis", f"services.{service}"))
            yield Finding(f"{service} has the schema of this release")
        except WrongSchema as error:
            yield Finding(str(error), "madoguchi down, madoguchi up")
        events, keys = await parked_in(connection)
        advice = f"see `madoguchi parked {service}`, then `madoguchi redrive {service} --all`" if events else ""
        yield Finding(f"{service} has parked {events:,} events of {keys:,} keys", advice)
    for finding in await _lanes(city, service):
        yield finding


async def _lanes(city: "City", service: str) -> list[Finding]:
    """A lane that lags now and has not moved two seconds later stands before a hole."""
    from console.lanes import standing

    still = await standing(city, service)
    return [
        Finding(f"{service} stands still on {lag.lane}", f"see `madoguchi lane list`; {lag.advice()}") for lag in still
    ] or [Finding(f"{service} moves on every lane")]
