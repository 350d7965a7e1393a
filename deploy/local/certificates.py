"""A certificate authority of this folder's own, and the certificate by which Kafka shows that it is the one meant.

Made on the first start, and again before it ends. The authority can sign for this machine's loopback names and no other (RFC 5280
§4.2.1.10): whoever trusts its certificate everywhere has not let anybody pretend to be another host.
"""

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from deploy.local.home import Certificates, certificates_in
from deploy.local.process import write_private

AUTHORITY_DAYS = 3650
SERVER_DAYS = 397
RENEW_DAYS = 90
"""A start this near to the end, or after it, makes another: a city that runs a year is started once in a while."""

HOSTS = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
_OURS = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_network("127.0.0.0/8")))
_SKEW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A private key and the certificate for it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def pem(self) -> bytes:
        """Both, as Kafka's PEM key store has them: PKCS #8, then the certificate."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return key + self.certificate.public_bytes(Encoding.PEM)


def ensure(folder: Path, now: datetime) -> Certificates:
    """The files, made or renewed where that is due."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = certificates_in(folder)
    authority = _read(files.signing)
    if authority is None or _ends_within(authority.certificate, now, SERVER_DAYS + RENEW_DAYS):
        authority = _authority(now)
        write_private(files.signing, authority.pem())
    write_private(files.authority, authority.certificate.public_bytes(Encoding.PEM))
    server = _read(files.server)
    if server is None or _ends_within(server.certificate, now, RENEW_DAYS) or not _is_signed(server, authority):
        write_private(files.server, _server(authority, now).pem())
    return files


def end_of(folder: Path) -> datetime | None:
    """When the server's certificate ends; None when there is none."""
    server = _read(certificates_in(folder).server)
    return server.certificate.not_valid_after_utc if server else None


def _read(path: Path) -> Pair | None:
    """What a file holds; None when it is not there or is damaged, which a new one mends."""
    try:
        content = path.read_bytes()
        key, certificate = load_pem_private_key(content, None), x509.load_pem_x509_certificate(content)
    except (FileNotFoundError, ValueError):
        return None
    return Pair(key, certificate) if isinstance(key, ec.EllipticCurvePrivateKey) else None


def _ends_within(certificate: x509.Certificate, now: datetime, days: int) -> bool:
    return certificate.not_valid_after_utc < now + timedelta(days=days)


def _is_signed(server: Pair, authority: Pair) -> bool:
    try:
        server.certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, InvalidSignature):
        return False
    return True


def _authority(now: datetime) -> Pair:
    key, name = ec.generate_private_key(ec.SECP256R1()), _name("Madoguchi, this machine")
    ours = x509.NameConstraints(permitted_subtrees=_OURS, excluded_subtrees=None)
    builder = (
        _certificate(name, name, key, now, AUTHORITY_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(ours, critical=True)
    )
    return Pair(key, builder.sign(key, hashes.SHA256()))


def _server(authority: Pair, now: datetime) -> Pair:
    key, issuer = ec.generate_private_key(ec.SECP256R1()), authority.certificate.subject
    public = authority.key.public_key()
    builder = (
        _certificate(_name("Kafka"), issuer, key, now, SERVER_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(HOSTS), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )
    return Pair(key, builder.sign(authority.key, hashes.SHA256()))


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, days: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(words: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
