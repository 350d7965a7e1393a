"""A small OpenID provider for the demo and for tests, on this machine alone: it refuses to listen on any other address.

It speaks discovery, authorize (a page to log in), token and JWKS, for one client. Codes are kept in memory for a minute,
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

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from deploy.local.accounts import CLIENT_ID, Accounts, LocalAccount, accounts_in
from deploy.local.process import write_private

CODE_SECONDS, TOKEN_SECONDS = 60, 3600
AUDIENCE = "madoguchi"

_PAGE = """<!doctype html>
<html lang="ja"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>ログイン — 窓口</title>
<style>
body {{ font: 1.125rem/1.6 system-ui, sans-serif; max-width: 24rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; background: #fff }}
label {{ display: block; margin-top: 1rem; font-weight: 600 }}
input {{ width: 100%; box-sizing: border-box; font: inherit; padding: .6rem; border: 1px solid #595959; border-radius: .3rem }}
button {{ width: 100%; font: inherit; padding: .7rem; margin-top: 1.5rem; color: #fff; background: #004b87; border: 0; border-radius: .3rem }}
:focus-visible {{ outline: 3px solid #b85c00; outline-offset: 2px }}
.wrong {{ border-left: .4rem solid #b00020; padding: .3rem .8rem }}
</style>
<main><h1>職員ログイン</h1>
<p>職員番号とパスワードを入力してください。<br>番号（ばんごう）と パスワードを 入（い）れて ください。<br><span lang="en">Sign in with your staff name and password.</span></p>
{wrong}
<form method="post" action="/authorize">{hidden}
<label for="staff">職員番号 <span lang="en">Staff</span></label>
<input id="staff" name="staff" autocomplete="username" autocapitalize="none" required autofocus>
<label for="password">パスワード <span lang="en">Password</span></label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>ログインする <span lang="en">Sign in</span></button>
</form></main></html>
"""
_WRONG = """<p class="wrong" role="alert">職員番号またはパスワードが正しくありません。もう一度入力してください。
<span lang="en">Wrong name or password: try again.</span></p>"""
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


@dataclass(slots=True)
class LocalProvider:
    """Accounts, a key, and the codes that are out."""

    issuer: str
    accounts: Accounts
    key: RSAKey
    codes: dict[str, Code] = field(default_factory=lambda: dict[str, Code]())

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
        }

    def let_in(self, asked: dict[str, str], staff: str, password: str) -> str | None:
        """A code for whoever knows the password."""
        account = self.accounts.named(staff)
        known = account.password if account else secrets.token_urlsafe(9)
        if not secrets.compare_digest(known.encode(), password.encode()) or account is None:
            return None
        now = time.monotonic()
        self.codes = {code: one for code, one in self.codes.items() if one.ends > now}
        code = secrets.token_urlsafe(24)
        self.codes[code] = Code(account, asked, now + CODE_SECONDS)
        return code

    def tokens(self, form: dict[str, str]) -> dict[str, Any] | None:
        """ID and access token for a code, once; None when it is not good for any."""
        found = self.codes.pop(form.get("code", ""), None)
        if found is None or found.ends < time.monotonic() or form.get("redirect_uri") != found.asked["redirect_uri"]:
            return None
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != found.asked["code_challenge"]:
            return None
        return {
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
            "access_token": self.signed(found.account, {"aud": AUDIENCE}, "at+jwt"),
            "id_token": self.signed(found.account, {"aud": CLIENT_ID, "nonce": found.asked["nonce"]}, "JWT"),
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

    @app.post("/token")
    async def token(request: Request) -> Response:
        if not _is_client(provider, request.headers.get("authorization", "")):
            return JSONResponse({"error": "invalid_client"}, 401)
        found = provider.tokens(await _form(request))
        return JSONResponse(found or {"error": "invalid_grant"}, 200 if found else 400, {"Cache-Control": "no-store"})

    return app


def _answer(provider: LocalProvider, form: dict[str, str]) -> Response:
    asked = {name: form.get(name, "") for name in _ASKED}
    if fault_of(asked):
        return _page(asked, "")
    code = provider.let_in(asked, form.get("staff", ""), form.get("password", ""))
    if code is None:
        return _page(asked, _WRONG)
    return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)


def _page(asked: dict[str, str], wrong: str) -> Response:
    if fault := fault_of(asked):
        return HTMLResponse(f"<!doctype html><p>{html.escape(fault)}?", 400)
    hidden = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">' for name, value in asked.items()
    )
    page = _PAGE.format(hidden=hidden, wrong=wrong)
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
