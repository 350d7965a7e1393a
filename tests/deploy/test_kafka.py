"""The broker of docker-compose.yml, started here: the image turns each variable KAFKA_A_B into the property a.b, and so do we."""

import asyncio
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.topics import TOPICS
from deploy.local import LocalSettings
from deploy.local.home import home_of, prepare
from deploy.local.jars import ensure_jars, read_lock
from deploy.local.kafka import is_up, java_command
from deploy.local.ports import free_port
from deploy.local.process import wait_for
from deploy.topics import create_topics
from tests.conftest import JARS
from tests.deploy.reading import environment

NOT_PROPERTIES = {"KAFKA_HEAP_OPTS"}


def properties(folder: Path, port: int) -> dict[str, str]:
    """The properties of the container, at free ports and in a folder of this machine."""
    inside = environment("kafka")["KAFKA_LOG_DIRS"]
    changed = {"//kafka:": "//127.0.0.1:", "//:": "//127.0.0.1:", "localhost": "127.0.0.1", inside: str(folder)}
    changed |= {":9092": f":{port}", ":9093": f":{free_port()}"}
    found = {key: value for key, value in environment("kafka").items() if key.startswith("KAFKA_")}
    named = {key[6:].lower().replace("_", "."): value for key, value in found.items() if key not in NOT_PROPERTIES}
    for there, here in changed.items():
        named = {key: value.replace(there, here) for key, value in named.items()}
    return named


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Its bootstrap address."""
    folder = tmp_path_factory.mktemp("broker")
    home = home_of(LocalSettings(home=folder, jars=JARS))
    prepare(home)
    port, file, output = free_port(), folder / "server.properties", folder / "output"
    file.write_text("".join(f"{key}={value}\n" for key, value in properties(home.kafka, port).items()))
    java = java_command(home, environment("kafka")["KAFKA_HEAP_OPTS"], ensure_jars(home.jars, print, read_lock()))
    cluster = ("--cluster-id", environment("kafka")["CLUSTER_ID"], "--config", str(file))
    formatted = subprocess.run([*java, "kafka.tools.StorageTool", "format", *cluster], capture_output=True, check=False)
    assert formatted.returncode == 0, formatted.stdout + formatted.stderr
    with output.open("wb") as log:
        process = subprocess.Popen([*java, "kafka.Kafka", str(file)], stdout=log, stderr=log)
    try:
        up = wait_for(lambda: process.poll() is not None or asyncio.run(is_up(f"127.0.0.1:{port}")), seconds=60)
        assert up, output.read_text()
        assert process.poll() is None, output.read_text()
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(60)


async def test_it_starts_and_takes_the_topics_of_the_catalogue(broker: str) -> None:
    assert sorted(await create_topics(broker)) == sorted(topic.name for topic in TOPICS)


async def test_it_makes_no_topic_that_nobody_asked_for(broker: str) -> None:
    async with AIOKafkaProducer(bootstrap_servers=broker, request_timeout_ms=2000) as producer:
        with pytest.raises(KafkaError):
            await producer.send_and_wait("misspelt", b"x")
