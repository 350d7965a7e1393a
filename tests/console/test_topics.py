"""`madoguchi up` where topics are missing or too small: made and grown before any service starts, or while all run, and said."""

import asyncio
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest

from console.starting import city_down, city_up
from contracts.topics import APPLICATIONS, CASES, INTAKE, OF_A_CHANNEL, RECORDS, TOPICS
from deploy.local import LocalSettings
from deploy.local import up as servers_up
from deploy.topics import create_topics, delete_topic, partitions
from tests.conftest import JARS

SMALL, CHANNEL = replace(INTAKE, partitions=1), replace(OF_A_CHANNEL.of("small"), partitions=2)
LARGE = replace(CASES, partitions=CASES.partitions + 1)


@pytest.fixture
def settings(tmp_path: Path) -> Generator[LocalSettings]:
    """A home of which nothing runs; all is deleted in the end."""
    settings = LocalSettings(home=tmp_path, jars=JARS, kafka_bootstrap=None, postgres_dsn=None, smtp_url=None)
    yield settings
    city_down(settings, print, reset=True)


def said_of_topics(settings: LocalSettings) -> tuple[set[str], str]:
    """What `up` says of topics: which, and the whole line."""
    said: list[str] = []
    city_up(settings, said.append)
    (line,) = [line for line in said if "topics" in line]
    return set(line.rpartition("topics ")[2].split(", ")), line


async def test_up_makes_the_topics_that_are_missing_and_grows_those_that_are_too_small(settings: LocalSettings) -> None:
    kafka = (await asyncio.to_thread(servers_up, settings, print)).kafka
    await create_topics(kafka, [SMALL, LARGE, CHANNEL])

    said, line = await asyncio.to_thread(said_of_topics, settings)

    assert said == {topic.name for topic in TOPICS} - {LARGE.name} | {CHANNEL.name}
    assert line.startswith("made or grew ")
    there = await partitions(kafka)
    wanted = {topic.name: topic.partitions for topic in TOPICS}
    wanted |= {LARGE.name: LARGE.partitions, CHANNEL.name: APPLICATIONS.partitions}
    assert {name: there.get(name) for name in wanted} == wanted

    await delete_topic(kafka, RECORDS.name)  # of a city that runs

    assert (await asyncio.to_thread(said_of_topics, settings))[0] == {RECORDS.name}
