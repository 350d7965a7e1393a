"""Access tokens for programs: of the local provider, by the way that RFC 8252 has for programs of a person (code and PKCE)."""

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import click
from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from access.settings import Vouching
from console.city import City
from console.errors import Trouble
from console.helping import example
from console.plain import PLAIN

if TYPE_CHECKING:
    from httpx import Client

    from deploy.local.accounts import LocalAccount

SECONDS = 30


class ProviderSettings(Vouching, BaseSettings):
    """Who vouches for the people at this command: `MADOGUCHI_OIDC_…`, as services have it."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_", extra="ignore")


class TokenSettings(BaseSettings):
    """Who somebody is by a provider of their own: `MADOGUCHI_TOKEN`, an access token."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_", extra="ignore")

    token: SecretStr = SecretStr("")


@click.command(
    epilog=example(
        "madoguchi token auditor",
        'curl -H "Authorization: Bearer $(madoguchi token auditor)" http://127.0.0.1:PORT/v1/chain/verify',
    )
)
@click.argument("name")
def token(name: str) -> None:
    """Print an access token for an account of the local provider, good for an hour. `madoguchi up` prints the accounts.

    Where the provider is your own, its tokens are fetched there; commands take one in MADOGUCHI_TOKEN.
    """
    from console.city import running_city
    from deploy.local import LocalSettings

    click.echo(token_of(running_city(LocalSettings()), name))


def token_for(city: City, account: str | None) -> str:
    """The token by which a command asks: for an account of the local provider, else the one of the environment. Raises Trouble."""
    return token_of(city, account) if account is not None else _given()


def staff_with(role: str, account: str | None) -> str:
    """The name of who asks, by the provider's word. Raises Trouble when it has none for them, or not that role."""
    from access.issuer import Issuer
    from chassis.errors import Refused
    from console.city import running_city
    from deploy.local import LocalSettings

    local = LocalSettings()
    city = running_city(local) if account is not None or local.oidc_issuer is None else None
    given = token_of(city, account) if city and account is not None else _given()
    issuer = city.sign_in["oidc_issuer"] if city else local.oidc_issuer
    try:
        who = asyncio.run(Issuer(ProviderSettings.model_validate({"oidc_issuer": issuer})).bearer(given))
    except Refused as refused:
        raise Trouble(refused.message) from None
    if role not in who.roles:
        raise Trouble(f"{who.staff} is no {role}: only somebody with that role may do this.")
    return who.staff


def _given() -> str:
    if found := TokenSettings().token.get_secret_value():
        return found
    raise Trouble(
        "Nobody is signed in: add `--as NAME` with an account that `madoguchi up` prints, "
        "or set MADOGUCHI_TOKEN to an access token of your provider."
    )


def token_of(city: City, name: str) -> str:
    """An access token for an account, from the provider. Raises Trouble when there is none, or the provider is your own."""
    import httpx

    from console.signing_in import account_of

    account, verifier = account_of(city, name), secrets.token_urlsafe(32)
    with httpx.Client(timeout=SECONDS, verify=PLAIN) as outside:
        found = outside.get(f"{city.sign_in['oidc_issuer']}/.well-known/openid-configuration").raise_for_status().json()
        told = {
            "grant_type": "authorization_code",
            "code": _code(outside, city, found["authorization_endpoint"], account, verifier),
            "redirect_uri": _back_to(city),
            "code_verifier": verifier,
        }
        client = city.sign_in["oidc_client_id"], city.sign_in["oidc_client_secret"]
        answer = outside.post(found["token_endpoint"], data=told, auth=client).raise_for_status()
    return answer.json()["access_token"]


def _code(outside: "Client", city: City, endpoint: str, account: "LocalAccount", verifier: str) -> str:
    """Log in as the page asks; the code that a browser would bring back."""
    from console.signing_in import hidden_in

    page = outside.get(endpoint, params=_asked(city, verifier)).raise_for_status()
    form = hidden_in(page.text) | {"staff": account.staff, "password": account.password}
    back = outside.post(endpoint, data=form)
    if back.status_code != HTTPStatus.SEE_OTHER:
        raise Trouble(
            f"The provider did not let {account.staff!r} in: `madoguchi down`, then `madoguchi up`, and try again."
        )
    return parse_qs(urlsplit(back.headers["location"]).query)["code"][0]


def _asked(city: City, verifier: str) -> Mapping[str, str]:
    digest = hashlib.sha256(verifier.encode()).digest()
    return {
        "client_id": city.sign_in["oidc_client_id"],
        "redirect_uri": _back_to(city),
        "response_type": "code",
        "scope": "openid",
        "state": secrets.token_urlsafe(32),
        "nonce": secrets.token_urlsafe(32),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }


def _back_to(city: City) -> str:
    """Where the desk's browsers are sent back; nobody follows it here."""
    return f"{city.sign_in['public_url']}/callback"
