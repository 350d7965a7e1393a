"""Sessions of staff, kept in the service's own database, so that one can be ended at once. All SQL of access.

A browser holds a random token, the table its SHA-256: who reads the table can enter nowhere.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from access.principal import Principal
from chassis.database import Tx

SEEN_AGAIN = timedelta(seconds=30)
"""How often a session in use is written to."""


@dataclass(frozen=True, slots=True)
class Limits:
    """After how long a session is over: unused, and at all."""

    idle: timedelta
    absolute: timedelta


def new_token() -> str:
    """What a browser is given: 256 random bits."""
    return secrets.token_urlsafe(32)


async def begin(
    tx: Tx,
    token: str,
    who: Principal,
    limits: Limits,
    subject: str | None = None,
    provider_session: str | None = None,
    asked_at: datetime | None = None,
) -> None:
    """Insert, and forget those that are over. `subject` and `provider_session` are the provider's `sub` and `sid`.

    `asked_at` is when the provider asked who it is: from then on the absolute limit counts, where it says so.
    """
    await tx.execute(
        "DELETE FROM staff_session WHERE seen_at < $1 OR began_at < $2", tx.now - limits.idle, tx.now - limits.absolute
    )
    await tx.execute(
        """
        INSERT INTO staff_session (digest, staff, roles, departments, began_at, seen_at, subject, provider_session)
        VALUES ($1, $2, $3, $4, least($8::timestamptz, $5), $5, $6, $7)
        """,
        _digest(token),
        who.staff,
        sorted(who.roles),
        sorted(who.departments),
        tx.now,
        subject,
        provider_session,
        asked_at,
    )


async def found(tx: Tx, token: str, limits: Limits) -> Principal | None:
    """Whose session it is, None when it is over or never was. It is noted that it was used."""
    rows = await tx.fetch(
        "SELECT staff, roles, departments, seen_at FROM staff_session WHERE digest = $1 AND seen_at >= $2 AND began_at >= $3",
        _digest(token),
        tx.now - limits.idle,
        tx.now - limits.absolute,
    )
    if not rows:
        return None
    await _note(tx, token, rows[0]["seen_at"])
    return Principal(rows[0]["staff"], frozenset(rows[0]["roles"]), frozenset(rows[0]["departments"]))


async def _note(tx: Tx, token: str, seen_at: datetime) -> None:
    if tx.now - seen_at >= SEEN_AGAIN:
        await tx.execute("UPDATE staff_session SET seen_at = $2 WHERE digest = $1", _digest(token), tx.now)


async def end(tx: Tx, token: str) -> None:
    """Sign out."""
    await tx.execute("DELETE FROM staff_session WHERE digest = $1", _digest(token))


async def end_all(tx: Tx, staff: str) -> int:
    """End every session of somebody: a device was lost, a role was taken away. Returns how many there were."""
    return int((await tx.execute("DELETE FROM staff_session WHERE staff = $1", staff)).rpartition(" ")[2])


async def claim_logout(tx: Tx, digest: bytes, kept: timedelta) -> bool:
    """Insert that a logout token came; whether it came for the first time. What is older than `kept` is forgotten."""
    await tx.execute("DELETE FROM logout_seen WHERE at < $1", tx.now - kept)
    tag = await tx.execute(
        "INSERT INTO logout_seen (digest, at) VALUES ($1, $2) ON CONFLICT DO NOTHING", digest, tx.now
    )
    return tag.endswith(" 1")


async def end_at_provider(tx: Tx, subject: str | None, provider_session: str | None) -> None:
    """End what the provider has ended: one session where it names one, else all of a subject.

    A session of which it did not say at sign-in which one it is ends with any of its subject's.
    """
    await tx.execute(
        """
        DELETE FROM staff_session
        WHERE (provider_session = $2 AND ($1::text IS NULL OR subject = $1))
           OR (subject = $1 AND ($2::text IS NULL OR provider_session IS NULL))
        """,
        subject,
        provider_session,
    )


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
