"""The OpenID provider as a client of it sees it: authorization code with PKCE, and the ID token that it brings.

OpenID Connect Core 1.0, RFC 7636 (PKCE), by Authlib.
"""

from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from access.issuer import SECONDS, Issuer, provider_away, trust
from access.principal import Principal, principal_of
from access.settings import AccessSettings
from chassis.errors import Refused


class WeakSignIn(Exception):
    """Somebody signed in without the second factor that the settings ask for."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and what the provider calls them and the session it has with them; what it does not say is None."""

    who: Principal
    subject: str | None = None
    session: str | None = None


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

    async def authorization_url(self, state: str, nonce: str, verifier: str) -> str:
        """Where a browser is sent to sign in. Raises Refused when the provider is away."""
        endpoint = (await self.issuer.discovered())["authorization_endpoint"]
        async with self._client() as client:
            return client.create_authorization_url(
                endpoint, state=state, nonce=nonce, code_verifier=verifier, **self._asked()
            )[0]

    async def signed_in(self, code: str, nonce: str, verifier: str) -> SignedIn:
        """Who signed in, by the code that the browser brought back. Raises Refused, WeakSignIn."""
        endpoint = (await self.issuer.discovered())["token_endpoint"]
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
        claims = await self.issuer.claims(str(token.get("id_token", "")), wanted, sign_in_failed)
        if not self.settings.is_strong_enough(claims):
            raise WeakSignIn
        return SignedIn(
            principal_of(claims, self.settings.claim_names), _text(claims.get("sub")), _text(claims.get("sid"))
        )

    def _asked(self) -> dict[str, str]:
        """Which `acr` the provider should see to; whether it did is looked at when somebody comes back."""
        return {"acr_values": self.settings.oidc_acr_values} if self.settings.oidc_acr_values else {}

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


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
