"""All SQL about channel systems and their keys. intake itself only reads them; the administrator writes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from chassis.database import Tx
from services.intake.admitting import MOST_LIVE_KEYS, ApiKey, KeptKey, System


@dataclass(frozen=True, slots=True)
class ListedKey:
    """One key of one system, as the administrator sees it."""

    system: str
    prefix: str
    expires_at: datetime
    is_live: bool


async def live_keys(tx: Tx) -> dict[str, KeptKey]:
    """Every key that lets somebody in, by its prefix: tens of rows."""
    systems = {system.name: system for system in await systems_of(tx)}
    rows = await tx.fetch(
        "SELECT prefix, digest, expires_at, system FROM channel_key WHERE revoked_at IS NULL AND expires_at > $1",
        tx.now,
    )
    return {
        row["prefix"]: KeptKey(row["prefix"], row["digest"], row["expires_at"], systems[row["system"]])
        for row in rows
        if row["system"] in systems
    }


async def systems_of(tx: Tx) -> list[System]:
    """Every channel system that was not removed, by name."""
    return [_system(row) for row in await tx.fetch(f"{_SYSTEMS} WHERE removed_at IS NULL ORDER BY name")]


async def names_of(tx: Tx) -> dict[str, bool]:
    """Every system there ever was, by name: whether it is still let in."""
    return {
        row["name"]: row["lives"]
        for row in await tx.fetch("SELECT name, removed_at IS NULL AS lives FROM channel_system")
    }


async def speaking(tx: Tx, names: Collection[str], sources: Collection[str]) -> list[System]:
    """The systems of these names and those that own one of these sources.

    Also those that were removed: what they published while they had the right is theirs, and nobody else gets their sources.
    """
    rows = await tx.fetch(
        f"""
        {_SYSTEMS} WHERE name = ANY($1::text[])
        OR name IN (SELECT system FROM channel_source WHERE source = ANY($2::text[]))
        """,
        list(names),
        list(sources),
    )
    return [_system(row) for row in rows]


_SYSTEMS = """
    SELECT name, channels, procedures, per_minute, burst, bytes_per_second,
           ARRAY(SELECT source FROM channel_source WHERE system = name ORDER BY source) AS sources
    FROM channel_system
"""


def _system(row: Record) -> System:
    return System(
        row["name"],
        frozenset(row["sources"]),
        frozenset(row["channels"]),
        tuple(row["procedures"]),
        row["per_minute"],
        row["burst"],
        row["bytes_per_second"],
    )


async def keys_of(tx: Tx) -> list[ListedKey]:
    """Every key there ever was, newest first."""
    rows = await tx.fetch(
        """
        SELECT system, prefix, expires_at, revoked_at IS NULL AND expires_at > $1 AS is_live
        FROM channel_key ORDER BY system, made_at DESC
        """,
        tx.now,
    )
    return [ListedKey(**dict(row)) for row in rows]


async def owners_of(tx: Tx, sources: Collection[str]) -> dict[str, str]:
    """Whose each of these sources is, also of systems that were removed; those that are nobody's are left out."""
    rows = await tx.fetch("SELECT source, system FROM channel_source WHERE source = ANY($1::text[])", list(sources))
    return {row["source"]: row["system"] for row in rows}


async def put_system(tx: Tx, system: System) -> None:
    """Write a system, in place of one of its name; a source that it ever had stays its own.

    Raises asyncpg.UniqueViolationError for a source that is another's.
    """
    await tx.execute(
        """
        INSERT INTO channel_system (name, channels, procedures, per_minute, burst, bytes_per_second, added_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (name) DO UPDATE SET removed_at = NULL,
            (channels, procedures, per_minute, burst, bytes_per_second) = (excluded.channels, excluded.procedures,
            excluded.per_minute, excluded.burst, excluded.bytes_per_second)
        """,
        system.name,
        sorted(system.channels),
        list(system.procedures),
        system.per_minute,
        system.burst,
        system.byte_rate,
        tx.now,
    )
    known = await owners_of(tx, system.sources)
    new = [source for source in sorted(system.sources) if known.get(source) != system.name]
    await tx.execute(
        "INSERT INTO channel_source (source, system) SELECT s, $2 FROM unnest($1::text[]) x(s)", new, system.name
    )


async def lock_system(tx: Tx, name: str) -> bool:
    """Let nobody else change this system until the end of the transaction. False when there is none."""
    found = "SELECT 1 FROM channel_system WHERE name = $1 AND removed_at IS NULL FOR UPDATE"
    return bool(await tx.fetchval(found, name))


async def add_key(tx: Tx, system: str, key: ApiKey, expires_at: datetime) -> bool:
    """Keep a key's digest. False, and nothing kept, when as many live already as may."""
    made = await tx.execute(
        """
        INSERT INTO channel_key (prefix, system, digest, made_at, expires_at)
        SELECT $1, $2, $3, $4::timestamptz, $5 WHERE $6 >
            (SELECT count(*) FROM channel_key WHERE system = $2 AND revoked_at IS NULL AND expires_at > $4)
        """,
        key.prefix,
        system,
        key.digest,
        tx.now,
        expires_at,
        MOST_LIVE_KEYS,
    )
    return made == "INSERT 0 1"


async def shorten_keys(tx: Tx, system: str, ends_at: datetime, new: str) -> None:
    """Let every key of a system but the one with the prefix `new` end at a moment, or before where it would anyway."""
    await tx.execute(
        "UPDATE channel_key SET expires_at = least(expires_at, $2) WHERE system = $1 AND prefix <> $3",
        system,
        ends_at,
        new,
    )


async def revoke_keys(tx: Tx, system: str, prefix: str | None) -> Sequence[str]:
    """End one key of a system, or all of them, now. Returns the prefixes of those that lived."""
    rows = await tx.fetch(
        """
        UPDATE channel_key SET revoked_at = $3
        WHERE system = $1 AND prefix = coalesce($2, prefix) AND revoked_at IS NULL AND expires_at > $3 RETURNING prefix
        """,
        system,
        prefix,
        tx.now,
    )
    return [row["prefix"] for row in rows]


async def remove_system(tx: Tx, name: str) -> None:
    """Let a system in no more. Its row and its sources stay: nobody else ever reads what it handed in."""
    await tx.execute("UPDATE channel_system SET removed_at = $2 WHERE name = $1", name, tx.now)
