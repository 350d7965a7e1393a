"""The OpenID provider as a client of it sees it: authorization code with PKCE, and the ID token that it brings.

OpenID Connect Core 1.0, RFC 7636 (PKCE), by Authlib.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from access.issuer import LEEWAY_SECONDS, SECONDS, Issuer, provider_away, trust
from access.principal import Principal, principal_of
from access.settings import AccessSettings
from chassis.errors import Refused


class WeakSignIn(Exception):
    """Somebody signed in without the second factor that the settings ask for."""


class StaleSignIn(Exception):
    """Somebody signed in at the provider longer ago than a session may last, and it did not ask them again."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, what the provider calls them and the session it has with them, and when it asked them; what it does not say is None."""

    who: Principal
    subject: str | None = None
    session: str | None = None
    at: datetime | None = None


def sign_in_failed() -> Refused:
    """What came back from the provider does not hold."""
    return Refused(
        401,
        "sign-in-failed",
        "ログインできませんでした。もう一度お試しください。 You could not be signed in: begin again.",
    )


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider, to which the settings make us known as a client."""

    settings: AccessSettings
    issuer: Issuer

    async def authorization_url(self, state: str, nonce: str, verifier: str, *, again: bool = False) -> str:
        """Where a browser is sent to sign in, `again` even by whoever is signed in there. Raises Refused when the provider is away."""
        endpoint = (await self.issuer.discovered())["authorization_endpoint"]
        asked = self._asked() | ({"prompt": "login"} if again else {})
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                endpoint, state=state, nonce=nonce, code_verifier=verifier, **asked
            )
            return url

    async def signed_in(self, code: str, nonce: str, verifier: str) -> SignedIn:
        """Who signed in, by the code that the browser brought back. Raises Refused, WeakSignIn, StaleSignIn."""
        endpoint = (await self.issuer.discovered())["token_endpoint"]
        try:
            async with self._client() as client:
                token = await client.fetch_token(
                    endpoint, grant_type="authorization_code", code=code, code_verifier=verifier
                )
        except OAuthError as error:
            raise sign_in_failed() from error
        except (httpx2.HTTPError, OSError, ValueError) as error:  # ValueError: what came is no object of JSON
            raise provider_away() from error
        wanted = {"aud": self.settings.oidc_client_id, "nonce": nonce}
        claims = await self.issuer.claims(str(token.get("id_token", "")), wanted, sign_in_failed)
        if not self.settings.is_strong_enough(claims):
            raise WeakSignIn
        at = signed_in_at(claims, self.settings.session_seconds, time.time())
        if at is None and self.settings.oidc_auth_time:
            raise sign_in_failed()
        return SignedIn(
            principal_of(claims, self.settings.claim_names), _text(claims.get("sub")), _text(claims.get("sid")), at
        )

    def _asked(self) -> dict[str, str]:
        """What the provider should see to: whether it did is looked at when somebody comes back."""
        acr = {"acr_values": self.settings.oidc_acr_values} if self.settings.oidc_acr_values else {}
        return acr | {"max_age": str(self.settings.session_seconds)}

    def _client(self) -> Any:  # Authlib has no types
        return AsyncOAuth2Client(
            client_id=self.settings.oidc_client_id,
            client_secret=self.settings.oidc_client_secret.get_secret_value(),
            redirect_uri=f"{self.settings.public_url.rstrip('/')}/callback",
            scope="openid profile",
            code_challenge_method="S256",
            timeout=SECONDS,
            verify=trust(),
        )


def signed_in_at(claims: Mapping[str, Any], most: float, now: float) -> datetime | None:
    """When the provider asked whom an ID token names (`auth_time`), None where it does not say. All in seconds.

    Raises StaleSignIn when that was longer ago than `most`, Refused for what is no moment, or one to come. OpenID Connect Core §3.1.3.7.
    """
    said = claims.get("auth_time")
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not 0 <= said <= now + LEEWAY_SECONDS:
        raise sign_in_failed()
    if said < now - most:
        raise StaleSignIn
    return datetime.fromtimestamp(said, UTC)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
