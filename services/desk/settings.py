"""Settings of desk, from `MADOGUCHI_DESK_…`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What desk needs to know."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_DESK_")

    most_cases: Annotated[int, Field(ge=1, le=1000)] = Field(default=200, description="longest page of a worklist")
