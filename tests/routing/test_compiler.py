"""Compiling in a process of its own: the same rule set, and decisions go on meanwhile."""

import asyncio
import gc
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import psutil
import pytest

from benchmarks.rules import a_table, intervals
from chassis import service
from chassis.errors import is_poison
from deploy.local.process import wait_for
from services.routing import compiler, packs
from services.routing.formats.csv_tables import write_csv
from services.routing.packs import Files
from services.routing.pickling import pickled
from services.routing.rules.assigning import assign
from services.routing.rules.rule_sets import RuleSet
from services.routing.rules.tables import DecisionTable, InvalidTable, Output
from services.routing.shelf import SHELF, Shelf
from tests.routing import small_pack
from tests.routing.test_overlays import STORM
from tests.routing.test_rule_sets import NOW, OTHER, Routing, routing

__all__ = ["routing"]

TUESDAY = date(2026, 11, 24)
WORST_PAUSE = 0.25
"""Seconds; an idle machine has 0.02, one that runs two test suites more."""
SHARE = 0.4
"""Of the CPU of compiling, at most this is spent in the process that decides."""
TIMES = 3
"""What else the machine does makes either dearer, never cheaper: of both the least counts."""


def with_table(table: DecisionTable) -> Files:
    rules = tuple(replace(rule, outputs=("roads",)) for rule in table.rules)
    content = write_csv(replace(table, outputs=(Output("department", "string"),), rules=rules))
    return {**small_pack.files(), "rules/large.csv": content}


@cache
def large() -> Files:
    """Five thousand rows; made when they are asked for, not by everybody who collects tests."""
    return with_table(a_table(5_000))


@dataclass(slots=True)
class Watch:
    """What a task on this loop costs whoever decides on it, in seconds."""

    worst_pause: float = 0.0
    cpu: float = 0.0

    async def over(self, task: Awaitable[RuleSet]) -> RuleSet:
        busy = asyncio.ensure_future(task)
        began, last = time.process_time(), time.perf_counter()
        while not busy.done():
            await asyncio.sleep(0.01)  # Looking costs CPU too: every 2 ms were 4 % of a core for as long as it takes.
            now = time.perf_counter()
            self.worst_pause, last = max(self.worst_pause, now - last), now
        self.cpu = time.process_time() - began
        return await busy


@pytest.fixture
def calm() -> Generator[None]:
    """The cycle collector as a service has it, when what is compiled here is there already."""
    large()
    thresholds = gc.get_threshold()
    service._calm_the_collector()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.mark.usefixtures("calm")
async def test_the_loop_that_decides_goes_on_while_a_large_rule_set_is_compiled() -> None:
    files, alone, beside = large(), list[float](), list[Watch]()
    for _ in range(TIMES):
        began, watch = time.process_time(), Watch()
        here = packs.read_pack(files)
        alone.append(time.process_time() - began)

        there = await watch.over(compiler.compile_files(packs.dump(files)))

        beside.append(watch)
        assert [one.table for one in there.tables] == [one.table for one in here.tables]
        assert watch.worst_pause < WORST_PAUSE
    assert min(watch.cpu for watch in beside) < SHARE * min(alone)


@pytest.mark.parametrize(
    "files",
    [large, lambda: with_table(intervals(300)), lambda: small_pack.files(**STORM)],
    ids=["large", "intervals", "overlays"],
)
def test_a_rule_set_that_was_sent_decides_and_explains_as_before(files: Callable[[], Files]) -> None:
    here = packs.read_pack(files())
    there: RuleSet = pickle.loads(pickled(here))  # noqa: S301  our own

    for overlays in [(), ("storm",)]:
        for facts in [{"procedure": "snow", "district": "far"}, {"procedure": "procedure-7", "age": 40}, {"x": 5_000}]:
            assert assign(facts, there, TUESDAY, overlays) == assign(facts, here, TUESDAY, overlays)
    assert (there.hash, there.asks, there.overlays.keys()) == (here.hash, here.asks, here.overlays.keys())
    sent, kept = there.tables[0], here.tables[0]
    row, name = sent.table.rules[0].name, sent.table.inputs[0].name
    assert (sent.table, sent.routes, sent.asks[row, name]) == (kept.table, kept.routes, kept.asks[row, name])


def test_sets_of_rules_that_pieces_share_are_sent_once() -> None:
    there: RuleSet = pickle.loads(pickled(packs.read_pack(with_table(intervals(300)))))  # noqa: S301

    pieces = next(iter(there.tables[0].compiled.indexes[0].lines.values()))

    assert len({id(rules) for rules in pieces.rules}) == len(set(pieces.rules))


