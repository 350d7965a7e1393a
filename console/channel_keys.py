"""Channel systems and their API keys in intake's database, written as its owner: intake itself only reads them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Protocol

from chassis.database import Tx, close, connect, transaction
from console.errors import Trouble
from deploy.databases import ServiceDatabase, identifier, within
from services.intake import channel_systems
from services.intake.admitting import MOST_LIVE_KEYS, ApiKey, System, make_key
from services.intake.channel_systems import ListedKey


class Administered(Protocol):
    """A city, or the addresses of one."""

    @property
    def admin_dsn(self) -> str:
        """PostgreSQL as its administrator."""
        ...


@asynccontextmanager
async def as_owner(city: Administered) -> AsyncGenerator[Tx]:
    """One transaction in intake's database, as the role that owns it."""
    found = ServiceDatabase("intake", "madoguchi_intake", "madoguchi_intake", "")
    connection = await connect(within(city.admin_dsn, found.name))
    try:
        await connection.execute(f"SET ROLE {identifier(found.owner)}")
        async with transaction(connection) as tx:
            yield tx
    finally:
        await close(connection)


async def add(city: Administered, system: System, days: int) -> tuple[ApiKey, datetime]:
    """Let a new system in; its first key, and until when. Raises Trouble for a name or a source that is taken."""
    async with as_owner(city) as tx:
        if await channel_systems.lock_system(tx, system.name):
            raise Trouble(
                f"There is a channel {system.name!r} already: `madoguchi channel rotate {system.name}` gives it another key, and"
                " with --kafka a topic of its own and another password."
            )
        for source, owner in sorted((await channel_systems.owners_of(tx, system.sources)).items()):
            if owner != system.name:
                raise Trouble(f"{owner} publishes as {source!r} already: give {system.name} a source of its own.")
        await channel_systems.put_system(tx, system)
        return await _new_key(tx, system.name, tx.now + timedelta(days=days))


async def rotate(city: Administered, name: str, days: int, overlap_days: int) -> tuple[ApiKey, datetime]:
    """Another key; the one before lives on for `overlap_days`, so that no moment is without one. Raises Trouble."""
    async with as_owner(city) as tx:
        await _locked(tx, name)
        made, expires_at = await _new_key(tx, name, tx.now + timedelta(days=days))
        await channel_systems.shorten_keys(tx, name, tx.now + timedelta(days=overlap_days), made.prefix)
        return made, expires_at


async def revoke(city: Administered, name: str, prefix: str | None) -> list[str]:
    """End one key or all; the prefixes of those that lived. Raises Trouble when there is none such."""
    async with as_owner(city) as tx:
        await _locked(tx, name)
        found = await channel_systems.revoke_keys(tx, name, prefix)
        if prefix is not None and not found:
            raise Trouble(f"{name} has no live key {prefix!r}: `madoguchi channel list` shows those there are.")
        return list(found)


async def remove(city: Administered, name: str) -> None:
    """Let a system in no more; one that was removed before stays so. Raises Trouble when there never was one."""
    async with as_owner(city) as tx:
        if (await channel_systems.names_of(tx)).get(name) is False:
            return
        await _locked(tx, name)
        await channel_systems.revoke_keys(tx, name, None)
        await channel_systems.remove_system(tx, name)


async def listed(city: Administered) -> tuple[list[System], list[ListedKey]]:
    """Every system, and every key."""
    async with as_owner(city) as tx:
        return await channel_systems.systems_of(tx), await channel_systems.keys_of(tx)


async def names(city: Administered) -> dict[str, bool]:
    """Every system there ever was, by name: whether it is still let in."""
    async with as_owner(city) as tx:
        return await channel_systems.names_of(tx)


async def known(city: Administered, name: str) -> System:
    """A channel that is let in. Raises Trouble when there is none of this name."""
    async with as_owner(city) as tx:
        await _locked(tx, name)
        return next(system for system in await channel_systems.systems_of(tx) if system.name == name)


@asynccontextmanager
async def lent(city: Administered, system: System) -> AsyncGenerator[ApiKey]:
    """A key of a system of the city's own, for an hour at most and as long as the block lasts."""
    async with as_owner(city) as tx:
        await channel_systems.put_system(tx, system)
        await channel_systems.lock_system(tx, system.name)
        await channel_systems.revoke_keys(tx, system.name, None)
        key, _ = await _new_key(tx, system.name, tx.now + timedelta(hours=1))
    try:
        yield key
    finally:
        async with as_owner(city) as tx:
            await channel_systems.revoke_keys(tx, system.name, key.prefix)


async def _locked(tx: Tx, name: str) -> None:
    if not await channel_systems.lock_system(tx, name):
        raise Trouble(f"There is no channel {name!r}: `madoguchi channel list` shows those there are.")


async def _new_key(tx: Tx, name: str, expires_at: datetime) -> tuple[ApiKey, datetime]:
    key = make_key()
    if not await channel_systems.add_key(tx, name, key, expires_at):
        raise Trouble(
            f"{name} has {MOST_LIVE_KEYS} live keys already: `madoguchi channel revoke {name} PREFIX` ends the one it uses no more."
        )
    return key, expires_at
