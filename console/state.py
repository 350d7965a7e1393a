"""What `madoguchi status` knows of every process."""

from collections.abc import Sequence

from deploy.local import LocalSettings, ServerStatus, status
from deploy.local.home import home_of
from deploy.local.services import ServiceState, service_states, supervisors

COLUMNS = ("name", "state", "pid", "port", "address", "restarts")

DEAD = "stopped"

Line = dict[str, str | int | None]


def lines(settings: LocalSettings) -> list[Line]:
    """Servers, the supervisor, services."""
    home = home_of(settings)
    pids = supervisors(home)
    supervisor = line("supervisor", "running" if pids else DEAD, pids[0] if pids else None)
    servers = [_server(server) for server in status(settings)]
    return [*servers, supervisor, *(_service(state) for state in service_states(home))]


def advice(found: Sequence[Line]) -> str | None:
    """What to do where some of it runs and some does not; None where all is well, and where nothing runs."""
    dead = [str(one["name"]) for one in found if one["state"] == DEAD]
    running = [one for one in found if one["state"] not in (DEAD, "yours")]
    if not running or not dead:
        return None
    return f"Stopped: {', '.join(dead)}. `madoguchi up` starts what is missing and leaves the rest as it is; nothing accepted is lost."


def line(name: str, state: str, pid: int | None, address: str = "", restarts: int | None = None) -> Line:
    """One row."""
    port = address.rpartition(":")[2]
    cells = (name, state, pid, int(port) if port.isdigit() else None, address, restarts)
    return dict(zip(COLUMNS, cells, strict=True))


def _server(server: ServerStatus) -> Line:
    return line(server.name, server.state, server.pid, server.address)


def _service(state: ServiceState) -> Line:
    words = f"waiting for {', '.join(state.waiting)}" if state.waiting else state.state
    address = f"http://127.0.0.1:{state.note.port}" if state.note.port else ""
    pid = state.note.pid if state.state != DEAD else 0
    return line(state.name, words, pid or None, address, state.note.restarts)
