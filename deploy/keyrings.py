"""The keys that a city needs now and soon: made ahead, so that the first application of a fiscal year finds its key."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

import cities
from chassis import database
from deploy.databases import ServiceDatabase, within
from sealing.errors import KeyringAway, KeyringRefusal, SealingError
from sealing.files import unwrapped
from sealing.folders import Folders, version_of, versions
from sealing.keyring import EDGE, number_class
from sealing.making import make_keys, names_ahead
from services.intake.legal_bases import read_legal_bases
from services.intake.retention import read_retention


class _Retention(BaseSettings):
    """What intake is told of retention classes."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_INTAKE_")

    city: Path = Field(default=Path(cities.__path__[0]) / "kushiro")
    retention: str = "5y"


_WRAPPED = {"desk": "SELECT key, wrapped FROM index_key", "intake": "SELECT key, wrapped FROM digest_key"}


@dataclass(frozen=True, slots=True)
class Keyrings:
    """The folders of a city's file keyrings; without `numbers` the city collects no Individual Numbers."""

    city: Path
    edge: Path
    numbers: Path | None


async def require_known(keyrings: Keyrings, admin_dsn: str, databases: Collection[ServiceDatabase]) -> None:
    """Nothing, when the keyrings open everything that these databases had wrapped by a key that is not destroyed.

    One that does not is another: a volume that is not mounted, its opening half alone neither, an empty folder after a loss, keys of the
    same names that were made anew. What is made in it would seal what the real one never opens. Raises KeyringRefusal.
    """
    held = {"desk": Folders(keyrings.city), "intake": Folders(keyrings.edge)}
    for found in databases:
        if (folders := held.get(found.service)) and (lost := _lost(folders, await _wrapped(admin_dsn, found))):
            raise KeyringRefusal(
                f"{folders.root} does not hold {', '.join(lost)}, by which keys in the database {found.name} are wrapped, or another key "
                "of that name: is the volume mounted, and the right one? Nothing was made in it. A keyring that is lost is brought back by "
                "`madoguchi keys restore FILE`; without a back-up what it sealed stays closed, and only empty databases go with a new one."
            )


def _lost(folders: Folders, wrapped: Mapping[str, bytes]) -> list[str]:
    return sorted(version for version, secret in wrapped.items() if not _is_known(folders, version, secret))


def _is_known(folders: Folders, version: str, wrapped: bytes) -> bool:
    """Whether a version is the one that wrapped this, or was destroyed. Raises KeyringRefusal for a file that a person must mend first."""
    name, number = version_of(version)
    if folders.is_destroyed(name):
        return True
    if number not in versions(folders.private, name):
        return False
    try:
        return bool(unwrapped(folders.private, version, wrapped))
    except (SealingError, FileNotFoundError):
        return folders.is_destroyed(name)  # since we looked
    except KeyringAway as error:
        raise KeyringRefusal(str(error)) from error


async def _wrapped(admin_dsn: str, found: ServiceDatabase) -> dict[str, bytes]:
    """What a service has wrapped, by the version of the key that did."""
    connection = await database.connect(within(admin_dsn, found.name))
    try:
        return {row["key"]: row["wrapped"] for row in await connection.fetch(_WRAPPED[found.service])}
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
