"""An access token of a running city's local provider, as its own key signs it."""

from console.city import City
from deploy.local.accounts import DEMO, accounts_in
from deploy.local.provider import AUDIENCE, LocalProvider, key_in


def as_staff(city: City, staff: str = DEMO) -> dict[str, str]:
    """The header with which a script comes to the desk as somebody."""
    folder = city.home.identity
    provider = LocalProvider(city.sign_in["oidc_issuer"], accounts_in(folder), key_in(folder))
    account = provider.accounts.named(staff)
    assert account is not None
    return {"Authorization": f"Bearer {provider.signed(account, {'aud': AUDIENCE}, 'at+jwt')}"}
