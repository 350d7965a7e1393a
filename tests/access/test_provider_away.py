"""A provider that is away, answers nonsense, or changes its keys while services run."""

import time
from typing import Any

import pytest
from fastapi.responses import HTMLResponse, JSONResponse, Response

from access import issuer as module
from access.issuer import AWAY_SECONDS, KEYS_AGAIN_SECONDS, KEYS_SECONDS, Issuer
from access.settings import Vouching
from chassis.errors import Refused
from deploy.local.accounts import LocalAccount
from tests.access.conftest import visiting
from tests.access.moving import Moving, moving
from tests.provider import Running

CLERK = LocalAccount("robo", "", ("clerk",), ("doro-iji",))


class Clock:
    """Goes on when it is told to."""

    now = 1_000_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def there(provider: Running) -> Moving:
    return moving(provider)


@pytest.fixture
def asking(there: Moving) -> Issuer:
    return Issuer(Vouching(oidc_issuer=there.local.issuer))


def token(there: Moving) -> str:
    return there.local.signed(CLERK, {"aud": "madoguchi"}, "at+jwt")


async def refused(asking: Issuer, said: str) -> tuple[int, str]:
    with pytest.raises(Refused) as raised:
        await asking.bearer(said)
    return raised.value.status, raised.value.code


async def test_one_that_was_away_at_first_lets_in_once_it_is_there(there: Moving, asking: Issuer, clock: Clock) -> None:
    assert await refused(asking, token(there)) == (503, "provider-away")

    clock.now += AWAY_SECONDS
    with there.up():
        assert (await asking.bearer(token(there))).staff == "robo"


async def test_while_its_keys_are_believed_it_may_be_away_and_then_nobody_is_let_in_until_it_is_back(
    there: Moving, asking: Issuer, clock: Clock
) -> None:
    """Not for ten minutes more on old keys because it was asked in vain: one of them may have been withdrawn."""
    with there.up():
        await asking.bearer(token(there))
    clock.now += KEYS_SECONDS - 1
    assert (await asking.bearer(token(there))).staff == "robo"

    clock.now += 2
    assert [await refused(asking, token(there)) for _ in range(3)] == [(503, "provider-away")] * 3

    clock.now += AWAY_SECONDS
    with there.up():
        assert (await asking.bearer(token(there))).staff == "robo"


async def test_whoever_comes_while_it_is_away_waits_for_nobody(there: Moving, asking: Issuer, clock: Clock) -> None:
    there.documents["/.well-known/openid-configuration"] = HTMLResponse("gone", 502)
    with there.up():
        await refused(asking, token(there))
    began = time.monotonic()

    assert {await refused(asking, token(there)) for _ in range(200)} == {(503, "provider-away")}

    assert time.monotonic() - began < 1


async def test_a_strangers_token_shuts_nobody_out_while_it_is_away(there: Moving, asking: Issuer, clock: Clock) -> None:
    with there.up():
        await asking.bearer(token(there))
    clock.now += KEYS_AGAIN_SECONDS + 1

    assert await refused(asking, token(there)[:-8] + "AAAAAAAA") == (503, "provider-away")

    assert (await asking.bearer(token(there))).staff == "robo"


async def test_a_key_that_it_changes_while_we_run_is_known_and_the_former_forgotten(
    there: Moving, asking: Issuer, clock: Clock
) -> None:
    with there.up():
        former = token(there)
        await asking.bearer(former)
        there.changes_key()
        assert await refused(asking, token(there)) == (401, "bad-token")
        clock.now += KEYS_AGAIN_SECONDS + 1

        assert (await asking.bearer(token(there))).staff == "robo"
        assert await refused(asking, former) == (401, "bad-token")


async def test_a_key_that_it_has_withdrawn_lets_nobody_in_after_ten_minutes(
    there: Moving, asking: Issuer, clock: Clock
) -> None:
    with there.up():
        former = token(there)
        await asking.bearer(former)
        there.changes_key()
        clock.now += KEYS_SECONDS - 1
        assert (await asking.bearer(former)).staff == "robo"

        clock.now += 2
        assert await refused(asking, former) == (401, "bad-token")


