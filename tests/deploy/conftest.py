"""Servers of this folder's own, so that what `deploy.prepare` makes is all there is on them."""

from collections.abc import Generator

import pytest

from deploy.local import LocalSettings, Stack, reset, up
from tests.conftest import JARS


@pytest.fixture(scope="package")
def new_servers(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stack]:
    """Kafka and PostgreSQL on which nothing was made yet. They fail the run when they cannot start."""
    home = tmp_path_factory.mktemp("new-servers")
    settings = LocalSettings(home=home, jars=JARS, kafka_bootstrap=None, postgres_dsn=None, smtp_url=None)
    yield up(settings, print)
    reset(settings, print)
