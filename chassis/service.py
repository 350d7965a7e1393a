"""A service: its consumer, its relay, its HTTP server, in one process, from start to a clean stop.

madoguchi-<name> run       serve until SIGTERM

Its role owns nothing in its database: whoever installs a release migrates, before services start.
"""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import asyncpg
import uvicorn
import uvloop
from fastapi import FastAPI
from pydantic import ValidationError

from chassis import database, http, journal, migrations
from chassis.commands import Commands
from chassis.consumer import Consumer
from chassis.consuming import Handlers
from chassis.database import Pool, Scope, Tx
from chassis.errors import told
from chassis.pulse import Pulse, Stalled, deadman
from chassis.relay import Relay
from chassis.settings import ServiceSettings
from chassis.telemetry import Telemetry, new_traceparent
from contracts.envelope import Event
from contracts.topics import Topic

_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1
_OF_A_BATCH = 256 * 1024  # bytes: what is larger is a batch's, and goes with it

AddRoutes = Callable[[FastAPI, Commands], None]
Work = Callable[[Commands, Telemetry, asyncio.Event], Awaitable[None]]
Prepare = Callable[[Tx], Awaitable[Sequence[Event]]]
Begin = Callable[[Commands, Telemetry], Awaitable[None]]


async def _nothing(_: Tx) -> Sequence[Event]:
    return ()


async def _begun(_: Commands, __: Telemetry) -> None: ...


@dataclass(frozen=True, slots=True)
class Service:
    """What one service is made of. `app.py` of each service builds exactly one.

    `prepare` runs in a transaction before anything is consumed, at every start, and what it returns is announced; `begin` runs
    after it, outside any transaction, and before a redrive too; `work` are further loops beside consumer and relay, each ending
    soon after the event it is given is set. `scope` is what all of these and the consumer see; a request says its own,
    and sees what `unsaid` lets it until it has.
    """

    name: str
    package: str
    topic: Topic
    handlers: Handlers
    add_routes: AddRoutes = lambda _app, _commands: None
    prepare: Prepare = _nothing
    begin: Begin = _begun
    work: tuple[Work, ...] = ()
    scope: Scope = field(default_factory=lambda: dict[str, str]())
    unsaid: Scope = field(default_factory=lambda: dict[str, str]())

    @property
    def packages(self) -> tuple[str, ...]:
        """Where its migrations are: the chassis's come first, then its own, beside its handlers."""
        return ("chassis", self.package)


S = TypeVar("S", bound=ServiceSettings)


def main(name: str, build: Callable[[S], Service], settings: type[S]) -> None:
    """The entry point of every service; see the module's docstring."""
    command = sys.argv[1] if len(sys.argv) > 1 else "run"
    if command != "run":
        sys.stdout.write(f"usage: madoguchi-{name} [run]\n\n{__doc__}\nEnvironment:\n{variables(settings)}")
        sys.exit(0 if command in ("-h", "--help") else 2)
    found = _settings(settings)
    _tune_memory()
    service = build(found)
    try:
        uvloop.run(serve(service, found))
    except ExceptionGroup as failed:
        # A loop has failed for good. Python itself would write the messages, which can quote what a loop choked on.
        sys.exit(told(failed))


def _tune_memory() -> None:
    """One arena for all threads (mallopt(3)): glibc gives each its own, and what the few that wait leave there is 10 MB a service.

    And the buffers of a batch beside it: glibc learns from the first that is freed to keep all later ones, 7 MB of the desk.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)  # no other C library has it
    if tune is not None:
        tune(_M_ARENA_MAX, 1)
        tune(_M_MMAP_THRESHOLD, _OF_A_BATCH)
        tune(_M_TRIM_THRESHOLD, _OF_A_BATCH)


async def serve(service: Service, settings: ServiceSettings) -> None:
    """Serve until SIGTERM or SIGINT; a process with a stalled loop ends at once, whatever thread of a library's still hangs."""
    try:
        with deadman(settings.stall_seconds):
            await run(service, settings)
    except* Stalled as stalled:
        sys.stderr.write(f"a loop has stalled: {stalled.exceptions}\n")
        sys.stderr.flush()
        os._exit(os.EX_SOFTWARE)


def _settings(settings: type[S]) -> S:
    """Read the environment, or end with what is missing or wrong in it: names and rules, never a value."""
    try:
        return settings.model_validate({})
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        for fault in error.errors(include_url=False, include_input=False):
            sys.stderr.write(f"{prefix}{'.'.join(str(part) for part in fault['loc']).upper()}: {fault['msg']}\n")
        sys.exit(os.EX_CONFIG)


async def run(service: Service, settings: ServiceSettings, stop: asyncio.Event | None = None) -> None:
    """Serve until SIGTERM, SIGINT or `stop`. Ends with an exception when a loop stalls or fails for good."""
    telemetry = Telemetry(service.name, settings.otlp_endpoint, settings.log_level)
    stop = stop or _stop_on_signals()
    listening = _listen(settings)
    pool = await _database(service, settings)
    try:
        await _serve(service, settings, telemetry, pool, listening, stop)
    finally:
        telemetry.flush()
        await asyncio.wait_for(pool.close(), timeout=5)
        telemetry.info("service.stopped")


