"""Every service's HTTP, on a real socket: what a request may cost, and what every answer carries."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import BaseModel, TypeAdapter, ValidationError

from chassis import http, limits
from chassis.answers import DATA
from chassis.errors import Refused, Suspicious, Transient
from chassis.pulse import Pulse
from console.plain import PLAIN

FAULTS = {
    "refused": ConnectionRefusedError(),
    "no connection is free": TimeoutError(),
    "gone": asyncpg.ConnectionDoesNotExistError("釧路 花子"),
    "shut down": asyncpg.AdminShutdownError("釧路 花子"),
    "closed": asyncpg.InterfaceError("釧路 花子"),
    "died between two messages": asyncpg.InternalClientError("釧路 花子"),
}


class Said(BaseModel):
    said: Any


@dataclass(slots=True)
class Site:
    port: int
    told: list[tuple[str, Mapping[str, object]]] = field(
        default_factory=lambda: list[tuple[str, Mapping[str, object]]]()
    )
    alarms: list[tuple[str, Mapping[str, object]]] = field(
        default_factory=lambda: list[tuple[str, Mapping[str, object]]]()
    )

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=20, verify=PLAIN) as client:
            return await client.request(method, path, **more)

    async def raw(self, *parts: bytes, pause: float = 0, patience: float = 5) -> bytes:
        """Send bytes as they are, one after the other; everything that comes back until the other side closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        heard = bytearray()

        async def listen() -> None:
            with contextlib.suppress(ConnectionError):
                while part := await reader.read(65_536):
                    heard.extend(part)

        async def speak() -> None:
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(pause)

        try:
            async with asyncio.timeout(patience), asyncio.TaskGroup() as tasks:
                tasks.create_task(listen())
                tasks.create_task(speak())
        finally:
            writer.close()
        return bytes(heard)


def make(told: list[tuple[str, Mapping[str, object]]], alarms: list[tuple[str, Mapping[str, object]]]) -> FastAPI:
    app = http.make_app(
        "site",
        Pulse(60),
        lambda event, fields: told.append((event, fields)),
        lambda event, fields: alarms.append((event, fields)),
    )

    @app.post("/echo")
    async def echo(said: Said) -> JSONResponse:
        return JSONResponse({"heard": len(json.dumps(said.said))})

    @app.post("/bytes")
    async def take(request: Request) -> JSONResponse:
        return JSONResponse({"heard": len(await http.body_of(request, 1000))})

    @app.get("/page")
    async def page() -> HTMLResponse:
        return HTMLResponse("<p>page")

    @app.get("/own")
    async def own() -> JSONResponse:
        return JSONResponse({}, headers={"cache-control": "max-age=60", "content-security-policy": "sandbox"})

    @app.get("/broken")
    async def broken() -> JSONResponse:
        raise LookupError("釧路 花子")

    @app.get("/tampered")
    async def tampered() -> JSONResponse:
        raise Suspicious(422, "broken-seal", "Seal it again.", who="acme", errors=({"field": "sealed"},))

    @app.get("/closed")
    async def closed() -> JSONResponse:
        raise Refused(403, "closed", "Closed.", {"WWW-Authenticate": "Bearer"}, "acme")

    @app.get("/waiting")
    async def waiting() -> JSONResponse:
        raise Transient("no rules can be read yet")

    @app.get("/faults/{name}")
    async def fault(name: str) -> JSONResponse:
        raise FAULTS.get(name) or asyncpg.UniqueViolationError("釧路 花子")

    return app


@pytest.fixture
async def site() -> AsyncGenerator[Site]:
    listening = http.listen("127.0.0.1", 0)
    site = Site(listening.getsockname()[1])
    server = http.make_server(make(site.told, site.alarms))
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield site
        server.should_exit = True
        await serving


