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
_VARIANT_DIGIT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_RAND_B = (1 << 62) - 1


def uuid7(at: datetime) -> UUID:
    """A new identifier whose first 48 bits are `at` in milliseconds, the rest random. Raises TypeError for a naive `at`."""
    return _assemble(at, int.from_bytes(os.urandom(10), "big"))


def uuid7_texts(at: datetime, count: int) -> list[str]:
    """`count` new identifiers of one moment, written out: one reading of the system's randomness for all of them."""
    head = f"{int(at.timestamp() * 1000) & ((1 << 48) - 1):012x}"
    head = f"{head[:8]}-{head[8:]}-7"
    random = os.urandom(10 * count).hex()
    return [
        f"{head}{tail[:3]}-{_VARIANT_DIGIT[tail[3]]}{tail[4:7]}-{tail[7:19]}"
        for tail in (random[start : start + 20] for start in range(0, 20 * count, 20))
    ]


def derived_uuid7(at: datetime, *parts: str) -> UUID:
    """The same identifier for the same `parts`: a channel that reads a file twice names every row the same again.

    `at` must come from the data, not from the clock; before 1970 it counts as 1970. Raises TypeError for a naive `at`.
    """
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return _assemble(at, int.from_bytes(digest[:10], "big"))


def _assemble(at: datetime, random: int) -> UUID:
    milliseconds = max(0, (at - _EPOCH) // timedelta(milliseconds=1))
    return UUID(int=milliseconds << 80 | _VERSION | (random & _RAND_A) | _VARIANT | (random & _RAND_B))
