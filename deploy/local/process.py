"""Servers that outlive the command that started them, and the notes by which the next command finds them."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from pydantic import TypeAdapter, ValidationError

from deploy.local.home import StackError

DETACH = 'log=$1; shift; { exec "$@"; } </dev/null >>"$log" 2>&1 & echo $!'
"""The shell leaves at once, so the server belongs to nobody who could leave a zombie of it behind."""

PAUSE = 0.05
TAIL = 15
FRAME = "\tat "


@dataclass(frozen=True, slots=True)
class Note:
    """What `run/<server>.json` says; it stays when the server stops, so that it comes back at the same address."""

    port: int
    pid: int = 0
    controller_port: int = 0
    password: str = ""
    open: bool = False
    tls: bool = False


NOTE = TypeAdapter(Note)


def read_note(path: Path) -> Note | None:
    """The note at `path`, if there is one."""
    try:
        return NOTE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        message = f"{path} is damaged: delete it and start again, or use `reset`"
        raise StackError(message) from error


def write_note(path: Path, note: Note) -> None:
    """Replace the note at `path`."""
    write_private(path, NOTE.dump_json(note))


def write_private(path: Path, content: bytes) -> None:
    """Replace a file, readable by its owner only, in one step."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_bytes(content)
    new.replace(path)


def spawn(command: Sequence[str], log: Path) -> int:
    """Start `command` in a session of its own, writing to `log`; its process id."""
    arguments = ["/bin/sh", "-c", DETACH, "sh", str(log), *command]
    done = subprocess.run(arguments, stdout=subprocess.PIPE, start_new_session=True, check=True, cwd="/")
    return int(done.stdout)


def alive(pid: int, mark: Path) -> bool:
    """Whether `pid` is the server started with `mark` among its arguments, and no later process of that number."""
    if not pid:
        return False
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and str(mark) in _arguments(process)
    except psutil.Error:
        return False


def _arguments(process: psutil.Process) -> list[str]:
    """The command line; it is empty for a moment while a process becomes another program, hence the second look."""
    arguments = process.cmdline()
    if not arguments:
        time.sleep(PAUSE)
    return arguments or process.cmdline()


def works_in(folder: Path) -> bool:
    """Whether any process has `folder` as its current folder."""
    return any(process.info["cwd"] == str(folder) for process in psutil.process_iter(["cwd"]))


def wait_for(ready: Callable[[], bool], *, seconds: float) -> bool:
    """Ask `ready` again and again until it says yes; False when it did not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


@dataclass(frozen=True, slots=True)
class Server:
    """One running process: its `name` for people, how it is recognised and where it logs."""

    name: str
    pid: int
    mark: Path
    log: Path


def wait_until_ready(server: Server, ready: Callable[[], bool], *, seconds: float) -> None:
    """Return once `ready`; a server that died or took too long is an error with the end of its log."""

    def settled() -> bool:
        return not alive(server.pid, server.mark) or ready()

    if wait_for(settled, seconds=seconds) and alive(server.pid, server.mark):
        return
    what = f"did not answer within {seconds:.0f} s" if alive(server.pid, server.mark) else "stopped while starting"
    message = f"{server.name} {what}; {server.log} ends with:\n{tail(server.log)}\nMend that and start again"
    raise StackError(message)


def terminate(server: Server, how: signal.Signals, *, seconds: float) -> None:
    """Ask the process to end with signal `how`, and end it hard when it has not within `seconds`."""
    for number, patience in ((how, seconds), (signal.SIGKILL, 5)):
        if not alive(server.pid, server.mark):
            return
        os.kill(server.pid, number)
        wait_for(lambda: not alive(server.pid, server.mark), seconds=patience)
    if alive(server.pid, server.mark):
        message = f"{server.name} (process {server.pid}) does not end: end it yourself and try again"
        raise StackError(message)


def tail(log: Path) -> str:
    """The last lines of a log file."""
    if not log.exists():
        return "(nothing)"
    return last_lines(log.read_text(errors="replace"))


def last_lines(text: str) -> str:
    """The end of what a program said, without Java's list of who called whom: the cause stands above it."""
    return "\n".join([line for line in text.splitlines() if not line.startswith(FRAME)][-TAIL:])
