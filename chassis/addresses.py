"""The address of a database as people write it into a variable, looked at before anybody is called by it."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr


def _checked(dsn: SecretStr) -> SecretStr:
    """As it is. Raises ValueError, without the password, for what asyncpg cannot read; its own words would quote part of it."""
    try:
        parts = urlsplit(dsn.get_secret_value())
        ports = [host.rpartition(":")[2] for host in parts.netloc.rpartition("@")[2].split(",") if _has_port(host)]
    except ValueError:
        raise ValueError(_EXPECTED) from None
    if parts.scheme not in ("postgresql", "postgres") or not all(port.isascii() and port.isdigit() for port in ports):
        raise ValueError(_EXPECTED)
    return dsn


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


_EXPECTED = "expected postgresql://USER:…@HOST:PORT/DATABASE, whatever is no letter or digit in it percent-encoded"

Dsn = Annotated[SecretStr, AfterValidator(_checked)]
