"""Start, stop, health, migrations, settings, telemetry."""

import asyncio
import json
import os
import socket
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from chassis import migrations, service
from chassis.errors import WrongSchema
from chassis.http import make_app
from chassis.pulse import Pulse
from chassis.service import run
from chassis.telemetry import Telemetry
from deploy.databases import within
from services.intake.settings import Settings as IntakeSettings
from services.notify.settings import Settings as NotifySettings
from tests.chassis.conftest import Lab, assert_each_once_in_order, series
from tests.chassis.toy import doubler
from tests.conftest import FreshDatabase

SAID = series(20, 100)


async def _choke() -> None:
    raise ValueError("釧路 花子")


async def _serve(*_: object) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_choke())


def _as_it_is(found: object) -> object:
    return found


def test_a_service_that_fails_for_good_says_where_and_not_what_it_choked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: Any = IntakeSettings
    monkeypatch.setattr(service, "serve", _serve)
    monkeypatch.setattr(service, "_settings", _as_it_is)
    monkeypatch.setattr(sys, "argv", ["madoguchi-toy"])

    with pytest.raises(SystemExit) as ended:
        service.main("toy", lambda _: doubler, settings)  # pyright: ignore[reportArgumentType]

    said = str(ended.value.code)
    assert said.startswith("builtins.ValueError\n")
    assert "test_service.py" in said
    assert "花子" not in said


async def test_a_service_stopped_and_started_again_and_again_loses_nothing(lab: Lab) -> None:
    for part in range(4):
        doubler = lab.start_doubler()
        await lab.say(SAID[part * 500 : part * 500 + 500], together=20)
        await lab.publish()
        async with asyncio.timeout(30):
            while len(lab.logged("relay.leads")) <= part:
                await asyncio.sleep(0.02)
        doubler.terminate()
        assert await asyncio.to_thread(doubler.wait, 20) == 0
    lab.start_doubler()

    assert_each_once_in_order(await lab.counted(len(SAID)), SAID)
    await lab.until_relayed(lab.doubler_dsn)
    await asyncio.sleep(0.3)
    assert_each_once_in_order(await lab.doubles_once(), [(key, 2 * n) for key, n in SAID])


async def test_one_line_is_logged_a_batch_and_none_of_it_is_personal(lab: Lab) -> None:
    lab.start_doubler()
    await lab.say([("a-name-that-must-not-be-logged", n) for n in range(1, 50)])
    await lab.publish()
    await lab.counted(49)

    batches = lab.logged("batch")

    assert sum(int(str(line["handled"])) for line in batches) == 49
    assert len(batches) < 10
    assert "a-name-that-must-not-be-logged" not in lab.log()


async def test_a_taken_port_ends_the_start_with_what_to_do(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        settings = lab.settings(lab.doubler_dsn).model_copy(update={"http_port": other.getsockname()[1]})
        with pytest.raises(SystemExit) as ended:
            await run(doubler(lab.suffix), settings, asyncio.Event())

    assert ended.value.code == os.EX_CONFIG
    assert f"HTTP_PORT: 127.0.0.1:{settings.http_port} cannot be listened on" in capsys.readouterr().err


async def test_health_tells_stalled_loops_from_missing_dependencies() -> None:
    now = [0.0]
    pulse = Pulse(60, clock=lambda: now[0])
    pulse.beat("consumer")
    pulse.is_ready("consumer", ready=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_app("x", pulse)), base_url="http://x") as client:
        assert (await client.get("/health/live")).status_code == 200
        waiting = await client.get("/health/ready")
        pulse.is_ready("consumer", ready=True)
        ready = await client.get("/health/ready")
        now[0] = 61
        stalled = await client.get("/health/live")

    assert (waiting.status_code, waiting.json()["waiting"]) == (503, ["consumer"])
    assert ready.status_code == 200
    assert (stalled.status_code, stalled.json()["stalled"]) == (503, ["consumer"])


async def test_a_path_nobody_serves_gets_a_problem_document() -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(make_app("x", Pulse(60))), base_url="http://x"
    ) as client:
        answer = await client.get("/nothing")

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


async def test_migrations_run_once_and_the_schema_is_checked_both_ways(postgres: str) -> None:
    admin = await asyncpg.connect(postgres)
    await admin.execute("CREATE DATABASE migrating")
    await admin.close()
    connection = await asyncpg.connect(within(postgres, "migrating"))

    with pytest.raises(WrongSchema, match="run `madoguchi up`"):
        await migrations.check(connection, ("chassis",))
    first = await migrations.migrate(connection, ("chassis", "tests.chassis"))
    second = await migrations.migrate(connection, ("chassis", "tests.chassis"))
    await migrations.check(connection, ("chassis", "tests.chassis"))
    await connection.execute("INSERT INTO chassis.schema_version VALUES ('chassis', 9999, 'from the future')")
    with pytest.raises(WrongSchema, match="start the newer release"):
        await migrations.check(connection, ("chassis",))

    assert first == [
        "chassis/0001_chassis.sql",
        "chassis/0002_enter.sql",
        "chassis/0003_owner.sql",
        "chassis/0004_inline.sql",
        "chassis/0005_parked_once.sql",
        "tests.chassis/0001_toy.sql",
    ]
    assert second == []
    await connection.close()


@pytest.mark.parametrize("service", ["intake", "routing", "desk", "notify", "archive"])
async def test_every_service_migrates_an_empty_database(fresh_database: FreshDatabase, service: str) -> None:
    connection = await asyncpg.connect(await fresh_database("chassis", f"services.{service}"))

    await migrations.check(connection, ("chassis", f"services.{service}"))

    await connection.close()


