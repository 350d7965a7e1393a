"""The keys of the blind index: one for every key-encryption key, wrapped by it, so that they are destroyed together."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from chassis.commands import Commands
from chassis.database import Tx, columns, sleep_or
from chassis.errors import DATABASE_FAULTS, name_of
from chassis.telemetry import Telemetry
from contracts.envelope import Event
from sealing.errors import DestroyedKey, KeyringAway, SealingError
from sealing.keyring import VERSION, SealKey, Unwrapping, Wrapping

PERIOD_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Wrapped:
    """An index key as it is kept: `name` of the key-encryption key, the version that wrapped it, and the wrapped bytes."""

    name: str
    key: str
    wrapped: bytes


async def keep(tx: Tx, made: SealKey, name: str) -> None:
    """Insert, unless another instance was first."""
    await tx.execute(
        "INSERT INTO index_key (name, key, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        name,
        made.key,
        made.wrapped,
    )


async def kept(tx: Tx) -> list[Wrapped]:
    """All there are."""
    return [Wrapped(**dict(row)) for row in await tx.fetch("SELECT name, key, wrapped FROM index_key ORDER BY name")]


async def add_terms(tx: Tx, found: Collection[tuple[str, bytes, UUID]]) -> None:
    """Insert (key name, digest, application) of what can be looked for."""
    if found:
        await tx.execute(
            """
            INSERT INTO search_term (name, term, application_id)
            SELECT * FROM unnest($1::text[], $2::bytea[], $3::uuid[]) ON CONFLICT DO NOTHING
            """,
            *columns(sorted(found)),
        )


async def find(tx: Tx, terms: Collection[bytes], department: str, limit: int) -> list[UUID]:
    """The cases of a department whose applications have one of these digests, the newest first."""
    rows = await tx.fetch(
        """
        SELECT DISTINCT case_id, opened_at FROM search_term JOIN case_item USING (application_id)
        WHERE term = ANY($1::bytea[]) AND department = $2 ORDER BY opened_at DESC, case_id LIMIT $3
        """,
        list(terms),
        department,
        limit,
    )
    return [row[0] for row in rows]


async def drop(tx: Tx, name: str) -> tuple[int, list[Event]]:
    """Delete an index key and every digest made with it: a command. Returns how many digests there were."""
    gone = await tx.execute("DELETE FROM search_term WHERE name = $1", name)
    await tx.execute("DELETE FROM index_key WHERE name = $1", name)
    return int(gone.rpartition(" ")[2]), []


@dataclass(slots=True)
class IndexKeys:
    """The index keys at hand, by the name of the key-encryption key."""

    wrapping: Wrapping
    unwrapping: Unwrapping
    at_hand: dict[str, bytes] = field(default_factory=lambda: dict[str, bytes](), repr=False)
    _wanted: set[str] = field(default_factory=lambda: set[str]())
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def want(self, names: Collection[str]) -> None:
        """Fetch the index keys of these at the next opportunity."""
        self._wanted |= {*names} - self.at_hand.keys()

    def need(self, names: Collection[str]) -> None:
        """Have the index keys of these. Raises KeyringAway when one is not at hand: it is fetched meanwhile."""
        if missing := {*names} - self.at_hand.keys():
            self.want(missing)
            self._asked.set()
            raise KeyringAway("an index key is being fetched")

    async def begin(self, commands: Commands, telemetry: Telemetry) -> None:
        """Have at hand what there is already; what cannot be fetched yet is fetched by `work`."""
        try:
            await self.refresh(commands, telemetry)
        except OSError as error:
            telemetry.warn("index_keys.not_refreshed", error=name_of(error))

    async def work(self, commands: Commands, telemetry: Telemetry, stop: asyncio.Event) -> None:
        """Fetch what is asked for, at once; every half minute look whether a key was destroyed."""
        while not stop.is_set():
            try:
                await self.refresh(commands, telemetry)
            except DATABASE_FAULTS as error:
                telemetry.warn("index_keys.not_refreshed", error=name_of(error))
                await sleep_or(stop, 1)
            async with asyncio.TaskGroup() as tasks:
                waits = [tasks.create_task(_wait(one)) for one in (self._asked, stop)]
                await asyncio.wait(waits, timeout=PERIOD_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for one in waits:
                    one.cancel()

    async def refresh(self, commands: Commands, telemetry: Telemetry) -> None:
        """Unwrap all, forget and delete what a destroyed key had wrapped, make what is asked for and missing.

        Raises KeyringAway when one key is: the others are looked at first, or it would hide their destruction.
        """
        self._asked.clear()
        known = await commands.query(kept)
        away = [await self._take(one, commands, telemetry) for one in known]
        for name in sorted(self._wanted - {one.name for one in known}):
            await self._make(name, commands, telemetry)
        new = [one for one in await commands.query(kept) if one not in known]
        away += [await self._take(one, commands, telemetry) for one in new]
        self._wanted -= self.at_hand.keys()
        for error in filter(None, away):
            raise error

    async def _make(self, name: str, commands: Commands, telemetry: Telemetry) -> None:
        try:
            made = await asyncio.to_thread(self.wrapping.new, name)
        except SealingError as error:
            telemetry.alarm("index_keys.not_made", key=name, error=name_of(error))
            return
        await commands.run(lambda tx: _kept(tx, made, name))

    async def _take(self, one: Wrapped, commands: Commands, telemetry: Telemetry) -> KeyringAway | None:
        """What keeps one from being unwrapped just now, None when nothing does."""
        try:
            self.at_hand[one.name] = await asyncio.to_thread(self.unwrapping.unwrap, one.key, one.wrapped)
        except KeyringAway as error:
            return error
        except DestroyedKey:
            self.at_hand.pop(one.name, None)
            telemetry.info(
                "index_keys.destroyed", key=one.name, terms=await commands.run(lambda tx: drop(tx, one.name))
            )
        except SealingError as error:
            telemetry.alarm("index_keys.unreadable", key=one.name, error=name_of(error))
        return None


async def _kept(tx: Tx, made: SealKey, name: str) -> tuple[None, list[Event]]:
    await keep(tx, made, name)
    return None, []


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


def name_in(key: str) -> str:
    """The name of the key that a version belongs to: `5y-2026` of `5y-2026.2`."""
    found = VERSION.fullmatch(key)
    return found["name"] if found else key
