"""Which keyring an address names."""

import subprocess
import sys
from pathlib import Path

import pytest

from sealing.adapters import UnknownKeyring, open_unwrapping, open_wrapping
from sealing.errors import KeyringAway
from sealing.files import FileUnwrapping, FileWrapping
from sealing.kms import KmsKeyring
from sealing.making import make_keys
from sealing.vault import Access, VaultKeyring
from tests.conftest import ROOT
from tests.sealing.conftest import NAME


def test_a_file_address_names_the_keyring_or_the_one_half(root: Path) -> None:
    make_keys(root, NAME)

    for url in (root.as_uri(), (root / "public").as_uri()):
        assert open_wrapping(url) == FileWrapping(root / "public")
    for url in (root.as_uri(), (root / "private").as_uri()):
        assert open_unwrapping(url) == FileUnwrapping(root / "private")


def test_a_half_under_another_name_is_known_by_its_mark(root: Path, tmp_path: Path) -> None:
    make_keys(root, NAME)
    mounted = (root / "public").rename(tmp_path / "mnt")

    assert open_wrapping(mounted.as_uri()).new(NAME).key == "5y-2026.1"


def test_a_folder_that_is_not_there_yet_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(KeyringAway):
        open_wrapping((tmp_path / "うみ と やま").as_uri()).new(NAME)


def test_vaults_address_has_a_mount_a_namespace_and_a_token_file() -> None:
    found = open_unwrapping("vault://vault.example.jp:8200/city/transit?namespace=ns1&token_file=/run/token")

    assert found == VaultKeyring(Access("https://vault.example.jp:8200", "city/transit", "ns1", Path("/run/token")))
    assert open_wrapping("vault+http://127.0.0.1:8200") == VaultKeyring(Access("http://127.0.0.1:8200"))


def test_kmss_address_has_a_region_and_a_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    found = open_wrapping("aws-kms://ap-northeast-1/kushiro")

    assert isinstance(found, KmsKeyring)
    assert (found.client.meta.region_name, found.prefix) == ("ap-northeast-1", "kushiro")


@pytest.mark.parametrize("url", ["aws-kms:///madoguchi", "aws-kms://tokyo!", "aws-kms://ap-northeast-1?endpoint=kms"])
def test_a_kms_without_a_region_or_with_an_endpoint_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(UnknownKeyring, match="aws-kms://ap-northeast-1: "):
        open_wrapping(url)


@pytest.mark.parametrize("url", ["", "keyring", "/var/keyring", "s3://bucket", "http://vault:8200"])
def test_another_address_is_refused_with_those_there_are(url: str) -> None:
    with pytest.raises(UnknownKeyring, match=r"file://, aws-kms:// or vault://"):
        open_wrapping(url)


@pytest.mark.parametrize("url", ["file://keyring", "file://host/keyring", "file:keyring"])
def test_a_file_address_needs_its_three_slashes(url: str) -> None:
    with pytest.raises(UnknownKeyring, match="three slashes"):
        open_unwrapping(url)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(UnknownKeyring) as refused:
        open_unwrapping("vault://user:hunter2@vault.example.jp/transit")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url, package, extra",
    [("aws-kms://ap-northeast-1", "boto3", "kms"), ("vault://vault.example.jp", "hvac", "vault")],
)
def test_a_missing_library_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, url: str, package: str, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"sealing.{extra}")

    with pytest.raises(UnknownKeyring, match=rf"pip install 'madoguchi\[{extra}\]'"):
        open_wrapping(url)


def test_a_file_keyring_loads_neither_library() -> None:
    code = "import sealing.adapters, sys; print({'boto3', 'hvac', 'requests'} & set(sys.modules))"

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"
