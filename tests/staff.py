"""An access token of a running city's local provider, fetched as `madoguchi token` fetches it."""

from console.city import City
from console.tokens import token_of
from deploy.local.accounts import DEMO


def as_staff(city: City, staff: str = DEMO) -> dict[str, str]:
    """The header with which a script comes to a service as somebody."""
    return {"Authorization": f"Bearer {token_of(city, staff)}"}
