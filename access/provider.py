"""The OpenID provider as a client of it sees it: discovery, authorization code with PKCE, ID and access tokens.

OpenID Connect Core 1.0, RFC 7636 (PKCE), RFC 9068 (access tokens as JWT), by Authlib and joserfc.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

from access.principal import Principal, principal_of, sign_in_first
from access.settings import AccessSettings
from chassis.errors import Refused

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures by a key that only the provider has: `none` and those by a shared secret are not among them."""

SECONDS = 10
LEEWAY_SECONDS = 30
KEYS_SECONDS = 600
"""How long its keys are believed: one that it has withdrawn, as it was stolen, lets nobody in after that."""
KEYS_AGAIN_SECONDS = 60
"""A token signed by an unknown key has the keys fetched again, and not more often than this."""


def sign_in_failed() -> Refused:
    """What came back from the provider does not hold."""
    return Refused(
        401,
        "sign-in-failed",
        "ログインできませんでした。もう一度お試しください。 You could not be signed in: begin again.",
    )


def provider_away() -> Refused:
    """The provider does not answer, or not as itself."""
    return Refused(
        503,
        "provider-away",
        "認証基盤に接続できません。しばらくお待ちください。 The provider cannot be reached: try again in a moment.",
    )


@dataclass(slots=True)
class Provider:
    """The provider that the settings name. What it says of itself is asked once it is needed, and kept."""

    settings: AccessSettings
    _metadata: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())
    _keys: KeySet | None = None
    _keys_at: float = -KEYS_AGAIN_SECONDS
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where a browser is sent to sign in. Raises Refused when the provider is away."""
        endpoint = (await self._discovered())["authorization_endpoint"]
        async with self._client() as client:
            return client.create_authorization_url(endpoint, state=state, nonce=nonce, code_verifier=verifier)[0]

    async def signed_in(self, code: str, nonce: str, verifier: str) -> Principal:
        """Who signed in, by the code that the browser brought back. Raises Refused."""
        endpoint = (await self._discovered())["token_endpoint"]
        try:
            async with self._client() as client:
                token = await client.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except OAuthError as error:
            raise sign_in_failed() from error
        except (httpx2.HTTPError, OSError) as error:
            raise provider_away() from error
        wanted = {"aud": self.settings.oidc_client_id, "nonce": nonce}
        return await self._principal(str(token.get("id_token", "")), wanted, sign_in_failed)

    async def bearer(self, token: str) -> Principal:
        """Whom an access token names. Raises Refused."""
        return await self._principal(token, {"aud": self.settings.oidc_audience}, sign_in_first)

    async def _principal(self, token: str, wanted: dict[str, str], otherwise: Callable[[], Refused]) -> Principal:
        metadata = await self._discovered()
        checks: dict[str, Any] = {
            name: {"essential": True, "value": value} for name, value in (wanted | {"iss": metadata["issuer"]}).items()
        }
        registry = JWTClaimsRegistry(leeway=LEEWAY_SECONDS, exp={"essential": True}, **checks)
        try:
            claims = (await self._decoded(token)).claims
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise otherwise() from error
        return principal_of(claims, self.settings.claim_names)

    async def _decoded(self, token: str) -> jwt.Token:
        """A token whose signature is the provider's; a key that is new to us is asked for."""
        try:
            return jwt.decode(token, await self._key_set(), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            return jwt.decode(token, await self._key_set(again=True), algorithms=ALGORITHMS)

    async def _key_set(self, *, again: bool = False) -> KeySet:
        async with self._fetching:
            late = time.monotonic() - self._keys_at > (KEYS_AGAIN_SECONDS if again else KEYS_SECONDS)
            if self._keys is None or late:
                self._keys_at = time.monotonic()
                self._keys = KeySet.import_key_set(await _json((await self._discovered())["jwks_uri"]))
            return self._keys

    async def _discovered(self) -> dict[str, Any]:
        if not self._metadata:
            issuer = self.settings.oidc_issuer
            found = await _json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise provider_away()
            self._metadata = found
        return self._metadata

    def _client(self) -> Any:  # Authlib has no types
        return AsyncOAuth2Client(
            client_id=self.settings.oidc_client_id,
            client_secret=self.settings.oidc_client_secret.get_secret_value(),
            redirect_uri=f"{self.settings.public_url.rstrip('/')}/callback",
            scope="openid profile",
            code_challenge_method="S256",
            timeout=SECONDS,
        )


async def _json(url: str) -> Any:
    try:
        async with httpx2.AsyncClient(timeout=SECONDS) as client:
            return (await client.get(url)).raise_for_status().json()
    except (httpx2.HTTPError, OSError, ValueError) as error:
        raise provider_away() from error
