"""Whoever floods Kafka is slowed by the real broker, and nobody else is."""

# pyright: reportPrivateImportUsage=false

import time
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiokafka.errors import InvalidRequestError, KafkaError
from confluent_kafka import Producer

from chassis.broker import Broker
from contracts.topics import APPLICATIONS, OF_A_CHANNEL
from deploy.acls import give_access, rights_of_channel
from deploy.local import Stack
from deploy.prepare import prepare
from deploy.quotas import NO_QUOTA, Quota, quota_of_channel, quotas, set_quota
from deploy.topics import create_like
from tests.deploy.reading import SECRET
from tests.deploy.test_prepare import settings_for

FLOODER, NEIGHBOUR = "flooder", "neighbour"
RATE = 32_768
WINDOW = 11
"""Seconds over which a broker takes the average, which is let through at once (quota.window.num)."""
RECORD = b"x" * 65_536


@pytest.fixture(scope="module")
async def kafka(new_servers: Stack) -> Broker:
    """Kafka with two vendors, each with a pace of its own."""
    await prepare(settings_for(new_servers))
    for name in (FLOODER, NEIGHBOUR):
        await create_like(new_servers.kafka, OF_A_CHANNEL.of(name), APPLICATIONS)
        await set_quota(new_servers.kafka, name, quota_of_channel(RATE))
    both = rights_of_channel(FLOODER) | rights_of_channel(NEIGHBOUR)
    await give_access(new_servers.kafka, {FLOODER: SECRET, NEIGHBOUR: SECRET}, both)
    return new_servers.kafka


@dataclass
class Vendor:
    """A producer that counts what has arrived; `waits` are what the broker told it to wait, in seconds."""

    producer: Producer
    topic: str
    waits: list[float]
    arrived: int = 0

    def publish(self, value: bytes) -> None:
        self.producer.produce(self.topic, value, on_delivery=self._delivered)

    def _delivered(self, error: Any, _: Any) -> None:
        assert error is None, error
        self.arrived += 1


def vendor(kafka: Broker, name: str, **more: Any) -> Vendor:
    broker = replace(kafka, user=name, password=SECRET, mechanism="SCRAM-SHA-512")
    waits: list[float] = []

    def slowed(event: Any) -> None:
        waits.append(event.throttle_time)

    producer = Producer({**broker.librdkafka(), "log_level": 0, "throttle_cb": slowed, **more})
    return Vendor(producer, OF_A_CHANNEL.of(name).name, waits)


def test_a_vendor_that_floods_is_slowed_loses_nothing_and_his_neighbour_does_not_wait(kafka: Broker) -> None:
    flooder = vendor(kafka, FLOODER, **{"batch.num.messages": 1, "max.in.flight": 1})
    neighbour = vendor(kafka, NEIGHBOUR)
    began = time.monotonic()

    for _ in range(WINDOW):
        flooder.publish(RECORD)
    while not any(flooder.waits):
        assert flooder.arrived < WINDOW, "all of it went through, and nobody was told to wait"
        flooder.producer.poll(0.1)
    in_time = flooder.arrived
    for _ in range(50):
        neighbour.publish(b"{}")
    assert neighbour.producer.flush(10) == 0
    told = any(neighbour.waits)
    assert flooder.producer.flush(60) == 0
    seconds = time.monotonic() - began

    assert (neighbour.arrived, told) == (50, False)
    assert in_time < WINDOW
    assert flooder.arrived == WINDOW
    assert flooder.arrived * len(RECORD) <= RATE * (seconds + WINDOW) + len(RECORD)
    assert seconds > 5


@pytest.mark.parametrize("codec", ["none", "gzip", "zstd", "lz4"])
def test_what_unpacks_to_more_than_a_record_may_have_is_refused_by_the_broker(kafka: Broker, codec: str) -> None:
    """Else some kilobytes of a vendor's would unpack in the memory of whoever reads, or stop it."""
    name = OF_A_CHANNEL.of(NEIGHBOUR).name
    broker = replace(kafka, user=NEIGHBOUR, password=SECRET, mechanism="SCRAM-SHA-512")
    settings = {**broker.librdkafka(), "log_level": 0, "compression.type": codec, "message.max.bytes": 100_000_000}
    told: list[Any] = []

    for size in (1_000, 20_000_000):
        producer = Producer(settings)
        producer.produce(name, b" " * size, on_delivery=lambda error, _: told.append(error and error.name()))
        assert producer.flush(60) == 0

    assert told == [None, "MSG_SIZE_TOO_LARGE"]


async def test_a_quota_is_in_place_of_the_one_before_and_ends(kafka: Broker) -> None:
    await set_quota(kafka, "someone", Quota(2048.0, 25.0))
    assert (await quotas(kafka))["someone"] == Quota(2048.0, 25.0)

    await set_quota(kafka, "someone", Quota(4096.0))
    assert (await quotas(kafka))["someone"] == Quota(4096.0)

    await set_quota(kafka, "someone", NO_QUOTA)
    assert "someone" not in await quotas(kafka)


async def test_a_quota_that_the_broker_does_not_take_is_an_error_and_a_vendor_may_set_none(kafka: Broker) -> None:
    with pytest.raises(InvalidRequestError):
        await set_quota(kafka, "someone", Quota(-1.0))
    with pytest.raises(KafkaError):
        await set_quota(replace(kafka, user=FLOODER, password=SECRET, mechanism="SCRAM-SHA-512"), FLOODER, NO_QUOTA)

    assert (await quotas(kafka))[FLOODER] == quota_of_channel(RATE)
    assert "someone" not in await quotas(kafka)
