"""Settings of intake, from `MADOGUCHI_INTAKE_…`."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

import cities
from chassis.settings import ServiceSettings


def _has_both_halves(url: str) -> str:
    """One half was enough before there were keys of digests."""
    if url.startswith("file:") and url.rstrip("/").endswith(("/private", "/public")):
        raise ValueError("name the folder of both halves, without /private or /public at its end, and mount both")
    return url


class Settings(ServiceSettings):
    """What intake needs to know."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_INTAKE_")

    most_bytes: Annotated[int, Field(ge=1024)] = Field(default=262_144, description="largest body of a request, bytes")
    keyring: str = Field(
        description="the half of the city's keyring that seals, as file:///…/public, aws-kms://… or vault://…"
    )
    edge_keyring: Annotated[str, AfterValidator(_has_both_halves)] = Field(
        description="both halves of the edge's keyring, as file:///…/keyring-edge: what channel systems have sealed is opened"
        " by it, and the keys of digests are wrapped"
    )
    number_keyring: str | None = Field(
        default=None,
        description="the half that seals of the keyring for Individual Numbers, another than `keyring`, as file:///…/public;"
        " none: they are collected of no procedure, whatever the city pack says",
    )
    city: Path = Field(default=Path(cities.__path__[0]) / "kushiro", description="the folder of the city pack")
    retention: Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")] = Field(
        default="5y", description="the retention class of procedures for which the city pack names none"
    )
    city_sources: tuple[str, ...] = Field(
        default=("/channels/bulk/*",),
        description='the sources that the city\'s own channels may name on applications.v1, a JSON list of patterns with `*`: those of `madoguchi import`, ["/channels/bulk/*"]',
    )
    token_key: Annotated[SecretStr | None, Field(min_length=32)] = Field(
        default=None,
        description="32 or more random characters by which access tokens are signed, the same for all processes of intake;"
        " none: each makes its own, and its tokens end with it",
    )
    token_seconds: Annotated[int, Field(ge=60, le=3600)] = Field(
        default=600, description="how long an access token lives; its API key may end before"
    )
