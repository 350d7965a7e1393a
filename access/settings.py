"""Settings of a service that staff come to. Without a provider it does not start: nothing falls open."""

from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, SecretStr, field_validator, model_validator

from access.principal import ClaimNames, listed
from chassis.settings import ServiceSettings

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Vouching(BaseModel):
    """Whom to believe, and which claims; any provider that speaks OpenID Connect will do."""

    oidc_issuer: str = Field(description="the OpenID provider's issuer, as its discovery document names it")
    oidc_audience: str = Field(
        default="madoguchi", description="the `aud` that an access token for scripts must have; no client's id"
    )
    oidc_staff_claim: str = Field(default="preferred_username", description="the claim that names a member of staff")
    oidc_roles_claim: str = Field(default="roles", description="the claim with the roles")
    oidc_departments_claim: str = Field(default="departments", description="the claim with the departments' codes")

    oidc_acr_values: str = Field(
        default="",
        pattern=r"^[\x21\x23-\x5b\x5d-\x7e ]*$",
        description="a second factor is asked for: the `acr` values that show one, separated by spaces; a token with none of them is refused",
    )
    oidc_amr: str = Field(
        default="",
        description="the same by `amr`: the methods of which one must have been used, such as `mfa otp hwk`; a token with none is refused",
    )

    @field_validator("oidc_issuer")
    @classmethod
    def _issuer_is_safe(cls, url: str) -> str:
        return _safe("OIDC_ISSUER", url)

    @property
    def claim_names(self) -> ClaimNames:
        """Which claims say who somebody is."""
        return ClaimNames(self.oidc_staff_claim, self.oidc_roles_claim, self.oidc_departments_claim)

    def is_strong_enough(self, claims: Mapping[str, Any]) -> bool:
        """Whether whoever a token names has shown what the settings ask for; always, where they ask for nothing."""
        acr, amr = self.oidc_acr_values.split(), set(self.oidc_amr.split())
        return (not acr or claims.get("acr") in acr) and (not amr or not amr.isdisjoint(listed(claims.get("amr"))))


class TokenSettings(Vouching, ServiceSettings):
    """What a service needs to know that checks access tokens."""


class AccessSettings(TokenSettings):
    """What signing in with a browser needs to know beyond that."""

    oidc_client_id: str = Field(min_length=1, description="this service's client id there")
    oidc_client_secret: SecretStr = Field(min_length=16, description="its secret")
    public_url: str = Field(description="where browsers reach this service, e.g. https://desk.city.example")
    idle_minutes: Annotated[int, Field(ge=1, le=480)] = Field(default=30, description="a session idle so long is over")
    oidc_auth_time: bool = Field(
        default=False,
        description="an ID token that does not say when its owner was asked (`auth_time`) is refused; where it says so, that always counts",
    )
    session_hours: Annotated[int, Field(ge=1, le=24)] = Field(
        default=10, description="every session is over so long after its owner signed in at the provider"
    )

    @field_validator("public_url")
    @classmethod
    def _url_is_safe(cls, url: str) -> str:
        return _safe("PUBLIC_URL", url)

    @model_validator(mode="after")
    def _tokens_differ(self) -> Self:
        if self.oidc_audience == self.oidc_client_id:
            raise ValueError(
                "OIDC_AUDIENCE must differ from OIDC_CLIENT_ID: else an ID token would pass for an access token"
            )
        return self

    @property
    def session_seconds(self) -> int:
        """After how long every session is over."""
        return self.session_hours * 3600

    @property
    def origin(self) -> str:
        """Scheme, host and port of `public_url`, as a browser's `Origin` says it."""
        parts = urlsplit(self.public_url)
        return f"{parts.scheme}://{parts.netloc}"


def _safe(name: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise ValueError(f"{name} must be https://… (http:// is for this machine alone)")
    return url
