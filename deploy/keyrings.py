"""The keys that a city needs now and soon: made ahead, so that the first application of a fiscal year finds its key."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

import cities
from sealing.folders import Folders
from sealing.keyring import EDGE, number_class
from sealing.making import make_keys, names_ahead
from services.intake.legal_bases import read_legal_bases
from services.intake.retention import read_retention


class _Retention(BaseSettings):
    """What intake is told of retention classes."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_INTAKE_")

    city: Path = Field(default=Path(cities.__path__[0]) / "kushiro")
    retention: str = "5y"


@dataclass(frozen=True, slots=True)
class Keyrings:
    """The folders of a city's file keyrings; without `numbers` the city collects no Individual Numbers."""

    city: Path
    edge: Path
    numbers: Path | None


def make_ahead(keyrings: Keyrings, at: datetime) -> list[str]:
    """The keys of this fiscal year and the next: of every retention class of the city pack, of its Individual Numbers, of the edge.

    Returns the versions there are. What was destroyed is never made again.
    """
    wanted = _Retention()
    retention, bases = read_retention(wanted.city, wanted.retention), read_legal_bases(wanted.city)
    made = [*_make(keyrings.city, retention.classes(), at), *_make(keyrings.edge, [EDGE], at)]
    if keyrings.numbers is None:
        return made
    return made + _make(keyrings.numbers, {number_class(retention.of(code)) for code in bases.by_procedure}, at)


def _make(root: Path, classes: Iterable[str], at: datetime) -> list[str]:
    names = [name for each in sorted(classes) for name in names_ahead(each, at)]
    return make_keys(root, *(name for name in names if not Folders(root).is_destroyed(name)))
