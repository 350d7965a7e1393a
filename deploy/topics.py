"""Topics as code: what the catalogue names, made on a broker. Never made automatically by whoever publishes first."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.admin.new_partitions import NewPartitions
from aiokafka.errors import InvalidPartitionsError, NoError, TopicAlreadyExistsError, for_code

from chassis.broker import Broker
from contracts.topics import TOPICS, Topic

SECONDS = 30
OF_A_VENDOR = {"compression.type": "uncompressed"}
"""What the topic of somebody outside has beside: the broker unpacks what comes, and refuses what is too large then.

As it stands by itself a broker looks at the packed size: some kilobytes would unpack in the memory of whoever reads.
"""
_OF_THE_TOPIC = 1
"""DYNAMIC_TOPIC_CONFIG among the sources of a setting (Kafka's ConfigEntry.ConfigSource)."""


async def create_topics(broker: Broker, topics: Sequence[Topic] = TOPICS, *, replication: int = 1) -> list[str]:
    """Make the topics that are missing, grow those that have too few partitions. Returns the names made or grown.

    Raises KafkaError for a topic that cannot be made, TimeoutError when the broker does not answer.
    """
    async with administering(broker) as admin:
        made = await _create(admin, topics, replication)
        return made + await _grow(admin, [topic for topic in topics if topic.name not in made])


async def grow_like(broker: Broker, template: Topic, example: Topic) -> list[str]:
    """Give the topics of a template that are there as many partitions as another has now, if they have fewer. Returns those grown.

    Raises KafkaError when one cannot be, TimeoutError when the broker does not answer.
    """
    async with administering(broker) as admin:
        found = await _counted(admin)
        count = found.get(example.name, 0)  # a broker may not know yet what was made a moment ago
        small = [name for name, has in sorted(found.items()) if template.member_of(name) and has < count]
        return [name for name in small if await _has_grown(admin, name, count)]


async def _has_grown(admin: AIOKafkaAdminClient, name: str, count: int) -> bool:
    """False where it had grown before, and the broker that was asked did not know yet."""
    try:
        await admin.create_partitions({name: NewPartitions(total_count=count)})
    except InvalidPartitionsError:
        return False
    return True


async def partitions(broker: Broker) -> dict[str, int]:
    """How many partitions every topic has that is there."""
    async with administering(broker) as admin:
        return await _counted(admin)


async def offsets_of_group(broker: Broker, group: str) -> dict[TopicPartition, int]:
    """Where each partition is read on that a group has told of."""
    async with administering(broker) as admin:
        return {one: said.offset for one, said in (await admin.list_consumer_group_offsets(group)).items()}


async def create_like(broker: Broker, topic: Topic, example: Topic, also: Mapping[str, str] = OF_A_VENDOR) -> None:
    """Make a topic as another is on the broker now: its partitions, its copies, its settings, and some more. One that is there stays.

    Raises KafkaError when it cannot be made, TimeoutError when the broker does not answer.
    """
    async with administering(broker) as admin:
        (found,) = await admin.describe_topics([example.name])
        copies = len(found["partitions"][0]["replicas"])
        settings = {**(await _settings(admin, [example.name]))[example.name], **also}
        await _made(admin, [NewTopic(topic.name, _partitions(found), copies, topic_configs=settings)])


async def lacking(broker: Broker, template: Topic, wanted: Mapping[str, str] = OF_A_VENDOR) -> set[str]:
    """Which topics of a template lack one of these settings. Raises KafkaError, TimeoutError when the broker does not answer."""
    async with administering(broker) as admin:
        names = [name for name in await _counted(admin) if template.member_of(name)]
        return {name for name, has in (await _settings(admin, names)).items() if not wanted.items() <= has.items()}


async def set_also(broker: Broker, name: str, wanted: Mapping[str, str] = OF_A_VENDOR) -> None:
    """Give a topic these settings beside those that it has. Raises KafkaError, TimeoutError when the broker does not answer."""
    async with administering(broker) as admin:
        settings = {**(await _settings(admin, [name]))[name], **wanted}
        (response,) = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, settings)])
        for answer in response.to_object()["resources"]:
            check(answer, name)


async def delete_topic(broker: Broker, name: str) -> None:
    """Delete a topic and what stands on it. Raises KafkaError when it cannot be, TimeoutError when the broker does not answer."""
    async with administering(broker) as admin:
        answers: list[dict[str, Any]] = (await admin.delete_topics([name])).to_object()["topic_error_codes"]
        for answer in answers:
            check(answer, name)


def check(answer: Mapping[str, Any], about: str) -> None:
    """Raise the KafkaError that an answer of a broker's says, if it says one."""
    if (error := for_code(int(answer["error_code"]))) is not NoError:
        raise error(about)


@asynccontextmanager
async def administering(broker: Broker) -> AsyncGenerator[AIOKafkaAdminClient]:
    """A client that administers, for `SECONDS` at most. Raises KafkaError, TimeoutError when the broker does not answer."""
    admin = AIOKafkaAdminClient(**broker.aiokafka(), request_timeout_ms=SECONDS * 1000)
    async with asyncio.timeout(SECONDS):
        try:
            await admin.start()
            yield admin
        finally:
            await admin.close()


async def _settings(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """What is set for these very topics, not what they have from their broker."""
    if not names:
        return {}
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    return {
        described["resource_name"]: {
            entry["config_names"]: entry["config_value"]
            for entry in described["config_entries"]
            if entry["config_source"] == _OF_THE_TOPIC
        }
        for described in response.to_object()["resources"]
    }


async def _create(admin: AIOKafkaAdminClient, topics: Sequence[Topic], replication: int) -> list[str]:
    wanted = [
        NewTopic(
            topic.name,
            topic.partitions,
            replication,
            topic_configs={
                "retention.ms": str(topic.retention_ms),
                "max.message.bytes": "1048576",
                "min.insync.replicas": str(min(2, replication)),
            },
        )
        for topic in topics
    ]
    return await _made(admin, wanted)


async def _made(admin: AIOKafkaAdminClient, wanted: list[NewTopic]) -> list[str]:
    response = await admin.create_topics(wanted)
    made: list[str] = []
    answers: list[dict[str, Any]] = response.to_object()["topic_errors"]
    for answer in answers:
        error = for_code(int(answer["error_code"]))
        if error is NoError:
            made.append(str(answer["topic"]))
        elif error is not TopicAlreadyExistsError:
            raise error(answer["topic"])
    return made


async def _grow(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> list[str]:
    if not topics:
        return []
    wanted = {topic.name: topic.partitions for topic in topics}
    found = await admin.describe_topics(list(wanted))
    small = {topic["topic"]: wanted[topic["topic"]] for topic in found if _partitions(topic) < wanted[topic["topic"]]}
    if small:
        await admin.create_partitions({name: NewPartitions(total_count=count) for name, count in small.items()})
    return list(small)


async def _counted(admin: AIOKafkaAdminClient) -> dict[str, int]:
    return {found["topic"]: _partitions(found) for found in await admin.describe_topics()}


def _partitions(description: dict[str, list[object]]) -> int:
    return len(description["partitions"])
