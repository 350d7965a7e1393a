"""The provider ends sessions: what a logout token must say, what it ends, and every token that ends nothing."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import pytest
import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from access.back_channel import EVENT, PATH, SECONDS
from chassis import database, http
from chassis.commands import Commands
from chassis.pulse import Pulse
from console.plain import PLAIN
from deploy.local.accounts import CLIENT_ID
from deploy.local.ports import free_port
from deploy.local.provider import AUDIENCE, LocalProvider
from services.desk import callers
from tests.access.conftest import Visitor, settings_of, visiting
from tests.provider import Running

NEW: Any = object()


async def sessions_of(dsn: str) -> list[asyncpg.Record]:
    connection = await database.connect(dsn)
    rows = await connection.fetch("SELECT staff, subject, provider_session FROM staff_session ORDER BY began_at")
    await database.close(connection)
    return rows


async def told(visitor: Visitor, token: str) -> int:
    """What the desk answers the provider: no cookie, no `Origin`."""
    transport = visitor.desk._transport
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8083") as outside:
        return (await outside.post(PATH, data={"logout_token": token})).status_code


async def is_in(visitor: Visitor) -> bool:
    return (await visitor.desk.get("/v1/me")).status_code == 200


async def test_who_signs_out_at_the_provider_is_out_here(visitor: Visitor, desk_dsn: str) -> None:
    await visitor.sign_in("clerk")
    (row,) = await sessions_of(desk_dsn)

    assert await told(visitor, visitor.provider.twin.logout_token("clerk", row["provider_session"])) == 200

    assert not await is_in(visitor)
    assert await sessions_of(desk_dsn) == []


async def test_one_session_at_the_provider_is_one_here_and_a_subject_is_all_of_them(
    visitor: Visitor, desk_dsn: str
) -> None:
    twin = visitor.provider.twin
    for _ in range(3):
        await visitor.sign_in("clerk")
        visitor.desk.cookies.clear()
    await visitor.sign_in("approver")
    first = (await sessions_of(desk_dsn))[0]["provider_session"]

    assert await told(visitor, twin.logout_token("approver", first)) == 200
    assert len(await sessions_of(desk_dsn)) == 4
    await told(visitor, twin.logout_token("clerk", first))
    assert [row["staff"] for row in await sessions_of(desk_dsn)] == ["clerk", "clerk", "approver"]
    await told(visitor, twin.logout_token("clerk", NEW, sid=None))
    assert [row["staff"] for row in await sessions_of(desk_dsn)] == ["approver"]


async def test_a_session_alone_is_enough_and_one_of_a_provider_that_names_none_ends_with_its_subject(
    visitor: Visitor, desk_dsn: str
) -> None:
    twin = visitor.provider.twin
    await visitor.sign_in("clerk")
    (row,) = await sessions_of(desk_dsn)
    await told(visitor, twin.logout_token("", row["provider_session"], sub=None))
    assert await sessions_of(desk_dsn) == []

    await visitor.sign_in("clerk")
    connection = await database.connect(desk_dsn)
    await connection.execute("DELETE FROM staff_session")
    await connection.execute(
        "INSERT INTO staff_session (digest, staff, roles, departments, began_at, seen_at, subject) VALUES ('x', 'clerk', '{}', '{}', now(), now(), 'clerk')"
    )
    await database.close(connection)
    await told(visitor, twin.logout_token("clerk", "any"))
    assert await sessions_of(desk_dsn) == []


async def test_nobody_being_signed_in_is_no_fault(visitor: Visitor) -> None:
    assert await told(visitor, visitor.provider.twin.logout_token("clerk", "none")) == 200


async def test_a_token_that_comes_again_ends_nothing_that_has_begun_since(visitor: Visitor) -> None:
    token = visitor.provider.twin.logout_token("clerk", NEW, sid=None)
    await told(visitor, token)
    await visitor.sign_in("clerk")

    assert await told(visitor, token) == 400

    assert await is_in(visitor)


def seconds(after: float) -> int:
    return int(time.time() + after)


BAD: dict[str, Callable[[], dict[str, Any]]] = {
    "another issuer": lambda: {"iss": "https://evil.example"},
    "no issuer": lambda: {"iss": None},
    "another client": lambda: {"aud": "another"},
    "the audience of access tokens": lambda: {"aud": AUDIENCE},
    "no audience": lambda: {"aud": None},
    "never issued": lambda: {"iat": None},
    "issued long ago": lambda: {"iat": seconds(-SECONDS - 5)},
    "issued in the future": lambda: {"iat": seconds(600)},
    "issued in words": lambda: {"iat": "now"},
    "over": lambda: {"exp": seconds(-60)},
    "without end": lambda: {"exp": None},
    "without a name of its own": lambda: {"jti": None},
    "an empty name": lambda: {"jti": ""},
    "without events": lambda: {"events": None},
    "another event": lambda: {"events": {"http://schemas.example/other": {}}},
    "an event that is no object": lambda: {"events": {EVENT: True}},
    "events that are a list": lambda: {"events": [EVENT]},
    "with a nonce": lambda: {"nonce": "of an ID token"},
    "about nobody": lambda: {"sub": None, "sid": None},
    "a subject that is no text": lambda: {"sub": 7},
    "a session that is no text": lambda: {"sid": ["a"]},
    "an empty subject": lambda: {"sub": ""},
}


@pytest.mark.parametrize("changed", BAD.values(), ids=BAD.keys())
async def test_a_token_that_does_not_say_what_a_logout_token_says_ends_nothing(
    visitor: Visitor, desk_dsn: str, changed: Callable[[], dict[str, Any]]
) -> None:
    await visitor.sign_in("clerk")
    (row,) = await sessions_of(desk_dsn)

    assert await told(visitor, visitor.provider.twin.logout_token("clerk", row["provider_session"], **changed())) == 400

    assert await is_in(visitor)


async def test_what_the_provider_did_not_sign_as_a_logout_token_ends_nothing(visitor: Visitor) -> None:
    await visitor.sign_in("clerk")
    twin, accounts = visitor.provider.twin, visitor.provider.accounts
    stranger = LocalProvider(visitor.provider.url, accounts, RSAKey.generate_key(2048, {"kid": str(twin.key.kid)}))
    said = jwt.decode(twin.logout_token("clerk", "x", sid=None), twin.key).claims
    secret = OctKey.import_key(accounts.client_secret)
    tokens = {
        "stranger": stranger.logout_token("clerk", NEW, sid=None),
        "shared secret": jwt.encode({"alg": "HS256"}, said, secret),
        "no signature": jwt.encode({"alg": "none"}, said, secret, algorithms=["none"]),
        "ID token": twin.signed(accounts.accounts[0], {"aud": CLIENT_ID, "nonce": "x"}, "JWT"),
        "access token": twin.signed(accounts.accounts[0], {"aud": AUDIENCE}, "at+jwt"),
        "nothing": "",
        "words": "log out",
    }

    assert {name: await told(visitor, token) for name, token in tokens.items()} == dict.fromkeys(tokens, 400)
    assert await is_in(visitor)


@pytest.mark.parametrize(
    "content, status", [(b"", 400), (b"logout_token=a&logout_token=b", 400), (b"\xff", 400), (b"a" * 20_000, 413)]
)
async def test_a_body_that_holds_no_single_token_is_refused(visitor: Visitor, content: bytes, status: int) -> None:
    assert (await visitor.desk.post(PATH, content=content)).status_code == status


async def test_the_local_provider_tells_a_desk_that_really_runs(desk_dsn: str, provider: Running) -> None:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    async with visiting(desk_dsn, provider, public_url=origin) as visitor, serving(desk_dsn, provider, origin, port):
        await visitor.sign_in("clerk")
        visitor.desk.cookies.clear()
        await visitor.sign_in("approver")
        account = provider.accounts.named("clerk")
        assert account is not None

        async with httpx.AsyncClient(timeout=30, verify=PLAIN) as outside:
            form = {"staff": "clerk", "password": "wrong"}
            refused = await outside.post(f"{provider.url}/logout", data=form)
            answer = await outside.post(f"{provider.url}/logout", data=form | {"password": account.password})

    assert refused.status_code == 401
    assert answer.json()["told"][-1] == {"client": origin, "status": 200}
    assert [row["staff"] for row in await sessions_of(desk_dsn)] == ["approver"]


@asynccontextmanager
async def serving(dsn: str, provider: Running, origin: str, port: int) -> AsyncGenerator[None]:
    """The door of another instance of the desk, listening."""
    settings = settings_of(dsn, provider, public_url=origin)
    pool = await database.make_pool(dsn, 2)
    app = http.make_app("desk", Pulse(60))
    callers.guard(app, Commands("/desk", pool, lambda: None), settings)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.02)
        yield
        server.should_exit = True
        await running
    await pool.close()
