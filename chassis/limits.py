"""What a request may cost before anybody has looked at it: bytes, headers, seconds, and nothing to unpack.

The limits are the same for every service; a route that takes less says so itself (`http.body_of`).
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_BODY = 33_554_432
MOST_HEADERS, MOST_HEADER_BYTES, MOST_TARGET_BYTES = 64, 16_384, 4_096
BODY_SECONDS, HEADER_SECONDS = 30.0, 10.0

Headers = Sequence[tuple[bytes, bytes]]


def check(scope: Scope) -> None:
    """Raise HTTPException 400, 414, 415 or 431 for a request whose head says enough."""
    headers: Headers = scope["headers"]
    names = {name for name, _ in headers}
    if len(names) < len(headers) and (twice := _twice(headers)):
        raise HTTPException(400, f"Send {twice} once: two readers would not read the same.")
    if {b"content-length", b"transfer-encoding"} <= names:  # RFC 9112 §6.3: request smuggling
        raise HTTPException(400, "Send Content-Length or Transfer-Encoding, not both.", {"Connection": "close"})
    target: bytes = (scope.get("raw_path") or b"") + b"?" + scope["query_string"]
    if b"%00" in target:
        raise HTTPException(400, "An address holds no NUL (%00): no text of PostgreSQL's does.")
    if len(target) > MOST_TARGET_BYTES:
        raise HTTPException(414, f"The address has more than {MOST_TARGET_BYTES} bytes: send data in the body.")
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > MOST_HEADER_BYTES:
        raise HTTPException(431, f"Send at most {MOST_HEADERS} headers of {MOST_HEADER_BYTES} bytes in all.")
    if any(name == b"content-encoding" and value.strip().lower() not in (b"", b"identity") for name, value in headers):
        raise HTTPException(415, "Nothing is unpacked here: send the body without Content-Encoding.", _UNPACKED)


_ONCE = (b"authorization", b"content-type", b"host", b"origin")


def _twice(headers: Headers) -> str | None:
    """What says one thing and comes twice; each `ce-…` is an attribute of a CloudEvent, and its name is not repeated: it may be anything."""
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name in _ONCE:
            return name.decode()
        if name in seen and name.startswith(b"ce-"):
            return "each `ce-` header"
        seen.add(name)
    return None


_UNPACKED = {"Accept-Encoding": "identity"}


class Body:
    """The body of one request as it comes in: not too much of it, and not too slowly."""

    def __init__(self, receive: Receive, now: float) -> None:
        """`now` is the event loop's time."""
        self._receive, self._until, self._read, self._whole = receive, now + BODY_SECONDS, 0, False

    async def receive(self) -> Message:
        """The next part. Raises HTTPException 408 or 413."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            message = f"The body did not come within {BODY_SECONDS:.0f} seconds: send it again."
            raise HTTPException(408, message, {"Connection": "close"}) from None
        self._read += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._read > MOST_BODY:
            raise HTTPException(413, f"A body has at most {MOST_BODY} bytes.", {"Connection": "close"})
        return message


class Impatient(H11Protocol):
    """Closes a connection on which no whole request head comes within HEADER_SECONDS, however it drips."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Somebody has connected."""
        super().connection_made(transport)
        self._wait()

    def handle_events(self) -> None:
        """Something came in."""
        super().handle_events()
        if self._is_answering():
            self._wait_no_more()

    def on_response_complete(self) -> None:
        """An answer went out; the next request may come."""
        self._wait_no_more()
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        cycle: Any = self.cycle  # None until the first request, which uvicorn's types leave out
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(HEADER_SECONDS, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
