"""Which keyring, by address.

| address | keyring |
|---|---|
| `file:///var/lib/madoguchi/keyring` | a folder with `public/` and `private/`, or the one half itself |
| `aws-kms://ap-northeast-1/madoguchi` | AWS KMS in that region, or what speaks its API at `?endpoint=https://…`; aliases begin with `madoguchi-` |
| `vault://vault.example.jp:8200/transit` | HashiCorp Vault or OpenBao, Transit mounted there; `vault+http` without TLS, `?token_file=…`, `?namespace=…` |

A remote keyring forgets what was destroyed in it. `?destroyed=/path` names a folder that remembers: `5y-2025.destroyed` or the
certificate `5y-2025.json`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from sealing.errors import DestroyedKey, UnknownKey
from sealing.files import FileUnwrapping, FileWrapping
from sealing.folders import MARK, mark_of
from sealing.keyring import SealKey, Unwrapping, Wrapping

if TYPE_CHECKING:
    from sealing.kms import KmsKeyring
    from sealing.vault import VaultKeyring

_T = TypeVar("_T")


class UnknownKeyring(ValueError):
    """An address that names no keyring; the message says what is expected, or what to install."""


def open_wrapping(url: str) -> Wrapping:
    """The half that seals. Nothing is asked of it yet. Raises UnknownKeyring."""
    address = _address(url)
    if address.scheme == "file":
        return FileWrapping(_half(address, "public"))
    remembered = _remembered(address)
    wrapping = _remote(address)
    return _Wrapping(wrapping, remembered) if remembered else wrapping


def open_unwrapping(url: str) -> Unwrapping:
    """The half that opens. Nothing is asked of it yet. Raises UnknownKeyring."""
    address = _address(url)
    if address.scheme == "file":
        return FileUnwrapping(_half(address, "private"))
    remembered = _remembered(address)
    unwrapping = _remote(address)
    return _Unwrapping(unwrapping, remembered) if remembered else unwrapping


@dataclass(frozen=True, slots=True)
class _Wrapping:
    inner: Wrapping
    destroyed: Path

    def new(self, name: str) -> SealKey:
        return _remembering(self.destroyed, name, lambda: self.inner.new(name))


@dataclass(frozen=True, slots=True)
class _Unwrapping:
    inner: Unwrapping
    destroyed: Path

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        return _remembering(self.destroyed, key.partition(".")[0], lambda: self.inner.unwrap(key, wrapped))


def _remembering(destroyed: Path, name: str, ask: Callable[[], _T]) -> _T:
    try:
        return ask()
    except UnknownKey:
        if mark_of(destroyed, name).exists() or (destroyed / f"{name}.json").exists():
            raise DestroyedKey(f"{name} was destroyed, says {destroyed}.") from None
        raise


def _address(url: str) -> SplitResult:
    """Raises UnknownKeyring; the address is not repeated, since somebody may have put a password into it."""
    address = urlsplit(url)
    if address.scheme not in {"file", "aws-kms", "vault", "vault+http"}:
        raise UnknownKeyring(
            f"A keyring's address begins with file://, aws-kms:// or vault://, not with {address.scheme or 'nothing'}://."
        )
    if address.username or address.password:
        raise UnknownKeyring("A keyring's address holds no password: give it as the library expects it (docs/keys.md).")
    return address


def _half(address: SplitResult, half: str) -> Path:
    """The folder of a half: named itself, or below the one that is named."""
    folder = Path(unquote(address.path))
    if address.netloc or not folder.is_absolute():
        raise UnknownKeyring("A file keyring's address has three slashes: file:///var/lib/madoguchi/keyring")
    return folder if (folder / MARK).exists() or folder.name == half else folder / half


def _remote(address: SplitResult) -> "KmsKeyring | VaultKeyring":
    if address.scheme == "aws-kms":
        return _kms(address)
    return _vault(address)


def _kms(address: SplitResult) -> "KmsKeyring":
    try:
        from sealing.kms import PREFIX, KmsKeyring, WrongAddress, client
    except ModuleNotFoundError as error:
        raise _not_installed(error, "kms") from None
    try:
        found = client(address.netloc, _option(address, "endpoint"))
    except WrongAddress as error:
        raise UnknownKeyring(
            f"No KMS has this address, expected one such as aws-kms://ap-northeast-1: {error}"
        ) from None
    return KmsKeyring(found, address.path.strip("/") or PREFIX)


def _vault(address: SplitResult) -> "VaultKeyring":
    try:
        from sealing.vault import MOUNT, Access, VaultKeyring
    except ModuleNotFoundError as error:
        raise _not_installed(error, "vault") from None
    scheme = "http" if address.scheme == "vault+http" else "https"
    token_file = _option(address, "token_file")
    access = Access(
        url=f"{scheme}://{address.netloc}",
        mount=address.path.strip("/") or MOUNT,
        namespace=_option(address, "namespace"),
        token_file=Path(token_file) if token_file else None,
    )
    return VaultKeyring(access)


def _not_installed(error: ModuleNotFoundError, extra: str) -> UnknownKeyring:
    return UnknownKeyring(f"This keyring needs the package {error.name}: pip install 'madoguchi[{extra}]'")


def _remembered(address: SplitResult) -> Path | None:
    folder = _option(address, "destroyed")
    return Path(folder) if folder else None


def _option(address: SplitResult, name: str) -> str | None:
    return parse_qs(address.query).get(name, [None])[0]