@pytest.mark.parametrize("path,status", [("/health/live", 200), ("/nothing", 404), ("/broken", 500), ("/echo", 405)])
async def test_every_answer_tells_a_browser_to_do_nothing_with_it(site: Site, path: str, status: int) -> None:
    answer = await site.ask("GET", path)

    assert answer.status_code == status
    assert answer.headers["content-security-policy"] == DATA
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "server" not in answer.headers
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("fault", FAULTS)
async def test_whatever_way_the_database_is_away_the_caller_is_told_to_send_it_again(site: Site, fault: str) -> None:
    answer = await site.ask("GET", f"/faults/{fault}")

    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:madoguchi:problem:database-away"
    assert "花子" not in f"{answer.text} {site.told}"


async def test_what_time_or_an_operator_cures_is_no_error_of_ours_and_the_operator_is_told_what(site: Site) -> None:
    answer = await site.ask("GET", "/waiting")

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:madoguchi:problem:not-yet")
    assert "rules" not in answer.text
    assert site.told == [("http.waiting", {"detail": "no rules can be read yet"})]


async def test_a_row_that_breaks_a_rule_of_the_database_is_our_bug_and_no_absence(site: Site) -> None:
    answer = await site.ask("GET", "/faults/doubled")

    assert answer.status_code == 500
    assert "花子" not in f"{answer.text} {site.told}"


async def test_an_answer_to_what_the_limits_refuse_carries_them_too(site: Site) -> None:
    answer = await site.ask("POST", "/echo", content=b"{}", headers={"content-encoding": "br"})

    assert answer.headers["content-security-policy"] == DATA


