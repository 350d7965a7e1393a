"""Keys made ahead, and rotated. The newest version seals, all open."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sealing import durable
from sealing.documents import digest, encoded
from sealing.errors import DestroyedKey, KeyringAway, KeyringRefusal, UnknownKey
from sealing.files import PrivateKey, PublicKey, read_private, read_public
from sealing.folders import Folders, checked_name
from sealing.keeping import writing
from sealing.keyring import JST, fiscal_year

_LAST_VERSION = 9999


@dataclass(frozen=True, slots=True)
class KeyState:
    """A line of `madoguchi keys list`. `version` is None for a name whose versions are gone, `fingerprint` SHA-256 of the public bytes."""

    name: str
    version: int | None
    made: datetime | None
    fingerprint: str | None
    seals: bool
    destroyed: bool
    asked_to_be_destroyed: bool


def make_keys(root: Path, *names: str) -> list[str]:
    """The newest version of each key; version 1 is made where there is none. All of it may be repeated.

    Raises UnknownKey for what is no name, DestroyedKey, KeyringRefusal.
    """
    with writing(root) as folders:
        for name in names:
            _refuse_destroyed(folders, checked_name(name))
        return [_newest(folders, name) or _made(folders, name, 1) for name in names]


def rotate(root: Path, name: str) -> str:
    """Another version of a key, which seals from now on. Raises UnknownKey when there is none, DestroyedKey, KeyringRefusal."""
    with writing(root) as folders:
        _refuse_destroyed(folders, checked_name(name))
        if _newest(folders, name) is None:
            raise UnknownKey(f"no key {name}: `madoguchi keys make {name}` makes it.")
        return _made(folders, name, folders.versions(name)[-1] + 1)


def names_ahead(retention: str, at: datetime, ahead: int = 1) -> list[str]:
    """The names of a retention class's keys for the fiscal year of `at` and `ahead` more, so that 1 April finds its key."""
    return [f"{retention}-{year}" for year in range(fiscal_year(at), fiscal_year(at) + ahead + 1)]


def states(root: Path) -> list[KeyState]:
    """Every key, by name and version. Nothing is written."""
    folders = Folders(root)
    return [state for name in folders.names() for state in _states(folders, name)]


def fingerprint(folders: Folders, key: str) -> str | None:
    """SHA-256 of a version's public bytes, from whichever half can be read."""
    for public in (lambda: read_public(folders.public, key), lambda: read_private(folders.private, key).public()):
        try:
            return digest(public().public)
        except (FileNotFoundError, KeyringAway):
            continue
    return None


def _states(folders: Folders, name: str) -> list[KeyState]:
    found = folders.versions(name)
    state = {"destroyed": folders.is_destroyed(name), "asked_to_be_destroyed": folders.request(name).exists()}
    if not found:
        return [KeyState(name, None, None, None, seals=False, **state)]
    return [
        KeyState(name, number, _made_at(folders, key), fingerprint(folders, key), seals=number == found[-1], **state)
        for number in found
        for key in [f"{name}.{number}"]
    ]


def _made_at(folders: Folders, key: str) -> datetime | None:
    try:
        return read_public(folders.public, key).made
    except (FileNotFoundError, KeyringAway):
        return None


def _refuse_destroyed(folders: Folders, name: str) -> None:
    if folders.is_destroyed(name):
        raise DestroyedKey(f"{name} was destroyed: its name is never used again.")


def _newest(folders: Folders, name: str) -> str | None:
    """The newest version; its public half is made good where a crash came between the two."""
    found = folders.versions(name)
    if not found:
        return None
    key = f"{name}.{found[-1]}"
    file = folders.public / f"{key}.pub"
    if not file.exists():
        durable.write(file, encoded(read_private(folders.private, key).public()))
    return key


def _made(folders: Folders, name: str, version: int) -> str:
    if version > _LAST_VERSION:
        raise KeyringRefusal(f"{name} has been rotated {_LAST_VERSION} times, which is all its name can say.")
    key = f"{name}.{version}"
    private = PrivateKey(key=key, made=_now(), private=X25519PrivateKey.generate().private_bytes_raw())
    # The private half first: nothing is sealed that could not be opened.
    durable.write(folders.private / f"{key}.key", encoded(private))
    public: PublicKey = private.public()
    durable.write(folders.public / f"{key}.pub", encoded(public))
    return key


def _now() -> datetime:
    return datetime.now(JST).replace(microsecond=0)
