"""A keyring in memory, both halves: what tests of services seal and open with. The real ones have tests of their own."""

import os
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealing.errors import BrokenSeal, DestroyedKey, KeyringAway, UnknownKey
from sealing.keyring import SealKey


@dataclass(slots=True)
class MemoryKeyring:
    """Makes every key that is asked for, unless `known` says which there are."""

    known: frozenset[str] | None = None
    away: bool = False
    keys: dict[str, bytes] = field(default_factory=lambda: dict[str, bytes]())
    destroyed: set[str] = field(default_factory=lambda: set[str]())
    damaged: set[str] = field(default_factory=lambda: set[str]())
    """Names of keys whose file a person must mend first."""

    def new(self, name: str) -> SealKey:
        self._check(name)
        if self.known is not None and name not in self.known:
            raise UnknownKey(name)
        version, secret = f"{name}.1", os.urandom(32)
        key = self.keys.setdefault(version, os.urandom(32))
        nonce = os.urandom(12)
        return SealKey(version, secret, nonce + AESGCM(key).encrypt(nonce, secret, version.encode()))

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        self._check(key.partition(".")[0])
        if key not in self.keys:
            raise UnknownKey(key)
        try:
            return AESGCM(self.keys[key]).decrypt(wrapped[:12], wrapped[12:], key.encode())
        except (InvalidTag, ValueError):
            raise BrokenSeal("wrapped") from None

    def destroy(self, name: str) -> None:
        self.destroyed.add(name)
        self.keys = {version: key for version, key in self.keys.items() if version.partition(".")[0] != name}

    def _check(self, name: str) -> None:
        if self.away or name in self.damaged:
            raise KeyringAway("away")
        if name in self.destroyed:
            raise DestroyedKey(name)
