"""Signing in and out with a browser: /login, /callback, /logout. Cookies are http-only and SameSite=Lax.

What a sign-in under way must remember (state, nonce, PKCE verifier, where to go then) is in a cookie that only we can read
and that ends after ten minutes: nothing is kept of whoever does not come back.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from cryptography.fernet import Fernet, InvalidToken
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from access import sessions
from access.provider import Provider, SignedIn, StaleSignIn, WeakSignIn, sign_in_failed
from access.refused_page import second_factor_page, stale_page
from access.sessions import Limits
from access.settings import AccessSettings
from chassis.commands import Commands
from chassis.database import Tx
from contracts.envelope import Event

LOGIN_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Entrance:
    """What sign-in and whoever checks a request have in common."""

    settings: AccessSettings
    provider: Provider
    commands: Commands

    @property
    def limits(self) -> Limits:
        """After how long a session is over."""
        return Limits(timedelta(minutes=self.settings.idle_minutes), timedelta(hours=self.settings.session_hours))

    @property
    def secure(self) -> bool:
        """Whether cookies travel by TLS only: wherever the service is reached by it."""
        return self.settings.public_url.startswith("https:")

    def cookie(self, name: str) -> str:
        """The name of a cookie; `__Host-` binds it to this very host, and browsers take it by TLS only."""
        return f"__Host-madoguchi-{name}" if self.secure else f"madoguchi-{name}"

    @property
    def box(self) -> Fernet:
        """Seals the cookie of a sign-in under way; every instance has the same client secret."""
        secret = self.settings.oidc_client_secret.get_secret_value()
        return Fernet(base64.urlsafe_b64encode(hashlib.sha256(f"sign-in under way {secret}".encode()).digest()))

    def set(self, answer: Response, name: str, value: str, seconds: int) -> None:
        """Set a cookie."""
        answer.set_cookie(
            self.cookie(name), value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def drop(self, answer: Response, name: str) -> None:
        """Take a cookie back."""
        answer.delete_cookie(self.cookie(name), path="/", secure=self.secure, httponly=True, samesite="lax")


def add_routes(app: FastAPI, entrance: Entrance) -> None:
    """In, back from the provider, and out."""

    @app.get("/login")
    async def login(
        then: Annotated[str, Query(max_length=500)] = "/v1/me",
        again: Annotated[bool, Query()] = False,  # noqa: FBT002  a parameter of the query
    ) -> Response:
        """Go to the provider; `then` is the path to come back to, `again` has it ask whoever is signed in there, too."""
        under_way = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
        url = await entrance.provider.authorization_url(**under_way, again=again)
        answer = RedirectResponse(url, 303)
        told = json.dumps(under_way | {"then": _within(then)}).encode()
        entrance.set(answer, "login", entrance.box.encrypt(told).decode(), LOGIN_SECONDS)
        return answer

    @app.get("/callback")
    async def callback(
        request: Request,
        state: Annotated[str, Query(max_length=200)] = "",
        code: Annotated[str, Query(max_length=4000)] = "",
    ) -> Response:
        """Back from the provider: a session begins, under a token that nobody had before; the browser's former one ends."""
        under_way = _opened(entrance, request.cookies.get(entrance.cookie("login"), ""))
        if not code or not secrets.compare_digest(under_way["state"].encode(), state.encode()):
            raise sign_in_failed()
        try:
            signed_in = await entrance.provider.signed_in(code, under_way["nonce"], under_way["verifier"])
        except WeakSignIn:
            return second_factor_page()
        except StaleSignIn:
            return stale_page()
        token, former = sessions.new_token(), request.cookies.get(entrance.cookie("session"), "")
        await entrance.commands.run(lambda tx: _begin(tx, token, former, signed_in, entrance.limits))
        answer = RedirectResponse(under_way["then"], 303)
        entrance.set(answer, "session", token, entrance.settings.session_seconds)
        entrance.drop(answer, "login")
        return answer

    @app.post("/logout")
    async def logout(request: Request) -> Response:
        """The session is over, here and in the table."""
        token = request.cookies.get(entrance.cookie("session"), "")
        await entrance.commands.run(lambda tx: _end(tx, token))
        answer = JSONResponse({"signed_out": True})
        entrance.drop(answer, "session")
        return answer


async def _begin(tx: Tx, token: str, former: str, signed_in: SignedIn, limits: Limits) -> tuple[None, list[Event]]:
    await sessions.end(tx, former)
    await sessions.begin(tx, token, signed_in.who, limits, signed_in.subject, signed_in.session, signed_in.at)
    return None, []


async def _end(tx: Tx, token: str) -> tuple[None, list[Event]]:
    await sessions.end(tx, token)
    return None, []


def _within(then: str) -> str:
    """A path of this service and nothing that leads elsewhere."""
    return then if then.startswith("/") and not then.startswith(("//", "/\\")) and then.isprintable() else "/v1/me"


def _opened(entrance: Entrance, cookie: str) -> dict[str, Any]:
    try:
        return json.loads(entrance.box.decrypt(cookie.encode(), ttl=LOGIN_SECONDS))
    except (InvalidToken, ValueError) as error:
        raise sign_in_failed() from error
