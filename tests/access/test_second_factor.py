"""Where the settings ask for a second factor, whoever has shown none ends outside, and is told what to do."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import ValidationError

from access.settings import Vouching
from chassis import database
from tests.access.conftest import Visitor, visiting
from tests.provider import Running

ACR = "https://refeds.org/profile/mfa"


async def test_who_comes_without_it_sees_a_page_in_three_registers_and_gets_no_session(
    desk_dsn: str, provider: Running
) -> None:
    async with visiting(desk_dsn, provider, oidc_amr="mfa otp hwk") as visitor:
        back = await visitor.sign_in("clerk")

        assert back.status_code == 403
        assert back.headers["content-type"].startswith("text/html")
        assert "script" not in back.text
        for words in ("もう一つの認証", "聞（き）いて ください", "second factor"):
            assert words in back.text
        assert "madoguchi-session" not in visitor.desk.cookies
        assert (await visitor.desk.get("/v1/me")).status_code == 401
    connection = await database.connect(desk_dsn)
    assert await connection.fetchval("SELECT count(*) FROM staff_session") == 0
    await database.close(connection)


async def test_who_comes_by_a_method_that_is_asked_for_is_in(desk_dsn: str, provider: Running) -> None:
    async with visiting(desk_dsn, provider, oidc_amr="otp pwd") as visitor:
        assert (await visitor.sign_in("clerk")).status_code == 303
        assert (await visitor.desk.get("/v1/me")).status_code == 200


async def test_the_provider_is_asked_for_it_and_not_believed_to_have_done_it(desk_dsn: str, provider: Running) -> None:
    async with visiting(desk_dsn, provider, oidc_acr_values=f"{ACR} phr") as visitor:
        away = (await visitor.desk.get("/login")).headers["location"]

        assert parse_qs(urlsplit(away).query)["acr_values"] == [f"{ACR} phr"]
        assert (await visitor.sign_in("clerk")).status_code == 403


async def test_without_a_setting_nothing_is_asked_for(visitor: Visitor) -> None:
    away = (await visitor.desk.get("/login")).headers["location"]

    assert "acr_values" not in away
    assert (await visitor.sign_in("clerk")).status_code == 303


async def test_an_access_token_is_held_to_the_same_and_told_how_to_step_up(desk_dsn: str, provider: Running) -> None:
    async with visiting(desk_dsn, provider, oidc_acr_values=ACR) as visitor:
        weak = await visitor.desk.get("/v1/me", headers=provider.token("clerk"))
        strong = await visitor.desk.get("/v1/me", headers=provider.token("clerk", acr=ACR))

    assert (weak.status_code, strong.status_code) == (401, 200)
    assert weak.json()["type"].endswith(":second-factor")
    asked = f'error="insufficient_user_authentication", acr_values="{ACR}"'
    assert asked in weak.headers["www-authenticate"]


@pytest.mark.parametrize(
    "settings, claims, enough",
    [
        ({}, {}, True),
        ({"oidc_acr_values": "gold silver"}, {"acr": "silver"}, True),
        ({"oidc_acr_values": "gold silver"}, {"acr": "bronze"}, False),
        ({"oidc_acr_values": "gold"}, {"acr": ["gold"]}, False),
        ({"oidc_amr": "mfa"}, {"amr": ["pwd", "mfa"]}, True),
        ({"oidc_amr": "mfa"}, {"amr": "pwd mfa"}, True),
        ({"oidc_amr": "mfa"}, {"amr": []}, False),
        ({"oidc_amr": "mfa"}, {"amr": {"mfa": True}}, False),
        ({"oidc_amr": "mfa", "oidc_acr_values": "gold"}, {"amr": ["mfa"]}, False),
        ({"oidc_amr": "mfa", "oidc_acr_values": "gold"}, {"amr": ["mfa"], "acr": "gold"}, True),
    ],
)
def test_what_is_asked_for_must_all_have_been_shown(
    settings: dict[str, str],
    claims: dict[str, Any],
    enough: bool,  # noqa: FBT001  a parameter
) -> None:
    vouching = Vouching.model_validate({"oidc_issuer": "https://id.city.example"} | settings)

    assert vouching.is_strong_enough(claims) is enough


def test_a_value_that_would_end_the_header_it_stands_in_is_refused() -> None:
    with pytest.raises(ValidationError):
        Vouching.model_validate({"oidc_issuer": "https://id.city.example", "oidc_acr_values": 'gold", x="'})
