"""Kafka over TLS with logins, as between hosts: every client of ours comes in by the city's authority, and by nothing else."""

# pyright: reportPrivateImportUsage=false

import asyncio
import ssl
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from chassis import handshake, kafka
from chassis.broker import Broker
from chassis.database import utc_now
from chassis.errors import Transient
from chassis.kafka import Outgoing
from chassis.subscription import Subscription
from contracts.topics import Topic
from deploy.acls import Right, give_access, take_access
from deploy.local import Stack, certificates
from deploy.local.kafka import is_up
from deploy.topics import create_topics
from tests.conftest import ROOT
from tests.deploy.reading import SECRET

TOPIC = Topic("tls.v1", None, (), (), partitions=1)
SECONDS = 5


@pytest.fixture(scope="module")
async def broker(new_servers: Stack) -> AsyncGenerator[Broker]:
    """As a service enters it that may read and write one topic. Topic and login go with it: others share the servers."""
    await create_topics(new_servers.kafka, [TOPIC])
    topic = {Right("speaker", verb, "TOPIC", TOPIC.name) for verb in ("READ", "WRITE")}
    rights = frozenset(topic | {Right("speaker", "READ", "GROUP", "speaker")})
    await give_access(new_servers.kafka, {"speaker": SECRET}, rights)
    yield replace(new_servers.kafka, user="speaker", password=SECRET, mechanism="SCRAM-SHA-512")
    await take_access(new_servers.kafka, "speaker")
    admin = AdminClient(new_servers.kafka.librdkafka())
    admin.delete_topics([TOPIC.name])[TOPIC.name].result(SECONDS)


@pytest.fixture
def another(tmp_path: Path) -> str:
    """The certificate of an authority that has not signed the broker's."""
    return str(certificates.ensure(tmp_path / "another", utc_now()).authority)


def under_another_name(broker: Broker) -> Broker:
    """The same broker, by a way to write its address that its certificate does not bear."""
    return replace(broker, bootstrap=broker.bootstrap.replace("127.0.0.1", "127.1"))


def subscription(broker: Broker) -> Subscription:
    return Subscription(broker, (TOPIC.name,), "speaker", wait_ms=100, session_ms=6000, seconds=SECONDS)


async def read_one(broker: Broker) -> bytes | None:
    reader = subscription(broker)
    try:
        await reader.start()
        async with asyncio.timeout(20):
            while not (found := await reader.fetch(1)):
                pass
        return next(record.value for records in found.values() for record in records)
    finally:
        await reader.close()


async def test_every_client_of_ours_speaks_through_it(new_servers: Stack, broker: Broker) -> None:
    assert (broker.security, new_servers.kafka.security) == ("SASL_SSL", "SASL_SSL")
    producer = await kafka.start_producer(broker, SECONDS)
    await kafka.publish(producer, TOPIC.name, [Outgoing(0, 1, b"key", b"said")], SECONDS)
    await kafka.stop(producer)

    assert await read_one(broker) == b"said"
    assert await create_topics(new_servers.kafka, [TOPIC]) == []
    assert TOPIC.name in AdminClient(new_servers.kafka.librdkafka()).list_topics(timeout=SECONDS).topics
    assert await handshake.trouble(broker) is None


@pytest.mark.parametrize(
    "how, words",
    [
        ("another authority", "is not signed by KAFKA_CA=.*set KAFKA_CA to the file"),
        ("no authority", "is not signed by what this machine trusts .*set KAFKA_CA to the file"),
        ("another name", "is for another host: write a name that it bears into KAFKA_BOOTSTRAP"),
        ("in clear", "speaks TLS and KAFKA_SECURITY=SASL_PLAINTEXT does not: set it to SASL_SSL"),
    ],
)
async def test_nobody_speaks_with_it_otherwise_and_is_told_what_to_do(
    broker: Broker, another: str, how: str, words: str
) -> None:
    wrong = {
        "another authority": replace(broker, ca=another),
        "no authority": replace(broker, ca=None),
        "another name": under_another_name(broker),
        "in clear": replace(broker, security="SASL_PLAINTEXT"),
    }[how]
    reader = subscription(wrong)

    with pytest.raises(Transient, match=words):
        await kafka.start_producer(wrong, SECONDS)
    with pytest.raises(Transient, match=words):
        await reader.start()
    await reader.close()
    with pytest.raises(KafkaException):
        AdminClient({**wrong.librdkafka(), "log_level": 0}).list_topics(timeout=2)
    assert not await is_up(wrong)


