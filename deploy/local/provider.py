"""A small OpenID provider for the demo and for tests, on this machine alone: it refuses to listen on any other address.

It speaks discovery, authorize (a page to log in), token and JWKS, for one client. Whoever POSTs `staff` and `password` to /logout
is signed out of every client, each of which is told by Back-Channel Logout. Codes are kept in memory for a minute,
used once, and bound to client, redirect and PKCE challenge. Run it with
`python -m deploy.local.provider --folder <home>/identity --port N`.
"""

import argparse
import base64
import hashlib
import html
import ipaddress
import secrets
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from deploy.local.accounts import CLIENT_ID, Accounts, LocalAccount, accounts_in
from deploy.local.pages import PAGE, WRONG
from deploy.local.process import write_private

CODE_SECONDS, TOKEN_SECONDS, SESSION_SECONDS = 60, 3600, 36_000
AUDIENCE = "madoguchi"

_ASKED = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorization code stands for, until it is used."""

    account: LocalAccount
    asked: dict[str, str]
    ends: float
    at: int
    """When its account's password was asked for, seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in, and the client to which they were sent: its origin."""

    account: LocalAccount
    client: str
    ends: float


@dataclass(slots=True)
class LocalProvider:
    """Accounts, a key, the codes that are out, and who is signed in where."""

    issuer: str
    accounts: Accounts
    key: RSAKey
    codes: dict[str, Code] = field(default_factory=lambda: dict[str, Code]())
    sessions: dict[str, Session] = field(default_factory=lambda: dict[str, Session]())

    def discovery(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
        }

    def let_in(self, asked: dict[str, str], staff: str, password: str) -> str | None:
        """A code for whoever knows the password."""
        account = self._known(staff, password)
        if account is None:
            return None
        now = time.monotonic()
        self.codes = {code: one for code, one in self.codes.items() if one.ends > now}
        code = secrets.token_urlsafe(24)
        self.codes[code] = Code(account, asked, now + CODE_SECONDS, int(time.time()))
        return code

    def _known(self, staff: str, password: str) -> LocalAccount | None:
        account = self.accounts.named(staff)
        known = account.password if account else secrets.token_urlsafe(9)
        return account if secrets.compare_digest(known.encode(), password.encode()) else None

    def logouts(self, staff: str, password: str) -> list[tuple[str, str]] | None:
        """(client, logout token) of every session of whoever knows the password, which are over; None for anybody else."""
        account = self._known(staff, password)
        if account is None:
            return None
        theirs = {name: one for name, one in self.sessions.items() if one.account == account}
        self.sessions = {name: one for name, one in self.sessions.items() if name not in theirs}
        return [(one.client, self.logout_token(staff, name)) for name, one in theirs.items()]

    def logout_token(self, staff: str, session: str, **changed: Any) -> str:
        """OpenID Connect Back-Channel Logout 1.0 §2.4; `changed` replaces claims."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "sub": staff,
            "sid": session,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_urlsafe(16),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        kept = {name: said for name, said in (claims | changed).items() if said is not None}
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, "typ": "logout+jwt"}, kept, self.key)

    def _begun(self, code: Code) -> str:
        now, redirect = time.monotonic(), urlsplit(code.asked["redirect_uri"])
        self.sessions = {name: one for name, one in self.sessions.items() if one.ends > now}
        name = secrets.token_urlsafe(16)
        self.sessions[name] = Session(code.account, f"{redirect.scheme}://{redirect.netloc}", now + SESSION_SECONDS)
        return name

    def tokens(self, form: dict[str, str]) -> dict[str, Any] | None:
        """ID and access token for a code, once; None when it is not good for any."""
        found = self.codes.pop(form.get("code", ""), None)
        if found is None or found.ends < time.monotonic() or form.get("redirect_uri") != found.asked["redirect_uri"]:
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != found.asked["code_challenge"]:
            return None
        about = {"amr": ["pwd"], "sid": self._begun(found), "auth_time": found.at}
        return {
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "access_token": self.signed(found.account, about | {"aud": AUDIENCE}, "at+jwt"),
            "id_token": self.signed(found.account, about | {"aud": CLIENT_ID, "nonce": found.asked["nonce"]}, "JWT"),
        }

    def signed(self, account: LocalAccount, claims: dict[str, Any], kind: str) -> str:
        """A token about an account."""
        now = int(time.time())
        about = {
            "iss": self.issuer,
            "sub": account.staff,
            "iat": now,
            "exp": now + TOKEN_SECONDS,
            "preferred_username": account.staff,
            "roles": list(account.roles),
            "departments": list(account.departments),
        }
        return jwt.encode({"alg": "RS256", "kid": self.key.kid, "typ": kind}, about | claims, self.key)


def fault_of(asked: dict[str, str]) -> str | None:
    """What is wrong with a request to authorize; such a one is never sent back to where it says."""
    redirect = urlsplit(asked["redirect_uri"])
    if asked["client_id"] != CLIENT_ID:
        return "client_id"
    if redirect.scheme != "http" or not is_loopback(redirect.hostname or "") or redirect.path != "/callback":
        return "redirect_uri"
    if asked["response_type"] != "code" or asked["code_challenge_method"] != "S256" or not asked["code_challenge"]:
        return "response_type, code_challenge (S256)"
    return None


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def make_app(provider: LocalProvider) -> FastAPI:
    """The provider over HTTP."""
    app = FastAPI(title="Madoguchi local provider", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/.well-known/openid-configuration")
    async def discovery() -> JSONResponse:
        return JSONResponse(provider.discovery())

    @app.get("/jwks")
    async def jwks() -> JSONResponse:
        return JSONResponse(KeySet([provider.key]).as_dict(private=False))

    @app.get("/authorize")
    async def ask(request: Request) -> Response:
        return _page({name: request.query_params.get(name, "") for name in _ASKED}, "")

    @app.post("/authorize")
    async def log_in(request: Request) -> Response:
        return _answer(provider, await _form(request))

    @app.post("/logout")
    async def log_out(request: Request) -> JSONResponse:
        form = await _form(request)
        ended = provider.logouts(form.get("staff", ""), form.get("password", ""))
        if ended is None:
            return JSONResponse({"error": "access_denied"}, 401)
        return JSONResponse({"told": [await _told(client, token) for client, token in ended]})

    @app.post("/token")
    async def token(request: Request) -> Response:
        if not _is_client(provider, request.headers.get("authorization", "")):
            return JSONResponse({"error": "invalid_client"}, 401)
        found = provider.tokens(await _form(request))
        return JSONResponse(found or {"error": "invalid_grant"}, 200 if found else 400, {"Cache-Control": "no-store"})

    return app


async def _told(client: str, token: str) -> dict[str, Any]:
    """Tell a client, once; 0 is one that did not answer."""
    try:
        async with httpx2.AsyncClient(timeout=5) as outside:
            answer = await outside.post(f"{client}/backchannel-logout", data={"logout_token": token})
            return {"client": client, "status": answer.status_code}
    except (httpx2.HTTPError, OSError):
        return {"client": client, "status": 0}


def _answer(provider: LocalProvider, form: dict[str, str]) -> Response:
    asked = {name: form.get(name, "") for name in _ASKED}
    if fault_of(asked):
        return _page(asked, "")
    code = provider.let_in(asked, form.get("staff", ""), form.get("password", ""))
    if code is None:
        return _page(asked, WRONG)
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)


def _page(asked: dict[str, str], wrong: str) -> Response:
    if fault := fault_of(asked):
        return HTMLResponse(f"<!doctype html><p>{html.escape(fault)}?", 400)
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in asked.items()
    )
    page = PAGE.format(hidden=hidden, wrong=wrong)
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
    return HTMLResponse(page, 401 if wrong else 200, headers | {"Cache-Control": "no-store"})


async def _form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()}


def _is_client(provider: LocalProvider, header: str) -> bool:
    expected = base64.b64encode(f"{CLIENT_ID}:{provider.accounts.client_secret}".encode()).decode()
    return secrets.compare_digest(header.encode(), f"Basic {expected}".encode())


def key_in(folder: Path) -> RSAKey:
    """The signing key, made once and kept, so that tokens outlive a restart."""
    path = folder / "key.pem"
    if not path.exists():
        write_private(path, RSAKey.generate_key(2048).as_pem(private=True))
    key = RSAKey.import_key(path.read_bytes())
    key.ensure_kid()
    return key


def main() -> None:
    """The provider as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="where accounts and key are kept")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address; any other is refused")
    options = parser.parse_args()
    if not is_loopback(options.host):
        sys.exit(f"--host {options.host}: this provider is for the demo and listens on a loopback address only")
    provider = LocalProvider(
        f"http://{options.host}:{options.port}", accounts_in(options.folder), key_in(options.folder)
    )
    uvicorn.run(make_app(provider), host=options.host, port=options.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
