"""All local servers together: up, down, what runs, and away with the data."""

import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Literal
from urllib.parse import urlsplit

from chassis.broker import Broker
from deploy.local import catcher, disk, identity, kafka, postgres
from deploy.local.home import Home, LocalSettings, Say, home_of, locked, prepare
from deploy.local.process import Note, Server, terminate

State = Literal["running", "stopped", "yours"]


@dataclass(frozen=True, slots=True)
class Stack:
    """Where everything is reached: PostgreSQL and Kafka as an administrator, the mail folder only of our own mail catcher."""

    kafka: Broker = field(repr=False)
    postgres_dsn: str = field(repr=False)
    smtp_url: str
    mail_folder: Path | None
    issuer: str
    log_folder: Path

    @property
    def kafka_bootstrap(self) -> str:
        """The address of Kafka without the login."""
        return self.kafka.bootstrap


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known of one server; "yours" is one that the settings name, of which nothing else is known."""

    name: str
    state: State
    address: str
    pid: int | None


@dataclass(frozen=True, slots=True)
class Part:
    """What each server's module offers."""

    start: Callable[[Home, LocalSettings, Say], Note]
    running: Callable[[Home], Note | None]
    server: Callable[[Home, Note], tuple[Server, signal.Signals, int]]
    address: Callable[[Note], str]
    at_once: signal.Signals = signal.SIGTERM
    """What ends it where its data is deleted next: nothing need be written any more."""


PARTS = {
    "postgres": Part(postgres.start, postgres.running, postgres.server, postgres.address, signal.SIGQUIT),
    "kafka": Part(kafka.start, kafka.running, kafka.server, kafka.address, signal.SIGKILL),
    "mail": Part(catcher.start, catcher.running, catcher.server, catcher.address),
    "identity": Part(identity.start, identity.running, identity.server, identity.address),
}


def up(settings: LocalSettings, say: Say) -> Stack:
    """Everything running: started where it was not, all at once, except what the settings name.

    When one server cannot be started the others stay up, and the next `up` finds them.
    """
    home, yours, say = home_of(settings), _yours(settings), one_at_a_time(say)
    with disk.blamed(home.root):
        prepare(home)
        with locked(home.root / "lock", say), ThreadPoolExecutor() as pool:
            prepare(home)  # again: a `reset` may have come before us
            started = {
                name: pool.submit(part.start, home, settings, say) for name, part in PARTS.items() if not yours[name]
            }
        notes = {name: note.result() for name, note in started.items()}
    return Stack(
        kafka=settings.broker or kafka.entrance(home, notes["kafka"]),
        postgres_dsn=yours["postgres"] or postgres.dsn(notes["postgres"]),
        smtp_url=yours["mail"] or f"smtp://{catcher.address(notes['mail'])}",
        mail_folder=None if yours["mail"] else home.mail,
        issuer=yours["identity"] or f"http://{identity.address(notes['identity'])}",
        log_folder=home.log,
    )


def down(settings: LocalSettings, say: Say) -> None:
    """Stop what `up` started; the data stays."""
    home = home_of(settings)
    if home.root.exists():
        with locked(home.root / "lock", say):
            _stop_all(home, one_at_a_time(say))


def reset(settings: LocalSettings, say: Say) -> None:
    """End everything and delete its data; the downloaded jars stay."""
    home = home_of(settings)
    if not home.root.exists():
        return
    with locked(home.root / "lock", say):
        _stop_all(home, one_at_a_time(say), _end)
        say(f"deleting the data in {home.root}")
        for folder in (
            home.postgres,
            home.kafka,
            home.mail,
            home.log,
            home.run,
            home.keyring,
            home.edge_keyring,
            home.number_keyring,
            home.identity,
            home.certificates,
        ):
            shutil.rmtree(folder, ignore_errors=True)


def status(settings: LocalSettings) -> tuple[ServerStatus, ...]:
    """What runs, in the order PostgreSQL, Kafka, mail, OpenID provider."""
    home = home_of(settings)
    return tuple(_status(home, name, address) for name, address in _yours(settings).items())


def one_at_a_time(say: Say) -> Say:
    """`say` for several threads."""
    lock = Lock()

    def say_alone(line: str) -> None:
        with lock:
            say(line)

    return say_alone


def _yours(settings: LocalSettings) -> dict[str, str | None]:
    """The servers that the settings name, by part."""
    dsn = settings.postgres_dsn.get_secret_value() if settings.postgres_dsn else None
    return {
        "postgres": dsn,
        "kafka": settings.kafka_bootstrap,
        "mail": settings.smtp_url,
        "identity": settings.oidc_issuer,
    }


def _status(home: Home, name: str, yours: str | None) -> ServerStatus:
    if yours:
        return ServerStatus(name, "yours", _without_credentials(yours), None)
    note = PARTS[name].running(home)
    if note is None:
        return ServerStatus(name, "stopped", "", None)
    return ServerStatus(name, "running", PARTS[name].address(note), note.pid)


def _without_credentials(address: str) -> str:
    """Host and port of a URL, or an address that is no URL as it is."""
    return urlsplit(address).netloc.rpartition("@")[2] if "://" in address else address


def _stop(part: Part, home: Home, note: Note) -> None:
    server, how, seconds = part.server(home, note)
    terminate(server, how, seconds=seconds)


def _end(part: Part, home: Home, note: Note) -> None:
    """The same without care for its data: PostgreSQL would write out half a gigabyte first."""
    server, _, seconds = part.server(home, note)
    terminate(server, part.at_once, seconds=seconds)


def _stop_all(home: Home, say: Say, stop: Callable[[Part, Home, Note], None] = _stop) -> None:
    with ThreadPoolExecutor() as pool:
        stops = [pool.submit(_when_running, part, home, say, stop) for part in PARTS.values()]
    for stopped in stops:
        stopped.result()


def _when_running(part: Part, home: Home, say: Say, stop: Callable[[Part, Home, Note], None]) -> None:
    note = part.running(home)
    if note is not None:
        say(f"stopping {part.server(home, note)[0].name}")
        stop(part, home, note)
