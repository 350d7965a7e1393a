"""The broker of docker-compose.yml, started here: the image turns each variable KAFKA_A_B into the property a.b, and so do we."""

import asyncio
import subprocess
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.broker import Broker
from contracts.topics import TOPICS
from deploy.acls import give_access, rights
from deploy.local import LocalSettings
from deploy.local.home import home_of, prepare
from deploy.local.jars import ensure_jars, read_lock
from deploy.local.kafka import is_up, java_command
from deploy.local.ports import free_port
from deploy.local.process import wait_for
from deploy.prepare import Settings
from deploy.topics import create_topics
from tests.conftest import JARS
from tests.deploy.reading import SECRET, environment

NOT_PROPERTIES = {"KAFKA_HEAP_OPTS"}


def properties(folder: Path, port: int) -> dict[str, str]:
    """The properties of the container, at free ports and in a folder of this machine."""
    inside = environment("kafka")["KAFKA_LOG_DIRS"]
    changed = {"//kafka:": "//127.0.0.1:", "//:": "//127.0.0.1:", "localhost": "127.0.0.1", inside: str(folder)}
    changed |= {":9092": f":{port}", ":9093": f":{free_port()}"}
    found = {key: value for key, value in environment("kafka").items() if key.startswith("KAFKA_")}
    named = {property_of(key): value for key, value in found.items() if key not in NOT_PROPERTIES}
    for there, here in changed.items():
        named = {key: value.replace(there, here) for key, value in named.items()}
    return named


def property_of(variable: str) -> str:
    """As the image does it, KafkaDockerWrapper.getServerConfigsFromEnv."""
    name = variable.removeprefix("KAFKA_").lower().replace("_", ".")
    return name.replace("...", "-").replace("..", "_")


def administrator() -> Broker:
    """Kafka, as preparing is told of it."""
    told = environment("prepare").items()
    settings = {key.removeprefix("MADOGUCHI_").lower(): value for key, value in told}
    return Settings.model_validate(settings).broker


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Generator[Broker]:
    """It, as its administrator is told of it."""
    folder = tmp_path_factory.mktemp("broker")
    home = home_of(LocalSettings(home=folder, jars=JARS))
    prepare(home)
    port, file, output = free_port(), folder / "server.properties", folder / "output"
    file.write_text("".join(f"{key}={value}\n" for key, value in properties(home.kafka, port).items()))
    java = java_command(home, environment("kafka")["KAFKA_HEAP_OPTS"], ensure_jars(home.jars, print, read_lock()))
    cluster = ("--cluster-id", environment("kafka")["CLUSTER_ID"], "--config", str(file))
    formatted = subprocess.run([*java, "kafka.tools.StorageTool", "format", *cluster], capture_output=True, check=False)
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr
    entrance = replace(administrator(), bootstrap=f"127.0.0.1:{port}")
    with output.open("wb") as log:
        process = subprocess.Popen([*java, "kafka.Kafka", str(file)], stdout=log, stderr=log)
    try:
        up = wait_for(lambda: process.poll() is not None or asyncio.run(is_up(entrance)), seconds=60)
        assert up, output.read_text()
        assert process.poll() is None, output.read_text()
        yield entrance
    finally:
        process.terminate()
        process.wait(60)


async def test_it_starts_and_takes_the_topics_of_the_catalogue(broker: Broker) -> None:
    assert sorted(await create_topics(broker)) == sorted(topic.name for topic in TOPICS)


async def test_it_lets_in_whom_preparing_gave_a_login_and_nobody_else(broker: Broker) -> None:
    await give_access(broker, {"intake": SECRET}, rights())
    intake = replace(broker, user="intake", mechanism="SCRAM-SHA-512", password=SECRET)

    assert await is_up(intake)
    assert not await is_up(replace(intake, password="another-password-0"))
    assert not await is_up(replace(intake, mechanism="PLAIN"))
    assert not await is_up(replace(intake, user="desk"))
    assert not await is_up(Broker(broker.bootstrap))


async def test_it_makes_no_topic_that_nobody_asked_for(broker: Broker) -> None:
    async with AIOKafkaProducer(**broker.aiokafka(), request_timeout_ms=2000) as producer:
        with pytest.raises(KafkaError):
            await producer.send_and_wait("misspelt", b"x")