async def test_strangers_tokens_cost_it_one_question_in_ten_seconds(
    there: Moving, asking: Issuer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    ask = module._json

    async def counted(url: str) -> Any:
        asked.append(url)
        return await ask(url)

    monkeypatch.setattr(module, "_json", counted)
    with there.up():
        await asking.bearer(token(there))
        asked.clear()
        for _ in range(30):
            clock.now += 1
            await refused(asking, "x")

    assert sum(url.endswith("/jwks") for url in asked) <= 3


async def test_keys_that_move_to_another_address_are_found(there: Moving, asking: Issuer, clock: Clock) -> None:
    with there.up():
        await asking.bearer(token(there))
        elsewhere = there.local.discovery() | {"jwks_uri": f"{there.local.issuer}/moved"}
        there.documents |= {
            "/jwks": HTMLResponse("moved", 404),
            "/.well-known/openid-configuration": JSONResponse(elsewhere),
        }
        there.documents["/moved"] = JSONResponse({"keys": [there.local.key.as_dict(private=False)]})
        clock.now += KEYS_SECONDS + 1

        assert (await asking.bearer(token(there))).staff == "robo"


NONSENSE: dict[str, tuple[str, Response]] = {
    "a list": ("/.well-known/openid-configuration", JSONResponse([])),
    "no JSON": ("/.well-known/openid-configuration", HTMLResponse("<p>down for maintenance")),
    "a document that names no keys": ("/.well-known/openid-configuration", JSONResponse({"issuer": "…"})),
    "another issuer": ("/.well-known/openid-configuration", JSONResponse({"issuer": "https://evil.example"})),
    "keys that are none": ("/jwks", JSONResponse({"keys": [{"kty": "RSA"}]})),
    "no key": ("/jwks", JSONResponse({"keys": []})),
    "keys of no kind that we know": ("/jwks", JSONResponse({"keys": [{"kty": "AKP"}]})),
    "keys that are text": ("/jwks", JSONResponse({"keys": "x"})),
    "a list of keys": ("/jwks", JSONResponse([])),
    "an error": ("/jwks", JSONResponse({}, 500)),
    "a redirect": ("/jwks", Response(status_code=302, headers={"Location": "http://evil.example"})),
}


@pytest.mark.parametrize("path, document", NONSENSE.values(), ids=NONSENSE)
async def test_nonsense_is_said_as_away_and_not_remembered(
    there: Moving, asking: Issuer, clock: Clock, path: str, document: Response
) -> None:
    there.documents[path] = document
    with there.up():
        assert await refused(asking, token(there)) == (503, "provider-away")

        there.documents.clear()
        clock.now += AWAY_SECONDS
        assert (await asking.bearer(token(there))).staff == "robo"


async def test_a_key_of_an_unknown_kind_beside_the_others_is_passed_over(there: Moving, asking: Issuer) -> None:
    known = there.local.key.as_dict(private=False)
    there.documents["/jwks"] = JSONResponse({"keys": [{"kty": "AKP", "kid": "new"}, known]})
    with there.up():
        assert (await asking.bearer(token(there))).staff == "robo"


@pytest.mark.parametrize("answer", [HTMLResponse("gone", 502), HTMLResponse("<p>hello"), JSONResponse([])])
async def test_a_token_endpoint_that_is_away_is_said_in_both_languages(
    desk_dsn: str, provider: Running, there: Moving, answer: Response
) -> None:
    with there.up():
        found = Running(there.local.issuer, provider.accounts, there.local, provider.folder)
        async with visiting(desk_dsn, found) as visitor:
            location = (await visitor.log_in()).headers["location"]
            there.documents["/token"] = answer
            said = await visitor.desk.get(location)

    assert (said.status_code, said.json()["type"]) == (503, "urn:madoguchi:problem:provider-away")
    assert "認証基盤に接続できません" in said.text
    assert "try again in a moment" in said.text
