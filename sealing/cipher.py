"""Values into ciphertext and back. The format is `contracts.sealed.Sealed`'s. Pure but for the random numbers of sealing."""

import os
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from hashlib import sha256
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.sealed import Sealed
from sealing.errors import BrokenSeal
from sealing.keyring import SealKey

_SALT, _NONCE = 16, 12
_COUNTER = (1).to_bytes(4)


def seal(key: SealKey, about: str, values: Mapping[str, str], form: Literal[2] | None = None) -> Sealed:
    """Seal `values` (path → text) of the application `about`. A fresh salt makes a data key that nothing else is sealed by."""
    noise = os.urandom(_SALT + _NONCE * len(values))
    salt, place = noise[:_SALT], _SALT
    encrypt, bound = _data_key(key.secret, salt, about).encrypt, f"{about} ".encode()
    sealed: dict[str, str] = {}
    for path, text in values.items():
        nonce = noise[place : (place := place + _NONCE)]
        sealed[path] = _text(nonce + encrypt(nonce, text.encode(), bound + path.encode()))
    return Sealed(key=key.key, wrapped=key.wrapped_text, salt=_text(salt), values=sealed, form=form)


def open_sealed(secret: bytes, about: str, sealed: Sealed, *only: str) -> dict[str, str]:
    """All values, or those at the paths `only`, as far as they are there.

    Raises BrokenSeal when anything about one of them was changed, or it belongs to another field, application or key.
    """
    key = _data_key(secret, _bytes(sealed.salt), about)
    chosen = sealed.values if not only else {path: sealed.values[path] for path in only if path in sealed.values}
    try:
        return {path: _opened(key, about, path, _bytes(value)) for path, value in chosen.items()}
    except (InvalidTag, UnicodeDecodeError, ValueError):
        raise BrokenSeal("a sealed value does not belong where it stands, or was changed") from None


def wrapped_of(sealed: Sealed) -> bytes:
    """The wrapped secret. Raises BrokenSeal when it is no Base64."""
    return _bytes(sealed.wrapped)


def _opened(key: AESGCM, about: str, path: str, value: bytes) -> str:
    return key.decrypt(value[:_NONCE], value[_NONCE:], f"{about} {path}".encode()).decode()


def _data_key(secret: bytes, salt: bytes, about: str) -> AESGCM:
    """One-step key derivation, NIST SP 800-56C rev. 2 §4.1 option 1: one block of SHA-256, so its counter is 1."""
    return AESGCM(sha256(_COUNTER + secret + salt + about.encode()).digest())


def _text(content: bytes) -> str:
    return b2a_base64(content, newline=False).decode()


def _bytes(text: str) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except ValueError:
        raise BrokenSeal("a sealed value is not written in Base64") from None
