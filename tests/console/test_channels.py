import asyncio
import json
import re
from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from chassis.broker import Broker
from tests.console.conftest import Answer, Terminal

SOURCE = "https://acme.example/counter"


def login(terminal: Terminal, said: str) -> Broker:
    """As a vendor takes it from what was shown."""
    found = dict(re.findall(r"^(user|password) +(\S+)$", said, re.MULTILINE))
    return replace(terminal.city().kafka, user=found["user"], password=found["password"], mechanism="SCRAM-SHA-512")


def refused(answer: Answer) -> str:
    assert answer.code == 1
    return answer.err


async def publish(broker: Broker, topic: str) -> None:
    """An event that intake refuses and does not park: other tests look whether this city is well."""
    said = {"specversion": "1.0", "id": str(uuid4()), "source": "urn:vendor", "type": "nothing", "subject": "s"}
    async with asyncio.timeout(15), AIOKafkaProducer(**broker.aiokafka(), enable_idempotence=True) as producer:
        await producer.send_and_wait(topic, json.dumps(said).encode(), key=b"s")


async def test_a_channel_publishes_applications_with_what_it_was_shown_and_nothing_else(terminal: Terminal) -> None:
    vendor = login(terminal, terminal.ok("channel", "add", "acme", "--source", SOURCE))

    await publish(vendor, "applications.v1")
    with pytest.raises(TopicAuthorizationFailedError):
        await publish(vendor, "desk.v1")

    assert SOURCE in terminal.ok("channel", "list")
    assert "There is a login 'acme' already" in refused(terminal.run("channel", "add", "acme", "--source", "urn:other"))
    assert "acme publishes as" in refused(terminal.run("channel", "add", "ajax", "--source", SOURCE))
    terminal.ok("channel", "remove", "acme")


async def test_a_rotated_password_is_the_only_one_that_lets_in_and_a_removed_channel_has_none(
    terminal: Terminal,
) -> None:
    first = login(terminal, terminal.ok("channel", "add", "brave", "--source", "urn:brave"))
    second = login(terminal, terminal.ok("channel", "rotate", "brave"))

    await publish(second, "applications.v1")
    with pytest.raises(KafkaError):
        await publish(first, "applications.v1")

    terminal.ok("channel", "remove", "brave")
    with pytest.raises(KafkaError):
        await publish(second, "applications.v1")
    assert "There is no channel 'brave'" in refused(terminal.run("channel", "rotate", "brave"))


def test_no_password_of_a_channel_is_kept(terminal: Terminal) -> None:
    shown = login(terminal, terminal.ok("channel", "add", "carol", "--source", "urn:carol"))

    kept = [
        path for path in (terminal.home / "run").rglob("*") if path.is_file() and shown.password in path.read_text()
    ]

    assert shown.password not in repr(shown)
    assert kept == []
    terminal.ok("channel", "remove", "carol")


@pytest.mark.parametrize(
    "name,source,why",
    [
        ("intake", "urn:x", "cannot be a channel"),
        ("administrator", "urn:x", "cannot be a channel"),
        ("Acme", "urn:x", "cannot be a channel"),
        ("acme", "intake", "is no source"),
        ("acme", "/intake", "is no source"),
    ],
)
def test_a_name_or_source_of_the_citys_own_is_refused(terminal: Terminal, name: str, source: str, why: str) -> None:
    assert why in refused(terminal.run("channel", "add", name, "--source", source))