def _listen(settings: ServiceSettings) -> socket.socket:
    """The port of the settings, or an end that says what to do."""
    try:
        return http.listen(settings.http_host, settings.http_port)
    except OSError as error:
        prefix = settings.model_config.get("env_prefix", "")
        sys.stderr.write(
            f"{prefix}HTTP_PORT: {settings.http_host}:{settings.http_port} cannot be listened on ({error.strerror}): "
            "stop what listens there, or set the variable to another port, or to 0 to have one chosen\n"
        )
        sys.exit(os.EX_CONFIG)


def _calm_the_collector() -> None:
    """Let the cycle collector leave what start-up made alone, and look seldom at what batches make.

    A batch makes ten thousand objects, nearly all gone with it by reference count alone; going through all modules for
    them again and again costs more than handling them. See docs/decisions/0006.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)


async def _database(service: Service, settings: ServiceSettings) -> Pool:
    pool = await database.make_pool(settings.postgres_dsn.get_secret_value(), settings.pool_size)
    async with pool.acquire() as connection:
        await migrations.check(connection, service.packages)
        # While a back-up reads the journal nobody makes days; the relay does after it.
        with contextlib.suppress(asyncpg.LockNotAvailableError):
            async with database.transaction(connection) as tx:
                await journal.make_partitions(tx, tx.now.date())
        async with database.transaction(connection, scope=service.scope) as tx:
            said = await service.prepare(tx)
            await journal.append(tx, journal.lines(tx, service.topic.producer or "", said, new_traceparent()))
    return pool


async def _serve(
    service: Service,
    settings: ServiceSettings,
    telemetry: Telemetry,
    pool: Pool,
    listening: socket.socket,
    stop: asyncio.Event,
) -> None:
    """First the readers stop, then the relay, which publishes what they have said."""
    pulse = Pulse(settings.stall_seconds)
    relay = make_relay(service, settings, pulse, telemetry)
    commands = Commands(service.topic.producer or "", pool, relay.wake.set, scope=service.unsaid)
    own = commands.within(service.scope)
    await service.begin(own, telemetry)
    consumer = make_consumer(service, settings, pulse, telemetry, relay.wake.set)
    server = _http(service, pulse, commands, telemetry)
    last = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        readers = [
            tasks.create_task(consumer.run(stop)),
            tasks.create_task(_until(stop, server, listening)),
            *(tasks.create_task(_await(work(own, telemetry, stop))) for work in service.work),
        ]
        ending = [tasks.create_task(relay.run(last)), tasks.create_task(_watch(pulse, last))]
        _calm_the_collector()
        telemetry.info("service.started", port=listening.getsockname()[1])
        await asyncio.wait(readers)
        last.set()
        relay.wake.set()
        await asyncio.wait(ending)


def make_relay(service: Service, settings: ServiceSettings, pulse: Pulse, telemetry: Telemetry) -> Relay:
    """The service's relay."""
    return Relay(
        service.name,
        service.topic.name,
        settings.postgres_dsn.get_secret_value(),
        settings.broker,
        settings.kafka_seconds,
        settings.journal_days,
        pulse,
        telemetry,
    )


def make_consumer(
    service: Service, settings: ServiceSettings, pulse: Pulse, telemetry: Telemetry, committed: Callable[[], None]
) -> Consumer:
    """The service's consumer."""
    return Consumer(
        service.name,
        service.topic.producer or "",
        service.handlers,
        settings.postgres_dsn.get_secret_value(),
        settings.broker,
        settings.batch_records,
        settings.fetch_wait_ms,
        settings.session_ms,
        settings.kafka_seconds,
        pulse,
        telemetry,
        committed,
        service.scope,
    )


def _http(service: Service, pulse: Pulse, commands: Commands, telemetry: Telemetry) -> uvicorn.Server:
    app = http.make_app(
        f"Madoguchi {service.name}",
        pulse,
        lambda event, fields: telemetry.warn(event, **fields),
        lambda event, fields: telemetry.alarm(event, **fields),
    )
    service.add_routes(app, commands)
    return http.make_server(app)


async def _until(stop: asyncio.Event, server: uvicorn.Server, listening: socket.socket) -> None:
    """Serve HTTP until `stop`; requests under way are answered."""
    async with asyncio.TaskGroup() as tasks:
        serving = tasks.create_task(_await(server.serve(sockets=[listening])))
        ending = tasks.create_task(_await(stop.wait()))
        await asyncio.wait((serving, ending), return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        ending.cancel()


async def _await(work: Awaitable[object]) -> None:
    await work


async def _watch(pulse: Pulse, stop: asyncio.Event) -> None:
    """End the process when a loop no longer turns, whatever it hangs on."""
    while not stop.is_set():
        await database.sleep_or(stop, 1)
        if stalled := pulse.stalled():
            raise Stalled(", ".join(stalled))


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def variables(settings: type[ServiceSettings]) -> str:
    """Every variable a service reads, with its meaning, one a line."""
    prefix = settings.model_config.get("env_prefix", "")
    return "".join(
        f"  {prefix}{name.upper()}  {field.description or ''}\n" for name, field in settings.model_fields.items()
    )
