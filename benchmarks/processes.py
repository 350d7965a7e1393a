"""Workers as processes: started with a log of their own, ended in good order, by force when they do not."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PATIENCE = 20


@dataclass(frozen=True, slots=True)
class Command:
    """What starts one worker."""

    arguments: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    folder: Path = Path(__file__).parents[1]


Workers = dict[str, psutil.Popen]


def start(commands: Mapping[str, Command], logs: Path) -> Workers:
    """All of them, at once."""
    logs.mkdir(parents=True, exist_ok=True)
    return {name: _start(command, logs / f"{name}.log") for name, command in commands.items()}


def _start(command: Command, log: Path) -> psutil.Popen:
    with log.open("ab") as output:
        return psutil.Popen(
            list(command.arguments),
            env=inherited() | dict(command.environment),
            cwd=command.folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def inherited() -> dict[str, str]:
    """Our own environment without anything that a city or a spike would read."""
    ours = os.environ.copy()  # noqa: TID251  a child's environment, nothing is read from it
    mine = ("DSN", "KAFKA", "BATCH", "FWAIT", "HDR", "NPART", "RATE", "ACKP", "MW", "QL")
    return {name: value for name, value in ours.items() if not name.startswith("MADOGUCHI_") and name not in mine} | {
        "PYTHONDONTWRITEBYTECODE": "1"
    }


def dead(workers: Workers) -> list[str]:
    """Those that have ended by themselves."""
    return [name for name, worker in workers.items() if worker.poll() is not None]


def stop(workers: Workers) -> None:
    """End all of them."""
    ended(list(workers.values()))


def ended(processes: Sequence[psutil.Process]) -> None:
    """Ask the processes to end; end them hard when they have not within their time."""
    left = list(processes)
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in left:
            try:
                ask(process)
            except psutil.NoSuchProcess:
                continue
        _, left = psutil.wait_procs(left, timeout=PATIENCE)
