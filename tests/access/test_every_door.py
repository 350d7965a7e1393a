"""No route of any service is open but those named here, each with its reason. A new route without a lock turns this red."""

import importlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Route

from access.browsers import BY_THE_PROVIDER, PUBLIC
from chassis import http
from chassis.commands import Commands
from chassis.pulse import Pulse
from deploy.grants import SERVICES
from tests.desk.conftest import ORIGIN

OPEN: Mapping[tuple[str, str], str] = {
    ("GET", "/health/live"): "a supervisor asks it, and it says no more than that loops turn",
    ("GET", "/health/ready"): "a supervisor asks it, and it names what is waited for",
    ("GET", "/openapi.json"): "what can be asked is no secret: vendors read it before they have a key",
    ("HEAD", "/openapi.json"): "the same without its body",
}
"""Of every service."""

FURTHER: Mapping[str, Mapping[tuple[str, str], str]] = {
    "desk": {
        **dict.fromkeys(PUBLIC, "for whoever is not signed in yet, or no more: tests/access/test_signing_in.py"),
        **dict.fromkeys(
            BY_THE_PROVIDER, "asks for a token that the provider signed: tests/access/test_back_channel.py"
        ),
    },
    "intake": {("POST", "/v1/token"): "asks for the key itself, as RFC 6749 has it: tests/intake/test_door.py"},
}

TABLES = ("desk", "routing", "archive")
"""The services whose staff have a table of permissions."""

_NO_POOL: Any = None
_ID = "019bd905-e1c0-7343-9906-35d7675badd5"


def built(service: str, folder: Path) -> FastAPI:
    """A service's application as it is put together, with neither servers nor database."""
    settings = importlib.import_module(f"services.{service}.settings").Settings
    told = {
        "kafka_bootstrap": "none:1",
        "postgres_dsn": "postgresql://none",
        "smtp_url": "smtp://none:1",
        **dict.fromkeys(("keyring", "edge_keyring", "opening_keyring"), f"file://{folder}"),
        "oidc_issuer": "http://127.0.0.1:1",
        "oidc_client_id": "madoguchi-desk",
        "oidc_client_secret": "a secret of the tests",
        "public_url": ORIGIN,
    }
    fields = {name: value for name, value in told.items() if name in settings.model_fields}
    app = http.make_app(service, Pulse(60))
    found = importlib.import_module(f"services.{service}.app").build(settings.model_validate(fields))
    found.add_routes(app, Commands(f"/{service}", _NO_POOL, lambda: None))
    return app


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every route, of whatever kind: what is none that we know (a mount, a WebSocket) fails here and must be thought about."""
    for route in app.routes:
        assert isinstance(route, Route), route
        yield from ((method, route.path) for method in sorted(route.methods or ()))


@pytest.mark.parametrize("service", SERVICES)
async def test_every_route_asks_who_is_there_but_those_with_a_reason(service: str, tmp_path: Path) -> None:
    app = built(service, tmp_path)
    let_through: dict[tuple[str, str], int] = {}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=ORIGIN, headers={"Origin": ORIGIN}
    ) as client:
        for method, path in set(routes(app)) - OPEN.keys() - FURTHER.get(service, {}).keys():
            answer = await client.request(method, re.sub(r"{\w+}", _ID, path))
            if answer.status_code != 401:
                let_through[method, path] = answer.status_code

    assert let_through == {}


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_open_is_there(service: str, tmp_path: Path) -> None:
    """Else the list would hold a door open for whoever takes the name."""
    assert {*OPEN, *FURTHER.get(service, {})} <= set(routes(built(service, tmp_path)))


@pytest.mark.parametrize("service", TABLES)
def test_every_route_of_staff_is_in_the_table_and_nothing_else(service: str, tmp_path: Path) -> None:
    table = importlib.import_module(f"services.{service}.permissions").PERMISSIONS

    assert set(routes(built(service, tmp_path))) - OPEN.keys() - FURTHER.get(service, {}).keys() == set(table)


@pytest.mark.parametrize("service", SERVICES)
async def test_nobody_has_a_body_read_before_they_have_said_who_they_are(service: str, tmp_path: Path) -> None:
    app = built(service, tmp_path)
    posts = [
        path for method, path in routes(app) if method == "POST" and (method, path) not in FURTHER.get(service, {})
    ]
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=ORIGIN, headers={"Origin": ORIGIN}
    ) as client:
        answers = [
            await client.post(re.sub(r"{\w+}", _ID, path), content=b"{", headers={"Content-Type": "application/json"})
            for path in posts
        ]

    assert [answer.status_code for answer in answers] == [401] * len(posts)
