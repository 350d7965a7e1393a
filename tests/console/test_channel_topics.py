"""Whether channels stand on Kafka as they should, what is said where they do not, and what becomes of a topic that ends."""

import os
import re
import signal
from collections.abc import Awaitable, Callable
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from chassis.broker import Broker
from contracts.topics import APPLICATIONS, OF_A_CHANNEL
from deploy.acls import Right, give_access, mend_access, rights_of_channel, take_access
from deploy.quotas import NO_QUOTA, Quota, quota_of_channel, quotas, set_quota
from deploy.topics import create_like, create_topics, delete_topic, partitions, set_also
from tests.console.conftest import Terminal
from tests.console.test_channels import RIGHTS, application, login, publish, rows, until

NAME, TOPIC = "theo", "applications.theo.v1"
RIGHT = Right(NAME, "WRITE", "TOPIC", TOPIC)
Break = Callable[[Broker], Awaitable[object]]


def added(terminal: Terminal, name: str = NAME) -> Broker:
    return login(terminal, terminal.ok("channel", "add", name, "--source", f"urn:{name}", *RIGHTS))


async def without_topic(broker: Broker) -> None:
    await delete_topic(broker, TOPIC)


async def with_few_partitions(broker: Broker) -> None:
    await delete_topic(broker, TOPIC)
    await create_topics(broker, [replace(OF_A_CHANNEL.of(NAME), partitions=1)])


async def without_a_right(broker: Broker) -> None:
    await mend_access(broker, NAME, rights_of_channel(NAME) - {RIGHT})


async def with_a_right_too_many(broker: Broker) -> None:
    await mend_access(broker, NAME, rights_of_channel(NAME) | {replace(RIGHT, verb="READ")})


async def with_what_is_packed(broker: Broker) -> None:
    await set_also(broker, TOPIC, {"compression.type": "producer"})


async def without_a_pace(broker: Broker) -> None:
    await set_quota(broker, NAME, NO_QUOTA)


async def with_another_pace(broker: Broker) -> None:
    await set_quota(broker, NAME, Quota(1e9, 50.0))


DUE = "204,800 bytes a second, 50 % of a thread"
MENDED: list[dict[Break, str]] = [
    {without_topic: f"channel {NAME} has no topic {TOPIC}"},
    {
        with_few_partitions: f"{TOPIC} has 1 partitions, not 4 as applications.v1",
        without_a_right: f"the right is missing of {NAME} to WRITE topic {TOPIC}",
        without_a_pace: (f"channel {NAME} may publish any number of bytes a second, any share of a thread, not {DUE}"),
    },
    {
        with_what_is_packed: f"{TOPIC} takes what is packed, however large it unpacks",
        with_a_right_too_many: f"there is a right that is not declared, of {NAME} to READ topic {TOPIC}",
        with_another_pace: f"channel {NAME} may publish 1,000,000,000 bytes a second, 50 % of a thread, not {DUE}",
    },
]


@pytest.mark.parametrize("damage", MENDED, ids=[" ".join(one.__name__ for one in damage) for damage in MENDED])
async def test_what_is_not_as_it_should_be_is_said_and_mended_and_the_password_stays(
    terminal: Terminal, damage: dict[Break, str]
) -> None:
    vendor = added(terminal)
    for damaging in damage:
        await damaging(terminal.city().kafka)

    ill, doctor = terminal.run("channel", "check"), terminal.run("doctor")
    assert (ill.code, doctor.code) == (1, 1)
    for said in damage.values():
        line = f"✗ {said} — madoguchi channel mend {NAME}\n"
        assert line in ill.out
        assert line in doctor.out
    assert f"✓ channel {NAME}" not in ill.out

    terminal.ok("channel", "mend", NAME)

    assert f"✓ channel {NAME} may write {TOPIC} (4 partitions), and no more\n" in terminal.ok("channel", "check")
    await publish(vendor, TOPIC, application(f"urn:{NAME}"))
    terminal.ok("channel", "remove", NAME)


async def test_a_right_of_somebody_else_to_a_channels_topic_is_said_and_left_to_whoever_gave_it(
    terminal: Terminal,
) -> None:
    added(terminal)
    other = Right("stranger", "WRITE", "TOPIC", "applications.", "PREFIXED")
    await give_access(terminal.city().kafka, {"stranger": "s" * 32}, frozenset({other}))

    said = terminal.run("channel", "check")

    assert said.code == 1
    assert "✗ there is a right that is not declared, of stranger to WRITE topic applications.* — " in said.out
    assert f"{TOPIC} is written by {NAME} alone" in said.out
    await take_access(terminal.city().kafka, "stranger")
    terminal.ok("channel", "remove", NAME)


