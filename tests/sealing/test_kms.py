"""A keyring in AWS KMS: moto emulates the API over HTTP; the errors that it does not make are said as AWS documents them."""

import base64
import json
import logging
import socket
from collections.abc import Generator
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from sealing.adapters import open_unwrapping, open_wrapping
from sealing.errors import BrokenSeal, DestroyedKey, KeyringAway, UnknownKey
from sealing.kms import KmsKeyring, client
from tests.sealing.conftest import NAME
from tests.sealing.speaking import Said, speaking
from tests.sealing.test_files import flipped

REGION = "ap-northeast-1"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "for-tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "for-tests")


@pytest.fixture(scope="module")
def moto() -> Generator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def kms(moto: str, credentials: None) -> Any:
    """A client of an emptied KMS."""
    found = client(REGION, moto)
    for alias in found.list_aliases()["Aliases"]:
        if alias["AliasName"].startswith("alias/madoguchi-"):
            found.delete_alias(AliasName=alias["AliasName"])
    return found


@pytest.fixture
def url(moto: str, kms: Any) -> str:
    make(kms, "5y-2026-1")
    return f"aws-kms://{REGION}/madoguchi?endpoint={moto}"


def make(kms: Any, alias: str) -> str:
    key: str = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=f"alias/madoguchi-{alias}", TargetKeyId=key)
    return key


def test_what_kms_wraps_it_unwraps_under_the_versions_name(url: str) -> None:
    one = open_wrapping(url).new(NAME)

    assert (one.key, len(one.secret)) == ("5y-2026.1", 32)
    assert open_unwrapping(url).unwrap(one.key, one.wrapped) == one.secret


def test_the_alias_with_the_highest_number_seals_and_all_open(url: str, kms: Any) -> None:
    one = open_wrapping(url).new(NAME)
    for number in (2, 10, 9):
        make(kms, f"5y-2026-{number}")
    for other in ("15y-2026-11", "5y-2026-11-old", "5y-20261-11"):
        make(kms, other)
    two = open_wrapping(url).new(NAME)

    assert two.key == "5y-2026.10"
    assert [open_unwrapping(url).unwrap(found.key, found.wrapped) for found in (one, two)] == [one.secret, two.secret]


def test_the_newest_is_found_on_any_page_of_aliases(credentials: None) -> None:
    pages: dict[str | None, Said] = {
        None: (200, {"Aliases": [alias(1)], "Truncated": True, "NextMarker": "second"}),
        "second": (200, {"Aliases": [alias(3)], "Truncated": True, "NextMarker": "third"}),
        "third": (200, {"Aliases": [alias(2)], "Truncated": False}),
    }
    asked: list[str] = []

    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Said:
        order = json.loads(body)
        if headers["x-amz-target"] == "TrentService.ListAliases":
            return pages[order.get("Marker")]
        asked.append(order["KeyId"])
        return 200, {"KeyId": ARN, "Plaintext": base64.b64encode(bytes(32)).decode(), "CiphertextBlob": "AAAA"}

    with speaking(answer) as address:
        assert KmsKeyring(client(REGION, f"http://{address}")).new(NAME).key == "5y-2026.3"
    assert asked == ["alias/madoguchi-5y-2026-3"]


def alias(number: int) -> dict[str, str]:
    return {"AliasName": f"alias/madoguchi-5y-2026-{number}"}


def test_the_version_is_bound_as_encryption_context(url: str, kms: Any) -> None:
    one = open_wrapping(url).new(NAME)
    kms.create_alias(
        AliasName="alias/madoguchi-5y-2027-1",
        TargetKeyId=kms.describe_key(KeyId="alias/madoguchi-5y-2026-1")["KeyMetadata"]["KeyId"],
    )

    with pytest.raises(BrokenSeal):
        open_unwrapping(url).unwrap("5y-2027.1", one.wrapped)


def test_a_changed_wrapping_is_a_broken_seal(url: str) -> None:
    one = open_wrapping(url).new(NAME)

    for wrapped in (b"", b"x" * 7000, flipped(one.wrapped, len(one.wrapped) * 8 - 1)):
        with pytest.raises(BrokenSeal):
            open_unwrapping(url).unwrap(one.key, wrapped)


def test_a_key_without_an_alias_is_unknown_and_destroyed_where_that_is_remembered(
    url: str, kms: Any, tmp_path: Any
) -> None:
    one = open_wrapping(url).new(NAME)
    kms.delete_alias(AliasName="alias/madoguchi-5y-2026-1")

    with pytest.raises(UnknownKey):
        open_unwrapping(url).unwrap(one.key, one.wrapped)
    with pytest.raises(UnknownKey, match="alias/madoguchi-5y-2026-1"):
        open_wrapping(url).new(NAME)
    (tmp_path / "5y-2026.json").touch()
    with pytest.raises(DestroyedKey):
        open_unwrapping(f"{url}&destroyed={tmp_path}").unwrap(one.key, one.wrapped)


ARN = "arn:aws:kms:ap-northeast-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"


@pytest.mark.parametrize(
    "status, code, words, meaning",
    [
        (400, "KMSInvalidStateException", f"{ARN} is pending deletion.", DestroyedKey),
        (400, "KMSInvalidStateException", f"{ARN} is pending import.", KeyringAway),
        (400, "DisabledException", f"{ARN} is disabled.", KeyringAway),
        (400, "NotFoundException", "Alias is not found.", UnknownKey),
        (400, "InvalidCiphertextException", "", BrokenSeal),
        (400, "IncorrectKeyException", "The key ID in the request does not identify a CMK", BrokenSeal),
        (400, "AccessDeniedException", "User is not authorized to perform: kms:Decrypt", KeyringAway),
        (400, "ThrottlingException", "You have exceeded the rate at which you may call KMS.", KeyringAway),
        (400, "ExpiredTokenException", "The security token included in the request is expired", KeyringAway),
        (500, "KMSInternalException", "", KeyringAway),
        (500, "DependencyTimeoutException", "", KeyringAway),
        (503, "ServiceUnavailable", "", KeyringAway),
    ],
)
def test_what_kms_answers_means(
    credentials: None, status: int, code: str, words: str, meaning: type[Exception]
) -> None:
    def answer(method: str, path: str, headers: dict[str, str], body: bytes) -> Said:
        if headers["x-amz-target"] == "TrentService.ListAliases":
            return 200, {"Aliases": [{"AliasName": "alias/madoguchi-5y-2026-1"}], "Truncated": False}
        assert headers["x-amz-target"] in {"TrentService.Decrypt", "TrentService.GenerateDataKey"}
        assert json.loads(body)["EncryptionContext"] == {"madoguchi-key": "5y-2026.1"}
        return status, {"__type": code, "message": words}

    with speaking(answer) as address:
        keyring = KmsKeyring(client(REGION, f"http://{address}"))
        with pytest.raises(meaning) as opening:
            keyring.unwrap("5y-2026.1", b"secret bytes, wrapped")
        with pytest.raises(meaning):
            keyring.new(NAME)
    assert "111122223333" not in str(opening.value)


def test_a_kms_that_is_away_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]

    with pytest.raises(KeyringAway, match="EndpointConnectionError"):
        open_wrapping(f"aws-kms://{REGION}?endpoint=http://127.0.0.1:{port}").new(NAME)


def test_without_credentials_it_is_waited_for(moto: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(KeyringAway, match="NoCredentialsError"):
        open_wrapping(f"aws-kms://{REGION}?endpoint={moto}").new(NAME)
