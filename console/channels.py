"""`madoguchi channel`: which systems outside the city hall may hand in applications, as whom, over HTTP and on Kafka."""

import asyncio
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from console import channel_topics
from console.helping import example

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from chassis.broker import Broker
    from console.halls import Hall
    from contracts.topics import Topic
    from services.intake.admitting import ApiKey, System

_NAME = re.compile(r"[a-z][a-z0-9-]{2,40}")
_SOURCE = re.compile(r"(/|[a-z][a-z0-9+.-]*:)[^\s\x00-\x1f\x7f-\x9f]{1,200}")
_PROCEDURE = re.compile(r"[a-z0-9*][a-z0-9._*-]{0,63}")
_ADD = (
    "madoguchi channel add acme --source https://acme.example/counter --channel counter --procedure 'child-allowance.*'"
)
_DAYS = click.IntRange(1, 731)


@click.group("channel", epilog=example(_ADD))
def channel() -> None:
    """Channel systems: each hands in applications as itself, and reads about its own alone."""


@channel.command(
    epilog=example(_ADD, "madoguchi channel add acme --source … --channel web --procedure '*' --http-only")
)
@click.argument("name")
@click.option(
    "--source", "sources", required=True, multiple=True, help="A CloudEvents source of its own, a URI; repeat."
)
@click.option("--channel", "names", required=True, multiple=True, help="A channel that it may name; repeat.")
@click.option(
    "--procedure", "procedures", required=True, multiple=True, help="What it may hand in, `*` for any; repeat."
)
@click.option(
    "--per-minute", type=click.IntRange(1, 1_000_000), default=6000, show_default=True, help="Requests a minute."
)
@click.option("--burst", type=click.IntRange(1, 1_000_000), default=200, show_default=True, help="Requests at once.")
@click.option(
    "--bytes-per-second",
    type=click.IntRange(1024, 1_000_000_000),
    show_default="2,048 for each request a second, 16,384 at least",
    help="What it may publish on each broker of Kafka.",
)
@click.option("--days", type=_DAYS, default=365, show_default=True, help="How long its API key lives.")
@click.option("--http-only", is_flag=True, help="No topic and no login on Kafka.")
def add(
    name: str,
    sources: tuple[str, ...],
    names: tuple[str, ...],
    procedures: tuple[str, ...],
    per_minute: int,
    burst: int,
    bytes_per_second: int | None,
    days: int,
    http_only: bool,  # noqa: FBT001  click's flag
) -> None:
    """Make an API key for HTTP, and on Kafka a topic of its own with a login that may write it and nothing else.

    Key and password are shown once and kept nowhere. On its topic, applications.NAME.v1, it speaks as its own sources alone.
    """
    from console import channel_keys
    from services.intake.admitting import System

    city = _city()
    _check(city, name, sources)
    _check_rights(names, procedures)
    wants_login = not http_only and city.kafka.security != "PLAINTEXT"
    if wants_login:
        _reach(city)
    system = System(name, frozenset(sources), frozenset(names), procedures, per_minute, burst, bytes_per_second)
    _show_key(city, *asyncio.run(channel_keys.add(city, system, days)))
    _show_rights(system)
    if wants_login:
        _log_in(city, system)


@channel.command(epilog=example("madoguchi channel rotate acme", "madoguchi channel rotate acme --kafka"))
@click.argument("name")
@click.option("--days", type=_DAYS, default=365, show_default=True, help="How long the new key lives.")
@click.option("--overlap-days", type=click.IntRange(0, 90), default=14, show_default=True, help="And the one before.")
@click.option("--kafka", is_flag=True, help="Another password on Kafka instead; the old one lets nobody in any more.")
def rotate(name: str, days: int, overlap_days: int, kafka: bool) -> None:  # noqa: FBT001  click's flag
    """Give a channel another API key, shown once. Both let in until the overlap is over; there are never more than two.

    With --kafka one that has no topic of its own yet gets it, and may no longer write applications.v1.
    """
    from console import channel_keys

    city = _city()
    if kafka:
        system = asyncio.run(channel_keys.known(city, name))
        _check_kafka(city)
        _reach(city)
        _log_in(city, system)
    else:
        _show_key(city, *asyncio.run(channel_keys.rotate(city, name, days, overlap_days)))


@channel.command(epilog=example("madoguchi channel revoke acme k3v9x2m1qa", "madoguchi channel revoke acme"))
@click.argument("name")
@click.argument("prefix", required=False)
def revoke(name: str, prefix: str | None) -> None:
    """End one API key of a channel, or all of them: within five seconds they let nobody in, nor do their tokens."""
    from console import channel_keys

    for ended in asyncio.run(channel_keys.revoke(_city(), name, prefix)):
        click.echo(f"{ended} lets nobody in any more")


@channel.command(epilog=example("madoguchi channel remove acme"))
@click.argument("name")
def remove(name: str) -> None:
    """Take a channel's keys, login and rights; what it has handed in stays, and so does its source: nobody else gets it.

    Its topic is deleted when intake has read all of it. Until then it stays, and the same again deletes it.
    """
    from console import channel_keys

    city = _city()
    asyncio.run(channel_keys.remove(city, name))
    if city.kafka.security != "PLAINTEXT":
        click.echo(asyncio.run(channel_topics.end(city.kafka, name)))
    click.echo(f"{name} may hand in nothing any more")


