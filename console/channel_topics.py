"""Channel systems on Kafka: whether each has its topic, its login and its rights and no more; mended where that is not so."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import click

from console.findings import Finding, code_of
from console.helping import example

if TYPE_CHECKING:
    from chassis.broker import Broker
    from console.city import City
    from console.halls import Hall
    from deploy.acls import Right

_NONE: frozenset["Right"] = frozenset()
READ_SECONDS = 20
"""How long a channel that ends waits for intake to have read its topic."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One channel system as intake's database and Kafka have it.

    `lives` is None for one of which the database knows nothing. `partitions` is 0 where there is no topic. `missing` and `extra`
    are rights of its own login, `others` are those of somebody else to its topic.
    """

    name: str
    topic: str
    lives: bool | None
    has_login: bool
    partitions: int
    wanted: int
    missing: frozenset["Right"] = field(default=_NONE)
    extra: frozenset["Right"] = field(default=_NONE)
    others: frozenset["Right"] = field(default=_NONE)


@click.command(epilog=example("madoguchi channel check"))
def check() -> None:
    """Say of every channel that has a login on Kafka whether it has its topic and its rights and no more. Exit code 1 if not."""
    from console.halls import find_hall

    found = asyncio.run(findings(find_hall()))
    for finding in found:
        click.echo(finding.line)
    sys.exit(code_of(found))


@click.command(epilog=example("madoguchi channel mend acme", "madoguchi channel mend"))
@click.argument("name", required=False)
def mend(name: str | None) -> None:
    """Give a channel, or all, the topic and the rights that it should have, and take what it should not. Its password stays."""
    from console.halls import find_hall

    for line in asyncio.run(_mend(find_hall(), name)):
        click.echo(line)


async def findings(city: "City | Hall") -> list[Finding]:
    """One line for each channel that is well, one for each fault of another; none where nobody has a login."""
    if city.kafka.security == "PLAINTEXT":
        return []
    return [finding for one in await _standings(city) for finding in (*_faults(one), *_well(one))]


def _well(one: Standing) -> Iterator[Finding]:
    if one.lives and one.has_login and not any(_faults(one)):
        yield Finding(f"channel {one.name} may write {one.topic} ({one.partitions} partitions), and no more")


def _faults(one: Standing) -> Iterator[Finding]:
    if one.lives is None:
        yield Finding(
            f"{one.topic} is of no channel",
            f"what stands on it is parked: `madoguchi channel add {one.name}`, or delete it with Kafka's own tools",
        )
    elif one.lives:
        yield from _faults_of_topic(one)
        yield from _faults_of_rights(one)
    else:
        yield Finding(
            f"channel {one.name} was removed, and its topic or login is there", f"madoguchi channel remove {one.name}"
        )


def _faults_of_topic(one: Standing) -> Iterator[Finding]:
    mended = f"madoguchi channel mend {one.name}"
    if not one.partitions:
        yield Finding(f"channel {one.name} has no topic {one.topic}", mended)
    elif one.partitions < one.wanted:
        yield Finding(f"{one.topic} has {one.partitions} partitions, not {one.wanted} as applications.v1", mended)
    if not one.has_login:
        yield Finding(f"channel {one.name} has a topic and no login", f"madoguchi channel rotate {one.name} --kafka")


def _faults_of_rights(one: Standing) -> Iterator[Finding]:
    from deploy.acls import words_of

    mended = f"madoguchi channel mend {one.name}"
    for right in sorted(one.missing):
        yield Finding(f"the right is missing {words_of(right)}", mended)
    for right in sorted(one.extra):
        yield Finding(f"there is a right that is not declared, {words_of(right)}", mended)
    for right in sorted(one.others):
        yield Finding(
            f"there is a right that is not declared, {words_of(right)}",
            f"{one.topic} is written by {one.name} alone: ask who gave it, and take it with Kafka's kafka-acls.sh --remove",
        )


async def _standings(city: "City | Hall") -> list[Standing]:
    """Of every channel that has a login or a topic on Kafka."""
    from console import channel_keys
    from contracts.topics import APPLICATIONS, OF_A_CHANNEL
    from deploy import acls, topics

    lives, logins = await channel_keys.names(city), await acls.users(city.kafka)
    given, counts = await acls.rights_given(city.kafka), await topics.partitions(city.kafka)
    named = {member for topic in counts if (member := OF_A_CHANNEL.member_of(topic))}
    return [
        _standing(name, lives.get(name), counts, counts.get(APPLICATIONS.name, 0), given, name in logins)
        for name in sorted(named | (lives.keys() & logins))
    ]


def _standing(
    name: str,
    lives: bool | None,  # noqa: FBT001  one of many, as the table has them
    counts: Mapping[str, int],
    wanted: int,
    given: frozenset["Right"],
    has_login: bool,  # noqa: FBT001
) -> Standing:
    from contracts.topics import OF_A_CHANNEL
    from deploy.acls import rights, rights_of_channel

    topic, due = OF_A_CHANNEL.of(name).name, rights_of_channel(name)
    own = frozenset(right for right in given if right.user == name)
    others = frozenset(right for right in given if right.is_on(topic)) - own - rights()
    missing = due - own if has_login else _NONE
    return Standing(name, topic, lives, has_login, counts.get(topic, 0), wanted, missing, own - due, others)


async def _mend(city: "City | Hall", name: str | None) -> list[str]:
    from console.errors import Trouble
    from contracts.topics import APPLICATIONS, OF_A_CHANNEL
    from deploy import acls, topics

    found = [one for one in await _standings(city) if one.lives and one.has_login and name in (None, one.name)]
    if name is not None and not found:
        raise Trouble(
            f"No channel {name!r} has a login on Kafka: `madoguchi channel list` shows the channels there are."
        )
    said: list[str] = []
    for one in found:
        said += await acls.mend_access(city.kafka, one.name, acls.rights_of_channel(one.name))
        if not one.partitions:
            await topics.create_like(city.kafka, OF_A_CHANNEL.of(one.name), APPLICATIONS)
            said.append(f"topic {one.topic}")
    return [*said, *(f"topic {grown}" for grown in await topics.grow_like(city.kafka, OF_A_CHANNEL, APPLICATIONS))]


async def end(broker: "Broker", name: str) -> str:
    """Take a channel's login, and its topic as soon as intake has read all of it; what was done and is still to do, in words."""
    from contracts.topics import OF_A_CHANNEL
    from deploy import acls, topics, unread

    topic = OF_A_CHANNEL.of(name)
    if name in await acls.users(broker):
        await acls.take_access(broker, name)
    if topic.name not in await topics.partitions(broker):
        return f"there is no topic {topic.name} any more"
    left = await unread.delete_when_read(broker, topic.name, topic.readers[0], READ_SECONDS)
    if not left:
        return f"{topic.name} is deleted: intake has read all of it"
    return (
        f"{topic.name} stays: intake has not read {left:,} of its records yet. When it runs, see `madoguchi lane list`, and say"
        f" `madoguchi channel remove {name}` again to delete it."
    )
