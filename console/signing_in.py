"""Signing in at the desk with an account of the local provider, the way that a browser does."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from html import unescape
from http import HTTPStatus

import httpx

from console.city import City
from console.errors import Trouble
from console.plain import PLAIN
from deploy.local.accounts import LocalAccount, accounts_in

_HIDDEN = re.compile(r'<input type="hidden" name="([^"]*)" value="([^"]*)">')


@asynccontextmanager
async def signed_in(city: City, staff: str) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the desk with a session. Raises Trouble when there is no such account."""
    async with client_of(city) as desk:
        await sign_in(city, desk, staff)
        yield desk


def client_of(city: City) -> httpx.AsyncClient:
    """A client of the desk that says where it comes from, as a browser does."""
    url = city.service("desk").url
    return httpx.AsyncClient(base_url=url, timeout=30, headers={"Origin": url}, verify=PLAIN)


async def sign_in(city: City, desk: httpx.AsyncClient, staff: str) -> None:
    """Begin a session; the client keeps its cookie."""
    account = account_of(city, staff)
    page = await desk.get("/login", follow_redirects=True)
    form = hidden_in(page.raise_for_status().text) | {"staff": account.staff, "password": account.password}
    back = await desk.post(str(page.url.copy_with(query=None)), data=form)
    if back.status_code != HTTPStatus.SEE_OTHER:
        raise Trouble(f"The provider did not let {staff!r} in: `madoguchi down`, then `madoguchi up`, and try again.")
    (await desk.get(back.headers["location"], follow_redirects=True)).raise_for_status()


def account_of(city: City, staff: str) -> LocalAccount:
    """An account of the local provider. Raises Trouble when there is none of that name, or the provider is your own."""
    known = accounts_in(city.home.identity) if (city.home.identity / "accounts.json").exists() else None
    if known is None or known.client_secret != city.sign_in["oidc_client_secret"]:
        raise Trouble("The provider is your own: fetch a token there, and set MADOGUCHI_TOKEN to it.")
    account = known.named(staff)
    if account is None:
        raise Trouble(f"There is no account {staff!r} with the local provider: `madoguchi up` prints those there are.")
    return account


def hidden_in(page: str) -> dict[str, str]:
    """What a login page sends back beside name and password."""
    return {name: unescape(value) for name, value in _HIDDEN.findall(page)}
