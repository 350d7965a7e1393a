"""Every verb on every topic by every login, on the real broker: what the catalogue declares works, all else is denied."""

# pyright: reportPrivateImportUsage=false

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as Partition
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from chassis.broker import Broker
from contracts.topics import OF_A_CHANNEL, TOPICS
from deploy.acls import Right, give_access, rights, rights_of_channel, take_access, users
from deploy.grants import SERVICES
from deploy.local import Stack
from deploy.prepare import prepare
from deploy.principals import BULK, OPERATOR, PRINCIPALS
from deploy.topics import create_like
from tests.deploy.reading import SECRET
from tests.deploy.test_prepare import settings_for

SECONDS = 20
VENDOR, RIVAL = "vendor", "rival"
EVERYBODY = (*PRINCIPALS, VENDOR, RIVAL)
EVERY_RIGHT = rights() | rights_of_channel(VENDOR) | rights_of_channel(RIVAL)
EVERY_TOPIC = (*TOPICS, OF_A_CHANNEL.of(VENDOR), OF_A_CHANNEL.of(RIVAL))
DENIED = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError._NOENT,  # a topic that one is not told of has no leader to be asked
}


@pytest.fixture(scope="module")
async def kafka(new_servers: Stack) -> Broker:
    """Kafka with the rights of a city, as its administrator, and two vendors' channels beside the city's own."""
    await prepare(settings_for(new_servers))
    logins = dict.fromkeys(EVERYBODY, SECRET)
    for name in (VENDOR, RIVAL):
        await create_like(new_servers.kafka, OF_A_CHANNEL.of(name), TOPICS[0])
    await give_access(new_servers.kafka, logins, EVERY_RIGHT)
    await asyncio.gather(*(write(new_servers.kafka, topic.name) for topic in EVERY_TOPIC))
    return new_servers.kafka


def login(kafka: Broker, user: str, password: str = SECRET) -> Broker:
    return replace(kafka, user=user, password=password, mechanism="SCRAM-SHA-512")


def settings(broker: Broker, **more: Any) -> dict[str, Any]:
    return {**broker.librdkafka(), "log_level": 0, **more}


def code_of(error: KafkaException) -> int:
    return error.args[0].code()


def is_denied(attempt: Callable[..., object], *arguments: object) -> bool:
    """Whether the broker refuses it for want of a right; any other error is one of the test."""
    try:
        attempt(*arguments)
    except KafkaException as error:
        if code_of(error) not in DENIED:
            raise
        return True
    return False


async def write(broker: Broker, topic: str) -> None:
    async with AIOKafkaProducer(**broker.aiokafka(), enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, b"{}", key=b"k", partition=0)


async def read(broker: Broker, topic: str) -> None:
    async with AIOKafkaConsumer(**broker.aiokafka()) as consumer:
        partition = Partition(topic, 0)
        consumer.assign([partition])
        consumer.seek(partition, 0)
        await consumer._client._wait_on_metadata(
            topic
        )  # who is not told of a topic would ask again and again, for ever
        assert await consumer.getmany(timeout_ms=SECONDS * 1000), f"{topic} has a record and it did not come"


async def be_in_group(broker: Broker, group: str) -> None:
    """Tell how far the group has read, of a topic that needs no right to be told of."""
    async with AIOKafkaConsumer(**broker.aiokafka(), group_id=group, enable_auto_commit=False) as consumer:
        partition = Partition(TOPICS[0].name, 0)
        consumer.assign([partition])
        await consumer.commit({partition: 0})


async def is_refused(
    attempt: Callable[[Broker, str], Awaitable[None]], broker: Broker, name: str, why: type[Exception]
) -> bool:
    try:
        async with asyncio.timeout(SECONDS):
            await attempt(broker, name)
    except (why, ClusterAuthorizationFailedError):  # the latter of a producer that may write no topic at all
        return True
    except TopicAuthorizationFailedError:
        return False  # the group was asked for first
    return False


def transact(broker: Broker, name: str) -> None:
    Producer(settings(broker, **{"transactional.id": name})).init_transactions(SECONDS)


def first(futures: "dict[Any, Future[Any]]") -> None:
    next(iter(futures.values())).result(SECONDS)


