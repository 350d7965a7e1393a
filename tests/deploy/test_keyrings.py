"""Keys are made ahead of the fiscal year, each class in the keyring of who may use it."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.databases import ServiceDatabase, within
from deploy.keyrings import Keyrings, make_ahead, require_known
from sealing.back_ups import back_up, restore
from sealing.errors import KeyringRefusal
from sealing.files import FileWrapping
from sealing.folders import Folders
from sealing.making import make_keys, rotate
from tests.conftest import FreshDatabase, database_for
from tests.sealing.conftest import PASSPHRASE

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def test_individual_numbers_have_keys_in_a_keyring_of_their_own(tmp_path: Path) -> None:
    city, edge, numbers = (tmp_path / name for name in ("city", "edge", "numbers"))

    make_ahead(Keyrings(city, edge, numbers), NOW)

    assert Folders(city).names() == ["5y-2026", "5y-2027"]
    assert Folders(edge).names() == ["edge-2026", "edge-2027"]
    assert Folders(numbers).names() == ["number5y-2026", "number5y-2027"]


def test_a_city_that_collects_no_numbers_has_no_key_for_any(tmp_path: Path) -> None:
    made = make_ahead(Keyrings(tmp_path / "city", tmp_path / "edge", None), NOW)

    assert not [version for version in made if version.startswith("number")]


async def test_an_empty_folder_in_the_keyrings_place_is_not_filled_with_keys_of_the_same_names(
    tmp_path: Path, postgres: str, fresh_database: FreshDatabase
) -> None:
    keyrings = Keyrings(tmp_path / "city", tmp_path / "edge", None)
    make_ahead(keyrings, NOW)
    desk, intake = [await database_of(name, fresh_database) for name in ("desk", "intake")]
    await wrap(postgres, desk, "index_key", keyrings.city, "5y-2026")
    await wrap(postgres, intake, "digest_key", keyrings.edge, "edge-2026")
    await require_known(keyrings, postgres, (desk, intake))

    for folder, lost in ((keyrings.city, "5y-2026.1"), (keyrings.edge, "edge-2026.1")):
        folder.rename(tmp_path / "elsewhere")
        with pytest.raises(KeyringRefusal, match=f"{folder} does not hold {lost}, .* is the volume mounted"):
            await require_known(keyrings, postgres, (desk, intake))
        assert not folder.exists()
        (tmp_path / "elsewhere").rename(folder)


@pytest.mark.parametrize("left", ["public", "private", "others"])
async def test_a_keyring_that_does_not_open_what_was_wrapped_is_another(
    tmp_path: Path, postgres: str, fresh_database: FreshDatabase, left: str
) -> None:
    """Either half may be a volume of its own; and keys of the same names are soon made anew by hand."""
    keyrings, desk = await used(tmp_path, postgres, fresh_database)
    if left != "public":
        shutil.rmtree(keyrings.city / "public")
    if left != "private":
        shutil.rmtree(keyrings.city / "private")
    if left == "others":
        make_keys(keyrings.city, "5y-2026")

    if left == "private":
        await require_known(keyrings, postgres, (desk,))
    else:
        with pytest.raises(KeyringRefusal, match=r"does not hold 5y-2026\.1, .* or another key of that name"):
            await require_known(keyrings, postgres, (desk,))


async def test_a_rotation_and_a_restored_back_up_leave_it_the_same_keyring(
    tmp_path: Path, postgres: str, fresh_database: FreshDatabase
) -> None:
    keyrings, desk = await used(tmp_path, postgres, fresh_database)
    rotate(keyrings.city, "5y-2026")
    await require_known(keyrings, postgres, (desk,))
    back_up(keyrings.city, tmp_path / "back-up", PASSPHRASE, NOW)
    shutil.rmtree(keyrings.city)
    restore(keyrings.city, tmp_path / "back-up", PASSPHRASE)

    await require_known(keyrings, postgres, (desk,))


async def test_a_key_that_others_may_read_is_said_with_what_to_do(
    tmp_path: Path, postgres: str, fresh_database: FreshDatabase
) -> None:
    keyrings, desk = await used(tmp_path, postgres, fresh_database)
    file = keyrings.city / "private" / "5y-2026.1.key"
    file.chmod(0o644)

    with pytest.raises(KeyringRefusal, match=f"chmod 600 {file}"):
        await require_known(keyrings, postgres, (desk,))


async def test_a_key_that_was_destroyed_is_not_missed(
    tmp_path: Path, postgres: str, fresh_database: FreshDatabase
) -> None:
    keyrings, desk = await used(tmp_path, postgres, fresh_database)
    folders = Folders(keyrings.city)
    for half in (folders.public / "5y-2026.1.pub", folders.private / "5y-2026.1.key"):
        half.unlink()
    folders.certificate("5y-2026").write_text("{}")

    await require_known(keyrings, postgres, (desk,))


async def used(folder: Path, postgres: str, fresh_database: FreshDatabase) -> tuple[Keyrings, ServiceDatabase]:
    """A city's keyrings, and the database of its desk, which has wrapped something by one of them."""
    keyrings = Keyrings(folder / "city", folder / "edge", None)
    make_ahead(keyrings, NOW)
    desk = await database_of("desk", fresh_database)
    await wrap(postgres, desk, "index_key", keyrings.city, "5y-2026")
    return keyrings, desk


async def database_of(service: str, fresh_database: FreshDatabase) -> ServiceDatabase:
    package = f"services.{service}"
    dsn = await fresh_database("chassis", package)
    return replace(database_for((package,)), name=urlsplit(dsn).path[1:])


async def wrap(postgres: str, found: ServiceDatabase, table: str, keyring: Path, name: str) -> None:
    made = FileWrapping(keyring / "public").new(name)
    connection = await asyncpg.connect(within(postgres, found.name))
    await connection.execute(
        f"INSERT INTO {table} (name, key, wrapped) VALUES ($1, $2, $3)", name, made.key, made.wrapped
    )
    await connection.close()