async def test_what_is_wrong_with_a_pack_is_said_as_if_it_were_read_here() -> None:
    broken = small_pack.files(small_pack.HEADER + "1,broken,-,-,roads,,a\n")

    with pytest.raises(InvalidTable, match=r"routing.csv, row 2, column 2 \(in:procedure\)"):
        await compiler.compile_files(packs.dump(broken))


@pytest.fixture
def deaths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder: as many files as lie in it, so many processes kill themselves first."""
    code = (
        "import os, pathlib, signal\n"
        f"for death in pathlib.Path({str(tmp_path)!r}).iterdir():\n"
        "    death.unlink()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "from services.routing.compiler import main; main()"
    )
    monkeypatch.setattr(compiler, "COMMAND", (sys.executable, "-c", code))
    return tmp_path


async def test_a_process_that_dies_is_followed_by_another(deaths: Path) -> None:
    (deaths / "1").touch()

    found = await compiler.compile_files(packs.dump(small_pack.files()))

    assert found.hash == packs.hash_of(small_pack.files())
    assert not os.listdir(deaths)  # noqa: PTH208


@pytest.mark.parametrize("patience", [0.5, 300.0], ids=["takes too long", "nobody wants it any more"])
async def test_a_process_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    code = f"import os, time; os.mkdir({str(tmp_path)!r} + f'/{{os.getpid()}}'); time.sleep(60)"
    monkeypatch.setattr(compiler, "COMMAND", (sys.executable, "-c", code))
    monkeypatch.setattr(compiler, "SECONDS", patience)
    task = asyncio.ensure_future(compiler.compile_files(packs.dump(small_pack.files())))
    while not os.listdir(tmp_path):  # noqa: PTH208
        await asyncio.sleep(0.01)

    if patience > 1:
        task.cancel()
    with pytest.raises((ChildProcessError, asyncio.CancelledError)):
        await task

    (pid,) = os.listdir(tmp_path)  # noqa: PTH208
    assert await asyncio.to_thread(wait_for, lambda: not psutil.pid_exists(int(pid)), seconds=5)


async def test_an_approved_set_is_compiled_before_it_decides(routing: Routing) -> None:
    await routing.install(small_pack.files())
    changed = small_pack.files(small_pack.ROUTING.replace("街灯のため", "明かりのため"))

    name = await routing.approved(changed)

    assert name in SHELF


async def test_the_process_gives_way_to_those_that_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import os; from services.routing.compiler import main; main(); "
        f"os.mkdir({str(tmp_path)!r} + f'/{{os.getpriority(os.PRIO_PROCESS, 0)}}')"
    )
    monkeypatch.setattr(compiler, "COMMAND", (sys.executable, "-c", code))

    await compiler.compile_files(packs.dump(small_pack.files()))

    mine = os.getpriority(os.PRIO_PROCESS, 0)
    assert os.listdir(tmp_path) == [str(mine + compiler.NICENESS)]  # noqa: PTH208


async def test_a_process_that_dies_again_and_again_is_nobodys_fault_and_is_waited_for(deaths: Path) -> None:
    for number in range(compiler.TRIES):
        (deaths / str(number)).touch()

    with pytest.raises(ChildProcessError) as died:
        await compiler.compile_files(packs.dump(small_pack.files()))

    assert not is_poison(died.value)


async def test_when_the_check_dies_again_it_says_so_and_the_old_rules_go_on_deciding(
    routing: Routing, deaths: Path
) -> None:
    await routing.install(small_pack.files())
    assert await routing.route(NOW) == "roads"
    for number in range(compiler.TRIES):
        (deaths / str(number)).touch()

    refused = await routing.propose(OTHER)
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:madoguchi:problem:check-ended-early")
    assert await routing.route(NOW) == "roads"

    assert (await routing.propose(OTHER)).status_code == 201


async def test_a_set_that_many_ask_for_at_once_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def compile_files(dumped: bytes) -> RuleSet:
        asked.append(dumped)
        await asyncio.sleep(0)
        return packs.read_pack(packs.load(dumped))

    monkeypatch.setattr(compiler, "compile_files", compile_files)
    shelf, dumped = Shelf(), packs.dump(small_pack.files())

    assert await asyncio.gather(*(shelf.put("a", dumped) for _ in range(3))) == [True] * 3

    assert asked == [dumped]
    assert not await shelf.put("b", packs.dump({}))
    assert "b" in shelf
    assert shelf.get("b") is None


def test_a_process_that_compiles_cannot_take_all_memory_there_is() -> None:
    process = subprocess.Popen((*compiler.COMMAND, "compile"), stdin=subprocess.PIPE)
    try:
        limit = (compiler.MOST_MEMORY, compiler.MOST_MEMORY)
        assert wait_for(lambda: psutil.Process(process.pid).rlimit(psutil.RLIMIT_AS) == limit, seconds=30)
    finally:
        process.kill()
        process.wait()
