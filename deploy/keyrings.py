"""The keys that a city needs now and soon: made ahead, so that the first application of a fiscal year finds its key."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

import cities
from sealing.folders import Folders
from sealing.keyring import EDGE
from sealing.making import make_keys, names_ahead
from services.intake.retention import read_retention


class _Retention(BaseSettings):
    """What intake is told of retention classes."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_INTAKE_")

    city: Path = Field(default=Path(cities.__path__[0]) / "kushiro")
    retention: str = "5y"


def make_ahead(keyring: Path, edge_keyring: Path, at: datetime) -> list[str]:
    """The keys of this fiscal year and the next, of every retention class of the city pack and of the edge.

    Returns the versions there are. What was destroyed is never made again.
    """
    wanted = _Retention()
    classes = sorted(read_retention(wanted.city, wanted.retention).classes())
    kept = _make(keyring, [name for each in classes for name in names_ahead(each, at)])
    return kept + _make(edge_keyring, names_ahead(EDGE, at))


def _make(root: Path, names: Sequence[str]) -> list[str]:
    return make_keys(root, *(name for name in names if not Folders(root).is_destroyed(name)))
