"""The OpenID provider as a client of it sees it: authorization code with PKCE, and the ID token that it brings.

OpenID Connect Core 1.0, RFC 7636 (PKCE), by Authlib.
"""

from dataclasses import dataclass
from typing import Any

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from access.issuer import SECONDS, Issuer, provider_away
from access.principal import Principal
from access.settings import AccessSettings
from chassis.errors import Refused


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
            return client.create_authorization_url(endpoint, state=state, nonce=nonce, code_verifier=verifier)[0]

    async def signed_in(self, code: str, nonce: str, verifier: str) -> Principal:
        """Who signed in, by the code that the browser brought back. Raises Refused."""
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
        return await self.issuer.vouched(str(token.get("id_token", "")), wanted, sign_in_failed)

    def _client(self) -> Any:  # Authlib has no types
        return AsyncOAuth2Client(
            client_id=self.settings.oidc_client_id,
            client_secret=self.settings.oidc_client_secret.get_secret_value(),
            redirect_uri=f"{self.settings.public_url.rstrip('/')}/callback",
            scope="openid profile",
            code_challenge_method="S256",
            timeout=SECONDS,
        )
