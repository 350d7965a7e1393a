"""A desk whose staff sign in with the local provider."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from chassis import database, http
from chassis.commands import Commands
from chassis.pulse import Pulse
from console.plain import PLAIN
from console.signing_in import hidden_in
from deploy.local.accounts import CLIENT_ID
from sealing.opener import Opener
from sealing.sealer import Sealer
from services.desk.api import add_routes
from services.desk.index_keys import IndexKeys
from services.desk.seals import Seals
from services.desk.settings import Settings
from tests.conftest import FreshDatabase
from tests.keyring import MemoryKeyring
from tests.provider import Running

ORIGIN = "http://localhost:8083"


@dataclass(slots=True)
class Visitor:
    """A browser before the desk and its provider."""

    desk: httpx.AsyncClient
    provider: Running

    async def log_in(self, staff: str = "clerk", password: str | None = None, then: str = "/v1/me") -> httpx.Response:
        """From the desk's /login to the provider's answer to the form."""
        account = self.provider.accounts.named(staff)
        away = await self.desk.get("/login", params={"then": then})
        async with httpx.AsyncClient(timeout=30, verify=PLAIN) as outside:
            page = await outside.get(away.headers["location"])
            form = hidden_in(page.text) | {
                "staff": staff,
                "password": password or (account.password if account else ""),
            }
            return await outside.post(f"{self.provider.url}/authorize", data=form)

    async def sign_in(self, staff: str = "clerk", **also: Any) -> httpx.Response:
        """The whole way; the answer of /callback."""
        return await self.desk.get((await self.log_in(staff, **also)).headers["location"])


def settings_of(dsn: str, provider: Running, **changed: Any) -> Settings:
    """A desk's, at ORIGIN unless changed."""
    return Settings.model_validate(
        {
            "kafka_bootstrap": "none:1",
            "postgres_dsn": dsn,
            "keyring": "memory:",
            "opening_keyring": "memory:",
            "oidc_issuer": provider.url,
            "oidc_client_id": CLIENT_ID,
            "oidc_client_secret": provider.accounts.client_secret,
            "public_url": ORIGIN,
        }
        | changed
    )


@asynccontextmanager
async def visiting(dsn: str, provider: Running, **changed: Any) -> AsyncGenerator[Visitor]:
    settings = settings_of(dsn, provider, **changed)
    city = MemoryKeyring()
    pool = await database.make_pool(dsn, 2)
    app = http.make_app("desk", Pulse(60))
    seals = Seals(Sealer(city), Opener(city), IndexKeys(city, city), "5y")
    add_routes(app, Commands("/desk", pool, lambda: None), settings, seals)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=settings.origin, headers={"Origin": ORIGIN}) as client:
        yield Visitor(client, provider)
    await pool.close()


@pytest.fixture
async def desk_dsn(fresh_database: FreshDatabase) -> str:
    return await fresh_database("chassis", "services.desk")


@pytest.fixture
async def visitor(desk_dsn: str, provider: Running) -> AsyncGenerator[Visitor]:
    async with visiting(desk_dsn, provider) as visitor:
        yield visitor