async def test_a_channel_without_its_login_and_a_topic_of_nobody_are_said(terminal: Terminal) -> None:
    added(terminal)
    await take_access(terminal.city().kafka, NAME)
    await create_like(terminal.city().kafka, OF_A_CHANNEL.of("nobody"), APPLICATIONS)

    said = terminal.run("channel", "check").out

    assert f"✗ channel {NAME} has a topic and no login — madoguchi channel rotate {NAME} --kafka\n" in said
    assert "✗ applications.nobody.v1 is of no channel — what stands on it is parked" in said
    await delete_topic(terminal.city().kafka, "applications.nobody.v1")
    terminal.ok("channel", "remove", NAME)
    terminal.ok("channel", "check")


async def test_a_channel_that_ends_leaves_no_topic_and_one_of_its_name_that_comes_at_once_loses_nothing(
    terminal: Terminal,
) -> None:
    """A reader that still knew the former topic would pass over the beginning of the new one."""
    name, topic = "thea", "applications.thea.v1"
    await publish(added(terminal, name), topic, *(application(f"urn:{name}") for _ in range(8)))

    assert f"{topic} is deleted: intake has read all of it" in terminal.ok("channel", "remove", name)
    await publish(added(terminal, name), topic, *(application(f"urn:{name}") for _ in range(40)))

    await wait_until_taken_in(terminal, f"urn:{name}", 48)
    terminal.ok("channel", "remove", name)
    assert topic not in await partitions(terminal.city().kafka)
    assert name not in terminal.ok("channel", "check")


async def test_a_topic_that_intake_has_not_read_stays_until_it_has(terminal: Terminal) -> None:
    vendor, sent = added(terminal, "late"), application("urn:late")
    with held(terminal, "intake"):
        await publish(vendor, "applications.late.v1", sent)
        said = terminal.ok("channel", "remove", "late")
    assert re.search(r"applications\.late\.v1 stays: intake has not read 1 of its records yet", said)
    assert "✗ channel late was removed, and its topic, login or pace is there — madoguchi channel remove late\n" in (
        terminal.run("channel", "check").out
    )
    query = "SELECT 1 FROM case_item WHERE application_id = $1"
    await until(lambda: rows(terminal, "desk", query, UUID(sent["subject"])), 90)

    assert "applications.late.v1 is deleted" in terminal.ok("channel", "remove", "late")


async def test_a_channel_has_the_pace_that_was_said_with_its_next_password_too_and_none_when_it_ended(
    terminal: Terminal,
) -> None:
    kafka, name = terminal.city().kafka, "slow"
    rights = ("--source", f"urn:{name}", *RIGHTS)
    said = terminal.ok("channel", "add", name, *rights, "--per-minute", "60", "--bytes-per-second", "20000")
    assert re.search(r"^at most +20,000 bytes a second$", said, re.MULTILINE)
    assert (await quotas(kafka))[name] == quota_of_channel(20_000)

    await set_quota(kafka, name, NO_QUOTA)
    terminal.ok("channel", "rotate", name, "--kafka")
    assert (await quotas(kafka))[name] == quota_of_channel(20_000)
    assert "60/min, 20000 B/s" in terminal.ok("channel", "list")

    terminal.ok("channel", "remove", name)
    assert name not in await quotas(kafka)


async def test_a_pace_of_a_channel_that_ended_is_said_and_taken(terminal: Terminal) -> None:
    kafka, name = terminal.city().kafka, "over"
    added(terminal, name)
    terminal.ok("channel", "remove", name)
    await set_quota(kafka, name, quota_of_channel(20_000))

    line = f"✗ channel {name} was removed, and its topic, login or pace is there — madoguchi channel remove {name}\n"
    assert line in terminal.run("channel", "check").out
    terminal.ok("channel", "remove", name)

    terminal.ok("channel", "check")


@contextmanager
def held(terminal: Terminal, service: str) -> Any:
    """A service that does nothing for a while."""
    pid: int = terminal.processes()[service]["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def wait_until_taken_in(terminal: Terminal, source: str, count: int) -> None:
    query = "SELECT FROM application WHERE source = $1 HAVING count(*) = $2"
    await until(lambda: rows(terminal, "intake", query, source, count), 60)