def administer(broker: Broker, topic: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Whatever is done to a topic beside reading and writing it."""
    admin = AdminClient(settings(broker))
    entry = ConfigEntry("retention.ms", "1", incremental_operation=AlterConfigOpType.SET)
    changed = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    binding = AclBinding(
        ResourceType.TOPIC,
        topic,
        ResourcePatternType.LITERAL,
        f"User:{broker.user}",
        "*",
        AclOperation.ALL,
        AclPermissionType.ALLOW,
    )
    yield "CREATE", lambda: first(admin.create_topics([NewTopic(f"smuggled-{topic}", 1, 1)]))
    yield "DELETE", lambda: first(admin.delete_topics([topic]))
    yield "ALTER", lambda: first(admin.create_partitions([NewPartitions(topic, 9)]))
    yield "DELETE records", lambda: first(admin.delete_records([TopicPartition(topic, 0, 1)]))
    yield "DESCRIBE_CONFIGS", lambda: first(admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]))
    yield "ALTER_CONFIGS", lambda: first(admin.incremental_alter_configs([changed]))
    yield "ALTER rights", lambda: first(admin.create_acls([binding]))


@pytest.mark.parametrize("user", EVERYBODY)
async def test_a_login_reads_and_writes_the_topics_it_is_declared_for_and_no_other(kafka: Broker, user: str) -> None:
    wanted = {
        (right.verb, topic.name)
        for right in EVERY_RIGHT
        for topic in EVERY_TOPIC
        if right.user == user and right.kind == "TOPIC"
        if topic.name == right.name or (right.pattern == "PREFIXED" and topic.name.startswith(right.name))
    }
    verbs: dict[str, Callable[[Broker, str], Awaitable[None]]] = {"READ": read, "WRITE": write}
    tried = [(verb, topic.name) for verb in verbs for topic in EVERY_TOPIC]

    refused = await asyncio.gather(
        *(is_refused(verbs[verb], login(kafka, user), topic, TopicAuthorizationFailedError) for verb, topic in tried)
    )
    allowed = {one for one, was_refused in zip(tried, refused, strict=True) if not was_refused}

    assert allowed == wanted


@pytest.mark.parametrize("user", EVERYBODY)
def test_a_login_does_nothing_else_to_any_topic(kafka: Broker, user: str) -> None:
    allowed = [
        f"{verb} {topic.name}"
        for topic in EVERY_TOPIC
        for verb, attempt in administer(login(kafka, user), topic.name)
        if not is_denied(attempt)
    ]

    assert allowed == []


@pytest.mark.parametrize("user", EVERYBODY)
async def test_a_service_is_in_its_own_group_and_nobody_is_in_that_of_another(kafka: Broker, user: str) -> None:
    groups = {
        group
        for group in EVERYBODY
        if not await is_refused(be_in_group, login(kafka, user), group, GroupAuthorizationFailedError)
    }

    assert groups == ({user} & set(SERVICES))


@pytest.mark.parametrize("user", EVERYBODY)
def test_a_channel_has_transactions_under_its_own_name_and_nobody_under_that_of_another(
    kafka: Broker, user: str
) -> None:
    names = {name for name in EVERYBODY if not is_denied(transact, login(kafka, user), name)}

    assert names == ({user} & {BULK, VENDOR, RIVAL})


async def test_a_channel_writes_its_own_topic_and_neither_the_citys_nor_anothers_and_reads_none(kafka: Broker) -> None:
    """Spelt out, as what is declared and what is asked of the broker above come from one place."""
    city, own, other = "applications.v1", "applications.vendor.v1", "applications.rival.v1"
    verbs: dict[str, Callable[[Broker, str], Awaitable[None]]] = {"READ": read, "WRITE": write}
    tried = [
        (user, verb, topic)
        for user in (VENDOR, RIVAL, BULK, OPERATOR, "intake", "routing")
        for verb in verbs
        for topic in (city, own, other)
    ]

    refused = await asyncio.gather(
        *(
            is_refused(verbs[verb], login(kafka, user), topic, TopicAuthorizationFailedError)
            for user, verb, topic in tried
        )
    )

    assert {one for one, was_refused in zip(tried, refused, strict=True) if not was_refused} == {
        (VENDOR, "WRITE", own),
        (RIVAL, "WRITE", other),
        (BULK, "WRITE", city),
        *((reader, "READ", topic) for reader in (OPERATOR, "intake") for topic in (city, own, other)),
    }


async def test_a_channel_of_the_release_before_loses_the_citys_topic_and_gets_its_own(kafka: Broker) -> None:
    name = "earlier"
    before = {Right(name, "WRITE", "TOPIC", "applications.v1"), Right(name, "WRITE", "TRANSACTIONAL_ID", name)}
    await give_access(kafka, {name: SECRET}, frozenset(before))
    await create_like(kafka, OF_A_CHANNEL.of(name), TOPICS[0])
    assert not await is_refused(write, login(kafka, name), "applications.v1", TopicAuthorizationFailedError)

    said = await give_access(kafka, {name: SECRET}, rights_of_channel(name))

    assert set(said) == {
        "right of earlier to WRITE topic applications.earlier.v1",
        "no right of earlier to WRITE topic applications.v1 any more",
    }
    assert await is_refused(write, login(kafka, name), "applications.v1", TopicAuthorizationFailedError)
    assert not await is_refused(write, login(kafka, name), "applications.earlier.v1", TopicAuthorizationFailedError)
    await take_access(kafka, name)


async def test_a_right_to_all_that_begins_so_is_taken_when_it_is_not_declared(kafka: Broker) -> None:
    name = "curious"
    too_much = Right(name, "READ", "TOPIC", "applications.", "PREFIXED")
    await give_access(kafka, {name: SECRET}, rights_of_channel(name) | {too_much})

    assert await give_access(kafka, {name: SECRET}, rights_of_channel(name)) == [
        "no right of curious to READ topic applications.* any more"
    ]
    await take_access(kafka, name)


def described(kafka: Broker, topic: str) -> tuple[int, int, dict[str, str]]:
    """(partitions, copies, settings of its own) of a topic as the broker has it."""
    admin = AdminClient(settings(kafka))
    found = admin.list_topics(topic, SECONDS).topics[topic]
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
    entries: Any = next(iter(admin.describe_configs([resource]).values())).result(SECONDS)
    own = {
        name: entry.value for name, entry in entries.items() if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    }
    return len(found.partitions), len(found.partitions[0].replicas), own


async def test_a_channels_topic_is_made_as_the_citys_own_is_on_the_broker_now(kafka: Broker) -> None:
    admin = AdminClient(settings(kafka))
    entry = ConfigEntry("retention.ms", "86400000", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, "applications.v1", incremental_configs=[entry])
    first(admin.incremental_alter_configs([resource]))

    for _ in range(2):
        await create_like(kafka, OF_A_CHANNEL.of("later"), TOPICS[0])

    made = described(kafka, "applications.later.v1")
    partitions, copies, own = described(kafka, "applications.v1")
    assert made == (partitions, copies, own | {"compression.type": "uncompressed"})
    assert made[0] == TOPICS[0].partitions
    assert made[2]["retention.ms"] == "86400000"
    assert described(kafka, "applications.vendor.v1")[2]["retention.ms"] != "86400000"


def test_the_catalogue_gives_every_topic_of_a_service_one_writer_and_the_operator_none() -> None:
    writers = [right.name for right in rights() if right.verb == "WRITE" and right.kind == "TOPIC"]
    assert not [right for right in rights() if right.pattern != "LITERAL" and right.verb != "READ"]

    assert sorted(writers) == sorted(topic.name for topic in TOPICS)
    assert not [right for right in rights() if right.user == OPERATOR and right.verb != "READ"]


def test_nobody_is_let_in_without_his_password(kafka: Broker) -> None:
    def topics(broker: Broker) -> object:
        return AdminClient(settings(broker)).list_topics(timeout=3)

    strangers = (
        Broker(kafka.bootstrap),
        login(kafka, "intake", "another-password-0"),
        login(kafka, "stranger"),
        replace(login(kafka, "intake"), mechanism="PLAIN"),
        replace(kafka, password="another-password-0"),
    )
    with ThreadPoolExecutor() as pool:
        tried = [pool.submit(topics, stranger) for stranger in strangers]

    assert {type(one.exception()) for one in tried} == {KafkaException}
    assert topics(login(kafka, "intake"))


async def test_a_right_that_is_no_longer_declared_is_taken_and_a_login_that_is_taken_is_let_in_no_more(
    kafka: Broker,
) -> None:
    name = "passing"
    too_much = Right(name, "READ", "TOPIC", "desk.v1")

    assert len(await give_access(kafka, {name: SECRET}, rights_of_channel(name) | {too_much})) == 3
    assert not await is_refused(read, login(kafka, name), "desk.v1", TopicAuthorizationFailedError)
    assert await give_access(kafka, {name: SECRET}, rights_of_channel(name)) == [
        "no right of passing to READ topic desk.v1 any more"
    ]
    assert await is_refused(read, login(kafka, name), "desk.v1", TopicAuthorizationFailedError)
    assert name in await users(kafka)

    await take_access(kafka, name)

    assert name not in await users(kafka)
    with pytest.raises(KafkaException):
        AdminClient(settings(login(kafka, name))).list_topics(timeout=3)
