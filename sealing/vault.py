"""A keyring in the Transit engine of HashiCorp Vault or OpenBao.

Key `5y-2026` is Transit's key of that name, version `5y-2026.1` its version 1: Transit writes the version into what it wraps
(`vault:v1:…`) and rotates by itself. A data key is not bound to associated data (Transit's `datakey` takes none), and needs none: the key's
name is in the path, its version in the ciphertext, and both decide which key is tried.
"""

import base64
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hvac
import requests
from hvac import exceptions

from sealing.errors import BrokenSeal, DestroyedKey, KeyringAway, UnknownKey
from sealing.folders import checked_name, version_of
from sealing.keyring import SealKey

MOUNT = "transit"
_SECONDS = 5
_WRAPPED = re.compile(r"vault:v([0-9]{1,4}):[A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class Access:
    """Where Vault is. Without `token_file` hvac takes VAULT_TOKEN, or the token that `vault login` left."""

    url: str
    mount: str = MOUNT
    namespace: str | None = None
    token_file: Path | None = None


@dataclass(frozen=True, slots=True)
class VaultKeyring:
    """Both halves. Which of them a service may use is up to its Vault policy (docs/keys.md)."""

    access: Access

    def new(self, name: str) -> SealKey:
        """See `sealing.keyring.Wrapping`."""
        with _explained(checked_name(name)):
            answer = self._transit().generate_data_key(name=name, key_type="plaintext", mount_point=self.access.mount)
        wrapped = str(answer["data"]["ciphertext"])
        key = f"{name}.{_version(wrapped)}"
        return SealKey(key=key, secret=base64.b64decode(answer["data"]["plaintext"]), wrapped=wrapped.encode())

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        """See `sealing.keyring.Unwrapping`."""
        name, version = version_of(key)
        text = wrapped.decode(errors="replace")
        if _version(text) != version:
            raise BrokenSeal(f"{key} did not wrap this.")
        with _explained(key):
            answer = self._transit().decrypt_data(name=name, ciphertext=text, mount_point=self.access.mount)
        return base64.b64decode(answer["data"]["plaintext"])

    def _transit(self) -> Any:
        """A client for one call: the token is read anew, since a Vault agent renews it in its file."""
        token = self.access.token_file.read_text("utf-8").strip() if self.access.token_file else None
        client = hvac.Client(url=self.access.url, token=token, namespace=self.access.namespace, timeout=_SECONDS)
        return client.secrets.transit


def _version(wrapped: str) -> int | None:
    match = _WRAPPED.fullmatch(wrapped)
    return int(match[1]) if match else None


@contextmanager
def _explained(key: str) -> Generator[None]:
    try:
        yield
    except (exceptions.InvalidRequest, exceptions.InternalServerError) as error:
        raise _meaning(key, str(error)) from None
    except (exceptions.VaultError, requests.RequestException, OSError) as error:
        raise KeyringAway(f"Vault refuses {key} for now: {type(error).__name__}.") from None


def _meaning(key: str, words: str) -> Exception:
    """What Transit's 400 means, and older Vaults' 500 for a tag that does not fit. Its words are the only sign there is.

    They are those of Vault's source: sdk/helper/keysutil/policy.go, builtin/logical/transit/path_decrypt.go.
    """
    if "key not found" in words or "policy not found" in words:
        return UnknownKey(f"Vault has no key {key}.")
    if "too old" in words:
        return DestroyedKey(f"{key} is below the key's min_decryption_version.")
    if "too new" in words:
        return UnknownKey(f"Vault has no version {key}.")
    if "message authentication failed" in words or "invalid ciphertext" in words:
        return BrokenSeal(f"{key} did not wrap this.")
    return KeyringAway(f"Vault refuses {key} for now.")
