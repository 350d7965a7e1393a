import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from deploy.local import certificates
from deploy.local.certificates import RENEW_DAYS, SERVER_DAYS
from deploy.local.home import Certificates, certificates_in

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
OWNER_ONLY = 0o600


def contents(files: Certificates) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (files.authority, files.signing, files.server)}


def server_of(files: Certificates) -> x509.Certificate:
    return x509.load_pem_x509_certificate(files.server.read_bytes())


def test_what_was_made_stays_until_it_nears_its_end_and_then_the_authority_signs_another(tmp_path: Path) -> None:
    first = contents(certificates.ensure(tmp_path, NOW))

    again = contents(certificates.ensure(tmp_path, NOW + timedelta(days=SERVER_DAYS - RENEW_DAYS - 1)))
    later = contents(certificates.ensure(tmp_path, NOW + timedelta(days=SERVER_DAYS - RENEW_DAYS + 1)))

    assert again == first
    assert later["kafka.pem"] != first["kafka.pem"]
    assert later["ca.pem"] == first["ca.pem"]  # whoever was given it need not be given another


def test_an_authority_that_ends_before_what_it_would_sign_is_made_anew(tmp_path: Path) -> None:
    first = contents(certificates.ensure(tmp_path, NOW))

    late = NOW + timedelta(days=certificates.AUTHORITY_DAYS - SERVER_DAYS)
    files = certificates.ensure(tmp_path, late)

    assert contents(files)["ca.pem"] != first["ca.pem"]
    authority = x509.load_pem_x509_certificate(files.authority.read_bytes())
    server_of(files).verify_directly_issued_by(authority)
    assert authority.not_valid_after_utc > server_of(files).not_valid_after_utc


@pytest.mark.parametrize("name", ["ca-key.pem", "kafka.pem"])
@pytest.mark.parametrize("damage", [b"", b"nothing of the kind"])
def test_a_file_that_is_damaged_or_of_another_authority_is_made_anew(tmp_path: Path, name: str, damage: bytes) -> None:
    certificates.ensure(tmp_path, NOW)
    (tmp_path / name).write_bytes(damage)

    files = certificates.ensure(tmp_path, NOW)

    server_of(files).verify_directly_issued_by(x509.load_pem_x509_certificate(files.authority.read_bytes()))


def test_only_their_owner_may_read_the_keys(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        files = certificates.ensure(tmp_path / "certificates", NOW)
    finally:
        os.umask(before)

    assert (tmp_path / "certificates").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in (files.signing, files.server)} == {OWNER_ONLY}
    assert b"PRIVATE" not in files.authority.read_bytes()


def test_whoever_trusts_the_authority_has_not_let_anybody_pretend_to_be_another_host(tmp_path: Path) -> None:
    authority = x509.load_pem_x509_certificate(certificates.ensure(tmp_path, NOW).authority.read_bytes())

    found = authority.extensions.get_extension_for_class(x509.NameConstraints)

    assert found.critical
    assert found.value.permitted_subtrees == [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")),
    ]
    assert ssl.create_default_context(cafile=str(certificates_in(tmp_path).authority)).cert_store_stats() == {
        "x509": 1,
        "crl": 0,
        "x509_ca": 1,
    }
