"""Which channel system a request or a record comes from, what that one may do, and how fast. Pure.

An API key reads `mdg_<prefix>_<secret>`: the prefix (10 of a-z 0-9) says which key it is and is no secret, the secret is 256
random bits in hexadecimal. Kept is SHA-256 of the secret: what cannot be guessed needs no slow hash, and a slow one would be
paid on every request.
"""

import hmac
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from hashlib import sha256

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"
MARK = "mdg_"
MOST_LIVE_KEYS = 2
BYTES_A_REQUEST = 2048
"""Of an application on Kafka, as brokers count bytes and no requests: those in shared/data have some 600 to 1,500."""
LEAST_BYTES = 16_384
"""A second, for whoever has few requests a minute: the largest application must not take minutes."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner holds it. Shown once, kept nowhere."""

    prefix: str
    secret: str

    def __repr__(self) -> str:
        """The secret is never printed by accident."""
        return f"ApiKey({self.prefix!r})"

    @property
    def text(self) -> str:
        """What its owner sends."""
        return f"{MARK}{self.prefix}_{self.secret}"

    @property
    def digest(self) -> bytes:
        """What is kept of it."""
        return digest(self.secret)


@dataclass(frozen=True, slots=True)
class System:
    """A channel system: the sources that are its own, the channels it may name, the procedures (patterns with `*`), its pace.

    `byte_rate` is how many bytes it may publish on Kafka a second; None: what follows from `per_minute`.
    """

    name: str
    sources: frozenset[str]
    channels: frozenset[str]
    procedures: tuple[str, ...]
    per_minute: int
    burst: int
    byte_rate: int | None = None

    @property
    def bytes_per_second(self) -> int:
        """What it may publish on Kafka, on each broker."""
        return self.byte_rate or max(LEAST_BYTES, self.per_minute * BYTES_A_REQUEST // 60)

    def owns(self, source: str) -> bool:
        """Whether it may speak as this source."""
        return source in self.sources

    def may_name(self, channel: str) -> bool:
        """Whether it may say that an application came over this channel."""
        return channel in self.channels

    def may_submit(self, procedure: str) -> bool:
        """Whether it may hand in this procedure."""
        return any(fnmatchcase(procedure, pattern) for pattern in self.procedures)


@dataclass(frozen=True, slots=True)
class Denial:
    """What a system may not send: the field that says so, a stable code, and what it may say there."""

    field: str
    code: str
    allowed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A key as intake keeps it, and whose it is."""

    prefix: str
    digest: bytes
    expires_at: datetime
    system: System


def make_key() -> ApiKey:
    """A new key; nobody has ever had it."""
    return ApiKey("".join(secrets.choice(_ALPHABET) for _ in range(10)), secrets.token_hex(32))


def read_key(text: str) -> ApiKey | None:
    """The key that a text is, None for one that cannot be a key."""
    prefix, _, secret = text.removeprefix(MARK).partition("_")
    well_formed = text.startswith(MARK) and len(prefix) == 10 and len(secret) == 64 and text.isascii()
    return ApiKey(prefix, secret) if well_formed else None


def digest(secret: str) -> bytes:
    """SHA-256 of a secret."""
    return sha256(secret.encode()).digest()


def admit(key: ApiKey, kept: Mapping[str, KeptKey], now: datetime) -> KeptKey | None:
    """What is kept of the key, None when it is unknown, over or wrong: one answer for all three, after the same work."""
    found = kept.get(key.prefix)
    same = hmac.compare_digest(found.digest if found else b"", key.digest)
    return found if found is not None and same and now < found.expires_at else None


def denials(system: System, source: str, channel: str | None, procedure: str | None) -> Iterator[Denial]:
    """Everything that a system may not send. `channel` and `procedure` are None where nothing names one."""
    if not system.owns(source):
        yield Denial("source", "not-your-source", tuple(sorted(system.sources)))
    if channel is not None and not system.may_name(channel):
        yield Denial("channel", "not-your-channel", tuple(sorted(system.channels)))
    if procedure is not None and not system.may_submit(procedure):
        yield Denial("procedure", "not-your-procedure", system.procedures)


def objection(speaker: str | None, source: str, systems: Collection[System], own: Collection[str]) -> str | None:
    """Why a source is not its speaker's to name, None when it is: a source is spoken by whoever owns it, and the city's own by the city.

    `speaker` is the system whose own topic a record came over, None where that is the topic of the city's own channels; `own` are
    patterns of those channels' sources.
    Says names of systems and sources that are registered; one that is nobody's was chosen by whoever sent it, and is not repeated.
    """
    owner = next((system for system in systems if system.owns(source)), None)
    if (owner.name if owner else None) == speaker and (owner or any(fnmatchcase(source, each) for each in own)):
        return None
    named = f"{source}, a source of {owner.name}" if owner else "a source that is nobody's"
    return f"{speaker or 'a channel of the city'} speaks as {named}: {_advice(speaker, owner, systems)}"


def _advice(speaker: str | None, owner: System | None, systems: Collection[System]) -> str:
    if speaker is None and owner is None:
        return "register it with `madoguchi channel add`, or let the city's own channels name it: MADOGUCHI_INTAKE_CITY_SOURCES"
    if owner is not None and speaker is None:
        return f"{owner.name} publishes on a topic of its own"
    found = next((system for system in systems if system.name == speaker), None)
    return f"its own are {', '.join(sorted(found.sources))}" if found else "it is no channel system"


class Bucket:
    """A token bucket: `burst` requests at once, then `per_minute` a minute. Times are seconds of one clock."""

    __slots__ = ("_burst", "_last", "_left", "_per_second")

    def __init__(self, per_minute: int, burst: int, now: float) -> None:
        """A full one."""
        self._per_second, self._burst = per_minute / 60, float(burst)
        self._left, self._last = float(burst), now

    def take(self, now: float) -> float:
        """Take one; 0 when there was one, else the seconds until there is."""
        self._left = min(self._burst, self._left + (now - self._last) * self._per_second)
        self._last = now
        if self._left >= 1:
            self._left -= 1
            return 0.0
        return (1 - self._left) / self._per_second
