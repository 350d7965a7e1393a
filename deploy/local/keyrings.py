"""The keyrings of a city on one machine: for what the city keeps, for what channel systems seal on their way to it, for Individual Numbers.

Each service is told of the halves it may use and no others: intake seals for the city and has both halves of the edge's; desk opens and
seals; notify and archive open; routing is told of none. Individual Numbers are sealed by intake and opened by desk.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from deploy.local.home import Home

if TYPE_CHECKING:
    from deploy.databases import ServiceDatabase
    from deploy.keyrings import Keyrings


def make_ahead(home: Home, at: datetime) -> None:
    """The keys of a city on this machine."""
    from deploy import keyrings  # what makes keys is loaded by who makes them, not by every command

    keyrings.make_ahead(_of(home), at)


async def require_known(home: Home, admin_dsn: str, databases: Collection["ServiceDatabase"]) -> None:
    """See `deploy.keyrings`."""
    from deploy import keyrings

    await keyrings.require_known(_of(home), admin_dsn, databases)


def _of(home: Home) -> "Keyrings":
    from deploy.keyrings import Keyrings

    return Keyrings(home.keyring, home.edge_keyring, home.number_keyring)


def addresses(home: Home, service: str) -> Mapping[str, str]:
    """What a service is told of its keyrings, by the names of its settings."""
    seals, opens = (home.keyring / "public").as_uri(), (home.keyring / "private").as_uri()
    told = {
        "intake": {
            "keyring": seals,
            "edge_keyring": home.edge_keyring.as_uri(),
            "number_keyring": (home.number_keyring / "public").as_uri(),
        },
        "desk": {
            "keyring": seals,
            "opening_keyring": opens,
            "number_keyring": (home.number_keyring / "private").as_uri(),
        },
        "notify": {"opening_keyring": opens},
    }
    return told.get(service, {})


def edge_address(home: Home) -> str:
    """The public half of the keyring of the edge, which channel systems are given."""
    return (home.edge_keyring / "public").as_uri()
