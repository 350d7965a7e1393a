"""Compiling and proving in a process of its own: Python runs one thread at a time, and decisions go on at full speed meanwhile.

    python -m services.routing.compiler compile      files of a pack (packs.dump) in, its rule set out, pickled
    python -m services.routing.compiler examine DAY  files of a pack in, what its check found out, pickled

A task has a process that gives way to all others and ends with it, which gives its memory back. One that dies takes nobody with
it: the task is tried once more. Unpickling takes a tenth of the time of reading and compiling: docs/decisions/0009.
"""

import asyncio
import os
import pickle
import resource
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any

from services.routing import packs
from services.routing.packs import Examined, Files
from services.routing.pickling import pickled
from services.routing.rules.rule_sets import RuleSet

COMMAND = (sys.executable, "-m", "services.routing.compiler")
TRIES = 2
SECONDS = 300.0
"""A process that takes longer is ended; proving 5,000 rows takes ten seconds."""
NICENESS = 10
MOST_MEMORY = 4 * 2**30
"""Bytes. What wants more dies by itself, before it takes the machine with it: a workbook can merge all cells there are."""
_COMPILING, _EXAMINING = asyncio.Lock(), asyncio.Lock()
"""One process of each kind at a time: a long proof must not keep a set from deciding."""


async def compile_files(dumped: bytes) -> RuleSet:
    """The rule set of files as `packs.dump` gives them. Raises packs.INVALID; ChildProcessError when no process did it."""
    async with _COMPILING:
        return await _ask("compile", dumped=dumped)


async def examine(files: Files, today: date) -> Examined:
    """Read, compile and prove a candidate. Raises packs.INVALID; ChildProcessError when no process did it."""
    async with _EXAMINING:
        return await _ask("examine", today.isoformat(), dumped=packs.dump(files))


async def _ask(*task: str, dumped: bytes) -> Any:
    found = await asyncio.to_thread(pickle.loads, await _answer(task, dumped))
    if isinstance(found, packs.INVALID):
        raise found
    return found


async def _answer(task: Sequence[str], dumped: bytes) -> bytes:
    code, answer = 0, b""
    for _ in range(TRIES):
        code, answer = await _run(task, dumped)
        if code == 0:
            return answer
    raise ChildProcessError(f"the process that should {task[0]} a rule set ended with {code}, {TRIES} times")


async def _run(task: Sequence[str], dumped: bytes) -> tuple[int, bytes]:
    """(exit code, what it put out). Raises ChildProcessError when it takes too long."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*COMMAND, *task, stdin=pipe, stdout=pipe)
    try:
        async with asyncio.timeout(SECONDS):
            answer, _ = await process.communicate(dumped)
    except TimeoutError:
        raise ChildProcessError(f"the process that should {task[0]} a rule set was ended after {SECONDS} s") from None
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode or 0, answer


def main() -> None:
    """The process; see the module's docstring."""
    os.nice(NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    files = packs.load(sys.stdin.buffer.read())
    try:
        found = packs.examine(files, date.fromisoformat(sys.argv[2])) if len(sys.argv) > 2 else packs.read_pack(files)
    except packs.INVALID as error:
        found = error
    sys.stdout.buffer.write(pickled(found))


if __name__ == "__main__":
    main()
