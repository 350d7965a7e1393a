"""Settings of notify, from `MADOGUCHI_NOTIFY_…`."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from chassis.settings import ServiceSettings

Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+$", max_length=254)]
Domain = Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]+$", max_length=200)]
SmtpUrl = Annotated[str, Field(pattern=r"^smtps?://[^/@:\s]+(:[0-9]{1,5})?/?$")]


class Settings(ServiceSettings):
    """What notify needs to know."""

    model_config = SettingsConfigDict(env_prefix="MADOGUCHI_NOTIFY_")

    smtp_url: SmtpUrl | None = Field(default=None, description="smtp[s]://host:port; without it notices wait")
    smtp_user: str | None = Field(default=None, description="user at the mail server")
    smtp_password: SecretStr | None = Field(default=None, description="its password")
    smtp_connections: Annotated[int, Field(ge=1, le=64)] = Field(default=4, description="mails under way at once")
    smtp_seconds: Annotated[float, Field(gt=0)] = Field(default=30, description="time-out of any one SMTP command")
    mail_from: Address = Field(default="no-reply@madoguchi.example", description="the sender of every mail")
    mail_domain: Domain = Field(default="madoguchi.example", description="right side of every Message-ID")
    mails_claimed: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=50, description="mails a connection claims at once"
    )
    lease_seconds: Annotated[float, Field(ge=1)] = Field(default=60, description="how long a claim is good for")
    most_attempts: Annotated[int, Field(ge=1, le=100)] = Field(default=24, description="attempts before giving up")
    opening_keyring: str = Field(
        description="the half of the city's keyring that opens, as file:///…/private, aws-kms://… or vault://…"
    )
