"""Addresses of servers as people write them into variables, looked at before anybody is called by them."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s,:/@\[\]]+)(:[0-9]{1,5})?")


def _checked(dsn: SecretStr) -> SecretStr:
    """As it is. Raises ValueError, without the password, for what asyncpg cannot read."""
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


def _listed(bootstrap: str) -> str:
    """As it is. Raises ValueError for what is no list of brokers."""
    if not all(_HOST.fullmatch(host) for host in bootstrap.split(",")):
        raise ValueError("expected HOST:PORT, or several, separated by commas")
    return bootstrap


_EXPECTED = "expected postgresql://USER:…@HOST:PORT/DATABASE, whatever is no letter or digit in it percent-encoded"

Dsn = Annotated[SecretStr, AfterValidator(_checked)]
Bootstrap = Annotated[str, AfterValidator(_listed)]
Port = Annotated[int, Field(ge=1, le=65535)]
