"""The local OpenID provider as its own process, for every test in which somebody must be known."""

import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from access.permissions import Route
from access.roles import NUMBER_HANDLER, ROLES
from deploy.local.accounts import CLIENT_ID, Accounts, LocalAccount, accounts_in
from deploy.local.ports import answers, free_port
from deploy.local.process import wait_for
from deploy.local.provider import AUDIENCE, LocalProvider, key_in

NAMES = {
    "C": "clerk",
    "A": "approver",
    "H": "chief",
    "R": "records-officer",
    "S": "system-manager",
    "U": "auditor",
    "N": NUMBER_HANDLER,
}
EVERYBODY = "CAHRSUN"
"""The roles, by the letters of the tables."""

BAD_TOKENS: dict[str, dict[str, Any]] = {
    "an ID token": {"aud": CLIENT_ID},
    "another audience": {"aud": "somebody-else"},
    "expired": {"exp": -60},
    "without end": {"exp": None},
    "not yet": {"nbf": 600},
    "another issuer": {"iss": "https://evil.example"},
}
"""Claims of tokens that the provider's key has signed and that let nobody in; instants are seconds from now."""


def routes_of(app: FastAPI) -> set[Route]:
    """The routes that a service has added to those of every service."""
    found = [route for route in app.routes if isinstance(route, APIRoute) and not route.path.startswith("/health")]
    return {(method, route.path) for route in found for method in route.methods or ()}


@dataclass(frozen=True, slots=True)
class Running:
    """A provider that runs; `twin` has its accounts and its key, to sign what it would never sign."""

    url: str
    accounts: Accounts
    twin: LocalProvider
    folder: Path

    def token(
        self, staff: str, roles: Sequence[str] = ROLES, departments: Sequence[str] = (), **claims: Any
    ) -> dict[str, str]:
        """The header of an access token; `claims` replace those that it would have, instants as seconds from now."""
        account = LocalAccount(staff, "", tuple(roles), tuple(departments))
        claims = {name: int(time.time()) + said if isinstance(said, int) else said for name, said in claims.items()}
        return {"Authorization": f"Bearer {self.twin.signed(account, {'aud': AUDIENCE} | claims, 'at+jwt')}"}


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    folder, port = tmp_path_factory.mktemp("identity"), free_port()
    accounts, url = accounts_in(folder), f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "deploy.local.provider", "--folder", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, cwd=Path(__file__).parents[1])
    assert wait_for(lambda: answers(port), seconds=60)
    yield Running(url, accounts, LocalProvider(url, accounts, key_in(folder)), folder)
    process.terminate()
    process.wait(10)
