"""The keyrings of a city on one machine: one for what the city keeps, one for what channel systems seal on their way to it.

Each service is told of the halves it may use and no others: intake seals for the city and opens for the edge; desk opens and
seals; notify and archive open; routing is told of none.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

import cities
from deploy.local.home import Home
from sealing.folders import Folders
from sealing.keyring import EDGE
from sealing.making import make_keys, names_ahead
from services.intake.retention import read_retention


class _Retention(BaseSettings):
    """What intake is told of retention classes."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_INTAKE_")

    city: Path = Field(default=Path(cities.__path__[0]) / "kushiro")
    retention: str = "5y"


def make_ahead(home: Home, at: datetime) -> None:
    """The keys of this fiscal year and the next, of every retention class of the city pack and of the edge."""
    wanted = _Retention()
    classes = sorted(read_retention(wanted.city, wanted.retention).classes())
    _make(home.keyring, [name for each in classes for name in names_ahead(each, at)])
    _make(home.edge_keyring, names_ahead(EDGE, at))


def _make(root: Path, names: Sequence[str]) -> None:
    """One that was destroyed is never made again."""
    make_keys(root, *(name for name in names if not Folders(root).is_destroyed(name)))


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
