"""Settings of intake, from `MADOGUCHI_INTAKE_…`."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What intake needs to know."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_INTAKE_")

    most_bytes: Annotated[int, Field(ge=1024)] = Field(default=262_144, description="largest body of a request, bytes")
