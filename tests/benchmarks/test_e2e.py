"""The benchmark itself: it counts everything, and says so when something does not add up."""

import json
import subprocess
import sys
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import psutil
import pytest

from benchmarks import measure, processes
from benchmarks.measure import Sample
from benchmarks.processes import inherited
from benchmarks.rivals.table import decide
from benchmarks.rivals.work import applications, validate
from benchmarks.runs import miscounts
from benchmarks.servers import ROOT
from benchmarks.targets import targets_of
from benchmarks.workload import application_id, submitted
from contracts import reading
from contracts.channels import ApplicationSubmitted

ROWS = 2000
RIVALS = "product,pgbatch-equal"


def sample(at: float, intake: int, archive: int, cpu: float) -> Sample:
    stages = {"intake": intake, "archive": archive}
    return Sample(at, stages, {"kafka": cpu, "intake": cpu}, {"kafka": 1, "intake": int(at)}, busy=cpu * 3, wal=int(at))


def row(rival: str, rows: int, per_second: float, cpu_us: float) -> dict[str, Any]:
    return {
        "workload": "waiting",
        "rival": rival,
        "rows": rows,
        "runs": 1,
        "void": [],
        "per_second": per_second,
        "cpu_us": cpu_us,
        "rss_mb": {"intake": 100.0},
    }


def met(rows: list[dict[str, Any]], absent: Mapping[str, str] | None = None) -> dict[str, bool | None]:
    return {target["name"]: target["met"] for target in targets_of(rows, absent or {})}


def test_a_quick_run_counts_every_application_at_every_stage() -> None:
    command = [sys.executable, "-m", "benchmarks.e2e", "--quick", "--json", "--waiting", str(ROWS), "--rivals", RIVALS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=inherited())

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [(row["rival"], row["runs"], row["void"]) for row in result["rows"]] == [
        ("product", 1, []),
        ("pgbatch-equal", 1, []),
    ]
    for row in result["rows"]:
        assert row["per_second"] > 0
        assert row["cpu_us"] > 0
        assert row["wal_bytes"] > 0
        assert set(row["counters"].values()) == {ROWS}
    assert {"intake", "routing", "desk", "notify", "archive", "kafka", "postgres"} <= result["rows"][0][
        "cpu_us_of"
    ].keys()
    assert {target["name"] for target in result["targets"]} == {"the largest service, MB", "runs that are void"}


class TestTheWorkload:
    def test_an_application_is_what_a_channel_may_send(self) -> None:
        key, value = submitted(7)

        read = reading.read({"content-type": b"application/cloudevents+json"}, value)

        assert read.faults == ()
        assert isinstance(read.event, ApplicationSubmitted)
        assert read.event.application_id == application_id(7)
        assert key.decode() == read.subject

    def test_it_is_the_same_at_every_run(self) -> None:
        assert submitted(12) == submitted(12)

    def test_ids_are_in_the_order_of_time_and_all_different(self) -> None:
        ids = [application_id(number) for number in range(1000)]

        assert len(set(ids)) == 1000
        assert [name.int >> 80 for name in ids] == sorted(name.int >> 80 for name in ids)

    def test_the_rivals_application_is_about_as_large_and_always_decided(self) -> None:
        ours = sum(len(submitted(number)[1]) for number in range(100))
        bodies = list(applications(100))

        assert 0.7 < sum(map(len, bodies)) / ours < 1
        assert all(decide(validate(body)).department for body in bodies)


