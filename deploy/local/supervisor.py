"""Keeps the five services running, and the servers below them, until told to stop.

Run it with `python -m deploy.local.supervisor <home>/run/city.json`; `madoguchi up` does. A process that ends is started
again after a pause that grows; PostgreSQL, Kafka and the mail catcher are brought back at their old addresses.
"""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from chassis.database import sleep_or
from deploy.local import services
from deploy.local.home import Home, StackError, home_of
from deploy.local.ports import choose
from deploy.local.services import Plan, ServiceNote
from deploy.local.stack import status, up

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
STEADY_SECONDS = 30
"""A process that has run so long was well: the next pause is a short one again."""

LOOK_SECONDS = 0.5
STOP_SECONDS = 20


@dataclass(slots=True)
class Supervisor:
    """What runs, and how often it had to be started again."""

    home: Home
    plan: Plan
    notes: dict[str, ServiceNote]
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    running: dict[str, Process] = field(default_factory=lambda: dict[str, Process]())

    async def run(self) -> None:
        """Until `stop`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_servers())
            for name in services.SERVICES:
                tasks.create_task(self._keep(name))
        self._note()

    async def _keep(self, name: str) -> None:
        """One service, started again whenever it ends."""
        pause = FIRST_PAUSE
        while not self.stop.is_set():
            began = time.monotonic()
            code = await self._once(name)
            if self.stop.is_set():
                return
            pause = FIRST_PAUSE if time.monotonic() - began > STEADY_SECONDS else min(pause * 2, LONGEST_PAUSE)
            say(f"{name} ended ({code}): again in {pause:.1f} s")
            self.notes[name] = replace(self.notes[name], restarts=self.notes[name].restarts + 1)
            await sleep_or(self.stop, pause)

    async def _once(self, name: str) -> int:
        port = await asyncio.to_thread(_port, self.notes[name])
        process = await self._start(name, port)
        self.running[name] = process
        self.notes[name] = replace(self.notes[name], pid=process.pid, port=port)
        self._note()
        try:
            return await self._until_ended(process)
        finally:
            self.notes[name] = replace(self.notes[name], pid=0)
            self._note()

    async def _start(self, name: str, port: int) -> Process:
        environment = services.environment_of(self.plan, name, port)
        with (self.home.log / f"{name}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *services.command_of(self.home, name),
                stdin=DEVNULL,
                stdout=log,
                stderr=STDOUT,
                env=environment,
                start_new_session=True,
            )

    async def _until_ended(self, process: Process) -> int:
        """Wait for the end of a process; after `stop`, bring it about."""
        async with asyncio.TaskGroup() as tasks:
            ended = tasks.create_task(process.wait())
            told = tasks.create_task(self.stop.wait())
            await asyncio.wait((ended, told), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                process.terminate()
                await asyncio.wait((ended,), timeout=STOP_SECONDS)
            if not ended.done():
                process.kill()
            told.cancel()
        return ended.result()

    async def _keep_servers(self) -> None:
        """PostgreSQL, Kafka and mail, those that are ours."""
        pause = FIRST_PAUSE
        while not self.stop.is_set():
            try:
                await asyncio.to_thread(self._mend)
                pause = FIRST_PAUSE
            except (StackError, OSError) as error:
                say(str(error))
                pause = min(pause * 2, LONGEST_PAUSE)
            await sleep_or(self.stop, max(pause, LOOK_SECONDS))

    def _mend(self) -> None:
        """Start whichever server has died; services are told when one had to move to another port."""
        settings = self.plan.local()
        dead = [server.name for server in status(settings) if server.state == "stopped"]
        if not dead or self.stop.is_set():
            return
        say(f"{', '.join(dead)} ended: starting again")
        plan = services.plan_of(settings, up(settings, say), self.plan.passwords)
        if plan != self.plan:
            self.plan = plan
            services.write_plan(self.home, plan)
            for process in self.running.values():
                if process.returncode is None:
                    process.terminate()

    def _note(self) -> None:
        services.write_notes(self.home, self.notes)


def with_ports(notes: Mapping[str, ServiceNote]) -> dict[str, ServiceNote]:
    """Fresh notes with last time's ports; one that two services had stays with the first of them."""
    first = {note.port: name for name, note in reversed(list(notes.items()))}
    return {name: ServiceNote(port=note.port if first[note.port] == name else 0) for name, note in notes.items()}


def _port(note: ServiceNote) -> int:
    """A port for a service about to start: that of last time where it is still free."""
    return choose("MADOGUCHI_*_PORT", wanted=None, last=note.port)


def say(line: str) -> None:
    """One line of the supervisor's log."""
    sys.stderr.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {line}\n")
    sys.stderr.flush()


async def supervise(plan: Plan) -> None:
    """Until SIGTERM or SIGINT."""
    home = home_of(plan.local())
    supervisor = Supervisor(home, plan, with_ports(services.read_notes(home)))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, supervisor.stop.set)
    say("started")
    await supervisor.run()
    say("stopped")


def main() -> None:
    """The supervisor as a program."""
    asyncio.run(supervise(Plan.model_validate_json(Path(sys.argv[1]).read_bytes())))


if __name__ == "__main__":
    main()
