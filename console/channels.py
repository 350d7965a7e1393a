"""`madoguchi channel`: who outside the city hall may publish applications on Kafka, and as whom."""

import asyncio
import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from chassis.broker import Broker
    from console.city import City

_NAME = re.compile(r"[a-z][a-z0-9-]{2,40}")
_SOURCE = re.compile(r"(/|[a-z][a-z0-9+.-]*:)[^\s]{1,200}")


@click.group("channel", epilog=example("madoguchi channel add acme --source https://acme.example/counter"))
def channel() -> None:
    """Logins of channels: each may publish applications on Kafka, and reads nothing."""


@channel.command(epilog=example("madoguchi channel add acme --source https://acme.example/counter"))
@click.argument("name")
@click.option("--source", required=True, help="The CloudEvents source of its events, a URI of its own.")
def add(name: str, source: str) -> None:
    """Make a login that may write applications.v1 and nothing else. Its password is shown once and kept nowhere."""
    from console.terminal import out

    city = _city()
    _check(city, name, source)
    known = _sources(city)
    if taken := [other for other, its in known.items() if its == source and other != name]:
        raise _trouble(f"{taken[0]} publishes as {source!r} already: give {name} a source of its own.")
    password = secrets.token_urlsafe(24)
    if name in asyncio.run(_users(city)):
        raise _trouble(
            f"There is a login {name!r} already: `madoguchi channel rotate {name}` gives it another password."
        )
    asyncio.run(_give(city.kafka, name, password))
    _keep(city, {**known, name: source})
    _show(city, name, password)
    out.print(f"source     {source}")


@channel.command(epilog=example("madoguchi channel rotate acme"))
@click.argument("name")
def rotate(name: str) -> None:
    """Give a channel another password, shown once. The old one lets nobody in any more; connections that stand go on."""
    city = _city()
    _known(city, name)
    password = secrets.token_urlsafe(24)
    asyncio.run(_give(city.kafka, name, password))
    _show(city, name, password)


@channel.command(epilog=example("madoguchi channel remove acme"))
@click.argument("name")
def remove(name: str) -> None:
    """Take a channel's login and rights; what it has published stays. It may publish nothing from this moment on."""
    from console.terminal import out

    city = _city()
    known = _known(city, name)
    asyncio.run(_take(city.kafka, name))
    _keep(city, {other: source for other, source in known.items() if other != name})
    out.print(f"{name} may publish nothing any more")


@channel.command("list", epilog=example("madoguchi channel list"))
def list_() -> None:
    """Show the channels, each with its source."""
    from console.terminal import table

    table("Channels", ("name", "source"), sorted(_sources(_city()).items()))


def _city() -> "City":
    from console.city import running_city
    from deploy.local import LocalSettings

    return running_city(LocalSettings())


def _check(city: "City", name: str, source: str) -> None:
    """Raise Trouble for what no login of this Kafka can be, and for a name or source that is the city's own."""
    from deploy.acls import PRINCIPALS

    if city.kafka.security == "PLAINTEXT":
        raise _trouble("Nobody has a login on this Kafka: set MADOGUCHI_KAFKA_SECURITY, _USER and _PASSWORD.")
    if not _NAME.fullmatch(name) or name in (*PRINCIPALS, city.kafka.user):
        raise _trouble(f"{name!r} cannot be a channel: take 3 to 41 of a-z 0-9 -, and no name of the city's own.")
    if not _SOURCE.fullmatch(source) or source.strip("/") in PRINCIPALS:
        raise _trouble(f"{source!r} is no source: take a URI like https://acme.example/counter.")


def _known(city: "City", name: str) -> Mapping[str, str]:
    known = _sources(city)
    if name not in known:
        raise _trouble(f"There is no channel {name!r}: `madoguchi channel list` shows those there are.")
    return known


def _sources(city: "City") -> Mapping[str, str]:
    from deploy.local.services import read_channels

    return read_channels(city.password_file.parent)


def _keep(city: "City", sources: Mapping[str, str]) -> None:
    from deploy.local.services import write_channels

    write_channels(city.password_file.parent, sources)


async def _users(city: "City") -> set[str]:
    from deploy.acls import users

    return await users(city.kafka)


async def _give(broker: "Broker", name: str, password: str) -> None:
    from deploy.acls import give_access, rights_of_channel

    await give_access(broker, {name: password}, rights_of_channel(name))


async def _take(broker: "Broker", name: str) -> None:
    from deploy.acls import take_access

    await take_access(broker, name)


def _show(city: "City", name: str, password: str) -> None:
    from console.terminal import out
    from contracts.topics import APPLICATIONS

    out.print(f"Kafka      {city.kafka.bootstrap}, {city.kafka.security}, SCRAM-SHA-512")
    out.print(f"topic      {APPLICATIONS.name}")
    out.print(f"user       {name}")
    out.print(f"password   {password}", markup=False, highlight=False, soft_wrap=True)


def _trouble(words: str) -> click.ClickException:
    from console.errors import Trouble

    return Trouble(words)
