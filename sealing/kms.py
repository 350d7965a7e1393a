"""A keyring in AWS KMS, or in what speaks its API.

Each version is a symmetric KMS key of its own, under an alias of its own: version `5y-2026.1` is `alias/madoguchi-5y-2026-1`. Aliases rather
than KMS key ids, because an event names the version that sealed it for decades: the name must say what is destroyed with what, survive a
move to another account or region (where ids change), and be read by a person in CloudTrail. There is no alias without a number that
would point to the newest: it could disagree with them. Rotating is: make a key, give it the next alias. KMS's own automatic rotation
goes on inside each key and is not seen here.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sealing.errors import BrokenSeal, DestroyedKey, KeyringAway, UnknownKey
from sealing.folders import checked_name, version_of
from sealing.keyring import SealKey

PREFIX = "madoguchi"
WrongAddress = (BotoCoreError, ValueError)
"""What `client` raises for a region or an endpoint that is none."""
_CONTEXT = "madoguchi-key"
"""The encryption context's name, as policies may demand it; bound to the ciphertext, written to CloudTrail."""
_BROKEN = {"InvalidCiphertextException", "IncorrectKeyException"}
_LONGEST = 6144
"""Bytes of a ciphertext that KMS looks at."""


def client(region: str, endpoint: str | None = None) -> Any:
    """A KMS client with credentials from where AWS's libraries look for them; it gives up after some 15 s."""
    patience = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 2})
    return boto3.Session().client("kms", region_name=region or None, endpoint_url=endpoint, config=patience)


@dataclass(frozen=True, slots=True)
class KmsKeyring:
    """Both halves. Which of them a service may use is up to its IAM policy (docs/keys.md)."""

    client: Any = field(repr=False)
    prefix: str = PREFIX

    def new(self, name: str) -> SealKey:
        """See `sealing.keyring.Wrapping`."""
        key = f"{name}.{self._newest(checked_name(name))}"
        with _explained(key):
            answer = self.client.generate_data_key(
                KeyId=self._alias(key), KeySpec="AES_256", EncryptionContext={_CONTEXT: key}
            )
        return SealKey(key=key, secret=answer["Plaintext"], wrapped=answer["CiphertextBlob"])

    def unwrap(self, key: str, wrapped: bytes) -> bytes:
        """See `sealing.keyring.Unwrapping`."""
        alias = self._alias(key)
        if not 0 < len(wrapped) <= _LONGEST:
            raise BrokenSeal(f"{key} did not wrap this.")
        with _explained(key):
            answer = self.client.decrypt(KeyId=alias, CiphertextBlob=wrapped, EncryptionContext={_CONTEXT: key})
        return answer["Plaintext"]

    def _alias(self, key: str) -> str:
        name, version = version_of(key)
        return f"alias/{self.prefix}-{name}-{version}"

    def _newest(self, name: str) -> int:
        alias = re.compile(rf"alias/{re.escape(self.prefix)}-{name}-([0-9]{{1,4}})")
        with _explained(name):
            pages = self.client.get_paginator("list_aliases").paginate()
            found = [alias.fullmatch(one["AliasName"]) for page in pages for one in page["Aliases"]]
        numbers = [int(match[1]) for match in found if match]
        if not numbers:
            raise UnknownKey(f"KMS has no alias/{self.prefix}-{name}-1.")
        return max(numbers)


@contextmanager
def _explained(key: str) -> Generator[None]:
    try:
        yield
    except ClientError as error:
        raise _meaning(key, str(error.response["Error"]["Code"]), str(error)) from None
    except BotoCoreError as error:
        raise KeyringAway(f"AWS KMS does not answer: {type(error).__name__}.") from None


def _meaning(key: str, code: str, words: str) -> Exception:
    """What an error of KMS's API means for who seals or opens. What a person must mend (rights, a disabled key) is waited for."""
    if code == "NotFoundException":
        return UnknownKey(f"KMS knows no {key}.")
    if code == "KMSInvalidStateException" and "pending deletion" in words:
        return DestroyedKey(f"{key} is being deleted in KMS.")
    if code in _BROKEN:
        return BrokenSeal(f"{key} did not wrap this.")
    return KeyringAway(f"AWS KMS refuses {key} for now: {code}.")
