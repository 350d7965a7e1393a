"""Signing in with a real provider: what a browser goes through, and every way in which it must end outside."""

import base64
import hmac
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from pydantic import ValidationError

from console.plain import PLAIN
from deploy.local.accounts import LocalAccount
from deploy.local.provider import LocalProvider
from services.desk.settings import Settings
from tests.access.conftest import Visitor, visiting
from tests.desk.conftest import SIGN_IN
from tests.provider import BAD_TOKENS, Running

ROOT = Path(__file__).parents[2]


async def test_a_clerk_signs_in_and_is_who_the_provider_says(visitor: Visitor) -> None:
    back = await visitor.sign_in("clerk")

    assert (back.status_code, back.headers["location"]) == (303, "/v1/me")
    me = (await visitor.desk.get("/v1/me")).json()
    assert me == {"staff": "clerk", "roles": ["clerk"], "departments": ["doro-iji"]}


async def test_what_a_browser_keeps_is_out_of_reach_of_scripts_and_other_sites(visitor: Visitor) -> None:
    cookies = (await visitor.sign_in()).headers.get_list("set-cookie")

    session = next(cookie for cookie in cookies if cookie.startswith("madoguchi-session="))
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(session.split("; "))


async def test_who_signs_in_again_leaves_no_session_behind(visitor: Visitor) -> None:
    await visitor.sign_in("clerk")
    former = visitor.desk.cookies["madoguchi-session"]

    await visitor.sign_in("approver")

    visitor.desk.cookies.clear()
    again = await visitor.desk.get("/v1/me", headers={"Cookie": f"madoguchi-session={former}"})
    assert again.status_code == 401


async def test_where_tls_is_cookies_travel_by_nothing_else(desk_dsn: str, provider: Running) -> None:
    async with visiting(desk_dsn, provider, public_url="https://desk.city.example") as visitor:
        (cookie,) = (await visitor.desk.get("/login")).headers.get_list("set-cookie")

    assert cookie.startswith("__Host-madoguchi-login=")
    assert "Secure" in cookie.split("; ")


async def test_the_provider_is_asked_with_pkce_state_and_nonce_that_are_new_each_time(visitor: Visitor) -> None:
    asked = [parse_qs(urlsplit((await visitor.desk.get("/login")).headers["location"]).query) for _ in range(2)]

    assert asked[0]["code_challenge_method"] == ["S256"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[0][name][0]) >= 43
        assert asked[0][name] != asked[1][name]


async def test_a_wrong_password_is_said_in_japanese_first_and_gives_no_code(visitor: Visitor) -> None:
    answer = await visitor.log_in("clerk", password="wrong")

    assert (answer.status_code, "location" in answer.headers) == (401, False)
    assert "職員番号またはパスワードが正しくありません" in answer.text


async def test_a_code_is_good_once(visitor: Visitor) -> None:
    location = (await visitor.log_in()).headers["location"]
    cookie = visitor.desk.cookies["madoguchi-login"]

    first = await visitor.desk.get(location)
    visitor.desk.cookies.set("madoguchi-login", cookie, domain="localhost.local")
    second = await visitor.desk.get(location, headers={"Cookie": f"madoguchi-login={cookie}"})

    assert (first.status_code, second.status_code) == (303, 401)


async def test_a_code_of_somebody_elses_sign_in_is_refused(visitor: Visitor) -> None:
    theirs = (await visitor.log_in()).headers["location"]
    await visitor.desk.get("/login")

    assert (await visitor.desk.get(theirs)).status_code == 401


async def test_a_code_brought_back_to_another_sign_in_fails_by_its_verifier(visitor: Visitor) -> None:
    """Whoever exchanges state and code of two sign-ins passes the state, and not PKCE."""
    theirs = parse_qs(urlsplit((await visitor.log_in()).headers["location"]).query)["code"][0]
    own = parse_qs(urlsplit((await visitor.log_in()).headers["location"]).query)["state"][0]

    answer = await visitor.desk.get("/callback", params={"code": theirs, "state": own})

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:madoguchi:problem:sign-in-failed")


@pytest.mark.parametrize("query", ["", "?code=x", "?code=x&state=y", "?error=access_denied&state=y"])
async def test_coming_back_without_having_gone_is_refused(visitor: Visitor, query: str) -> None:
    assert (await visitor.desk.get(f"/callback{query}")).status_code == 401


@pytest.mark.parametrize("then", ["https://evil.example/", "//evil.example/", "/\\evil.example", "evil"])
async def test_after_signing_in_nobody_is_sent_elsewhere(visitor: Visitor, then: str) -> None:
    assert (await visitor.sign_in(then=then)).headers["location"] == "/v1/me"


async def test_a_provider_that_is_away_is_said_and_lets_nobody_in(desk_dsn: str, provider: Running) -> None:
    async with visiting(desk_dsn, provider, oidc_issuer="http://127.0.0.1:1") as visitor:
        away = await visitor.desk.get("/login")
        token = await visitor.desk.get("/v1/me", headers={"Authorization": "Bearer x"})

    assert (away.status_code, token.status_code) == (503, 503)


CLERK = LocalAccount("robo", "", ("clerk",), ("doro-iji",))


async def by_token(visitor: Visitor, token: str) -> httpx.Response:
    return await visitor.desk.get("/v1/me", headers={"Authorization": f"Bearer {token}"})


async def test_a_script_comes_in_with_an_access_token_and_needs_no_origin(visitor: Visitor) -> None:
    token = visitor.provider.twin.signed(CLERK, {"aud": "madoguchi"}, "at+jwt")

    answer = await visitor.desk.post("/v1/search", headers={"Authorization": f"Bearer {token}", "Origin": ""}, json={})

    assert (await by_token(visitor, token)).json()["staff"] == "robo"
    assert answer.status_code == 422


