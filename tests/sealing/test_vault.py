"""A keyring in Vault's Transit, tried against a small server that holds to its published API."""

import socket
from collections.abc import Generator
from pathlib import Path

import pytest

from sealing.adapters import open_unwrapping, open_wrapping
from sealing.errors import BrokenSeal, DestroyedKey, KeyringAway, UnknownKey
from tests.sealing.conftest import NAME
from tests.sealing.speaking import Transit, errors, speaking

TOKEN = "hvs.for-tests"


@pytest.fixture
def vault() -> Transit:
    vault = Transit(TOKEN)
    vault.rotate(NAME)
    return vault


@pytest.fixture
def url(vault: Transit, tmp_path: Path) -> Generator[str]:
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    with speaking(vault) as address:
        yield f"vault+http://{address}/transit?token_file={token}"


def test_what_vault_wraps_it_unwraps_under_the_versions_name(url: str) -> None:
    one = open_wrapping(url).new(NAME)

    assert one.key == "5y-2026.1"
    assert len(one.secret) == 32
    assert one.wrapped.startswith(b"vault:v1:")
    assert open_unwrapping(url).unwrap(one.key, one.wrapped) == one.secret


def test_after_a_rotation_in_vault_the_newest_seals_and_all_open(vault: Transit, url: str) -> None:
    one = open_wrapping(url).new(NAME)
    vault.rotate(NAME)
    two = open_wrapping(url).new(NAME)

    assert two.key == "5y-2026.2"
    assert [open_unwrapping(url).unwrap(found.key, found.wrapped) for found in (one, two)] == [one.secret, two.secret]


@pytest.mark.parametrize(
    "wrapped",
    [b"", b"\xff\xfe", b"vault:v1:AAAA", b"vault:v1:AAA", b"vault:v2:AAAA", b"vault:v1:", b"x" * 80, b"vault:v1:a\n"],
)
def test_what_vault_did_not_wrap_is_a_broken_seal(url: str, wrapped: bytes) -> None:
    with pytest.raises(BrokenSeal):
        open_unwrapping(url).unwrap("5y-2026.1", wrapped)


def test_one_version_is_not_taken_for_another(vault: Transit, url: str) -> None:
    one = open_wrapping(url).new(NAME)
    vault.rotate(NAME)
    vault.rotate("5y-2027")

    with pytest.raises(BrokenSeal):
        open_unwrapping(url).unwrap("5y-2026.2", one.wrapped)
    with pytest.raises(BrokenSeal):
        open_unwrapping(url).unwrap("5y-2026.2", one.wrapped.replace(b"v1", b"v2"))
    with pytest.raises(BrokenSeal):
        open_unwrapping(url).unwrap("5y-2027.1", one.wrapped)


def test_a_key_that_vault_lacks_is_unknown_and_destroyed_where_that_is_remembered(
    vault: Transit, url: str, tmp_path: Path
) -> None:
    one = open_wrapping(url).new(NAME)
    del vault.keys[NAME]
    remembering = f"{url}&destroyed={tmp_path}"

    for address in (url, remembering):
        with pytest.raises(UnknownKey):
            open_unwrapping(address).unwrap(one.key, one.wrapped)
    (tmp_path / "5y-2026.destroyed").touch()
    with pytest.raises(DestroyedKey):
        open_unwrapping(remembering).unwrap(one.key, one.wrapped)
    with pytest.raises(DestroyedKey):
        open_wrapping(remembering).new(NAME)


def test_a_version_that_vault_may_no_longer_decrypt_is_destroyed_and_one_it_never_had_unknown(
    vault: Transit, url: str
) -> None:
    one = open_wrapping(url).new(NAME)
    with pytest.raises(UnknownKey):
        open_unwrapping(url).unwrap("5y-2026.7", one.wrapped.replace(b"v1", b"v7"))
    vault.oldest = 2
    with pytest.raises(DestroyedKey):
        open_unwrapping(url).unwrap(one.key, one.wrapped)


@pytest.mark.parametrize(
    "said",
    [
        errors(403, "permission denied"),
        errors(404, 'no handler for route "transit/datakey/plaintext/5y-2026". route entry not found.'),
        errors(429, "request path is rate limited"),
        errors(500, "internal error"),
        errors(502),
        errors(503, "Vault is sealed"),
        errors(400, "missing 'context' for key derivation; the key was created using a derived key"),
    ],
    ids=lambda said: str(said[0]),
)
def test_what_a_person_or_time_must_mend_is_waited_for(
    vault: Transit, url: str, said: tuple[int, dict[str, object]]
) -> None:
    one = open_wrapping(url).new(NAME)
    vault.instead = said

    with pytest.raises(KeyringAway) as away:
        open_unwrapping(url).unwrap(one.key, one.wrapped)
    assert isinstance(away.value, OSError)
    with pytest.raises(KeyringAway):
        open_wrapping(url).new(NAME)


def test_an_older_vaults_500_for_a_tag_that_does_not_fit_is_a_broken_seal(vault: Transit, url: str) -> None:
    vault.instead = errors(500, "1 error occurred:\n\t* cipher: message authentication failed\n\n")

    with pytest.raises(BrokenSeal):
        open_unwrapping(url).unwrap("5y-2026.1", b"vault:v1:AAAA")


def test_a_vault_that_is_away_is_waited_for(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    (tmp_path / "token").write_text(TOKEN)

    with pytest.raises(KeyringAway, match="ConnectionError"):
        open_wrapping(f"vault+http://127.0.0.1:{port}/transit?token_file={tmp_path}/token").new(NAME)


def test_the_token_is_read_anew_for_each_call_and_missing_is_waited_for(
    vault: Transit, url: str, tmp_path: Path
) -> None:
    wrapping = open_wrapping(url)
    vault.policies = {"hvs.renewed": None}
    with pytest.raises(KeyringAway, match="Forbidden"):
        wrapping.new(NAME)
    (tmp_path / "token").write_text("hvs.renewed")
    assert wrapping.new(NAME).key == "5y-2026.1"
    (tmp_path / "token").unlink()
    with pytest.raises(KeyringAway, match="FileNotFoundError"):
        wrapping.new(NAME)


def test_the_namespace_is_sent(vault: Transit, url: str) -> None:
    open_wrapping(f"{url}&namespace=kushiro/shimin").new(NAME)

    assert vault.namespaces == ["kushiro/shimin"]


def test_under_the_documented_policies_intake_opens_nothing_and_desk_makes_nothing(vault: Transit, url: str) -> None:
    vault.policies[TOKEN] = {"datakey 5y-", "datakey 10y-"}
    one = open_wrapping(url).new(NAME)
    with pytest.raises(KeyringAway):
        open_unwrapping(url).unwrap(one.key, one.wrapped)

    vault.policies[TOKEN] = {"decrypt 5y-"}
    assert open_unwrapping(url).unwrap(one.key, one.wrapped) == one.secret
    with pytest.raises(KeyringAway):
        open_wrapping(url).new(NAME)


def test_neither_secret_nor_token_is_in_an_error(vault: Transit, url: str) -> None:
    one = open_wrapping(url).new(NAME)
    vault.instead = errors(500, one.wrapped.decode())

    with pytest.raises(KeyringAway) as away:
        open_unwrapping(url).unwrap(one.key, one.wrapped)
    assert one.wrapped.decode() not in str(away.value)
    assert TOKEN not in str(away.value)
    assert away.value.__cause__ is None
