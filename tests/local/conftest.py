from collections.abc import Generator
from pathlib import Path

import pytest

from deploy.local import LocalSettings, Stack, down, up

JARS = Path(__file__).parents[2] / ".madoguchi" / "jars"
"""Shared with the developer's own servers, so that a test run downloads nothing a second time."""


def silent(_line: str) -> None:
    pass


def settings_in(home: Path) -> LocalSettings:
    return LocalSettings(home=home, jars=JARS, kafka_bootstrap=None, postgres_dsn=None, smtp_url=None)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Generator[LocalSettings]:
    settings = settings_in(tmp_path_factory.mktemp("home"))
    yield settings
    down(settings, silent)


@pytest.fixture
def stack(settings: LocalSettings) -> Stack:
    return up(settings, silent)
