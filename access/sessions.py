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


async def begin(tx: Tx, token: str, who: Principal, limits: Limits) -> None:
    """Insert, and forget those that are over."""
    await tx.execute(
        "DELETE FROM staff_session WHERE seen_at < $1 OR began_at < $2", tx.now - limits.idle, tx.now - limits.absolute
    )
    await tx.execute(
        "INSERT INTO staff_session (digest, staff, roles, departments, began_at, seen_at) VALUES ($1, $2, $3, $4, $5, $5)",
        _digest(token),
        who.staff,
        sorted(who.roles),
        sorted(who.departments),
        tx.now,
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


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
