"""Keyrings of real files."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sealing.keyring import JST

NAME = "5y-2026"
NOW = datetime(2032, 4, 1, 9, 30, tzinfo=JST)
LATER = NOW + timedelta(hours=2)
PASSPHRASE = "馬の背に朝の霧 four words"
REASON = "保存期間（5年）が満了したため。"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "keyring"


def files(root: Path) -> dict[str, bytes]:
    """Every file of a keyring but its lock, by path."""
    found = (file for file in sorted(root.rglob("*")) if file.is_file() and file.name != "lock")
    return {str(file.relative_to(root)): file.read_bytes() for file in found}