async def test_a_service_is_told_at_once_of_a_file_that_holds_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")

    for name in ("empty.pem", "missing.pem"):
        told = {"KAFKA_SECURITY": "SASL_SSL", "KAFKA_USER": "routing", "KAFKA_PASSWORD": SECRET}
        told |= {"KAFKA_BOOTSTRAP": "k:1", "POSTGRES_DSN": "postgresql://h/d", "KAFKA_CA": str(tmp_path / name)}
        told |= {"OIDC_ISSUER": "https://provider.example"}
        variables = [f"MADOGUCHI_ROUTING_{key}={value}" for key, value in told.items()]
        command = ["env", "-i", *variables, sys.executable, "-m", "services.routing.app", "run"]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, cwd=ROOT)

        assert done.returncode == 78
        assert f"{tmp_path / name} cannot be read as certificates in PEM" in done.stderr
        assert SECRET not in done.stderr


@asynccontextmanager
async def listening(context: ssl.SSLContext | None) -> AsyncGenerator[Broker]:
    """Something that accepts, and speaks TLS or drops whoever does."""

    async def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(drop, "127.0.0.1", 0, ssl=context)
    try:
        yield Broker(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", "SASL_SSL", "u", "p")
    finally:
        server.close()


@pytest.mark.parametrize("days, told", [(0, "None"), (-400, "is not valid today (certificate has expired): renew it")])
async def test_a_certificate_that_has_ended_is_called_so(tmp_path: Path, days: int, told: str) -> None:
    files = certificates.ensure(tmp_path, utc_now() - timedelta(days=400))
    files.server.unlink()
    certificates.ensure(tmp_path, utc_now() + timedelta(days=days))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server)

    async with listening(context) as broker:
        found = await handshake.trouble(replace(broker, ca=str(files.authority)))

    assert told in str(found)


async def test_a_port_without_tls_and_one_where_nobody_is_are_told_apart(another: str) -> None:
    async with listening(None) as broker:
        assert "does not speak TLS" in str(await handshake.trouble(replace(broker, ca=another)))
        assert await handshake.trouble(replace(broker, security="SASL_PLAINTEXT")) is None

    assert "does not answer" in str(await handshake.trouble(replace(broker, ca=another)))
    assert "is no host:port" in str(await handshake.trouble(replace(broker, ca=another, bootstrap="kafka")))


def test_preparing_says_why_kafka_cannot_be_spoken_with(broker: Broker, new_servers: Stack, another: str) -> None:
    told = {"KAFKA_BOOTSTRAP": broker.bootstrap, "KAFKA_SECURITY": "SASL_SSL", "KAFKA_USER": "administrator"}
    told |= {"KAFKA_PASSWORD": new_servers.kafka.password, "KAFKA_MECHANISM": "PLAIN", "KAFKA_CA": another}
    told |= {"POSTGRES_DSN": new_servers.postgres_dsn}
    told |= {f"{name}_PASSWORD": SECRET for name in ("INTAKE", "ROUTING", "DESK", "NOTIFY", "ARCHIVE")}
    variables = [f"MADOGUCHI_{key}={value}" for key, value in told.items()]

    done = subprocess.run(
        ["env", "-i", *variables, sys.executable, "-m", "deploy.prepare"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert done.returncode == 1
    assert "is not signed by KAFKA_CA" in done.stderr