async def test_a_page_runs_its_own_scripts_and_no_inline_ones_and_nobody_frames_it(site: Site) -> None:
    policy = dict(
        part.strip().split(" ", 1)
        for part in (await site.ask("GET", "/page")).headers["content-security-policy"].split(";")
    )

    assert (policy["default-src"], policy["script-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert "unsafe" not in str(policy)


async def test_a_route_may_say_otherwise(site: Site) -> None:
    answer = await site.ask("GET", "/own")

    assert (answer.headers["cache-control"], answer.headers["content-security-policy"]) == ("max-age=60", "sandbox")


async def test_behind_tls_a_browser_is_told_to_stay_with_it(site: Site) -> None:
    answer = await site.ask("GET", "/health/live", headers={"x-forwarded-proto": "https"})

    assert answer.headers["strict-transport-security"].startswith("max-age=31536000")


async def test_what_nobody_caught_is_answered_and_told_without_its_message(site: Site) -> None:
    answer = await site.ask("GET", "/broken")

    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    ((event, fields),) = site.told
    assert (event, fields["error"]) == ("http.failed", "builtins.LookupError")
    assert str(fields["place"]).startswith("test_http.py:")
    assert "花子" not in answer.text + repr(fields)


async def test_whoever_is_refused_is_told_of_by_code_and_name(site: Site) -> None:
    answer = await site.ask("GET", "/closed")

    assert (answer.status_code, answer.headers["www-authenticate"]) == (403, "Bearer")
    assert site.told == [("http.refused", {"status": 403, "code": "closed", "who": "acme"})]


async def test_what_somebody_must_look_into_wakes_somebody_and_its_sender_is_told(site: Site) -> None:
    answer = await site.ask("GET", "/tampered")

    assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": "sealed"}])
    assert site.alarms == [("http.suspicious", {"status": 422, "code": "broken-seal", "who": "acme"})]
    assert site.told == []


async def test_nothing_is_unpacked(site: Site) -> None:
    bomb = gzip.compress(b" " * 10_000_000)

    answer = await site.ask("POST", "/echo", content=bomb, headers={"content-encoding": "gzip"})

    assert answer.status_code == 415
    assert answer.headers["accept-encoding"] == "identity"
    assert (await site.ask("POST", "/bytes", content=b"x", headers={"content-encoding": "identity"})).status_code == 200


@pytest.mark.parametrize("body", [b"[" * 10_000 + b"]" * 10_000, b'{"said":' * 10_000 + b"1" + b"}" * 10_000])
async def test_what_is_nested_too_deep_is_refused_and_breaks_nothing(site: Site, body: bytes) -> None:
    answer = await site.ask("POST", "/echo", content=b'{"said":' + body + b"}")

    assert answer.status_code in (400, 422)
    assert site.told == []
    assert (await site.ask("POST", "/echo", json={"said": 1})).status_code == 200


@pytest.mark.parametrize(
    "headers,target,status",
    [
        ({f"x-{number}": "1" for number in range(80)}, "/health/live", 431),
        ({"x-long": "1" * 16_500}, "/health/live", 431),
        ({}, "/health/live?" + "q" * 5000, 414),
        ({}, "/" + "p" * 5000, 414),
        ({}, "/health/%00", 400),
        ({}, "/health/live?q=%00", 400),
    ],
)
async def test_heads_have_a_limit(site: Site, headers: dict[str, str], target: str, status: int) -> None:
    assert (await site.ask("GET", target, headers=headers)).status_code == status


async def test_a_head_without_end_is_cut_off(site: Site) -> None:
    answer = await site.raw(b"GET / HTTP/1.1\r\nHost: x\r\n", *([b"X-More: " + b"1" * 1000 + b"\r\n"] * 64))

    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431")) or answer == b""


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 4\r\nContent-Length: 5\r\n",
        b"Content-Length: -1\r\n",
    ],
)
async def test_a_body_that_two_readers_would_end_at_different_places_is_refused(site: Site, framing: bytes) -> None:
    answer = await site.raw(b"POST /bytes HTTP/1.1\r\nHost: x\r\n" + framing + b"\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("target", ["/page/", "/health/live/", "/faults/x/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_nobody_is_sent_on_to_the_host_that_a_request_names(site: Site, method: str, target: str) -> None:
    """Neither to another's, nor with the key in the open where a proxy ended TLS."""
    answer = await site.ask(method, target, headers={"host": "evil.example"})

    assert (answer.status_code, "location" in answer.headers) == (404, False)


@pytest.mark.parametrize("name", ["Authorization", "content-type", "ORIGIN", "Host", "Ce-Id", "ce-source"])
async def test_what_two_readers_would_read_in_two_ways_may_come_once(site: Site, name: str) -> None:
    twice = f"POST /bytes HTTP/1.1\r\nHost: x\r\n{name}: a\r\n{name.lower()}: b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    assert (await site.raw(twice.encode())).startswith(b"HTTP/1.1 400 ")


async def test_what_is_a_list_may_come_on_several_lines(site: Site) -> None:
    lists = (
        b"POST /bytes HTTP/1.1\r\nHost: x\r\nAccept: a\r\naccept: b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )

    assert (await site.raw(lists)).startswith(b"HTTP/1.1 200 ")


async def test_a_body_that_drips_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "BODY_SECONDS", 0.3)
    head = b"POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n"

    answer = await site.raw(head, *[b"x"] * 10, pause=0.1)

    assert answer.startswith(b"HTTP/1.1 408")


async def test_a_head_that_drips_is_not_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEADER_SECONDS", 0.3)

    assert await site.raw(b"GET / HTTP/1.1\r\n", *[b"X: 1\r\n"] * 8, pause=0.1, patience=2) == b""


async def test_a_connection_that_is_used_in_time_is_kept(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HEADER_SECONDS", 0.5)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{site.port}", verify=PLAIN) as client:
        for _ in range(4):
            assert (await client.get("/health/live")).status_code == 200
            await asyncio.sleep(0.3)


async def test_a_body_beyond_every_route_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_BODY", 2000)

    assert (await site.ask("POST", "/echo", json={"said": "x" * 3000})).status_code == 413
    assert (await site.ask("POST", "/bytes", content=b"x" * 1500)).status_code == 413


def test_no_fault_quotes_what_was_sent() -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(UUID).validate_json('"花子"')

    assert http.faults_of(raised.value) == [{"field": "", "code": "uuid_parsing", "message": "not a UUID"}]
