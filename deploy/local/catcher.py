"""The mail catcher as a server of this machine: started, stopped and found again; what it does is in `mail`."""

import signal
import sys
from dataclasses import replace
from pathlib import Path

from deploy.local.home import Home, LocalSettings, Say
from deploy.local.ports import answers, choose
from deploy.local.process import Note, Server, alive, read_note, spawn, wait_until_ready, write_note

SECONDS = 15


def start(home: Home, settings: LocalSettings, say: Say) -> Note:
    """The mail catcher running on `home.mail`: the one that runs already, or a new one at the port of last time."""
    last = read_note(_note_path(home)) or Note(port=0)
    if alive(last.pid, home.mail):
        _wait(home, last)
        return last
    note = replace(last, port=choose("MADOGUCHI_SMTP_PORT", wanted=settings.smtp_port, last=last.port))
    say(f"starting the mail catcher on {address(note)}")
    command = (sys.executable, "-m", "deploy.local.mail", "--port", str(note.port), "--folder", str(home.mail))
    started = replace(note, pid=spawn(_here(command), home.log / "mail.log"))
    write_note(_note_path(home), started)
    _wait(home, started)
    return started


def running(home: Home) -> Note | None:
    """The note of the mail catcher if it runs."""
    note = read_note(_note_path(home))
    return note if note and alive(note.pid, home.mail) else None


def server(home: Home, note: Note) -> tuple[Server, signal.Signals, int]:
    """The process, the signal that ends it, and how long that may take."""
    return _server(home, note), signal.SIGTERM, SECONDS


def address(note: Note) -> str:
    """Host and port."""
    return f"127.0.0.1:{note.port}"


def _here(command: tuple[str, ...]) -> tuple[str, ...]:
    """`command` with this package importable, wherever it is started from."""
    return ("env", f"PYTHONPATH={Path(__file__).parents[2]}", *command)


def _server(home: Home, note: Note) -> Server:
    return Server("the mail catcher", note.pid, home.mail, home.log / "mail.log")


def _wait(home: Home, note: Note) -> None:
    wait_until_ready(_server(home, note), lambda: answers(note.port), seconds=SECONDS)


def _note_path(home: Home) -> Path:
    return home.run / "mail.json"
