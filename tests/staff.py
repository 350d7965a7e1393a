"""An access token of a running city's local provider, fetched as `madoguchi token` fetches it."""

from functools import cache

from console.city import City
from console.tokens import token_of
from deploy.local.accounts import DEMO


def as_staff(city: City, staff: str = DEMO) -> dict[str, str]:
    """The header with which a script comes to a service as somebody."""
    return _fetched(_Known(city), staff)


class _Known:
    """A city by its provider: a token is good for an hour, so it is fetched once for each of its staff."""

    def __init__(self, city: City) -> None:
        self.city = city
        self._provider = (city.sign_in["oidc_issuer"], city.sign_in["oidc_client_secret"])

    def __hash__(self) -> int:
        return hash(self._provider)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Known) and self._provider == other._provider


@cache
def _fetched(known: _Known, staff: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(known.city, staff)}"}
