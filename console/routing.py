"""The running city's routing service, asked over HTTP by somebody who is signed in."""

from collections.abc import Mapping
from typing import Any

import click

SECONDS = 60

AS = click.option(
    "--as", "account", metavar="NAME", help="An account of the local provider; else MADOGUCHI_TOKEN says it."
)
"""Who asks: the name that is written into what follows is the token's."""


async def call(account: str | None, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Its answer. Raises Trouble with its words when it refuses."""
    import httpx

    from console.city import running_city
    from console.errors import Trouble
    from console.plain import PLAIN
    from console.tokens import token_for
    from deploy.local import LocalSettings

    city = running_city(LocalSettings())
    headers = {"Authorization": f"Bearer {token_for(city, account)}"}
    async with httpx.AsyncClient(timeout=SECONDS, headers=headers, verify=PLAIN) as client:
        answer = await client.request(method, f"{city.service('routing').url}/v1/{path}", json=body)
    if answer.is_error:
        raise Trouble(answer.json()["title"])
    return answer.json()
