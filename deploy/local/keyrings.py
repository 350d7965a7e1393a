"""The keyrings of a city on one machine: one for what the city keeps, one for what channel systems seal on their way to it.

Each service is told of the halves it may use and no others: intake seals for the city and opens for the edge; desk opens and
seals; notify and archive open; routing is told of none.
"""

from collections.abc import Mapping
from datetime import datetime

from deploy import keyrings
from deploy.local.home import Home


def make_ahead(home: Home, at: datetime) -> None:
    """The keys of a city on this machine."""
    keyrings.make_ahead(home.keyring, home.edge_keyring, at)


def addresses(home: Home, service: str) -> Mapping[str, str]:
    """The variables that tell a service of its keyrings."""
    seals, opens = (home.keyring / "public").as_uri(), (home.keyring / "private").as_uri()
    told = {
        "intake": {"KEYRING": seals, "EDGE_KEYRING": (home.edge_keyring / "private").as_uri()},
        "desk": {"KEYRING": seals, "OPENING_KEYRING": opens},
        "notify": {"OPENING_KEYRING": opens},
    }
    return {f"MADOGUCHI_{service.upper()}_{name}": address for name, address in told.get(service, {}).items()}


def edge_address(home: Home) -> str:
    """The public half of the keyring of the edge, which channel systems are given."""
    return (home.edge_keyring / "public").as_uri()
