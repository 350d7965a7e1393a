"""Keys are made ahead of the fiscal year, each class in the keyring of who may use it."""

from datetime import UTC, datetime
from pathlib import Path

from deploy.keyrings import Keyrings, make_ahead
from sealing.folders import Folders

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
