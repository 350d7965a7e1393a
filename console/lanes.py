"""`madoguchi lane`: how far every reader is, and sending a missing range again."""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from console.city import City
    from contracts.topics import Topic

SECONDS = 30


@dataclass(frozen=True, slots=True)
class Lag:
    """One reader on one lane."""

    reader: str
    lane: str
    seen: int
    last: int

    def advice(self) -> str:
        """What to do if it stays so; nothing when it does not lag."""
        if self.seen == self.last:
            return ""
        if self.seen > self.last:
            return "the producer's database is older than what it has published: restore it up to its last transaction"
        topic, partition = self.lane.split("/")
        return f"lane resend --topic {topic} --partition {partition} --first {self.seen + 1} --last {self.last}"


@click.group(
    epilog=example(
        "madoguchi lane list", "madoguchi lane resend --topic intake.v1 --partition 2 --first 1041 --last 1060"
    )
)
def lane() -> None:
    """Look at numbered lanes, or publish a range again."""


@lane.command("list", epilog=example("madoguchi lane list"))
def list_() -> None:
    """Show how far every reader is on every lane. One that lags and does not move stands before a hole."""
    from console.city import running_city
    from console.terminal import table
    from deploy.local import LocalSettings

    found = asyncio.run(_lags(running_city(LocalSettings())))
    columns = ("reader", "lane", "seen", "numbered", "lag", "if it stays")
    rows = [(lag.reader, lag.lane, lag.seen, lag.last, lag.last - lag.seen, lag.advice()) for lag in found]
    table("Lanes", columns, rows, numbers=columns[2:5])


@lane.command(epilog=example("madoguchi lane resend --topic intake.v1 --partition 2 --first 1041 --last 1060"))
@click.option("--topic", required=True, help="E.g. intake.v1.")
@click.option("--partition", required=True, type=click.IntRange(min=0))
@click.option("--first", required=True, type=click.IntRange(min=1), help="The first number to send.")
@click.option("--last", required=True, type=click.IntRange(min=1), help="The last number to send.")
def resend(topic: str, partition: int, first: int, last: int) -> None:
    """Publish numbers FIRST to LAST of a lane once more, from the producer's journal. Readers drop what they have seen."""
    from console.city import running_city
    from console.terminal import out
    from deploy.local import LocalSettings

    if first > last:
        raise click.UsageError(f"--first {first} lies behind --last {last}.")
    sent = asyncio.run(_resend(running_city(LocalSettings()), _topic(topic), partition, first, last))
    out.print(f"{sent:,} of {last - first + 1:,} events sent again.")
    if sent < last - first + 1:
        out.print("The others are not in the journal: they were never numbered, or its retention is over.")
    sys.exit(0 if sent else 1)


def _topic(name: str) -> "Topic":
    from console.errors import Trouble
    from contracts.topics import TOPICS

    known = {topic.name: topic for topic in TOPICS if topic.producer}
    if name not in known:
        raise Trouble(f"There is no topic {name!r} with numbered lanes: choose one of {', '.join(known)}.")
    return known[name]


async def _resend(city: "City", topic: "Topic", partition: int, first: int, last: int) -> int:
    from chassis import kafka, relay
    from chassis.database import Tx, utc_now

    service = (topic.producer or "").strip("/")
    producer = await kafka.start_producer(city.brokers[service], SECONDS)
    try:
        async with city.database(service) as connection:
            tx = Tx(connection, utc_now())
            return await relay.resend(tx, producer, topic.name, partition, first, last, SECONDS)
    finally:
        await kafka.stop(producer)


async def _lags(city: "City") -> list[Lag]:
    from console.books import READERS, counters, topic_by, watermarks

    last: dict[tuple[str, int], int] = {}
    seen: dict[str, list[tuple[str, int, int]]] = {}
    for service in city.services:
        async with city.database(service) as connection:
            seen[service] = [(row[0], row[1], row[2]) for row in await watermarks(connection)]
    # After all that has been seen: or a busy city's readers would look as if they were ahead of their producers.
    for service in city.services:
        async with city.database(service) as connection:
            name = topic_by(service).name
            last |= {(name, partition): number for partition, number in enumerate(await counters(connection))}
    return [
        lag
        for reader, rows in seen.items()
        for lag in lags_of(reader, rows, {lane: n for lane, n in last.items() if reader in READERS[lane[0]]})
    ]


def lags_of(reader: str, rows: Iterable[tuple[str, int, int]], last: Mapping[tuple[str, int], int]) -> Iterator[Lag]:
    """A reader on every lane that it has a watermark on (`rows`: topic, partition, number), or that it reads and should have one.

    `last` are the last numbers of the lanes that it reads. A reader that has never been given anything has no watermark at all.
    """
    seen = {(topic, partition): number for topic, partition, number in rows}
    due = {lane for lane, number in last.items() if number}
    for lane in sorted(seen.keys() | due):
        topic, partition = lane
        number = seen.get(lane, 0)
        yield Lag(reader, f"{topic}/{partition}", number, last.get(lane, number))


async def standing(city: "City", reader: str) -> list[Lag]:
    """Lanes of a reader that lag, or are ahead of what there is, and have not moved for two seconds."""
    before = {lag.lane: lag.seen for lag in await _lags(city) if lag.reader == reader and lag.seen != lag.last}
    if not before:
        return []
    await asyncio.sleep(2)
    after = [lag for lag in await _lags(city) if lag.reader == reader and lag.seen != lag.last]
    return [lag for lag in after if before.get(lag.lane) == lag.seen]
