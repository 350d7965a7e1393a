"""A counter to speak, doublers to listen, on the real servers."""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from chassis import journal
from chassis.broker import Broker
from chassis.consuming import Handlers
from chassis.database import Tx, connect, transaction, utc_now
from chassis.kafka import number_of
from chassis.pulse import Pulse
from chassis.service import Service, make_relay
from chassis.telemetry import Telemetry
from contracts.topics import Topic
from deploy.acls import Right, give_access, rights
from deploy.local import Stack
from deploy.topics import create_topics
from tests.chassis.toy import Double, Number, Settings, topics
from tests.conftest import FreshDatabase

_suffixes = itertools.count(1)


@dataclass(slots=True)
class Lab:
    """One counter and any number of doublers, with topics and databases of their own."""

    suffix: str
    broker: Broker
    """Kafka, as its administrator; counter and doubler have logins of their own, with the rights of their topics."""
    counter_dsn: str
    doubler_dsn: str
    logs: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=lambda: list[subprocess.Popen[bytes]]())

    @property
    def numbers(self) -> Topic:
        return topics(self.suffix)[0]

    @property
    def doubles(self) -> Topic:
        return topics(self.suffix)[1]

    def settings(self, dsn: str) -> Settings:
        """The counter's."""
        return Settings.model_validate({key.lower(): value for key, value in self._environment("counter", dsn).items()})

    def _environment(self, user: str, dsn: str) -> dict[str, str]:
        return {
            "KAFKA_BOOTSTRAP": self.broker.bootstrap,
            "KAFKA_SECURITY": self.broker.security,
            "KAFKA_USER": user,
            "KAFKA_PASSWORD": user,
            **({"KAFKA_CA": self.broker.ca} if self.broker.ca else {}),
            "KAFKA_SECONDS": "10",
            "POSTGRES_DSN": dsn,
        }

    def start_doubler(self, *options: str) -> subprocess.Popen[bytes]:
        """A doubler as a process of its own, with a log of its own."""
        environment = self._environment("doubler", self.doubler_dsn) | {"PATH": os.defpath}
        with self._log(len(self.processes)).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.chassis.toy", self.suffix, *options],
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    async def say(
        self, numbers: Sequence[tuple[str, int]], *, together: int = 500, kind: type[Number] = Number
    ) -> None:
        """Let the counter say these, `together` in a transaction, into its journal."""
        connection = await connect(self.counter_dsn)
        for start in range(0, len(numbers), together):
            async with transaction(connection) as tx:
                said = [kind(key=key, n=n) for key, n in numbers[start : start + together]]
                await journal.append(tx, journal.lines(tx, "/counter", said))
        await connection.close()

    async def publish(self) -> None:
        """Run the counter's relay until its journal is on the topic."""
        service = Service("counter", "tests.chassis", self.numbers, Handlers())
        stop = asyncio.Event()
        relay = make_relay(service, self.settings(self.counter_dsn), Pulse(60), Telemetry("counter", None, "error"))
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(relay.run(stop))
            await self.until_relayed(self.counter_dsn)
            stop.set()
            await running

    async def until_relayed(self, dsn: str, seconds: float = 60) -> None:
        """Wait until every row of the journal is promised and the relay had its turn."""
        connection = await asyncpg.connect(dsn)
        try:
            async with asyncio.timeout(seconds):
                while await connection.fetchval(
                    "SELECT (SELECT count(*) FROM chassis.journal)"
                    " > (SELECT coalesce(sum(c), 0) FROM unnest((SELECT counters FROM chassis.tick"
                    " ORDER BY number DESC LIMIT 1)) c)"
                ):
                    await asyncio.sleep(0.02)
        finally:
            await connection.close()

    async def counted(self, at_least: int, seconds: float = 60) -> list[tuple[str, int]]:
        """What the doublers have counted, in their order, once it is `at_least` as much and no longer grows."""
        connection = await asyncpg.connect(self.doubler_dsn)
        try:
            async with asyncio.timeout(seconds):
                while await connection.fetchval("SELECT count(*) FROM counted") < at_least:
                    await asyncio.sleep(0.05)
            await asyncio.sleep(0.5)
            return [(row[0], row[1]) for row in await connection.fetch("SELECT key, n FROM counted ORDER BY place")]
        finally:
            await connection.close()

    async def doubler_tx(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.doubler_dsn)

    async def on_topic(self, topic: Topic) -> list[tuple[int, int, str, int]]:
        """(partition, number, key, n) of every record of a topic, as they stand there."""
        consumer = AIOKafkaConsumer(**self.broker.aiokafka(), auto_offset_reset="earliest", fetch_max_wait_ms=10)
        await consumer.start()
        try:
            await consumer._client.set_topics([topic.name])
            partitions = [TopicPartition(topic.name, p) for p in consumer.partitions_for_topic(topic.name) or ()]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            found: list[tuple[int, int, str, int]] = []
            while [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
                for tp, records in (await consumer.getmany(timeout_ms=200)).items():
                    for record in records:
                        data = json.loads(record.value or b"")["data"]
                        found.append((tp.partition, number_of(record) or 0, data["key"], data["n"]))
            return found
        finally:
            await consumer.stop()

    async def doubles_once(self) -> list[tuple[str, int]]:
        """What a reader of lanes takes from the doubles' topic: each number once, in the order of its lane."""
        lanes: dict[int, list[tuple[str, int]]] = {}
        for partition, number, key, n in await self.on_topic(self.doubles):
            lane = lanes.setdefault(partition, [])
            assert number <= len(lane) + 1, f"a hole before {number} of partition {partition}"
            if number == len(lane) + 1:
                lane.append((key, n))
            else:
                assert lane[number - 1] == (key, n), "a number was given twice"
        return [said for lane in lanes.values() for said in lane]

    def _log(self, number: int) -> Path:
        return self.logs / f"doubler-{number}.log"

    def log(self, *processes: subprocess.Popen[bytes]) -> str:
        """What these processes have written, or all of them."""
        chosen = map(self.processes.index, processes or self.processes)
        return "".join(self._log(number).read_text() for number in chosen)

    def logged(self, event: str, *processes: subprocess.Popen[bytes]) -> list[dict[str, object]]:
        parsed = [json.loads(line) for line in self.log(*processes).splitlines() if line.startswith("{")]
        return [line for line in parsed if line["event"] == event]

    async def until_logged(self, event: str, *processes: subprocess.Popen[bytes], seconds: float = 30) -> None:
        """Wait until one of these processes, or of all, has written a line of this event."""
        async with asyncio.timeout(seconds):
            while not self.logged(event, *processes):
                await asyncio.sleep(0.05)

    def stop_all(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture
async def lab(servers: Stack, fresh_database: FreshDatabase, tmp_path: Path) -> AsyncGenerator[Lab]:
    suffix = str(next(_suffixes))
    await create_topics(servers.kafka, topics(suffix))
    logins = {name: name for name in ("counter", "doubler")}
    group = Right("doubler", "READ", "GROUP", f"doubler-{suffix}")  # every test has a group of its own
    await give_access(servers.kafka, logins, rights(topics(suffix)) | {group})
    lab = Lab(
        suffix,
        servers.kafka,
        await fresh_database("chassis", "tests.chassis"),
        await fresh_database("chassis", "tests.chassis"),
        tmp_path,
    )
    yield lab
    lab.stop_all()


def series(keys: int, each: int) -> list[tuple[str, int]]:
    """1 … `each` for every key, the keys taking turns."""
    return [(f"k{key}", n) for n in range(1, each + 1) for key in range(keys)]


def assert_each_once_in_order(found: Sequence[tuple[str, int]], said: Sequence[tuple[str, int]]) -> None:
    """Nothing lost, nothing doubled, every key in its order."""
    assert sorted(found) == sorted(said)
    by_key: dict[str, list[int]] = {}
    for key, n in found:
        by_key.setdefault(key, []).append(n)
    for key, numbers in by_key.items():
        assert numbers == [n for other, n in said if other == key], f"the order of {key}"


__all__ = ["Double", "Lab", "Tx", "utc_now"]
