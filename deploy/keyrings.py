"""The keys that a city needs now and soon: made ahead, so that the first application of a fiscal year finds its key."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

import cities
from chassis import database
from deploy.databases import ServiceDatabase, within
from sealing.errors import KeyringRefusal
from sealing.folders import Folders, version_of
from sealing.keyring import EDGE, number_class
from sealing.making import make_keys, names_ahead
from services.intake.legal_bases import read_legal_bases
from services.intake.retention import read_retention


class _Retention(BaseSettings):
    """What intake is told of retention classes."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_INTAKE_")

    city: Path = Field(default=Path(cities.__path__[0]) / "kushiro")
    retention: str = "5y"


_WRAPPING = {"desk": "SELECT key FROM index_key", "intake": "SELECT key FROM digest_key"}


@dataclass(frozen=True, slots=True)
class Keyrings:
    """The folders of a city's file keyrings; without `numbers` the city collects no Individual Numbers."""

    city: Path
    edge: Path
    numbers: Path | None


async def require_known(keyrings: Keyrings, admin_dsn: str, databases: Collection[ServiceDatabase]) -> None:
    """Nothing, when the keyrings hold every key by which these databases had something wrapped.

    One that does not is another: a volume that is not mounted, an empty folder after a loss. Keys of the same names, made anew in
    it, would seal what the real ones never open. Raises KeyringRefusal.
    """
    held = {"desk": Folders(keyrings.city), "intake": Folders(keyrings.edge)}
    for found in databases:
        if (folders := held.get(found.service)) and (lost := _lost(folders, await _wrapping(admin_dsn, found))):
            raise KeyringRefusal(
                f"{folders.root} does not hold {', '.join(lost)}, by which keys in the database {found.name} are wrapped: is the volume "
                "mounted? Nothing was made in it. A keyring that is lost is brought back by `madoguchi keys restore FILE`; without a "
                "back-up what it sealed stays closed, and only empty databases go with a new one."
            )


def _lost(folders: Folders, versions: Iterable[str]) -> list[str]:
    names = {version: version_of(version) for version in versions}
    return sorted(
        version
        for version, (name, number) in names.items()
        if number not in folders.versions(name) and not folders.is_destroyed(name)
    )


async def _wrapping(admin_dsn: str, found: ServiceDatabase) -> set[str]:
    """The versions of keys by which a service has wrapped keys of its own."""
    connection = await database.connect(within(admin_dsn, found.name))
    try:
        return {row[0] for row in await connection.fetch(_WRAPPING[found.service])}
    finally:
        await database.close(connection)


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
