"""Servers for benchmarks alone: PostgreSQL, Kafka and an OTLP sink in a temporary folder, emptied before every run.

The user's running city is neither used nor disturbed; only the downloaded jars are shared with it (`MADOGUCHI_JARS`).
"""

import asyncio
import contextlib
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import asyncpg
import psutil
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from benchmarks.processes import ended
from chassis.broker import Broker
from contracts.topics import Topic
from deploy.local import LocalSettings, Stack, down, status, up
from deploy.local.home import Say
from deploy.local.ports import answers, free_port
from deploy.topics import create_topics

ROOT = Path(__file__).parents[1]
NO_MAIL = "smtp://127.0.0.1:1"
NO_PROVIDER = "http://127.0.0.1:1"
JAVA = "-Xmx512m -XX:+UseSerialGC"
"""The broker compiles fully: what a measurement asks of it goes on for minutes."""
SECONDS = 30


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are, and their processes, whose CPU is counted."""

    folder: Path
    kafka: str
    dsn: str = field(repr=False)
    pids: dict[str, int]
    sink: str
    password: str = field(repr=False, default_factory=lambda: secrets.token_urlsafe(16))
    connections: dict[str, asyncpg.Connection] = field(default_factory=lambda: dict[str, asyncpg.Connection]())

    def database(self, name: str) -> str:
        """The administrator's address of another database."""
        return urlunsplit(urlsplit(self.dsn)._replace(path=f"/{name}"))

    async def connection(self, database: str) -> asyncpg.Connection:
        """A connection kept until the next `clear`."""
        if database not in self.connections:
            self.connections[database] = await asyncpg.connect(self.database(database), timeout=SECONDS)
        return self.connections[database]

    async def rows(self, database: str, sql: str, *values: object) -> list[asyncpg.Record]:
        """What `sql` finds."""
        return await (await self.connection(database)).fetch(sql, *values)

    async def run(self, database: str, sql: str) -> None:
        """Run statements without parameters."""
        await (await self.connection(database)).execute(sql)

    async def count(self, database: str, sql: str) -> int:
        """A single number."""
        return int((await self.rows(database, sql))[0][0])

    async def clear(self) -> None:
        """No database, no topic, no consumer group of an earlier run."""
        for name in [name for name in self.connections if name != "postgres"]:
            await self.connections.pop(name).close()
        for row in await self.rows(
            "postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'"
        ):
            await self.run("postgres", f'DROP DATABASE "{row[0]}" WITH (FORCE)')
        await asyncio.to_thread(_clear_kafka, self.kafka)

    async def topics(self, topics: Sequence[Topic]) -> None:
        """Make topics. Raises RuntimeError when one of them was there: its records would be counted too."""
        made = await create_topics(Broker(self.kafka), topics)
        if missing := {topic.name for topic in topics} - set(made):
            raise RuntimeError(f"{', '.join(sorted(missing))} of an earlier run is still there")

    def posts(self) -> int:
        """How many exports the OTLP sink has taken so far."""
        with urlopen(self.sink, timeout=5) as answer:  # noqa: S310  our own
            return int(answer.read())

    async def close(self) -> None:
        """Let go of the database."""
        for connection in self.connections.values():
            await connection.close()
        self.connections.clear()


@contextlib.asynccontextmanager
async def running(say: Say, *, commit_times: bool = False) -> AsyncGenerator[Servers]:
    """Servers until the end of the block; `commit_times` makes PostgreSQL remember when every transaction committed."""
    with tempfile.TemporaryDirectory(prefix="madoguchi-bench-") as folder, _sink() as sink:
        settings = _settings(Path(folder))
        try:
            stack = await asyncio.to_thread(up, settings, say)
            if commit_times:
                await _remember_commit_times(stack.postgres_dsn)
                await asyncio.to_thread(down, settings, say)
                stack = await asyncio.to_thread(up, settings, say)
            servers = _servers(Path(folder), settings, stack, sink)
            yield servers
            await servers.close()
        finally:
            await asyncio.to_thread(down, settings, say)


def _settings(folder: Path) -> LocalSettings:
    """Nothing of the environment but the place of the jars: neither servers nor ports of anybody's city."""
    return LocalSettings(
        home=folder,
        jars=LocalSettings().jars or ROOT / ".madoguchi" / "jars",
        kafka_bootstrap=None,
        postgres_dsn=None,
        smtp_url=NO_MAIL,
        kafka_port=None,
        kafka_open=True,  # rivals have no login; so nobody has
        postgres_port=None,
        smtp_port=None,
        oidc_issuer=NO_PROVIDER,
        java_options=JAVA,
    )


def _servers(folder: Path, settings: LocalSettings, stack: Stack, sink: str) -> Servers:
    pids = {server.name: server.pid for server in status(settings) if server.pid}
    return Servers(folder, stack.kafka_bootstrap, stack.postgres_dsn, pids, sink)


async def _remember_commit_times(dsn: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=SECONDS)
    await connection.execute("ALTER SYSTEM SET track_commit_timestamp = on")
    await connection.execute("ALTER SYSTEM SET track_wal_io_timing = on")
    await connection.close()


def _clear_kafka(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    names = [name for name in admin.list_topics(timeout=SECONDS).topics if not name.startswith("__")]
    if names:
        for deleted in admin.delete_topics(names, operation_timeout=SECONDS).values():
            deleted.result(SECONDS)
    groups = [group.group_id for group in admin.list_consumer_groups().result(SECONDS).valid]
    for deleted in admin.delete_consumer_groups(groups).values() if groups else ():
        _let_go(deleted)
    _wait_until_gone(admin)


def _let_go(deleted: "object") -> None:
    """A group whose member was killed a moment ago stays; its offsets went with the topics."""
    try:
        deleted.result(SECONDS)  # pyright: ignore[reportAttributeAccessIssue]
    except KafkaException as error:
        if error.args[0].code() not in (KafkaError.NON_EMPTY_GROUP, KafkaError.GROUP_ID_NOT_FOUND):
            raise


def _wait_until_gone(admin: AdminClient) -> None:
    deadline = time.monotonic() + SECONDS
    while any(not name.startswith("__") for name in admin.list_topics(timeout=SECONDS).topics):
        if time.monotonic() > deadline:
            raise TimeoutError("Kafka does not delete the topics")
        time.sleep(0.1)


@contextlib.contextmanager
def _sink() -> Generator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(port)], cwd=ROOT)
    try:
        while not answers(port):
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        ended([psutil.Process(process.pid)])
