"""The running city's routing service, asked over HTTP."""

from collections.abc import Mapping
from typing import Any

SECONDS = 60


async def call(method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Its answer. Raises Trouble with its words when it refuses."""
    import httpx

    from console.city import running_city
    from console.errors import Trouble
    from deploy.local import LocalSettings

    url = running_city(LocalSettings()).service("routing").url
    async with httpx.AsyncClient(timeout=SECONDS) as client:
        answer = await client.request(method, f"{url}/v1/{path}", json=body)
    if answer.is_error:
        raise Trouble(answer.json()["title"])
    return answer.json()