@channel.command("list", epilog=example("madoguchi channel list"))
def list_() -> None:
    """Show the channels and their live keys."""
    from console import channel_keys

    systems, keys = asyncio.run(channel_keys.listed(_city()))
    live = {system.name: [key for key in keys if key.system == system.name and key.is_live] for system in systems}
    rows = [
        (
            system.name,
            " ".join(sorted(system.sources)),
            " ".join(sorted(system.channels)),
            " ".join(system.procedures),
            f"{system.per_minute}/min, {system.bytes_per_second} B/s",
            ", ".join(f"{key.prefix} until {key.expires_at:%Y-%m-%d}" for key in live[system.name]),
        )
        for system in systems
    ]
    for row in (("name", "source", "channel", "procedure", "pace", "keys"), *rows):
        click.echo("\t".join(row))


channel.add_command(channel_topics.check)
channel.add_command(channel_topics.mend)


def _city() -> "Hall":
    from console.halls import find_hall

    return find_hall()


def _check(city: "Hall", name: str, sources: "Sequence[str]") -> None:
    """Raise Trouble for a name or source that none can have, or that is the city's own."""
    from deploy.principals import PRINCIPALS

    if not _NAME.fullmatch(name) or name in (*PRINCIPALS, city.kafka.user):
        raise _trouble(f"{name!r} cannot be a channel: take 3 to 41 of a-z 0-9 -, and no name of the city's own.")
    for source in sources:
        if not _SOURCE.fullmatch(source) or source.strip("/") in PRINCIPALS:
            raise _trouble(f"{source!r} is no source: take a URI like https://acme.example/counter.")


def _check_rights(names: "Sequence[str]", procedures: "Sequence[str]") -> None:
    from contracts.channels import Channel

    for name in names:
        if name not in get_args(Channel):
            raise _trouble(f"{name!r} is no channel: take one of {', '.join(get_args(Channel))}.")
    for procedure in procedures:
        if not _PROCEDURE.fullmatch(procedure):
            raise _trouble(f"{procedure!r} is no procedure: take a code like road.snow, or a pattern like 'road.*'.")


def _check_kafka(city: "Hall") -> None:
    if city.kafka.security == "PLAINTEXT":
        raise _trouble("Nobody has a login on this Kafka: set MADOGUCHI_KAFKA_SECURITY, _USER and _PASSWORD.")


def _reach(city: "Hall") -> None:
    """Raise Trouble while nothing is made yet when Kafka cannot be spoken with."""
    from chassis import handshake

    if found := asyncio.run(handshake.trouble(city.kafka)):
        raise _trouble(f"{found[:1].upper()}{found[1:]}.")


def _log_in(city: "Hall", system: "System") -> None:
    """Give it its topic and a login with another password, which may write that one alone, at its pace, and show them."""
    password = secrets.token_urlsafe(24)
    asyncio.run(_give(city.kafka, system, password))
    _show(city, system, password)


async def _give(broker: "Broker", system: "System", password: str) -> None:
    """The pace comes first: no login is ever without one."""
    from contracts.topics import APPLICATIONS
    from deploy.acls import give_access, rights_of_channel
    from deploy.quotas import quota_of_channel, set_quota
    from deploy.topics import create_like

    name = system.name
    await create_like(broker, _topic_of(name), APPLICATIONS)
    await set_quota(broker, name, quota_of_channel(system.bytes_per_second))
    await give_access(broker, {name: password}, rights_of_channel(name))


def _show_key(city: "Hall", key: "ApiKey", expires_at: "datetime") -> None:
    click.echo(f"HTTP       {city.url}/v1/applications")
    click.echo(f"API key    {key.text}")
    click.echo(f"until      {expires_at:%Y-%m-%d %H:%M} UTC")


def _show_rights(system: "System") -> None:
    click.echo(f"source     {' '.join(sorted(system.sources))}")
    click.echo(f"channel    {' '.join(sorted(system.channels))}")
    click.echo(f"procedure  {' '.join(system.procedures)}")
    click.echo(f"pace       {system.per_minute} a minute, {system.burst} at once")


def _topic_of(name: str) -> "Topic":
    from contracts.topics import OF_A_CHANNEL

    return OF_A_CHANNEL.of(name)


def _show(city: "Hall", system: "System", password: str) -> None:
    name = system.name
    click.echo(f"Kafka      {city.kafka.bootstrap}, {city.kafka.security}, SCRAM-SHA-512")
    click.echo(f"topic      {_topic_of(name).name}")
    click.echo(f"at most    {system.bytes_per_second:,} bytes a second")
    click.echo(f"user       {name}")
    click.echo(f"password   {password}")
    if city.kafka.security == "SASL_SSL":
        _show_authority(city.kafka.ca, name)


def _show_authority(path: str | None, name: str) -> None:
    """By what a vendor's client knows the city's Kafka from somebody else's; it is no secret."""
    if path is None:
        click.echo("CA         none of the city's own: what machines trust anyway signs Kafka's certificate")
        return
    click.echo(f"CA         {path}; hand it to {name} by a way that nobody else writes on:")
    click.echo(Path(path).read_text(encoding="ascii").strip())


def _trouble(words: str) -> click.ClickException:
    from console.errors import Trouble

    return Trouble(words)
