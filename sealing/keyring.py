"""What a keyring is: keys that seal keys, by name. Two halves, so that who seals need not be able to open.

A key-encryption key is named after what it will be destroyed with: `5y-2026` is retention class `5y`, fiscal year (年度) 2026.
Each rotation gives it another version, `5y-2026.2`; destruction takes all versions.
"""

import re
from binascii import b2a_base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Protocol

from contracts.sealed import NUMBER_CLASS

JST = timezone(timedelta(hours=9))
VERSION = re.compile(r"(?P<name>(?P<retention>[a-z0-9]{1,16})-(?P<year>[0-9]{4}))\.(?P<version>[0-9]{1,4})")
_APRIL = 4
EDGE = "edge"
"""The class of the keys that channel systems seal by: intake alone opens them."""

NEARLY = 0.98
"""Of its time, when a secret is old enough to be forgotten: a timer comes a little early, uvloop's by up to a turn of the loop."""


def number_class(retention: str) -> str:
    """The class of the keys that seal the Individual Numbers of a retention class's records, and nothing else: `number5y`.

    Raises ValueError for a class whose name leaves no room for that.
    """
    name = f"{NUMBER_CLASS}{retention}"
    if VERSION.fullmatch(f"{name}-2000.1") is None:
        raise ValueError(f"retention class {retention!r}: with Individual Numbers it has at most ten of a-z and 0-9")
    return name


@dataclass(frozen=True, slots=True)
class SealKey:
    """A fresh secret of 32 bytes, and the same wrapped by version `key` of a key-encryption key."""

    key: str
    secret: bytes = field(repr=False)
    wrapped: bytes
    wrapped_text: str = field(init=False, repr=False)
    """In Base64, as it stands in every event."""

    def __post_init__(self) -> None:
        """Written once, used thousands of times."""
        object.__setattr__(self, "wrapped_text", b2a_base64(self.wrapped, newline=False).decode())


class Wrapping(Protocol):
    """The half of a keyring that seals."""

    def new(self, name: str) -> SealKey:
        """A fresh secret under the newest version of key `name`. Raises UnknownKey, DestroyedKey, KeyringAway."""
        ...


class Unwrapping(Protocol):
    """The half of a keyring that opens."""

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        """The secret that version `key` wrapped. Raises BrokenSeal, UnknownKey, DestroyedKey, KeyringAway."""
        ...


def fiscal_year(at: datetime) -> int:
    """The Japanese fiscal year (年度, April to March) of an instant: 31 March 2027, 23:59 JST is 2026."""
    local = at.astimezone(JST)
    return local.year - (local.month < _APRIL)


def key_name(retention: str, at: datetime) -> str:
    """The name of the key under which something received at `at` is sealed."""
    return f"{retention}-{fiscal_year(at)}"