@pytest.mark.parametrize("claims", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_a_token_that_is_not_for_us_now_lets_nobody_in(visitor: Visitor, claims: dict[str, Any]) -> None:
    answer = await visitor.desk.get("/v1/me", headers=visitor.provider.token("robo", ["clerk"], **claims))

    assert answer.status_code == 401


@pytest.mark.parametrize(
    "header", ["1", '"alg"', "[]", "[" * 9000, '{"alg":{}}', '{"alg":"RS256","crit":1}', '{"alg":"RS256","kid":[]}']
)
async def test_a_token_whose_header_is_none_lets_nobody_in_and_breaks_nothing(visitor: Visitor, header: str) -> None:
    """It is read before any signature, so anybody can send it."""
    encoded = base64.urlsafe_b64encode(header.encode()).decode().rstrip("=")

    answer = await by_token(visitor, f"{encoded}.e30.AA")

    assert answer.status_code == 401


def by_public_key(twin: LocalProvider, signed: str) -> str:
    """The same claims signed by HMAC with what everybody can read: the confusion of algorithms."""
    header = json.dumps({"alg": "HS256", "kid": twin.key.kid}).encode()
    said = f"{base64.urlsafe_b64encode(header).decode().rstrip('=')}.{signed.split('.')[1]}"
    digest = hmac.digest(twin.key.as_pem(private=False), said.encode(), "sha256")
    return f"{said}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


async def test_a_token_that_the_provider_did_not_sign_lets_nobody_in(visitor: Visitor) -> None:
    twin = visitor.provider.twin
    forged = replace(twin, key=RSAKey.generate_key(2048, {"kid": twin.key.kid or ""}))
    signed = twin.signed(CLERK, {"aud": "madoguchi"}, "at+jwt")
    tokens = [
        forged.signed(CLERK, {"aud": "madoguchi"}, "at+jwt"),
        by_public_key(twin, signed),
        f"eyJhbGciOiJub25lIn0.{signed.split('.')[1]}.",
        signed[:-8] + "AAAAAAAA",
        "x",
    ]

    assert [(await by_token(visitor, token)).status_code for token in tokens] == [401] * 5


@pytest.mark.parametrize("departments", [("*",), ("doro-iji,school",), ("doro-iji", "*")])
async def test_a_claim_that_would_open_every_department_lets_nobody_in(
    visitor: Visitor, departments: tuple[str, ...]
) -> None:
    token = visitor.provider.twin.signed(replace(CLERK, departments=departments), {"aud": "madoguchi"}, "at+jwt")

    assert (await by_token(visitor, token)).status_code == 403


@pytest.mark.parametrize(
    "name, value",
    [
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://127.0.0.1.evil.example/callback"),
        ("client_id", "another"),
        ("code_challenge", ""),
        ("code_challenge_method", "plain"),
        ("response_type", "token"),
    ],
)
async def test_the_local_provider_sends_nobody_where_it_must_not(visitor: Visitor, name: str, value: str) -> None:
    away = urlsplit((await visitor.desk.get("/login")).headers["location"])
    asked = {key: found[0] for key, found in parse_qs(away.query).items()} | {name: value}
    account = visitor.provider.accounts.accounts[0]

    async with httpx.AsyncClient(timeout=30, verify=PLAIN) as outside:
        page = await outside.get(f"{visitor.provider.url}/authorize", params=asked)
        form = asked | {"staff": account.staff, "password": account.password}
        answer = await outside.post(f"{visitor.provider.url}/authorize", data=form)

    assert (page.status_code, answer.status_code, "location" in answer.headers) == (400, 400, False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "city.example"])
def test_the_local_provider_listens_on_this_machine_only(tmp_path: Path, host: str) -> None:
    command = [sys.executable, "-m", "deploy.local.provider", "--folder", str(tmp_path), "--port", "1", "--host", host]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "loopback address only" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_accounts_and_key_are_their_owners_alone(provider: Running) -> None:
    assert {path.name: path.stat().st_mode & 0o777 for path in provider.folder.iterdir()} == {
        "accounts.json": 0o600,
        "key.pem": 0o600,
    }


def test_a_desk_without_a_provider_does_not_start() -> None:
    told = {
        "PATH": os.defpath,
        "MADOGUCHI_DESK_KAFKA_BOOTSTRAP": "none:1",
        "MADOGUCHI_DESK_POSTGRES_DSN": "postgresql://x",
    }

    done = subprocess.run(
        [sys.executable, "-m", "services.desk.app", "run"],
        cwd=ROOT,
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == os.EX_CONFIG
    for name in ("OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "PUBLIC_URL"):
        assert f"MADOGUCHI_DESK_{name}: Field required" in done.stderr


@pytest.mark.parametrize(
    "changed",
    [
        {"oidc_issuer": "http://login.city.example"},
        {"public_url": "http://desk.city.example"},
        {"oidc_issuer": ""},
        {"oidc_audience": "madoguchi-desk"},
        {"oidc_client_secret": ""},
    ],
)
def test_settings_that_would_be_unsafe_are_refused(changed: dict[str, str]) -> None:
    told = {
        "kafka_bootstrap": "none:1",
        "postgres_dsn": "postgresql://x",
        "keyring": "memory:",
        "opening_keyring": "memory:",
    }

    with pytest.raises(ValidationError):
        Settings.model_validate(told | SIGN_IN | changed)
