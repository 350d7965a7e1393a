"""Channel systems at the door: who is let in, as whom, for what."""

import asyncio
from base64 import b64encode, urlsafe_b64encode
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from contracts.ids import uuid7
from services.intake import channel_systems
from services.intake.admitting import ApiKey, make_key
from tests.intake.conftest import CORRECTED, NOW, PORTAL, THIEF, Intake, application, event

ABSENT = "0000-0099-9999-9"


def told(answer: httpx.Response) -> str:
    return answer.json()["type"].removeprefix("urn:madoguchi:problem:")


@pytest.mark.parametrize(
    "authorization,code",
    [
        (None, "no-key"),
        ("", "no-key"),
        ("Bearer", "no-key"),
        ("Basic cG9ydGFsOng=", "no-key"),
        ("Bearer mdg_", "bad-key"),
        ("Bearer mdg_aaaaaaaaaa_" + "0" * 64, "bad-key"),
        ("Bearer mdg_aaaaaaaaaa_" + "\xff" * 64, "bad-key"),
        ("Bearer a.b.c", "bad-key"),
        ("Bearer " + "." * 5000, "bad-key"),
    ],
)
async def test_nobody_comes_in_without_a_key(intake: Intake, authorization: str | None, code: str) -> None:
    headers = httpx.Headers([] if authorization is None else [(b"authorization", authorization.encode("latin-1"))])
    for answer in (
        await intake.http.post("/v1/applications", content=b"{}", headers=headers),
        await intake.http.get(f"/v1/applications/{ABSENT}", headers=headers),
    ):
        assert (answer.status_code, told(answer)) == (401, code)
        assert answer.headers["www-authenticate"].startswith('Bearer realm="madoguchi"')
        assert ('error="invalid_token"' in answer.headers["www-authenticate"]) == (code == "bad-key")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_wrong_secret_an_unknown_prefix_and_a_key_that_is_over_get_the_same_answer(intake: Intake) -> None:
    over = await intake.admit(replace(PORTAL, name="late", sources=frozenset()), NOW)
    wrong = replace(intake.keys["portal"], secret="0" * 64)

    answers = [await intake.post(application(), authorization=f"Bearer {k.text}") for k in (over, wrong, make_key())]

    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}


@pytest.mark.parametrize(
    "changes,code",
    [
        ({"source": "/channels/thief"}, "not-your-source"),
        ({"source": "/channels/portal/"}, "not-your-source"),
        ({"source": "/channels/PORTAL"}, "not-your-source"),
        ({"channel": "web"}, "not-your-channel"),
        ({"procedure": "road.snow"}, None),
        ({"procedure": "roads"}, "not-your-procedure"),
        ({"procedure": "child-allowance.claim"}, "not-your-procedure"),
    ],
)
async def test_a_key_hands_in_what_is_its_own(intake: Intake, changes: dict[str, str], code: str | None) -> None:
    await intake.admit(replace(PORTAL, procedures=("road.*", "waste.bulky")))
    source = {"source": changes.pop("source")} if "source" in changes else {}

    answer = await intake.post(application(**changes) | source)

    if code is None:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, told(answer)) == (403, code)
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
        assert await intake.rows("SELECT 1 FROM application") == []
        assert not any(value in answer.text.replace("/channels/portal", "") for value in changes.values())


async def test_nobody_corrects_or_withdraws_in_the_name_of_another(intake: Intake) -> None:
    application_id = str(uuid7(NOW))
    await intake.post(application(application_id))
    correction = event(
        CORRECTED, application_id, {"application_id": application_id, "submitted_at": "2026-11-25T00:00:00Z"}
    )

    as_portal = await intake.post(correction, system="thief")
    as_thief = await intake.post(correction | {"source": "/channels/thief"}, system="thief")

    assert (as_portal.status_code, told(as_portal)) == (403, "not-your-source")
    assert (as_thief.status_code, told(as_thief)) == (409, "unknown-application")


