"""Channel systems on Kafka: whether each has its topic, its login, its pace and its rights and no more; mended where that is not so."""

import asyncio
import sys
from collections.abc import Collection, Iterator, Mapping
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
    from deploy.quotas import Quota
    from services.intake.admitting import System

_NONE: frozenset["Right"] = frozenset()
READ_SECONDS = 20
"""How long a channel that ends waits for intake to have read its topic."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One channel system as intake's database and Kafka have it.

    `lives` is None for one of which the database knows nothing. `partitions` is 0 where there is no topic. `missing` and `extra`
    are rights of its own login, `others` are those of somebody else to its topic. `pace` is what its login has on the broker,
    `due` what it should have; None where it should have no login. `packs`: what comes is kept packed, which nobody may be made to unpack.
    """

    name: str
    topic: str
    lives: bool | None
    has_login: bool
    partitions: int
    wanted: int
    pace: "Quota"
    due: "Quota | None"
    packs: bool
    missing: frozenset["Right"] = field(default=_NONE)
    extra: frozenset["Right"] = field(default=_NONE)
    others: frozenset["Right"] = field(default=_NONE)

    @property
    def owed(self) -> "Quota | None":
        """The pace to set, None where it has that which is due."""
        return None if self.pace == self.due else self.due


@click.command(epilog=example("madoguchi channel check"))
def check() -> None:
    """Say of every channel that has a login on Kafka whether it has its topic, pace and rights and no more. Exit code 1 if not."""
    from console.halls import find_hall

    found = asyncio.run(findings(find_hall()))
    for finding in found:
        click.echo(finding.line)
    sys.exit(code_of(found))


@click.command(epilog=example("madoguchi channel mend acme", "madoguchi channel mend"))
@click.argument("name", required=False)
def mend(name: str | None) -> None:
    """Give a channel, or all, the topic, pace and rights that it should have, and take what it should not. Its password stays."""
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
        yield from _faults_of_pace(one)
        yield from _faults_of_rights(one)
    else:
        yield Finding(
            f"channel {one.name} was removed, and its topic, login or pace is there",
            f"madoguchi channel remove {one.name}",
        )


def _faults_of_topic(one: Standing) -> Iterator[Finding]:
    mended = f"madoguchi channel mend {one.name}"
    if not one.partitions:
        yield Finding(f"channel {one.name} has no topic {one.topic}", mended)
    elif one.partitions < one.wanted:
        yield Finding(f"{one.topic} has {one.partitions} partitions, not {one.wanted} as applications.v1", mended)
    if one.packs:
        yield Finding(f"{one.topic} takes what is packed, however large it unpacks", mended)
    if not one.has_login:
        yield Finding(f"channel {one.name} has a topic and no login", f"madoguchi channel rotate {one.name} --kafka")


def _faults_of_pace(one: Standing) -> Iterator[Finding]:
    from deploy.quotas import words_of

    if one.owed is not None:
        said = f"channel {one.name} may publish {words_of(one.pace)}, not {words_of(one.owed)}"
        yield Finding(said, f"madoguchi channel mend {one.name}")


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


@dataclass(frozen=True, slots=True)
class _Seen:
    """What intake's database and Kafka say at one moment, of all channels."""

    lives: Mapping[str, bool]
    systems: Mapping[str, "System"]
    logins: Collection[str]
    given: frozenset["Right"]
    paces: Mapping[str, "Quota"]
    partitions: Mapping[str, int]
    packing: Collection[str]

    def names(self) -> list[str]:
        """Every channel that has a login or a topic on Kafka, and those that ended and have a pace."""
        from contracts.topics import OF_A_CHANNEL

        of_topics = {member for topic in self.partitions if (member := OF_A_CHANNEL.member_of(topic))}
        ended = {name for name in self.paces if self.lives.get(name) is False}
        return sorted(of_topics | ended | (self.lives.keys() & self.logins))


async def _standings(city: "City | Hall") -> list[Standing]:
    from console import channel_keys
    from contracts.topics import OF_A_CHANNEL
    from deploy import acls, quotas, topics

    systems = {system.name: system for system in (await channel_keys.listed(city))[0]}
    seen = _Seen(
        await channel_keys.names(city),
        systems,
        await acls.users(city.kafka),
        await acls.rights_given(city.kafka),
        await quotas.quotas(city.kafka),
        await topics.partitions(city.kafka),
        await topics.lacking(city.kafka, OF_A_CHANNEL),
    )
    return [_standing(name, seen) for name in seen.names()]


def _standing(name: str, seen: _Seen) -> Standing:
    from contracts.topics import APPLICATIONS, OF_A_CHANNEL
    from deploy.acls import rights, rights_of_channel
    from deploy.quotas import NO_QUOTA, quota_of_channel

    topic, due, has_login = OF_A_CHANNEL.of(name).name, rights_of_channel(name), name in seen.logins
    system = seen.systems.get(name) if has_login else None
    own = frozenset(right for right in seen.given if right.user == name)
    return Standing(
        name,
        topic,
        seen.lives.get(name),
        has_login,
        seen.partitions.get(topic, 0),
        seen.partitions.get(APPLICATIONS.name, 0),
        seen.paces.get(name, NO_QUOTA),
        quota_of_channel(system.bytes_per_second) if system else None,
        topic in seen.packing,
        missing=due - own if has_login else _NONE,
        extra=own - due,
        others=frozenset(right for right in seen.given if right.is_on(topic)) - own - rights(),
    )


async def _mend(city: "City | Hall", name: str | None) -> list[str]:
    from console.errors import Trouble
    from contracts.topics import APPLICATIONS, OF_A_CHANNEL
    from deploy import acls, quotas, topics

    found = [one for one in await _standings(city) if one.lives and one.has_login and name in (None, one.name)]
    if name is not None and not found:
        raise Trouble(
            f"No channel {name!r} has a login on Kafka: `madoguchi channel list` shows the channels there are."
        )
    said: list[str] = []
    for one in found:
        said += await acls.mend_access(city.kafka, one.name, acls.rights_of_channel(one.name))
        if one.owed is not None:
            await quotas.set_quota(city.kafka, one.name, one.owed)
            said.append(f"pace of {one.name}: {quotas.words_of(one.owed)}")
        if not one.partitions:
            await topics.create_like(city.kafka, OF_A_CHANNEL.of(one.name), APPLICATIONS)
            said.append(f"topic {one.topic}")
        elif one.packs:
            await topics.set_also(city.kafka, one.topic)
            said.append(f"{one.topic} keeps nothing packed")
    return [*said, *(f"topic {grown}" for grown in await topics.grow_like(city.kafka, OF_A_CHANNEL, APPLICATIONS))]


async def end(broker: "Broker", name: str) -> str:
    """Take a channel's login and pace, and its topic as soon as intake has read all of it; what was done and is still to do, in words."""
    from contracts.topics import OF_A_CHANNEL
    from deploy import acls, quotas, topics, unread

    topic = OF_A_CHANNEL.of(name)
    if name in await acls.users(broker):
        await acls.take_access(broker, name)
    if name in await quotas.quotas(broker):
        await quotas.set_quota(broker, name, quotas.NO_QUOTA)
    if topic.name not in await topics.partitions(broker):
        return f"there is no topic {topic.name} any more"
    left = await unread.delete_when_read(broker, topic.name, topic.readers[0], READ_SECONDS)
    if not left:
        return f"{topic.name} is deleted: intake has read all of it"
    return (
        f"{topic.name} stays: intake has not read {left:,} of its records yet. When it runs, see `madoguchi lane list`, and say"
        f" `madoguchi channel remove {name}` again to delete it."
    )