class TestMeasuring:
    def test_costs_are_those_after_the_first_tenth_of_the_work_of_all_stages(self) -> None:
        samples = [
            sample(0, 0, 0, 5.0),
            sample(1, 20, 0, 6.0),
            sample(2, 100, 40, 9.0),
            sample(3, 100, 100, 10.5),
        ]

        cost = measure.cost(samples)

        assert cost.per_second == pytest.approx(90 / 2)
        assert cost.cpu_us == {"kafka": pytest.approx(4.5 / 90 * 1e6), "intake": pytest.approx(4.5 / 90 * 1e6)}
        assert cost.rss_mb["intake"] == pytest.approx(3e-6)

    def test_a_run_too_short_for_a_first_tenth_is_measured_from_before_its_work(self) -> None:
        samples = [sample(0, 0, 0, 0.0), sample(1, 0, 0, 1.0), sample(2, 100, 100, 2.0)]

        assert measure.mark(samples) is samples[1]

    def test_more_cpu_than_the_machine_gave_is_a_trouble(self) -> None:
        samples = [sample(0, 0, 0, 0.0), sample(1, 100, 100, 10.0)]

        assert measure.troubles(samples) == []
        assert measure.troubles([samples[0], _busy(samples[1], 5.0)])

    def test_our_own_cpu_is_counted(self) -> None:
        worker = subprocess.Popen([sys.executable, "-c", "sum(range(10**7)); input()"], stdin=subprocess.PIPE)
        try:
            while measure.cpu_of(worker.pid) < 0.1:
                assert worker.poll() is None
        finally:
            worker.communicate(b"\n")

    def test_cpu_never_runs_backwards_while_children_come_and_go(self) -> None:
        idle = "for _ in range(100):\n if not os.fork():\n  time.sleep(60)\n  os._exit(0)\n"
        burning = "while True:\n if not os.fork():\n  sum(range(2 * 10**6)); os._exit(0)\n os.wait()\n"
        worker = psutil.Popen([sys.executable, "-c", f"import os, time\n{idle}{burning}"])
        try:
            seen = [measure.cpu_of(worker.pid) for _ in range(200)]
        finally:
            processes.ended([worker, *worker.children()])

        assert seen[-1] > seen[0]
        assert all(after - before > -0.005 for before, after in pairwise(seen))


def _busy(seen: Sample, busy: float) -> Sample:
    return Sample(seen.at, seen.stages, seen.cpu, seen.rss, busy, seen.wal)


class TestCounters:
    def test_a_finished_run_must_count_everything(self) -> None:
        assert miscounts({"cases": 10}, 10, stopped=False) == []
        assert miscounts({"cases": 9}, 10, stopped=False) == ["cases: 9 of 10"]

    def test_a_stopped_run_must_count_something_and_not_too_much(self) -> None:
        assert miscounts({"cases": 9}, 10, stopped=True) == []
        assert len(miscounts({"cases": 11, "archive": 0}, 10, stopped=True)) == 2


class TestTargets:
    def test_what_was_not_asked_for_is_left_out(self) -> None:
        assert met([row("product", ROWS, 1, 1), row("pgbatch", ROWS, 9, 1)]) == {
            "the largest service, MB": True,
            "runs that are void": True,
        }

    def test_every_rival_is_measured_at_its_own_goal(self) -> None:
        found = met(
            [
                row("product", 100_000, 300, 100),
                row("faststream", 100_000, 10, 1),
                row("pgbatch", 100_000, 301, 1),
                row("lanes", 100_000, 1, 79),
                row("product-silent", 100_000, 1, 96),
            ]
        )

        assert found["rate ÷ faststream's, 100,000 waiting"] is True
        assert found["rate ÷ pgbatch's, 100,000 waiting"] is False
        assert found["CPU per application ÷ the spike's lanes, 100,000 waiting"] is False
        assert found["telemetry's share of the CPU, %"] is True

    def test_a_spike_that_is_not_here_fails_nothing(self) -> None:
        found = met([row("product", 100_000, 300, 100)], {"lanes": "not measured: shared/spike is not here"})

        assert found["CPU per application ÷ the spike's lanes, 100,000 waiting"] is None

    def test_a_void_run_fails(self) -> None:
        void = row("product", ROWS, 1, 1) | {"void": ["cases: 9 of 10"]}

        assert met([void])["runs that are void"] is False