@pytest.mark.parametrize("password", ["sEcret#x", "sEcret/x", "sEcret?x", "sEcret@["])
def test_an_address_that_nobody_can_read_is_named_by_its_variable_and_its_password_is_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], password: str
) -> None:
    """Passwords are pasted as they are; what is no letter or digit would have to be percent-encoded."""
    monkeypatch.setenv("MADOGUCHI_NOTIFY_KAFKA_BOOTSTRAP", "k:9092")
    monkeypatch.setenv("MADOGUCHI_NOTIFY_POSTGRES_DSN", f"postgresql://u:{password}@h/d")
    monkeypatch.setenv("MADOGUCHI_NOTIFY_OPENING_KEYRING", "file:///k/private")
    monkeypatch.setattr(sys, "argv", ["madoguchi-notify"])

    with pytest.raises(SystemExit) as ended:
        service.main("notify", lambda _: doubler, NotifySettings)  # pyright: ignore[reportArgumentType]

    assert ended.value.code == os.EX_CONFIG
    said = capsys.readouterr().err
    assert "MADOGUCHI_NOTIFY_POSTGRES_DSN: " in said
    assert "percent-encoded" in said
    assert "sEcret" not in said


def test_a_secret_is_never_printed() -> None:
    settings = IntakeSettings.model_validate(
        {
            "kafka_bootstrap": "k:9092",
            "postgres_dsn": "postgresql://u:hunter2@h/d",
            "keyring": "file:///k/public",
            "edge_keyring": "file:///e",
            "token_key": "hunter2" * 5,
        }
    )

    assert "hunter2" not in repr(settings)
    assert "hunter2" not in settings.model_dump_json()


class _Collector(BaseHTTPRequestHandler):
    """An OTLP/HTTP collector that remembers which paths were posted to."""

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        assert isinstance(self.server, _Server)
        self.server.received.append((self.path, self.rfile.read(length)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


class _Server(ThreadingHTTPServer):
    received: list[tuple[str, bytes]]


@pytest.fixture
def collector() -> Generator[_Server]:
    server = _Server(("127.0.0.1", 0), _Collector)
    server.received = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_spans_and_metrics_leave_over_otlp(collector: _Server, capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = Telemetry("toy", f"http://127.0.0.1:{collector.server_port}")
    with telemetry.processing([]) as span:
        traceparent = span.traceparent
    telemetry.flush()

    paths = {path for path, _ in collector.received}
    assert paths == {"/v1/traces", "/v1/metrics"}
    spans = b"".join(body for path, body in collector.received if path == "/v1/traces")
    assert bytes.fromhex(traceparent.split("-")[1]) in spans
    assert b"madoguchi.batch.events" in b"".join(body for path, body in collector.received if path == "/v1/metrics")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["event"] == "batch"


def test_a_span_of_what_failed_names_the_class_and_never_the_words(collector: _Server) -> None:
    """PostgreSQL's own words end with the row that it did not take."""
    telemetry = Telemetry("toy", f"http://127.0.0.1:{collector.server_port}")

    with pytest.raises(asyncpg.CheckViolationError), telemetry.processing([]):
        raise asyncpg.CheckViolationError("Failing row contains (kanaria).")
    with pytest.raises(ValueError, match="kanaria"), telemetry.relaying(1):
        raise ValueError("kanaria")
    telemetry.flush()

    spans = b"".join(body for path, body in collector.received if path == "/v1/traces")
    assert b"process batch" in spans
    assert b"publish tick" in spans
    assert b"asyncpg.exceptions.CheckViolationError[23514]" in spans
    assert b"builtins.ValueError" in spans
    assert b"kanaria" not in spans


def test_no_word_of_the_domain_occurs_in_the_chassis() -> None:
    words = ("application_id", "citizen", "department", "receipt", "notice", "triage", "applicant")
    for file in (Path(__file__).parents[2] / "chassis").rglob("*.*"):
        if file.suffix in (".py", ".sql"):
            text = file.read_text().lower()
            assert not [word for word in words if word in text], file


ROOMS = {"app", "settings", "handlers", "rules", "store"}
FURTHER = {
    "intake": {"api", "timeline", "guarding", "seals", "retention", "legal_bases"}
    | {"door", "admitting", "channel_systems", "tokens", "token_api", "digest_keys", "senders"}
    | {"rejections", "rejections_api"},
    "routing": {"api", "work", "shelf", "packs", "formats", "calendars", "organisations", "organisation_snapshots"}
    | {"procedures", "sheets", "overlay_api", "explanation_api", "verdicts", "words", "free_text", "deciding"}
    | {"moves", "clocking", "clock_events", "suggestion_api", "text_trials", "compiler", "pickling"}
    | {"questions", "suggesting", "unpacking", "permissions"},
    "desk": {"api", "orders", "succession", "worklist", "judging", "clock", "refusals", "overlays", "corrections"}
    | {"seals", "search", "case_file", "index_keys", "index_terms", "suggestions", "command_digests"}
    | {"separation", "permissions", "callers", "access_log", "number_api"},
    "notify": {"mails", "work", "seals"},
    "archive": {"api", "work", "access_log", "permissions"},
}


@pytest.mark.parametrize("service", FURTHER)
def test_the_folders_on_disk_are_the_rooms_of_the_house(service: str) -> None:
    root = Path(__file__).parents[2] / "services" / service
    modules = {file.stem for file in root.glob("*.py")} | {file.parent.name for file in root.glob("*/__init__.py")}

    assert ROOMS <= modules - {"__init__"} <= ROOMS | FURTHER[service]
    assert sorted((root / "migrations").glob("0001_*.sql"))
