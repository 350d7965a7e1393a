import os
import signal
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from pydantic import SecretStr

from chassis.broker import Broker
from deploy.local import LocalSettings, ServerStatus, Stack, StackError, down, reset, status, up
from deploy.local.process import alive, wait_for
from tests.local.conftest import settings_in, silent

TOPIC = "madoguchi.test"
OWNER_ONLY = 0o600


def found(settings: LocalSettings, name: str) -> ServerStatus:
    return next(server for server in status(settings) if server.name == name)


def kill(settings: LocalSettings, name: str) -> None:
    pid = found(settings, name).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert wait_for(lambda: found(settings, name).state == "stopped", seconds=5)


def publish(broker: Broker, value: bytes) -> None:
    admin = AdminClient(broker.librdkafka())
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(10)  # pyright: ignore[reportUnknownMemberType]
    producer = Producer({**broker.librdkafka(), "acks": "all"})
    producer.produce(TOPIC, value)
    assert producer.flush(10) == 0


def first_record(broker: Broker) -> bytes | str | None:
    consumer = Consumer({**broker.librdkafka(), "group.id": "test"})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    record = consumer.poll(10)
    consumer.close()
    assert record is not None
    return record.value()


async def query(stack: Stack, sql: str) -> object:
    connection = await asyncpg.connect(stack.postgres_dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def test_up_twice_is_the_same_servers(settings: LocalSettings, stack: Stack) -> None:
    before = status(settings)

    assert up(settings, silent) == stack
    assert status(settings) == before
    assert [server.state for server in before] == ["running"] * 4


def test_kafka_killed_comes_back_at_the_same_address_with_its_records(settings: LocalSettings, stack: Stack) -> None:
    publish(stack.kafka, b"still there")

    kill(settings, "kafka")

    assert up(settings, silent) == stack
    assert first_record(stack.kafka) == b"still there"


async def test_postgres_is_set_as_you_say_and_otherwise_as_it_is_here(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)  # the one of the other tests, which is told fsync=off
    try:
        assert await connection.fetchval("SHOW fsync") == "off"
        assert await connection.fetchval("SHOW shared_buffers") == "512MB"
    finally:
        await connection.close()


async def test_postgres_killed_comes_back_at_the_same_address_with_its_rows(
    settings: LocalSettings, stack: Stack
) -> None:
    await query(stack, "CREATE TABLE note AS SELECT 'still there' AS words")

    kill(settings, "postgres")

    assert up(settings, silent) == stack
    assert await query(stack, "SELECT words FROM note") == "still there"


@pytest.mark.parametrize(
    "name, value",
    [
        ("server_version_num", "18"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("jit", "off"),
        ("listen_addresses", "127.0.0.1"),
        ("max_wal_size", "4GB"),
    ],
)
async def test_postgres_keeps_what_it_says_it_has_written(stack: Stack, name: str, value: str) -> None:
    assert str(await query(stack, f"SHOW {name}")).startswith(value)


async def test_postgres_wants_the_password_and_only_its_owner_may_read_it(
    settings: LocalSettings, stack: Stack
) -> None:
    user, at, host = stack.postgres_dsn.rpartition("@")

    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(f"{user}wrong{at}{host}")

    assert (settings.home / "run" / "postgres.json").stat().st_mode & 0o777 == OWNER_ONLY


def test_the_address_in_the_status_has_no_password(tmp_path: Path) -> None:
    settings = settings_in(tmp_path).model_copy(update={"postgres_dsn": SecretStr("postgresql://me:secret@db:5432/x")})

    assert found(settings, "postgres") == ServerStatus("postgres", "yours", "db:5432", None)


def test_servers_of_your_own_are_used_and_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MADOGUCHI_HOME", str(tmp_path))
    monkeypatch.setenv("MADOGUCHI_KAFKA_BOOTSTRAP", "kafka:9092")
    monkeypatch.setenv("MADOGUCHI_POSTGRES_DSN", "postgresql://me:secret@db:5432/postgres")
    monkeypatch.setenv("MADOGUCHI_SMTP_URL", "smtp://mail:25")
    monkeypatch.setenv("MADOGUCHI_OIDC_ISSUER", "https://login.city.example")
    settings = LocalSettings()

    stack = up(settings, silent)

    assert stack == Stack(
        kafka=Broker("kafka:9092"),
        postgres_dsn="postgresql://me:secret@db:5432/postgres",
        smtp_url="smtp://mail:25",
        mail_folder=None,
        issuer="https://login.city.example",
        log_folder=tmp_path / "log",
    )
    assert {server.state for server in status(settings)} == {"yours"}
    assert list((tmp_path / "run").iterdir()) == []


def test_a_server_that_cannot_start_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    only_kafka = {
        "smtp_url": "smtp://mail:25",
        "oidc_issuer": "https://login.city.example",
        "postgres_dsn": SecretStr("postgresql://db/x"),
    }
    settings = settings_in(tmp_path).model_copy(update={**only_kafka, "java_options": "-Xmx1"})

    with pytest.raises(StackError, match="Too small maximum heap"):
        up(settings, silent)


@pytest.mark.parametrize("leave", [down, reset])
def test_down_and_reset_leave_no_process_and_only_reset_deletes_data(
    tmp_path: Path, leave: Callable[[LocalSettings, Callable[[str], None]], None]
) -> None:
    settings = settings_in(tmp_path).model_copy(update={"kafka_bootstrap": "kafka:9092"})
    up(settings, silent)
    pids = [server.pid for server in status(settings) if server.pid]

    leave(settings, silent)

    assert pids
    assert not any(alive(pid, tmp_path / name) for pid in pids for name in ("postgres", "mail"))
    assert (tmp_path / "postgres").exists() is (leave is down)
