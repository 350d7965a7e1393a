"""Settings of routing, from `MADOGUCHI_ROUTING_…`."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

import cities
from chassis.settings import ServiceSettings


class Settings(ServiceSettings):
    """What routing needs to know."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_ROUTING_")

    city: Path = Field(default=Path(cities.__path__[0]) / "kushiro", description="the folder of the city pack")
