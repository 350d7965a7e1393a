"""The whole city up and down: servers, databases, topics, migrations, services under their supervisor."""

import asyncio
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM

import psutil

from chassis.database import utc_now
from console.city import City, running_city
from console.errors import Trouble
from contracts.topics import APPLICATIONS, OF_A_CHANNEL
from deploy import acls, databases, topics
from deploy.local import LocalSettings, disk, keyrings, services
from deploy.local import down as servers_down
from deploy.local import reset as servers_reset
from deploy.local import up as servers_up
from deploy.local.home import Home, Say, home_of, locked, prepare
from deploy.local.process import spawn, tail
from deploy.local.services import SERVICES, Plan, ServiceState
from deploy.principals import PRINCIPALS

READY_SECONDS = 60
END_SECONDS = 45
PAUSE = 0.1


def city_up(settings: LocalSettings, say: Say) -> City:
    """Everything running and ready: what runs already is left alone, but for topics and rights that it lacks. Raises Trouble or StackError."""
    home = home_of(settings)
    with disk.blamed(home.root), _prepared(home, say):
        stack = servers_up(settings, say)
        plan = services.plan_of(settings, stack, services.passwords_in(home))
        if is_new := not _is_supervised(home, plan):
            _stop_services(home, say)
            asyncio.run(_prepare(plan, say))
        else:
            asyncio.run(_topics(plan, say))
        asyncio.run(keyrings.require_known(home, plan.postgres_dsn, _databases(plan)))
        keyrings.make_ahead(home, utc_now())
        if is_new:
            services.write_plan(home, plan)
            _start_supervisor(home, say)
        _wait_until_ready(home, say)
    return running_city(settings)


def city_down(settings: LocalSettings, say: Say, *, reset: bool) -> None:
    """Nothing running, also when the supervisor was killed; `reset` deletes the data too."""
    home = home_of(settings)
    if not home.root.exists():
        return
    with _alone(home, say):
        _stop_services(home, say)
        (servers_reset if reset else servers_down)(settings, say)


@contextmanager
def _prepared(home: Home, say: Say) -> Generator[None]:
    prepare(home)
    with _alone(home, say):
        yield


@contextmanager
def _alone(home: Home, say: Say) -> Generator[None]:
    with locked(home.root / "city.lock", say):
        yield


def _is_supervised(home: Home, plan: Plan) -> bool:
    """Whether one supervisor works by this very plan."""
    return len(services.supervisors(home)) == 1 and services.read_plan(home) == plan


def _stop_services(home: Home, say: Say) -> None:
    """End the supervisor first, which ends its services, then what a killed one has left behind."""
    if found := services.supervisors(home):
        say("stopping the services")
        _end(found)
    if orphans := [pid for name in SERVICES for pid in services.processes_of(home, name)]:
        say(f"ending {len(orphans)} services without a supervisor")
        _end(orphans)


def _end(pids: Sequence[int]) -> None:
    found = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    for number, patience in ((SIGTERM, END_SECONDS), (SIGKILL, 5)):
        for process in found:
            with _gone_is_fine():
                process.send_signal(number)
        _, found = psutil.wait_procs(found, timeout=patience)
    if found:
        raise Trouble(f"Processes {[process.pid for process in found]} do not end: end them yourself and try again.")


@contextmanager
def _gone_is_fine() -> Generator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return


def _databases(plan: Plan) -> tuple[databases.ServiceDatabase, ...]:
    return tuple(services.database_of(name, plan.passwords[name]) for name in SERVICES)


async def _prepare(plan: Plan, say: Say) -> None:
    """Databases, then topics, logins and migrations side by side."""
    owned = _databases(plan)
    if made := await databases.create_databases(plan.postgres_dsn, owned):
        say(f"made the databases {', '.join(made)}")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_topics(plan, say))
        for found in owned:
            tasks.create_task(_bring_up(plan, found, say))


async def _topics(plan: Plan, say: Say) -> None:
    made = await topics.create_topics(plan.kafka)
    if made := [*made, *await topics.grow_like(plan.kafka, OF_A_CHANNEL, APPLICATIONS)]:
        say(f"made or grew the topics {', '.join(made)}")
    if given := await acls.give_access(plan.kafka, {name: plan.passwords[name] for name in PRINCIPALS}, acls.rights()):
        say(f"Kafka: {len(given)} rights given or taken")


async def _bring_up(plan: Plan, found: databases.ServiceDatabase, say: Say) -> None:
    for name in await databases.bring_up(plan.postgres_dsn, found):
        say(f"{found.service}: applied {name}")


def _start_supervisor(home: Home, say: Say) -> None:
    say(f"starting {', '.join(SERVICES)}")
    path = f"PYTHONPATH={services.PACKAGES}"
    command = ("env", path, sys.executable, "-m", services.SUPERVISOR, str(services.plan_path(home)))
    spawn(command, home.log / "supervisor.log")


def _wait_until_ready(home: Home, say: Say) -> None:
    deadline = time.monotonic() + READY_SECONDS
    ready: set[str] = set()
    while len(ready) < len(SERVICES):
        states = services.service_states(home)
        now = {state.name for state in states if state.state == "ready"}
        for name in sorted(now - ready):
            say(f"{name} is ready")
        ready |= now
        if time.monotonic() > deadline:
            raise Trouble(unready(home.log, states))
        if len(ready) < len(SERVICES):
            time.sleep(PAUSE)


def unready(log: Path, states: Sequence[ServiceState]) -> str:
    """Which services are not ready, why, and the end of their logs."""
    return "\n".join(_why(log, state) for state in states if state.state != "ready")


def _why(log: Path, state: ServiceState) -> str:
    reason = {
        "waiting": f"waits for {', '.join(state.waiting)}",
        "starting": "does not answer",
        "stopped": f"keeps stopping ({state.note.restarts} times so far)",
        "ready": "is ready",
    }[state.state]
    path = log / f"{state.name}.log"
    return f"{state.name} {reason}; {path} ends with:\n{tail(path)}\nMend that and run `madoguchi up` again."
