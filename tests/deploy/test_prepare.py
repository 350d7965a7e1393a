"""`deploy.prepare` on servers on which nothing was made before."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from chassis import migrations
from chassis.broker import Broker
from contracts.topics import APPLICATIONS, OF_A_CHANNEL, TOPICS
from deploy.databases import dsn_of
from deploy.grants import SERVICES
from deploy.local import Stack
from deploy.prepare import Settings, prepare
from deploy.topics import create_topics
from tests.deploy.reading import ROOT, SECRET


def settings_for(servers: Stack, secret: str = SECRET) -> Settings:
    passwords = {f"{service}_password": secret for service in SERVICES}
    kafka = {f"kafka_{name}": value for name, value in asdict(servers.kafka).items()}
    places = kafka | {"postgres_dsn": servers.postgres_dsn}
    return Settings.model_validate(places | passwords)


def run_prepare(*variables: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = ("env", "-i", *variables, sys.executable, "-m", "deploy.prepare")
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


async def topics_on(broker: Broker) -> dict[str, int]:
    """Every topic of a broker but its own, with its number of partitions."""
    admin = AIOKafkaAdminClient(**broker.aiokafka())
    await admin.start()
    try:
        found = await admin.describe_topics()
    finally:
        await admin.close()
    return {topic["topic"]: len(topic["partitions"]) for topic in found if not topic["topic"].startswith("__")}


async def test_the_broker_has_exactly_the_topics_of_the_catalogue(new_servers: Stack) -> None:
    await prepare(settings_for(new_servers))

    there = await topics_on(new_servers.kafka)
    declared = {name: partitions for name, partitions in there.items() if OF_A_CHANNEL.member_of(name) is None}
    assert declared == {topic.name: topic.partitions for topic in TOPICS}


@pytest.mark.parametrize("service", SERVICES)
async def test_every_service_has_a_database_that_fits_its_code_and_is_not_its_own(
    new_servers: Stack, service: str
) -> None:
    settings = settings_for(new_servers)
    await prepare(settings)
    found = next(found for found in settings.databases() if found.service == service)

    connection = await asyncpg.connect(dsn_of(new_servers.postgres_dsn, found))

    await migrations.check(connection, ("chassis", f"services.{service}"))
    owners = await connection.fetch("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname !~ '^pg_|^information'")
    assert [row["tableowner"] for row in owners] == [f"madoguchi_{service}_owner"]
    await connection.close()


async def test_no_service_may_enter_the_database_of_another(new_servers: Stack) -> None:
    settings = settings_for(new_servers)
    await prepare(settings)
    intake, desk = (database for database in settings.databases() if database.service in {"intake", "desk"})

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(dsn_of(new_servers.postgres_dsn, replace(intake, name=desk.name)))


async def test_preparing_gives_a_channels_topic_the_partitions_that_the_citys_own_has(new_servers: Stack) -> None:
    await prepare(settings_for(new_servers))
    small = replace(OF_A_CHANNEL.of("small"), partitions=1)
    await create_topics(new_servers.kafka, [small])

    said = await prepare(settings_for(new_servers))

    assert "topic applications.small.v1" in said
    assert (await topics_on(new_servers.kafka))[small.name] == APPLICATIONS.partitions


async def test_preparing_again_makes_nothing_but_sets_new_passwords(new_servers: Stack) -> None:
    await prepare(settings_for(new_servers))
    other = settings_for(new_servers, "another-password-0")

    assert await prepare(settings_for(new_servers)) == []
    assert await prepare(other) == []

    connection = await asyncpg.connect(dsn_of(new_servers.postgres_dsn, other.databases()[0]))
    await connection.close()
    await prepare(settings_for(new_servers))


def test_a_missing_variable_is_named() -> None:
    done = run_prepare("MADOGUCHI_KAFKA_BOOTSTRAP=kafka:9092")

    assert done.returncode == 78
    assert "MADOGUCHI_POSTGRES_DSN: " in done.stderr
    assert "MADOGUCHI_ARCHIVE_PASSWORD: " in done.stderr
    assert "MADOGUCHI_KAFKA_BOOTSTRAP" not in done.stderr


@pytest.mark.parametrize("password", ["hunter2", "with/slashes/and@signs"])
def test_a_password_that_would_break_a_url_is_refused_and_not_repeated(password: str) -> None:
    done = run_prepare(f"MADOGUCHI_INTAKE_PASSWORD={password}")

    assert done.returncode == 78
    assert "MADOGUCHI_INTAKE_PASSWORD: " in done.stderr
    assert "openssl rand -hex 24" in done.stderr
    assert password not in done.stderr


@pytest.mark.parametrize("password", ["hunter/2", "1/hunter2", "#hunter2", "?hunter2", "[hunter2", "hunter２／"])
def test_an_administrator_whose_password_breaks_the_url_is_refused_without_repeating_it(password: str) -> None:
    done = run_prepare(f"MADOGUCHI_POSTGRES_DSN=postgresql://postgres:{password}@postgres:5432/postgres")

    assert done.returncode == 78
    assert "MADOGUCHI_POSTGRES_DSN: " in done.stderr
    assert "hunter" not in done.stderr


def test_a_server_that_is_away_is_said_in_one_line() -> None:
    passwords = [f"MADOGUCHI_{service.upper()}_PASSWORD={SECRET}" for service in SERVICES]

    done = run_prepare(
        "MADOGUCHI_KAFKA_BOOTSTRAP=127.0.0.1:1",
        f"MADOGUCHI_POSTGRES_DSN=postgresql://postgres:{SECRET}@127.0.0.1:1/postgres",
        *passwords,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("not prepared (")
    assert SECRET not in done.stderr
    assert len(done.stderr.splitlines()) == 1
