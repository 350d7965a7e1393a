"""Who is at the door of intake's HTTP API: a channel system, known by its API key or by a token that stands for one.

Keys are read from the database at most every FRESH seconds, so a revoked key lets nobody in after that time. A key that is
not known makes intake look again, at most once every PAUSE seconds whoever asks: guessing is slow and costs nothing.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from math import ceil

from fastapi import Request

from chassis.commands import Commands
from chassis.errors import Refused
from services.intake import admitting, channel_systems
from services.intake.admitting import MARK, ApiKey, Bucket, Denial, KeptKey, System
from services.intake.tokens import Tokens

FRESH, PAUSE = 5.0, 0.2
NO_KEY = (
    "APIキーが必要です。Authorization: Bearer に、市から発行されたキーを付けてお送りください。"
    " An API key is needed: send `Authorization: Bearer <key>`; the city hall gives one by `madoguchi channel add`."
)
BAD_KEY = (
    "APIキーが無効か、期限が切れています。市の担当者に新しいキーの発行をご依頼ください。"
    " This key or token is unknown, revoked or over: fetch another token, or ask the city hall for another key."
)
TOO_FAST = (
    "送信が多すぎます。Retry-After の秒数をおいて、同じ内容をもう一度お送りください。"
    " Too many requests: wait as many seconds as `Retry-After` says, then send the same again."
)


class Door:
    """Lets channel systems in. Paces are kept by each process for itself: N processes let N times as much through."""

    def __init__(self, commands: Commands, tokens: Tokens, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds that never go back."""
        self._commands, self._tokens, self._clock = commands, tokens, clock
        self._kept: Mapping[str, KeptKey] = {}
        self._buckets: dict[str, tuple[System, Bucket]] = {}
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def enter(self, request: Request) -> System:
        """The system that a request comes from. Raises Refused 401, and 429 for one that is too fast."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not credentials:
            raise _unauthorized("no-key", NO_KEY, "")
        found = await self._found(credentials.strip())
        if found is None:
            raise _unauthorized("bad-key", BAD_KEY, ', error="invalid_token"')
        self.pace(found.system)
        return found.system

    async def key(self, key: ApiKey) -> KeptKey | None:
        """What is kept of an API key, None for one that lets nobody in."""
        return admitting.admit(key, await self._keys(key.prefix), self._commands.clock())

    def pace(self, system: System) -> None:
        """Count one request of a system. Raises Refused 429."""
        now = self._clock()
        known, bucket = self._buckets.get(system.name, (None, None))
        if bucket is None or known != system:
            bucket = Bucket(system.per_minute, system.burst, now)
            self._buckets[system.name] = system, bucket
        if wait := bucket.take(now):
            raise Refused(429, "too-many-requests", TOO_FAST, {"Retry-After": str(ceil(wait))}, system.name)

    async def _found(self, credentials: str) -> KeptKey | None:
        if credentials.startswith(MARK):
            key = admitting.read_key(credentials)
            return await self.key(key) if key else None
        now = self._commands.clock()
        prefix = self._tokens.prefix_of(credentials, now)
        found = (await self._keys(prefix)).get(prefix) if prefix else None
        return found if found and now < found.expires_at else None

    async def _keys(self, prefix: str) -> Mapping[str, KeptKey]:
        """The keys there are: as of now when `prefix` is not among those known, else as of FRESH seconds ago at most."""
        asked = self._clock()
        if prefix in self._kept and asked - self._read_at < FRESH:
            return self._kept
        async with self._reading:
            if self._read_at < asked:
                await asyncio.sleep(max(0.0, self._read_at + PAUSE - self._clock()))
                begun = self._clock()
                self._kept = await self._commands.query(channel_systems.live_keys)
                self._read_at = begun
        return self._kept


def permit(system: System, source: str, channel: str | None, procedure: str | None) -> None:
    """Raise Refused 403 for what a system may not send. `channel` and `procedure` are None where nothing names one."""
    if denial := next(admitting.denials(system, source, channel, procedure), None):
        raise _forbidden(system, denial)


def _unauthorized(code: str, message: str, error: str) -> Refused:
    return Refused(401, code, message, {"WWW-Authenticate": f'Bearer realm="madoguchi"{error}'})


def _forbidden(system: System, denial: Denial) -> Refused:
    """Says what the key may, never what was sent."""
    message = (
        f"このAPIキーでは、その {denial.field} は送信できません。 This key may not send that `{denial.field}`,"
        f" only {', '.join(denial.allowed)}: correct it, or ask the city hall for the right."
    )
    challenge = 'Bearer realm="madoguchi", error="insufficient_scope"'
    return Refused(403, denial.code, message, {"WWW-Authenticate": challenge}, system.name)
