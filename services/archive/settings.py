"""Settings of archive, from `MADOGUCHI_ARCHIVE_…`."""

from pydantic_settings import SettingsConfigDict

from access.settings import TokenSettings


class Settings(TokenSettings):
    """What archive needs to know."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_ARCHIVE_")
