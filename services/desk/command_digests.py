"""What is kept of a member of staff's last command, to know it when it is sent again, and the key that it is made by.

A command holds what the citizen is told. A plain digest of it lets whoever has a dump and guesses the words try them out; so it is
keyed with an index key, which is destroyed with the key that seals the application.
"""

import asyncio
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from chassis.commands import Commands
from chassis.database import Tx, sleep_or
from chassis.errors import DATABASE_FAULTS, name_of
from chassis.telemetry import Telemetry
from contracts.envelope import Event
from sealing.errors import KeyringAway
from sealing.keyring import key_name
from services.desk.index_keys import PERIOD_SECONDS, IndexKeys
from services.desk.judging import PLAIN, Digest

_FOR = b"madoguchi command "
"""What an index key is used for besides terms, so that neither is taken for the other."""
_PAGE = 500


def keyed(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA-256 of the SHA-256 of a command."""
    return hmac.digest(key, _FOR + content, "sha256")


def digest(index: IndexKeys, name: str, content: bytes) -> Digest:
    """What is kept of a command, of which this is the SHA-256, by the index key `name`; `PLAIN` for none. Raises KeyringAway."""
    under = partial(_under, index, content)
    value = under(name)
    if value is None:
        raise KeyringAway("the index key of this command is not at hand")
    return Digest(value, name, under)


def _under(index: IndexKeys, content: bytes, name: str | None) -> bytes | None:
    """The same by another key; None by one that is not at hand, as by one that is destroyed."""
    if name is None or name == PLAIN:
        return content
    key = index.at_hand.get(name)
    return keyed(key, content) if key else None


async def key_page(tx: Tx, name: str, key: bytes) -> tuple[int, Sequence[Event]]:
    """Key some that the release before has kept: a command. Returns how many; another instance may do the same."""
    rows = await tx.fetch(
        f"SELECT last_command FROM case_item WHERE command_key IS NULL AND last_command IS NOT NULL LIMIT {_PAGE}"
    )
    plain = [row[0] for row in rows]
    await tx.execute(
        """
        UPDATE case_item SET last_command = x.keyed, command_key = $3
        FROM unnest($1::bytea[], $2::bytea[]) x(plain, keyed) WHERE command_key IS NULL AND last_command = x.plain
        """,
        plain,
        [keyed(key, one) for one in plain],
        name,
    )
    return len(plain), ()


@dataclass(frozen=True, slots=True)
class Keying:
    """Keys what the release before has kept; afterwards it finds nothing, in an empty index."""

    index: IndexKeys
    retention: str

    async def work(self, commands: Commands, telemetry: Telemetry, stop: asyncio.Event) -> None:
        """Until `stop`, as soon as the key of this fiscal year is at hand."""
        while not stop.is_set():
            try:
                await self.key_all(commands, telemetry, stop)
            except DATABASE_FAULTS as error:
                telemetry.warn("command_digests.not_keyed", error=name_of(error))
            await sleep_or(stop, PERIOD_SECONDS)

    async def key_all(self, commands: Commands, telemetry: Telemetry, stop: asyncio.Event) -> None:
        """All there are, page by page."""
        name = key_name(self.retention, commands.clock())
        key = self.index.at_hand.get(name)
        while key and not stop.is_set() and (count := await commands.run(partial(key_page, name=name, key=key))):
            telemetry.info("command_digests.keyed", count=count)
