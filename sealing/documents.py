"""The files of a keyring: canonical JSON with its own SHA-256, so that no changed byte goes unnoticed and a person can check it.

Canonical means RFC 8785 (JCS) as far as these documents go: they hold texts, whole numbers, lists and objects with ASCII names.
To check one by hand: take the member `sha256` out, keep the rest as it is, and hash that.
"""

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from sealing.errors import UnsafeKeyring

READABLE = 0o077
"""A file with any of these bits lets others read, write or run it."""
WRITABLE = 0o022


class Document(BaseModel):
    """One file. Bytes are base64 (URL-safe), instants ISO 8601 with an offset."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        ser_json_bytes="base64",
        val_json_bytes="base64",
        hide_input_in_errors=True,
    )


_D = TypeVar("_D", bound=Document)


def digest(content: bytes) -> str:
    """SHA-256 as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def encoded(document: Document) -> bytes:
    """The document as the bytes of its file, one line."""
    body = document.model_dump(mode="json")
    return _canonical(body | {"sha256": digest(_canonical(body))}) + b"\n"


def decoded(model: type[_D], content: bytes) -> _D:
    """The document that `encoded` wrote. Raises ValueError for any other bytes."""
    try:
        body = json.loads(content)
        del body["sha256"]
        document = model.model_validate_json(_canonical(body))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ValueError("it is no such document") from error
    if encoded(document) != content:
        raise ValueError("its SHA-256 does not fit: it was changed")
    return document


def read(model: type[_D], file: Path, forbidden: int = WRITABLE) -> _D:
    """The document in a file. Raises FileNotFoundError; UnsafeKeyring when it is damaged or has one of the `forbidden` modes."""
    try:
        return decoded(model, _guarded(file, forbidden))
    except ValueError as error:
        raise UnsafeKeyring(f"{file} is damaged ({error}): put it back from a back-up.") from None


def _guarded(file: Path, forbidden: int) -> bytes:
    """Its bytes, from the very file whose mode was looked at."""
    with file.open("rb") as opened:
        mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
        if mode & forbidden:
            raise UnsafeKeyring(f"{file} is open to others ({mode:04o}): chmod 600 {file}")
        return opened.read()


def _canonical(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
