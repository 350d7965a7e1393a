"""Time-ordered identifiers: UUID version 7 (RFC 9562 §5.7)."""

import hashlib
import json
import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RAND_A = 0xFFF << 64
_RAND_B = (1 << 62) - 1


def uuid7(at: datetime) -> UUID:
    """A new identifier whose first 48 bits are `at` in milliseconds, the rest random. Raises TypeError for a naive `at`."""
    return _assemble(at, int.from_bytes(os.urandom(10), "big"))


def derived_uuid7(at: datetime, *parts: str) -> UUID:
    """The same identifier for the same `parts`: a channel that reads a file twice names every row the same again.

    `at` must come from the data, not from the clock; before 1970 it counts as 1970. Raises TypeError for a naive `at`.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return _assemble(at, int.from_bytes(digest[:10], "big"))


def _assemble(at: datetime, random: int) -> UUID:
    milliseconds = max(0, (at - _EPOCH) // timedelta(milliseconds=1))
    return UUID(int=milliseconds << 80 | _VERSION | (random & _RAND_A) | _VARIANT | (random & _RAND_B))