async def test_a_faulty_submission_of_another_source_is_told_nothing_of_its_faults(intake: Intake) -> None:
    answer = await intake.post(application(procedure="SNOW!"), system="thief")

    assert (answer.status_code, told(answer)) == (403, "not-your-source")
    assert "errors" not in answer.json()


async def test_anothers_application_is_not_to_be_told_from_none(intake: Intake) -> None:
    receipt = (await intake.post(application())).json()["receipt"]

    anothers, none = await intake.get(receipt, "thief"), await intake.get(ABSENT, "thief")

    assert (await intake.get(receipt)).status_code == 200
    assert (anothers.status_code, anothers.content, anothers.headers) == (404, none.content, none.headers)


async def test_two_keys_live_while_one_takes_over_and_a_third_is_refused(intake: Intake) -> None:
    first = intake.keys["portal"]
    second = await intake.admit(PORTAL)
    third = await intake.admit(PORTAL)

    codes = [
        (await intake.post(application(), authorization=f"Bearer {key.text}")).status_code
        for key in (first, second, third)
    ]

    assert codes == [201, 201, 401]


async def test_a_rotated_key_ends_when_its_overlap_does_and_the_new_one_goes_on(intake: Intake) -> None:
    second = await intake.admit(PORTAL, NOW + timedelta(days=365))
    async with intake.as_administrator() as tx:
        await channel_systems.shorten_keys(tx, "portal", NOW + timedelta(hours=1), second.prefix)
        listed = {key.prefix: key.expires_at for key in await channel_systems.keys_of(tx) if key.system == "portal"}

    assert sorted(listed.values()) == [NOW + timedelta(hours=1), NOW + timedelta(days=365)]
    assert listed[second.prefix] == NOW + timedelta(days=365)


