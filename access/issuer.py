"""Whom a token names, by the provider's own word: its discovery document, its keys, and what it signed with them.

OpenID Connect Discovery 1.0, RFC 7517 (keys), RFC 9068 (access tokens as JWT), by joserfc. No secret of ours is needed for it.
The libraries take 12 MB: they are loaded when the first person comes.
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from access.principal import Principal, bad_token, principal_of, second_factor_first
from access.settings import Vouching
from chassis.errors import Refused

if TYPE_CHECKING:
    from joserfc import jwt
    from joserfc.jwk import KeySet

T = TypeVar("T")

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
"""Signatures by a key that only the provider has: `none` and those by a shared secret are not among them."""

SECONDS = 10
LEEWAY_SECONDS = 30
KEYS_SECONDS = 600
"""How long its keys are believed: one that it has withdrawn, as it was stolen, lets nobody in after that."""
KEYS_AGAIN_SECONDS = 10
"""A token signed by an unknown key has the keys fetched again, and not more often than this: strangers' tokens cost the provider no more."""
AWAY_SECONDS = 5
"""For how long a provider that was away is not asked again: whoever comes meanwhile is told at once and does not wait in a queue."""
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
"""What its discovery document must name."""


def provider_away() -> Refused:
    """The provider does not answer, or not as itself."""
    return Refused(
        503,
        "provider-away",
        "認証基盤に接続できません。しばらくお待ちください。 The provider cannot be reached: try again in a moment.",
    )


@dataclass(slots=True)
class Issuer:
    """The provider that the settings name. What it says of itself, and its keys, are asked once they are needed and believed for a while.

    Only what came whole is remembered. A provider that is away while its keys are believed lets in whom it would; after that
    nobody is let in until it is back, neither on old keys nor without.
    """

    settings: Vouching
    _metadata: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())
    _keys: "KeySet | None" = None
    _keys_at: float = -KEYS_SECONDS
    _away_at: float = -AWAY_SECONDS
    _fetching: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def bearer(self, token: str) -> Principal:
        """Whom an access token names. Raises Refused."""
        claims = await self.claims(token, {"aud": self.settings.oidc_audience}, bad_token)
        if not self.settings.is_strong_enough(claims):
            raise second_factor_first(self.settings.oidc_acr_values)
        return principal_of(claims, self.settings.claim_names)

    async def claims(self, token: str, wanted: dict[str, str], otherwise: Callable[[], Refused]) -> dict[str, Any]:
        """What a token says that the provider signed, that is not over and that says what is wanted. Raises `otherwise`."""
        from joserfc.jwt import JWTClaimsRegistry

        metadata = await self.discovered()
        checks: dict[str, Any] = {
            name: {"essential": True, "value": value} for name, value in (wanted | {"iss": metadata["issuer"]}).items()
        }
        checks |= {"exp": {"essential": True}, "iat": {"essential": True}}
        registry = JWTClaimsRegistry(leeway=LEEWAY_SECONDS, **checks)
        try:
            claims = (await self._decoded(token)).claims
            registry.validate(claims)
        except _malformed() as error:
            raise otherwise() from error
        return claims

    async def discovered(self) -> dict[str, Any]:
        """What the provider says of itself. Raises Refused when it is away, or says that it is another."""
        if not self._metadata:
            async with self._fetching:
                self._metadata = self._metadata or await self._asked(self._discovery)
        return self._metadata

    async def _decoded(self, token: str) -> "jwt.Token":
        """A token whose signature is the provider's; a key that is new to us is asked for."""
        from joserfc import jwt

        try:
            return jwt.decode(token, await self._key_set(), algorithms=ALGORITHMS)
        except _malformed():
            return jwt.decode(token, await self._key_set(again=True), algorithms=ALGORITHMS)

    async def _key_set(self, *, again: bool = False) -> "KeySet":
        async with self._fetching:
            late = time.monotonic() - self._keys_at > (KEYS_AGAIN_SECONDS if again else KEYS_SECONDS)
            if self._keys is None or late:
                self._metadata, self._keys = await self._asked(self._documents)
                self._keys_at = time.monotonic()
            return self._keys

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T:
        if time.monotonic() - self._away_at < AWAY_SECONDS:
            raise provider_away()
        try:
            return await ask()
        except Refused:
            self._away_at = time.monotonic()
            raise

    async def _documents(self) -> tuple[dict[str, Any], "KeySet"]:
        """Both: where the keys are may have changed with them."""
        metadata = await self._discovery()
        return metadata, _keys_in(await _json(metadata["jwks_uri"]))

    async def _discovery(self) -> dict[str, Any]:
        issuer = self.settings.oidc_issuer
        found = await _json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != issuer or not all(isinstance(found.get(name), str) for name in ENDPOINTS):
            raise provider_away()
        return found


def _malformed() -> tuple[type[Exception], ...]:
    """What joserfc raises for a token that is none: TypeError for a header that is no object, or whose `crit` is no list."""
    from joserfc.errors import JoseError

    return JoseError, ValueError, TypeError


def _keys_in(document: dict[str, Any]) -> "KeySet":
    """Those of a kind that we know; the others sign nothing that we would believe."""
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        return KeySet.import_key_set({"keys": document["keys"]})
    except (JoseError, ValueError, LookupError, TypeError) as error:
        raise provider_away() from error


@cache
def trust() -> ssl.SSLContext:
    """By what providers' certificates are checked: what this machine trusts, read once. Reading it takes 50 ms, in which nothing else is done."""
    import httpx2

    return httpx2.create_ssl_context()


async def _json(url: str) -> dict[str, Any]:
    """A document of the provider's, an object."""
    import httpx2

    try:
        async with httpx2.AsyncClient(timeout=SECONDS, verify=trust()) as client:
            found = (await client.get(url)).raise_for_status().json()
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise provider_away() from error
    if not isinstance(found, dict):
        raise provider_away()
    return found
