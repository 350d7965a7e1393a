"""Settings of routing, from `MADOGUCHI_ROUTING_…`."""

from pathlib import Path

from pydantic import Field, FilePath
from pydantic_settings import SettingsConfigDict

import cities
from access.settings import TokenSettings


class Settings(TokenSettings):
    """What routing needs to know."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_ROUTING_")

    city: Path = Field(default=Path(cities.__path__[0]) / "kushiro", description="the folder of the city pack")
    text_model: FilePath | None = Field(
        default=None, description="a model of `madoguchi rules train-text`: departments are suggested from free text"
    )
    text_fact: str = Field(default="remark", description="the fact in which applicants write freely")
