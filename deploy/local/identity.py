"""The local OpenID provider as a server of this machine: started, stopped and found again; what it does is in `provider`."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deploy.local.accounts import CLIENT_ID, accounts_in
from deploy.local.home import Home, LocalSettings, Say
from deploy.local.ports import answers, choose
from deploy.local.process import Note, Server, alive, read_note, spawn, wait_until_ready, write_note

SECONDS = 30

BELIEVE_TOKENS = ("routing", "archive")
"""The services that staff come to with an access token alone."""


def start(home: Home, settings: LocalSettings, say: Say) -> Note:
    """The provider running on `home.identity`: the one that runs already, or a new one at the port of last time."""
    last = read_note(_note_path(home)) or Note(port=0)
    if alive(last.pid, home.identity):
        _wait(home, last)
        return last
    accounts_in(home.identity)
    note = replace(last, port=choose("MADOGUCHI_OIDC_PORT", wanted=settings.oidc_port, last=last.port))
    say(f"starting the OpenID provider on {address(note)}")
    told = ("--port", str(note.port), "--folder", str(home.identity))
    command = ("env", f"PYTHONPATH={Path(__file__).parents[2]}", sys.executable, "-m", "deploy.local.provider", *told)
    started = replace(note, pid=spawn(command, home.log / "identity.log"))
    write_note(_note_path(home), started)
    _wait(home, started)
    return started


def running(home: Home) -> Note | None:
    """The note of the provider if it runs."""
    note = read_note(_note_path(home))
    return note if note and alive(note.pid, home.identity) else None


def server(home: Home, note: Note) -> tuple[Server, signal.Signals, int]:
    """The process, the signal that ends it, and how long that may take."""
    return _server(home, note), signal.SIGTERM, SECONDS


def address(note: Note) -> str:
    """Host and port."""
    return f"127.0.0.1:{note.port}"


def client_of(home: Home, settings: LocalSettings, issuer: str) -> Mapping[str, str]:
    """What the desk is told of its provider, by the names of its settings: the local one, or that of the settings."""
    yours = settings.oidc_issuer is not None
    secret = settings.oidc_client_secret.get_secret_value() if yours else accounts_in(home.identity).client_secret
    return {
        "oidc_issuer": issuer,
        "oidc_client_id": settings.oidc_client_id if yours else CLIENT_ID,
        "oidc_client_secret": secret,
    }


def _server(home: Home, note: Note) -> Server:
    return Server("the OpenID provider", note.pid, home.identity, home.log / "identity.log")


def _wait(home: Home, note: Note) -> None:
    wait_until_ready(_server(home, note), lambda: answers(note.port), seconds=SECONDS)


def _note_path(home: Home) -> Path:
    return home.run / "identity.json"