async def test_a_revoked_key_and_its_tokens_let_nobody_in_within_seconds(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.intake.door.FRESH", 0.3)
    key = intake.keys["portal"]
    bearer = await token(intake, key)
    assert (await intake.post(application(), authorization=bearer)).status_code == 201
    async with intake.as_administrator() as tx:
        assert await channel_systems.revoke_keys(tx, "portal", key.prefix) == [key.prefix]

    await asyncio.sleep(0.4)

    assert (await intake.post(application())).status_code == 401
    assert (await intake.post(application(), authorization=bearer)).status_code == 401


async def test_a_removed_system_is_nobody_and_its_source_is_given_to_no_other(intake: Intake) -> None:
    async with intake.as_administrator() as tx:
        await channel_systems.remove_system(tx, "portal")

    assert (await intake.post(application())).status_code == 401
    with pytest.raises(asyncpg.UniqueViolationError):
        await intake.admit(replace(THIEF, sources=frozenset({"/channels/portal"})))


async def test_no_secret_is_kept(intake: Intake) -> None:
    (kept,) = await intake.rows("SELECT * FROM channel_key WHERE system = 'portal'")

    assert intake.keys["portal"].secret not in repr(tuple(kept))
    assert intake.keys["portal"].secret not in repr(intake.keys["portal"])
    assert kept["digest"] == intake.keys["portal"].digest


async def test_intake_itself_can_let_nobody_in(intake: Intake) -> None:
    for statement in (
        "INSERT INTO channel_source (source, system) VALUES ('/x', 'portal')",
        "UPDATE channel_key SET expires_at = 'infinity'",
        "DELETE FROM channel_system",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await intake.rows(statement)


async def test_guessing_makes_the_database_look_a_few_times_a_second_however_many_guess(intake: Intake) -> None:
    await intake.post(application())
    looked = 0
    read = channel_systems.live_keys

    async def counted(tx: Any) -> Any:
        nonlocal looked
        looked += 1
        return await read(tx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channel_systems, "live_keys", counted)
        guesses = [intake.post(application(), authorization=f"Bearer {make_key().text}") for _ in range(50)]
        answers = await asyncio.gather(*guesses)

    assert {answer.status_code for answer in answers} == {401}
    assert looked <= 2


async def ask_token(intake: Intake, key: ApiKey, **form: str) -> httpx.Response:
    basic = b64encode(f"{key.prefix}:{key.secret}".encode()).decode()
    return await intake.http.post(
        "/v1/token", data={"grant_type": "client_credentials"} | form, headers={"authorization": f"Basic {basic}"}
    )


async def token(intake: Intake, key: ApiKey) -> str:
    return f"Bearer {(await ask_token(intake, key)).json()['access_token']}"


async def test_a_token_for_a_key_does_what_the_key_does(intake: Intake) -> None:
    answer = await ask_token(intake, intake.keys["thief"])
    bearer = f"Bearer {answer.json()['access_token']}"

    assert {name: answer.json()[name] for name in ("token_type", "expires_in")} == {
        "token_type": "Bearer",
        "expires_in": 600,
    }
    assert answer.headers["cache-control"] == "no-store"
    own = await intake.post(application() | {"source": "/channels/thief"}, authorization=bearer)
    assert own.status_code == 201
    assert told(await intake.post(application(), authorization=bearer)) == "not-your-source"


async def test_a_client_may_authenticate_in_the_form(intake: Intake) -> None:
    key = intake.keys["portal"]
    form = {"grant_type": "client_credentials", "client_id": f"mdg_{key.prefix}", "client_secret": key.secret}

    assert (await intake.http.post("/v1/token", data=form)).status_code == 200


async def test_a_token_is_refused_as_rfc_6749_says(intake: Intake) -> None:
    key = intake.keys["portal"]
    wrong = await ask_token(intake, replace(key, secret="0" * 64))
    other = await ask_token(intake, key, grant_type="password")
    twice = await ask_token(intake, key, client_secret=key.secret)
    doubled = await intake.http.post(
        "/v1/token",
        content=b"grant_type=client_credentials&grant_type=client_credentials",
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    as_json = await intake.http.post("/v1/token", json={"grant_type": "client_credentials"})

    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert wrong.headers["www-authenticate"].startswith("Basic ")
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")
    assert (twice.status_code, twice.json()["error"]) == (400, "invalid_request")
    assert (doubled.status_code, doubled.json()["error"]) == (400, "invalid_request")
    assert (as_json.status_code, as_json.json()["error"]) == (400, "invalid_request")


MALFORMED = (
    "1",
    '"alg"',
    "[]",
    "null",
    "[" * 9000,
    '{"alg":{}}',
    '{"alg":"HS256","crit":1}',
    '{"alg":"HS256","b64":1}',
)
"""Headers of tokens that a library may choke on; nothing is signed, as they are read before."""


def encoded(text: str) -> str:
    return urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


async def test_a_forged_or_stale_token_is_refused(intake: Intake) -> None:
    key = intake.keys["portal"]
    good = (await token(intake, key)).removeprefix("Bearer ")
    claims = dict(jwt.decode(good, OctKey.import_key(b"k" * 32)).claims)
    header = {"alg": "HS256", "typ": "at+jwt"}

    def made(secret: bytes = b"k" * 32, header: dict[str, str] = header, **changes: object) -> str:
        return jwt.encode(header, claims | changes, OctKey.import_key(secret), algorithms=["HS256", "HS512"])

    head, body, _ = good.split(".")
    unsigned = "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0"
    forged = [
        made(b"x" * 32),
        made(exp=int(NOW.timestamp()) - 1),
        made(iss="urn:other"),
        made(aud="urn:other"),
        made(header=header | {"typ": "JWT"}),
        made(header=header | {"alg": "HS512"}),
        made(client_id="aaaaaaaaaa"),
        made(client_id=["portal"]),
        f"{head}.{body}.",
        f"{unsigned}.{body}.",
        good + "x",
        *(f"{encoded(head)}.{body}.AA" for head in MALFORMED),
    ]
    answers = [await intake.post(application(), authorization=f"Bearer {text}") for text in forged]

    assert [answer.status_code for answer in answers] == [401] * len(forged)
    assert (await intake.post(application(), authorization=f"Bearer {made()}")).status_code == 201
