"""`POST /v1/token`: OAuth 2.0 client credentials (RFC 6749 §4.4). The client is an API key: its prefix and its secret."""

import binascii
from base64 import b64decode
from urllib.parse import parse_qsl, unquote_plus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from chassis.commands import Commands
from chassis.http import body_of
from services.intake.admitting import MARK, ApiKey
from services.intake.door import Door
from services.intake.tokens import Tokens

MOST_BYTES = 4096


class OAuthError(Exception):
    """A refusal in the words of RFC 6749 §5.2."""

    def __init__(self, status: int, error: str, description: str) -> None:
        """`error` is one of the RFC's codes."""
        super().__init__(error)
        self.status, self.error, self.description = status, error, description


def add_token_route(app: FastAPI, commands: Commands, door: Door, tokens: Tokens) -> None:
    """`POST /v1/token`."""

    @app.exception_handler(OAuthError)
    async def refused(_: Request, error: OAuthError) -> JSONResponse:
        headers = {"WWW-Authenticate": 'Basic realm="madoguchi", charset="UTF-8"'} if error.status == 401 else {}
        return JSONResponse({"error": error.error, "error_description": error.description}, error.status, headers)

    @app.post("/v1/token")
    async def token(request: Request) -> JSONResponse:
        """A token for an API key, for some minutes. 400 or 401 as RFC 6749 §5.2 has it."""
        form = _form(request.headers.get("content-type", ""), await body_of(request, MOST_BYTES))
        key = _key(request.headers.get("authorization", ""), form)
        if form.get("grant_type") != "client_credentials":
            raise OAuthError(400, "unsupported_grant_type", "Send grant_type=client_credentials.")
        found = await door.key(key)
        if found is None:
            raise OAuthError(401, "invalid_client", "This key is unknown, revoked or over: ask for another.")
        door.pace(found.system)
        text = tokens.issue(found.prefix, found.system.name, commands.clock())
        said = {"access_token": text, "token_type": "Bearer", "expires_in": tokens.seconds}
        return JSONResponse(said, headers={"Cache-Control": "no-store"})


def _form(media_type: str, body: bytes) -> dict[str, str]:
    """The parameters, none of which may come twice (RFC 6749 §3.2)."""
    if media_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise OAuthError(400, "invalid_request", "Send application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(body.decode("ascii"), max_num_fields=10)
    except ValueError:
        raise OAuthError(400, "invalid_request", "The form cannot be read.") from None
    if len({name for name, _ in pairs}) != len(pairs):
        raise OAuthError(400, "invalid_request", "A parameter comes twice.")
    return dict(pairs)


def _key(authorization: str, form: dict[str, str]) -> ApiKey:
    """Who asks: by HTTP Basic, which every server must understand, or in the form; not by both."""
    basic, posted = _basic(authorization), (form.get("client_id", ""), form.get("client_secret", ""))
    if basic and posted[1]:
        raise OAuthError(400, "invalid_request", "Authenticate once: by HTTP Basic or in the form.")
    prefix, secret = basic or posted
    return ApiKey(prefix.removeprefix(MARK), secret)


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise OAuthError(401, "invalid_client", "HTTP Basic cannot be read.") from None
    return unquote_plus(user), unquote_plus(password)
