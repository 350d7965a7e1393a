"""Which port a local server listens on."""

import secrets
import socket
from threading import Lock

from deploy.local.home import StackError
from deploy.local.process import wait_for

LOWEST, HIGHEST = 20_000, 32_000
"""Free ports are taken from here: below Linux's ephemeral range, where a client that redials could occupy them."""

ATTEMPTS = 100

_promised: set[int] = set()
_promising = Lock()
"""Ports given out by this process: several servers are started side by side, and none of them listens yet."""

PATIENCE = 3
"""A server that was killed holds on to its port for a moment."""


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` of this machine now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def answers(port: int) -> bool:
    """Whether somebody listens on `port` of this machine now."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def free_port() -> int:
    """A port that nobody listens on and that this process has promised to nobody else."""
    candidates = (LOWEST + secrets.randbelow(HIGHEST - LOWEST) for _ in range(ATTEMPTS))
    with _promising:
        port = next((port for port in candidates if port not in _promised and is_free(port)), None)
        _promised.add(port or 0)
    if port is None:
        message = f"no free port between {LOWEST} and {HIGHEST}: stop what listens there, or set MADOGUCHI_*_PORT"
        raise StackError(message)
    return port


def choose(variable: str, *, wanted: int | None, last: int | None) -> int:
    """The port `wanted` through `variable`; without one the port of the `last` start if still free, else a free one."""
    if wanted is None:
        return last if last and wait_for(lambda: is_free(last), seconds=PATIENCE) else free_port()
    if not is_free(wanted):
        message = (
            f"port {wanted} is taken by another program: set {variable} to another port, or unset it to have one chosen"
        )
        raise StackError(message)
    return wanted
