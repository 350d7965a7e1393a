"""Addresses of servers as people write them into variables, looked at before anybody is called by them."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s,:/@\[\]]+)(:[0-9]{1,5})?")


def _listed(bootstrap: str) -> str:
    """As it is. Raises ValueError for what is no list of brokers."""
    if not all(_HOST.fullmatch(host) for host in bootstrap.split(",")):
        raise ValueError("expected HOST:PORT, or several, separated by commas")
    return bootstrap


Bootstrap = Annotated[str, AfterValidator(_listed)]
Port = Annotated[int, Field(ge=1, le=65535)]
