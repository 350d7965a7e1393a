"""A keyring in two folders of files, for one machine. Who holds `public/` seals, and opens nothing; who holds `private/` opens.

A key is an X25519 pair. A secret is wrapped by HPKE (RFC 9180, base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM), with
the version's name as its info, so that what one version wrapped is not taken for another's.
"""

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from pydantic import Field

from sealing.documents import READABLE, Document, read
from sealing.errors import BrokenSeal, KeyringAway, UnknownKey, UnsafeKeyring
from sealing.folders import checked_name, require, version_of, versions
from sealing.keyring import SealKey

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
SECRET_BYTES = 32
_K = TypeVar("_K", "PublicKey", "PrivateKey")


class PublicKey(Document):
    """`public/5y-2026.1.pub`."""

    key: str
    made: datetime
    public: bytes = Field(min_length=32, max_length=32)


class PrivateKey(Document):
    """`private/5y-2026.1.key`."""

    key: str
    made: datetime
    private: bytes = Field(min_length=32, max_length=32, repr=False)

    def public(self) -> PublicKey:
        """The other half."""
        public = X25519PrivateKey.from_private_bytes(self.private).public_key()
        return PublicKey(key=self.key, made=self.made, public=public.public_bytes_raw())


@dataclass(frozen=True, slots=True)
class FileWrapping:
    """The half that seals, from the folder `public/`. It is read anew each time: a rotation or a destruction counts at once."""

    public_dir: Path

    def new(self, name: str) -> SealKey:
        """See `sealing.keyring.Wrapping`."""
        with _reading(self.public_dir, checked_name(name)):
            key = f"{name}.{self._newest(name)}"
            public = read_public(self.public_dir, key).public
        secret = secrets.token_bytes(SECRET_BYTES)
        wrapped = SUITE.encrypt(secret, X25519PublicKey.from_public_bytes(public), info(key))
        return SealKey(key=key, secret=secret, wrapped=wrapped)

    def _newest(self, name: str) -> int:
        found = versions(self.public_dir, name)
        if not found:
            raise UnknownKey(f"no key {name}: `madoguchi keys make {name}` makes it.")
        return found[-1]


@dataclass(frozen=True, slots=True)
class FileUnwrapping:
    """The half that opens, from the folder `private/`."""

    private_dir: Path

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        """See `sealing.keyring.Unwrapping`."""
        name, _ = version_of(key)
        with _reading(self.private_dir, name):
            return unwrapped(self.private_dir, key, wrapped)


def unwrapped(half: Path, key: str, wrapped: bytes) -> bytes:
    """The secret that version `key` in `half` wrapped, whether it says that it is a keyring or not. Raises BrokenSeal, FileNotFoundError, UnsafeKeyring."""
    private = read_private(half, key).private
    try:
        return SUITE.decrypt(wrapped, X25519PrivateKey.from_private_bytes(private), info(key))
    except InvalidTag:
        raise BrokenSeal(f"{key} did not wrap this.") from None


def read_public(half: Path, key: str) -> PublicKey:
    """The public half of version `key`. Raises FileNotFoundError, UnsafeKeyring."""
    return _itself(read(PublicKey, half / f"{key}.pub"), half, key)


def read_private(half: Path, key: str) -> PrivateKey:
    """The private half of version `key`. Raises FileNotFoundError, UnsafeKeyring."""
    return _itself(read(PrivateKey, half / f"{key}.key", READABLE), half, key)


def _itself(found: _K, half: Path, key: str) -> _K:
    if found.key != key:
        raise UnsafeKeyring(f"{half}: the file of {key} holds {found.key}: give it back its name.")
    return found


def info(key: str) -> bytes:
    """What HPKE binds a wrapped secret to."""
    return b"madoguchi seal " + key.encode()


@contextmanager
def _reading(half: Path, name: str) -> Generator[None]:
    try:
        require(half, name)
        yield
    except FileNotFoundError:
        require(half, name)  # it may have been destroyed between two looks
        raise UnknownKey(f"{half} has no such version of {name}.") from None
    except KeyringAway:
        raise
    except OSError as error:
        raise KeyringAway(f"{half} cannot be read: {error.strerror}.") from error
