"""HTTP: health, and errors as RFC 9457 problem documents that name the field and never repeat its value."""

import socket
from collections.abc import Mapping, Sequence
from typing import Any

import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from chassis import limits
from chassis.answers import PROBLEM, Answers, Tell, problem, problem_of
from chassis.errors import DATABASE_FAULTS, Refused, Suspicious, Transient, is_poison
from chassis.pulse import Pulse

__all__ = ["PROBLEM", "body_of", "faults_of", "listen", "make_app", "make_server", "problem"]


def faults_of(error: ValidationError | RequestValidationError) -> list[dict[str, str]]:
    """Every field that is wrong, as JSON path, code and words."""
    errors: Sequence[Mapping[str, Any]] = error.errors()
    return [
        {
            "field": ".".join(str(part) for part in found["loc"]),
            "code": str(found["type"]),
            "message": _WORDS.get(str(found["type"]), str(found["msg"])),
        }
        for found in errors
    ]


_WORDS = {"uuid_parsing": "not a UUID", "union_tag_invalid": "not one of the types that are expected here"}
"""Ours, where pydantic's words quote what was sent."""


async def body_of(request: Request, most: int) -> bytes:
    """The body, `most` bytes of it: what is longer is refused before it is read to the end. Raises Refused 413."""
    parts = bytearray()
    async for part in request.stream():
        parts += part
        if len(parts) > most:
            raise Refused(413, "too-large", f"A body has at most {most} bytes here; documents are sent by digest.")
    return bytes(parts)


def _say_nothing(_event: str, _fields: Mapping[str, object]) -> None:
    return None


def make_app(title: str, pulse: Pulse, tell: Tell = _say_nothing, alarm: Tell = _say_nothing) -> FastAPI:
    """An application with health, problem documents, limits and security headers; a service adds its routes.

    `tell` is told of what an operator should see, `alarm` of what must wake somebody.

    Nobody is sent on from `/x/` to `/x`: it would be to the host that the request names, and in the open where a proxy ends TLS.
    """
    app = FastAPI(title=title, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_middleware(Answers, tell=tell)
    _add_health(app, pulse)
    _add_problems(app, tell, alarm)
    return app


def _add_health(app: FastAPI, pulse: Pulse) -> None:
    @app.get("/health/live", include_in_schema=False)
    async def live() -> JSONResponse:
        """Alive while every loop turns; else restart me."""
        stalled = pulse.stalled()
        return JSONResponse({"status": "stalled" if stalled else "alive", "stalled": stalled}, 503 if stalled else 200)

    @app.get("/health/ready", include_in_schema=False)
    async def ready() -> JSONResponse:
        """Ready when every loop has what it depends on. A service that is not still accepts: the journal waits."""
        unready = pulse.unready()
        return JSONResponse({"status": "waiting" if unready else "ready", "waiting": unready}, 503 if unready else 200)


def _add_problems(app: FastAPI, tell: Tell, alarm: Tell) -> None:
    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> JSONResponse:
        fields = {"status": error.status, "code": error.code, "who": error.who}
        if isinstance(error, Suspicious):
            alarm("http.suspicious", fields)
        elif error.status in (401, 403, 429):
            tell("http.refused", fields)
        named = {"errors": list(error.errors)} if error.errors else {}
        answer = problem(error.status, error.code, error.message, **named)
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        return problem(422, "invalid", "The request has faulty fields; see `errors`.", errors=faults_of(error))

    @app.exception_handler(HTTPException)
    async def failed(_: Request, error: HTTPException) -> JSONResponse:
        return problem_of(error)

    @app.exception_handler(Transient)
    async def waiting(_: Request, error: Transient) -> JSONResponse:
        tell("http.waiting", {"detail": str(error)})
        return problem(503, "not-yet", "Something that this needs is not there yet. Send the same again in a moment.")

    async def away(_: Request, error: Exception) -> JSONResponse:
        if is_poison(error):
            raise error
        return problem(503, "database-away", "The database is away. Send the same again in a moment: it counts once.")

    for fault in DATABASE_FAULTS:
        app.add_exception_handler(fault, away)


def listen(host: str, port: int) -> socket.socket:
    """Take the address before anything else is begun, so that a taken one is the first thing said. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def make_server(app: FastAPI) -> uvicorn.Server:
    """A server that logs no requests: a path or a query can be personal. It serves sockets that already listen."""
    config = uvicorn.Config(
        app,
        http=limits.Impatient,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        h11_max_incomplete_event_size=limits.MOST_HEADER_BYTES + limits.MOST_TARGET_BYTES,
    )
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # pyright: ignore[reportAttributeAccessIssue]
    return server
