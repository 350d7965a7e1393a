"""Settings of desk, from `MADOGUCHI_DESK_…`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from access.settings import AccessSettings


class Settings(AccessSettings):
    """What desk needs to know."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_DESK_")

    most_cases: Annotated[int, Field(ge=1, le=1000)] = Field(default=200, description="longest page of a worklist")
    keyring: str = Field(
        description="the half of the city's keyring that seals, as file:///…/public, aws-kms://… or vault://…"
    )
    opening_keyring: str = Field(description="the half that opens, as file:///…/private, aws-kms://… or vault://…")
    number_keyring: str | None = Field(
        default=None,
        description="the half that opens of the keyring for Individual Numbers, as file:///…/private; none: they are shown to nobody",
    )
    retention: Annotated[str, Field(pattern=r"^[a-z0-9]{1,16}$")] = Field(
        default="5y", description="the retention class of what is written about an application that has nothing sealed"
    )
