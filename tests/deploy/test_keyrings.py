"""Keys are made ahead of the fiscal year, each class in the keyring of who may use it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.databases import ServiceDatabase, within
from deploy.keyrings import Keyrings, make_ahead, require_known
from sealing.errors import KeyringRefusal
from sealing.folders import Folders
from tests.conftest import FreshDatabase, database_for

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
    desk, intake = [
        replace(
            database_for((f"services.{name}",)),
            name=urlsplit(await fresh_database("chassis", f"services.{name}")).path[1:],
        )
        for name in ("desk", "intake")
    ]
    await wrap(postgres, desk, "index_key", "5y-2026")
    await wrap(postgres, intake, "digest_key", "edge-2026")
    await require_known(keyrings, postgres, (desk, intake))

    for folder, lost in ((keyrings.city, "5y-2026.1"), (keyrings.edge, "edge-2026.1")):
        folder.rename(tmp_path / "elsewhere")
        with pytest.raises(KeyringRefusal, match=f"{folder} does not hold {lost}, .* is the volume mounted"):
            await require_known(keyrings, postgres, (desk, intake))
        assert not folder.exists()
        (tmp_path / "elsewhere").rename(folder)


async def test_a_key_that_was_destroyed_is_not_missed(
    tmp_path: Path, postgres: str, fresh_database: FreshDatabase
) -> None:
    keyrings = Keyrings(tmp_path / "city", tmp_path / "edge", None)
    make_ahead(keyrings, NOW)
    dsn = await fresh_database("chassis", "services.desk")
    desk = replace(database_for(("services.desk",)), name=urlsplit(dsn).path[1:])
    await wrap(postgres, desk, "index_key", "5y-2026")
    folders = Folders(keyrings.city)
    for half in (folders.public / "5y-2026.1.pub", folders.private / "5y-2026.1.key"):
        half.unlink()
    folders.certificate("5y-2026").write_text("{}")

    await require_known(keyrings, postgres, (desk,))


async def wrap(postgres: str, found: ServiceDatabase, table: str, name: str) -> None:
    connection = await asyncpg.connect(within(postgres, found.name))
    await connection.execute(f"INSERT INTO {table} (name, key, wrapped) VALUES ($1, $2, $3)", name, f"{name}.1", b"x")
    await connection.close()
