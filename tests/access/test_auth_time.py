"""How long ago somebody showed the provider who they are counts, not when they came to the desk."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from tests.access.conftest import Visitor, visiting
from tests.access.moving import Moving, moving
from tests.provider import Running

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Coming:
    """A browser, and a provider that says what it is told."""

    visitor: Visitor
    provider: Moving


@asynccontextmanager
async def coming_to(dsn: str, provider: Running, **changed: Any) -> AsyncGenerator[Coming]:
    told = moving(provider)
    with told.up():
        async with visiting(dsn, replace(provider, url=told.local.issuer), **changed) as visitor:
            yield Coming(visitor, told)


@pytest.fixture
async def coming(desk_dsn: str, provider: Running) -> AsyncGenerator[Coming]:
    async with coming_to(desk_dsn, provider) as one:
        yield one


def ago(seconds: float) -> int:
    return int(time.time() - seconds)


async def test_the_provider_is_told_how_long_a_sign_in_may_last(coming: Coming) -> None:
    asked = parse_qs(urlsplit((await coming.visitor.desk.get("/login")).headers["location"]).query)

    assert asked["max_age"] == [str(10 * HOUR)]
    assert "prompt" not in asked


async def test_a_sign_in_older_than_any_session_begins_none_and_the_page_has_the_provider_ask_again(
    coming: Coming,
) -> None:
    coming.provider.told["auth_time"] = ago(10 * HOUR + 60)

    page = await coming.visitor.sign_in()

    assert page.status_code == 403
    for words in ("もう一度ログインしてください", "ログインして ください", "too long ago"):
        assert words in page.text
    assert (await coming.visitor.desk.get("/v1/me")).status_code == 401
    again = await coming.visitor.desk.get("/login?again=true")
    assert parse_qs(urlsplit(again.headers["location"]).query)["prompt"] == ["login"]


async def test_a_session_is_over_ten_hours_after_the_provider_asked_and_not_after_coming_here(
    coming: Coming,
) -> None:
    coming.provider.told["auth_time"] = ago(10 * HOUR - 2)

    assert (await coming.visitor.sign_in()).status_code == 303
    await asyncio.sleep(3)

    assert (await coming.visitor.desk.get("/v1/me")).status_code == 401


async def test_a_session_of_a_sign_in_of_an_hour_ago_has_nine_left(coming: Coming, desk_dsn: str) -> None:
    coming.provider.told["auth_time"] = ago(HOUR)

    await coming.visitor.sign_in()

    connection = await asyncpg.connect(desk_dsn)
    age = await connection.fetchval("SELECT extract(epoch FROM now() - began_at) FROM staff_session")
    await connection.close()
    assert HOUR <= age < HOUR + 60
    assert (await coming.visitor.desk.get("/v1/me")).status_code == 200


BAD: dict[str, dict[str, Any]] = {
    "a moment to come": {"auth_time": 300},
    "no moment": {"auth_time": "yesterday"},
    "yes": {"auth_time": True},
    "without iat": {"iat": None},
    "made in the future": {"iat": 300},
    "not yet": {"nbf": 300},
    "over": {"exp": -60},
    "another nonce": {"nonce": "x"},
    "another audience": {"aud": "somebody-else"},
}
"""Claims of ID tokens; whole numbers are seconds from now."""


@pytest.mark.parametrize("told", BAD.values(), ids=BAD)
async def test_an_id_token_that_does_not_hold_signs_nobody_in(coming: Coming, told: dict[str, Any]) -> None:
    coming.provider.told.update(
        {name: ago(-said) if isinstance(said, int) and said is not True else said for name, said in told.items()}
    )
    if told.get("iat", 0) is None:
        coming.provider.told["iat"] = None

    answer = await coming.visitor.sign_in()

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:madoguchi:problem:sign-in-failed")


@pytest.mark.parametrize("told", [{"iat": 20}, {"nbf": 20}, {"exp": -20}, {"auth_time": 20}], ids=str)
async def test_clocks_may_differ_by_half_a_minute(coming: Coming, told: dict[str, int]) -> None:
    coming.provider.told.update({name: ago(-said) for name, said in told.items()})

    assert (await coming.visitor.sign_in()).status_code == 303
    assert (await coming.visitor.desk.get("/v1/me")).status_code == 200


async def test_a_provider_that_does_not_say_when_is_believed_unless_the_settings_ask(
    coming: Coming, desk_dsn: str, provider: Running
) -> None:
    coming.provider.told["auth_time"] = None
    assert (await coming.visitor.sign_in()).status_code == 303

    async with coming_to(desk_dsn, provider, oidc_auth_time=True) as strict:
        assert (await strict.visitor.sign_in()).status_code == 303
        strict.provider.told["auth_time"] = None
        assert (await strict.visitor.sign_in()).status_code == 401
