"""What every answer carries, so that a browser does nothing with it that nobody meant. Source: OWASP ASVS 5.0, V3.4.

A route that says otherwise (a page with its own policy, a file that may be cached) is left alone.
"""

import asyncio
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from chassis import limits
from chassis.errors import name_of

PROBLEM = "application/problem+json"

DATA = "default-src 'none'; frame-ancestors 'none'"
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
TLS_ONLY = "max-age=31536000; includeSubDomains"


Tell = Callable[[str, Mapping[str, object]], None]
"""Told of `http.failed`, `http.waiting`, `http.refused` and `http.suspicious`, with classes, codes and names, never a value."""


class Answers:
    """ASGI middleware around everything: limits what comes in, and answers also when a handler fails.

    What nobody caught is answered 500 and told without its message, which can quote what it choked on.
    """

    def __init__(self, app: ASGIApp, tell: Tell) -> None:
        """Around `app`."""
        self._app, self._tell = app, tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                add_headers(MutableHeaders(scope=message), is_tls=scope.get("scheme") == "https")
            await send(message)

        try:
            await self._answer(scope, receive, sent)
        except Exception as error:
            self._tell("http.failed", {"error": name_of(error), "place": place_of(error)})
            if not begun:
                await FAILED(scope, receive, sent)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            limits.check(scope)
        except HTTPException as refused:
            await problem_of(refused)(scope, receive, send)
            return
        body = limits.Body(receive, asyncio.get_running_loop().time())
        await self._app(scope, body.receive, send)


def problem(status: int, code: str, title: str, **extra: Any) -> JSONResponse:
    """A problem document (RFC 9457). `code` is stable and becomes its `type`."""
    body = {"type": f"urn:madoguchi:problem:{code}", "title": title, "status": status} | extra
    return JSONResponse(body, status_code=status, media_type=PROBLEM)


def problem_of(error: HTTPException) -> JSONResponse:
    """The problem document of an error of HTTP's own."""
    answer = problem(error.status_code, f"http-{error.status_code}", str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


FAILED = problem(
    500, "failed", "Something is broken here. Send the same again later; if it stays so, tell whoever runs this."
)


def place_of(error: BaseException) -> str:
    """`file.py:12` where an error was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"


def add_headers(headers: MutableHeaders, *, is_tls: bool) -> None:
    """Add what is missing."""
    is_page = headers.get("content-type", "").startswith("text/html")
    headers.setdefault("content-security-policy", PAGE if is_page else DATA)
    for name, value in ALWAYS.items():
        headers.setdefault(name, value)
    if is_tls:
        headers.setdefault("strict-transport-security", TLS_ONLY)
