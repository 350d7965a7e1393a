"""Where a file keyring keeps what.

KEYRING/
├── public/      keyring · 5y-2026.1.pub · 5y-2025.destroyed     all that intake is given
├── private/     keyring · 5y-2026.1.key · 5y-2025.destroyed     all that desk, notify and archive are given
├── requests/    5y-2024.json                                    a destruction that waits for a second person
├── destroyed/   5y-2025.json                                    certificates, for good
├── back-ups/    0192….json                                      which back-ups there are, and what they hold
├── restoring    only while a back-up is being restored
└── lock
"""

import re
from dataclasses import dataclass
from pathlib import Path

from sealing.errors import DestroyedKey, KeyringAway, UnknownKey
from sealing.keyring import VERSION

MARK = "keyring"
"""In either half, so that a volume that is not mounted is not taken for a keyring without keys."""
MARK_CONTENT = b"madoguchi keyring 1\n"


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of the keyring at `root`; nothing is created."""

    root: Path

    @property
    def public(self) -> Path:
        """The half that seals."""
        return self.root / "public"

    @property
    def private(self) -> Path:
        """The half that opens."""
        return self.root / "private"

    @property
    def requests(self) -> Path:
        """Destructions asked for."""
        return self.root / "requests"

    @property
    def destroyed(self) -> Path:
        """Certificates."""
        return self.root / "destroyed"

    @property
    def back_ups(self) -> Path:
        """Notes of back-ups."""
        return self.root / "back-ups"

    @property
    def restoring(self) -> Path:
        """What is being restored."""
        return self.root / "restoring"

    def all(self) -> tuple[Path, ...]:
        """Every folder."""
        return (self.root, self.public, self.private, self.requests, self.destroyed, self.back_ups)

    def certificate(self, name: str) -> Path:
        """The certificate of the destruction of `name`."""
        return self.destroyed / f"{name}.json"

    def request(self, name: str) -> Path:
        """The request to destroy `name`."""
        return self.requests / f"{name}.json"

    def is_destroyed(self, name: str) -> bool:
        """Whether `name` is gone, or going: from the first mark on there is no way back."""
        return any(file.exists() for file in (self.certificate(name), *self.marks(name)))

    def marks(self, name: str) -> tuple[Path, Path]:
        """What tells either half that `name` is destroyed."""
        return mark_of(self.public, name), mark_of(self.private, name)

    def versions(self, name: str) -> list[int]:
        """The rotations of `name` that either half holds, the oldest first."""
        return sorted({*versions(self.public, name), *versions(self.private, name)})

    def names(self) -> list[str]:
        """The names of all keys, those destroyed or asked to be among them."""
        found = {match["name"] for half in (self.public, self.private) for match in _found(half)}
        return sorted(
            found | {file.stem for folder in (self.destroyed, self.requests) for file in folder.glob("*.json")}
        )


def version_of(key: str) -> tuple[str, int]:
    """`5y-2026.1` as name and rotation. Raises UnknownKey for what is no version of a key; then it names no file either."""
    match = VERSION.fullmatch(key)
    if match is None:
        raise UnknownKey("that is no version of a key: expected one such as 5y-2026.1")
    return match["name"], int(match["version"])


def checked_name(name: str) -> str:
    """`name` itself. Raises UnknownKey for what cannot be a key's name."""
    return version_of(f"{name}.1")[0]


def mark_of(half: Path, name: str) -> Path:
    """What tells a half that `name` is destroyed."""
    return half / f"{name}.destroyed"


def versions(half: Path, name: str) -> list[int]:
    """The rotations of `name` in one half, the oldest first."""
    return sorted(int(match["version"]) for match in _found(half) if match["name"] == name)


def require(half: Path, name: str) -> None:
    """Raises KeyringAway when `half` is no half of a keyring, DestroyedKey when it says so of `name`."""
    if not (half / MARK).exists():
        raise KeyringAway(f"{half} holds no keyring: is it mounted? `madoguchi keys make` makes one.")
    if mark_of(half, name).exists():
        raise DestroyedKey(f"{name} was destroyed; its certificate is kept with the keyring.")


def _found(half: Path) -> list[re.Match[str]]:
    stems = (file.stem for file in half.iterdir() if file.suffix in {".pub", ".key"}) if half.is_dir() else ()
    return [match for match in map(VERSION.fullmatch, stems) if match]
