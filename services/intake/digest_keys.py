"""The keys of the digests by which intake knows again what came before, one a fiscal year, wrapped by the edge's key of that year.

A digest of all that was sent lets whoever has a dump and knows all but one value try that value out. Keyed, it tells him nothing:
what unwraps the key is not in the database. With the edge's key it is destroyed, and then what it made tells nobody anything.
"""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Never

from chassis.commands import Commands
from chassis.database import Clock, Tx, sleep_or, utc_now
from chassis.errors import DATABASE_FAULTS, name_of
from chassis.telemetry import Telemetry
from contracts.envelope import Event
from sealing.errors import DestroyedKey, KeyringAway, SealingError
from sealing.keyring import EDGE, SealKey, Unwrapping, Wrapping, key_name
from services.intake.rules import Digest

PERIOD_SECONDS = 30.0
_PAGE = 1000
_TABLES = ("application", "submission", "contradiction")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key as it is kept: `name` of the key-encryption key, the version that wrapped it, and the wrapped bytes."""

    name: str
    key: str
    wrapped: bytes


def keyed(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA-256 of the SHA-256 of a content: what was kept of contents before there were keys can be keyed without them."""
    return hmac.digest(key, content, "sha256")


async def keep(tx: Tx, made: SealKey, name: str) -> tuple[None, Sequence[Event]]:
    """Insert, unless another instance was first: a command."""
    await tx.execute(
        "INSERT INTO digest_key (name, key, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        name,
        made.key,
        made.wrapped,
    )
    return None, ()


async def kept(tx: Tx) -> list[Wrapped]:
    """All there are."""
    return [Wrapped(**dict(row)) for row in await tx.fetch("SELECT name, key, wrapped FROM digest_key ORDER BY name")]


async def key_page(tx: Tx, table: str, name: str, key: bytes) -> tuple[int, Sequence[Event]]:
    """Key some of the digests of a table that are not: a command. Returns how many; another instance may do the same."""
    rows = await tx.fetch(f"SELECT digest FROM {table} WHERE digest_key IS NULL LIMIT {_PAGE}")
    plain = [row[0] for row in rows]
    await tx.execute(
        f"""
        UPDATE {table} t SET digest = x.keyed, digest_key = $3 FROM unnest($1::bytea[], $2::bytea[]) x(plain, keyed)
        WHERE t.digest_key IS NULL AND t.digest = x.plain
        """,
        plain,
        [keyed(key, one) for one in plain],
        name,
    )
    return len(plain), ()


@dataclass(slots=True)
class DigestKeys:
    """The keys at hand, by the name of the key-encryption key."""

    wrapping: Wrapping
    unwrapping: Unwrapping
    clock: Clock = utc_now
    at_hand: dict[str, bytes] = field(default_factory=lambda: dict[str, bytes](), repr=False)
    destroyed: set[str] = field(default_factory=lambda: set[str]())
    _newest: tuple[str, bytes] | None = field(default=None, repr=False)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def need(self, *names: str) -> None:
        """Have a key, and these. Raises KeyringAway when one is not at hand: it is fetched meanwhile.

        Another instance may have made one a moment ago: what it kept under it must not be taken for another content.
        """
        if self._newest is None:
            self._none()
        if not self.at_hand.keys() | self.destroyed >= {*names}:
            self._asked.set()
            raise KeyringAway("a key of the digests is being fetched")

    def digest(self, content: bytes) -> Digest:
        """What is kept of a content, of which this is the SHA-256: by the newest key. Raises KeyringAway when there is none."""
        name, key = self._newest or self._none()
        return Digest(keyed(key, content), name, partial(self._under, content))

    def _none(self) -> Never:
        self._asked.set()
        raise KeyringAway("the first key of the digests is being fetched")

    def _under(self, content: bytes, name: str | None) -> bytes | None:
        """The same by another key; as it was kept before there were keys; None by one that is destroyed."""
        if name is None:
            return content
        self.need(name)
        return keyed(self.at_hand[name], content) if name in self.at_hand else None

    async def begin(self, commands: Commands, telemetry: Telemetry) -> None:
        """Have them at hand; what cannot be fetched yet is fetched by `work`, and nothing is taken in until then."""
        try:
            await self.refresh(commands, telemetry)
        except OSError as error:
            telemetry.warn("digest_keys.not_refreshed", error=name_of(error))

    async def work(self, commands: Commands, telemetry: Telemetry, stop: asyncio.Event) -> None:
        """Look for a new fiscal year's key and for destroyed ones, at once when asked; key what is not yet keyed."""
        while not stop.is_set():
            try:
                await self.refresh(commands, telemetry)
                await self._key_all(commands, telemetry, stop)
            except DATABASE_FAULTS as error:
                telemetry.warn("digest_keys.not_refreshed", error=name_of(error))
                await sleep_or(stop, 1)
            await self._wait(stop)

    async def _wait(self, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            waits = [tasks.create_task(_until(one)) for one in (self._asked, stop)]
            await asyncio.wait(waits, timeout=PERIOD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for one in waits:
                one.cancel()

    async def refresh(self, commands: Commands, telemetry: Telemetry) -> None:
        """Unwrap all, forget those whose key-encryption key was destroyed, make this fiscal year's where it is missing.

        Raises KeyringAway when one key is: the others are looked at first, or it would hide their destruction.
        """
        self._asked.clear()
        name, known = key_name(EDGE, self.clock()), await commands.query(kept)
        away = [await self._take(one, telemetry) for one in known]
        if name not in {one.name for one in known}:
            await self._make(name, commands, telemetry)
        away += [await self._take(one, telemetry) for one in await commands.query(kept) if one not in known]
        self._newest = max(self.at_hand.items(), default=None)
        for error in filter(None, away):
            raise error

    async def _make(self, name: str, commands: Commands, telemetry: Telemetry) -> None:
        try:
            made = await asyncio.to_thread(self.wrapping.new, name)
        except SealingError as error:  # those there are go on being used
            telemetry.alarm("digest_keys.not_made", key=name, error=name_of(error))
            return
        await commands.run(partial(keep, made=made, name=name))

    async def _take(self, one: Wrapped, telemetry: Telemetry) -> KeyringAway | None:
        """What keeps one from being unwrapped just now, None when nothing does."""
        try:
            self.at_hand[one.name] = await asyncio.to_thread(self.unwrapping.unwrap, one.key, one.wrapped)
        except KeyringAway as error:
            return error
        except DestroyedKey:
            self.at_hand.pop(one.name, None)
            if one.name not in self.destroyed:
                self.destroyed.add(one.name)
                telemetry.info("digest_keys.destroyed", key=one.name)
        except SealingError as error:
            telemetry.alarm("digest_keys.unreadable", key=one.name, error=name_of(error))
        return None

    async def _key_all(self, commands: Commands, telemetry: Telemetry, stop: asyncio.Event) -> None:
        if self._newest is None:
            return
        name, key = self._newest
        for table in _TABLES:
            page = partial(key_page, table=table, name=name, key=key)
            while not stop.is_set() and (count := await commands.run(page)):
                telemetry.info("digest_keys.keyed", table=table, count=count)


async def _until(event: asyncio.Event) -> None:
    await event.wait()
