"""What a decision costs: compiled decision tables, with and without the explanation, beside zen-engine.

    python -m benchmarks.rules [--rounds 40] [--json]

Everything runs in one process on one core and decides the same 2,000 different applications, in turns, round by round. On a
machine that others use too, what a decision costs is found in the best time of every stretch of applications, short enough to
be left alone; what it did cost here, in the median round.
Then decisions are counted while a process of its own checks and compiles 5,000 rows (beside.py).
Hit policy F; every answer is compared, and a run in which one differs counts as void.
"""

import argparse
import json
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

from benchmarks import beside
from benchmarks.rivals import zen
from benchmarks.targets import target
from services.routing.rules.cells import ANYTHING, Cell, Equal, Range
from services.routing.rules.compiling import compile_table
from services.routing.rules.explaining import Explainer
from services.routing.rules.hits import outcome
from services.routing.rules.interpreting import hits
from services.routing.rules.tables import DecisionTable, Input, Output, Rule

SMALL, LARGE = 50, 5_000
APPLICATIONS = 2_000
STRETCH = 200
INPUTS = (
    Input("procedure", "string"),
    Input("district", "string"),
    Input("age", "number"),
    Input("resident", "boolean"),
    Input("amount", "number"),
    Input("channel", "string"),
)
DISTRICTS = tuple(f"district-{number}" for number in range(12))
CHANNELS = ("web", "window", "post", "phone")
CHECKED = 500
COMPILED = 3
Facts = dict[str, Any]
Row = Mapping[str, Any]


def a_table(rows: int) -> DecisionTable:
    """Rows as a city has them: of one to three procedures, most of the other inputs open."""
    chance = Random(rows)
    rules = tuple(
        Rule(f"row {number}", _cells(chance, rows), (f"department-{chance.randrange(30)}",)) for number in range(rows)
    )
    return DecisionTable(f"{rows} rows", "F", INPUTS, (Output("department", "string"),), rules)


def _cells(chance: Random, rows: int) -> tuple[Cell, ...]:
    low = chance.randrange(90)
    procedures = chance.sample(_procedures(rows), chance.randint(1, 3))
    age = Cell((Range(low, low + chance.randrange(5, 60), with_low=True, with_high=chance.random() < 0.5),))
    amount = Cell((Range(chance.randrange(0, 100_000, 500), None, with_low=True, with_high=False),))
    return (
        Cell(tuple(map(Equal, procedures))),
        _open(chance, 0.6, Cell(tuple(map(Equal, chance.sample(DISTRICTS, chance.randint(1, 4)))))),
        _open(chance, 0.3, age),
        _open(chance, 0.7, Cell((Equal(chance.random() < 0.5),))),
        _open(chance, 0.5, amount),
        _open(chance, 0.7, Cell((Equal(chance.choice(CHANNELS)),), negated=chance.random() < 0.5)),
    )


def _open(chance: Random, share: float, cell: Cell) -> Cell:
    return ANYTHING if chance.random() < share else cell


def _procedures(rows: int) -> list[str]:
    return [f"procedure-{number}" for number in range(max(12, rows // 10))]


def applications(rows: int) -> list[Facts]:
    """Different facts, as they come from JSON, with one that no rule asks for."""
    chance = Random(rows + 1)
    return [
        {
            "procedure": chance.choice(_procedures(rows)),
            "district": chance.choice(DISTRICTS),
            "age": chance.randrange(100),
            "resident": chance.random() < 0.7,
            "amount": chance.randrange(0, 100_000, 250),
            "channel": chance.choice(CHANNELS),
            "pages": chance.randrange(9),
        }
        for _ in range(APPLICATIONS)
    ]


@dataclass(frozen=True, slots=True)
class Subject:
    """What is measured: from facts to an answer, and what of the answer must be right."""

    name: str
    table: DecisionTable
    decide: Callable[[Facts], Any]
    result: Callable[[Any], object]

    def wrong(self, all_facts: Sequence[Facts]) -> int:
        """How many answers are not those of the interpreter."""
        return sum(self.result(self.decide(facts)) != _interpreted(self.table, facts) for facts in all_facts)


def subjects() -> list[Subject]:
    """All that is measured."""
    small, large = a_table(SMALL), a_table(LARGE)
    ours = [subject for table in (small, large) for subject in _ours(table)]
    theirs = [("zen-engine", zen.decider(small)), ("zen-engine with trace", zen.tracer(small))]
    return [*ours, *(Subject(name, small, decide, partial(zen.result_of, table=small)) for name, decide in theirs)]


def _ours(table: DecisionTable) -> list[Subject]:
    compiled = compile_table(table)
    return [
        Subject("decide", table, compiled.decide, lambda answer: answer.result),
        Subject("decide and explain", table, Explainer(compiled).explain, lambda answer: answer.verdict.result),
    ]


def _interpreted(table: DecisionTable, facts: Facts) -> object:
    return outcome(table, hits(table, facts)).result


def run(rounds: int) -> dict[str, Any]:
    """Everything, in turns."""
    found = subjects()
    asked = {rows: applications(rows) for rows in (SMALL, LARGE)}
    wrong = sum(one.wrong(asked[len(one.table.rules)][:CHECKED]) for one in found)
    seconds = [[_seconds(one.decide, asked[len(one.table.rules)]) for one in found] for _ in range(rounds)]
    rows = [_row(one, [each[at] for each in seconds]) for at, one in enumerate(found)]
    compiling = [_compiling(table) for table in (a_table(LARGE), intervals(LARGE))]
    together = beside.rows(a_table(LARGE), found[0].decide, asked[SMALL])
    return {"rows": [*rows, *compiling, *together], "targets": targets_of(rows, compiling, together, wrong)}


def _seconds(decide: Callable[[Facts], Any], all_facts: Sequence[Facts]) -> list[float]:
    """How long each stretch of applications took."""
    return [_stretch(decide, all_facts[at : at + STRETCH]) for at in range(0, len(all_facts), STRETCH)]


def _stretch(decide: Callable[[Facts], Any], some_facts: Sequence[Facts]) -> float:
    started = time.perf_counter()
    for facts in some_facts:
        decide(facts)
    return time.perf_counter() - started


def _row(one: Subject, rounds: Sequence[Sequence[float]]) -> dict[str, Any]:
    best = sum(map(min, zip(*rounds, strict=True))) / APPLICATIONS
    middle = statistics.median(map(sum, rounds)) / APPLICATIONS
    return {
        "what": one.name,
        "rules": len(one.table.rules),
        "per_second": round(1 / best),
        "ns": round(best * 1e9),
        "median_per_second": round(1 / middle),
    }


def intervals(rows: int) -> DecisionTable:
    """The worst for an index: three inputs with an interval of its own in every row."""
    chance = Random(rows)
    inputs = tuple(Input(name, "number") for name in ("x", "y", "z"))
    ends = [[sorted(chance.sample(range(10_000_000), 2)) for _ in inputs] for _ in range(rows)]
    rules = tuple(
        Rule(f"row {at}", tuple(Cell((Range(low, high, with_low=True, with_high=True),)) for low, high in pairs), (at,))
        for at, pairs in enumerate(ends)
    )
    return DecisionTable(f"{rows} rows of different intervals", "F", inputs, (Output("department"),), rules)


def _compiling(table: DecisionTable) -> dict[str, Any]:
    seconds: list[float] = []
    for _ in range(COMPILED):
        started = time.perf_counter()
        compile_table(table)
        seconds.append(time.perf_counter() - started)
    tracemalloc.start()
    kept = compile_table(table)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "what": f"compile {table.name}",
        "rules": len(kept.table.rules),
        "seconds": round(min(seconds), 3),
        "megabytes": round(size / 1e6, 1),
    }


def targets_of(
    rows: Sequence[Row], compiling: Sequence[Row], together: Sequence[Row], wrong: int
) -> list[dict[str, Any]]:
    """What must be reached, on a machine with a core to spare for the process that compiles."""
    decide, explain, decide_large, _, theirs, _ = (row["ns"] for row in rows)
    return [
        target("decisions/s, 50 rows × 6 inputs", 1e9 / decide, ">=", 1_000_000),
        target("decisions/s with the full explanation, 50 rows × 6 inputs", 1e9 / explain, ">=", 300_000),
        target("a decision by 5,000 rows ÷ by 50", decide_large / decide, "<=", 3),
        *(target(f"{row['what']}, s", row["seconds"], "<=", 1) for row in compiling),
        target("decisions/s ÷ zen-engine's", theirs / decide, ">=", 10),
        target("decisions/s while 5,000 rows are checked and compiled ÷ alone", together[1]["of_alone"], ">=", 0.9),
        target("the longest pause of decisions meanwhile, ms", together[1]["worst_pause_ms"], "<=", 50),
        target("answers that are not the interpreter's", wrong, "<=", 0),
    ]


def _printed(row: Row) -> str:
    if "seconds" in row:
        return f"{row['what']:46}{row['seconds']:>10} s{row['megabytes']:>9} MB"
    if "took" in row:
        rate = f"{row['beside_per_second']:>10,}/s   {row['of_alone']:.2f} of alone"
        return f"{row['what']:64}{rate}, longest pause {row['worst_pause_ms']} ms, {row['took']} s"
    named = f"{row['what']}, {row['rules']:,} rows"
    return f"{named:46}{row['per_second']:>10,}/s{row['ns']:>9,} ns   median {row['median_per_second']:>10,}/s"


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = run(arguments.rounds)
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        for row in result["rows"]:
            print(_printed(row))
        for one in result["targets"]:
            print(f"{'met   ' if one['met'] else 'MISSED'} {one['name']}: {one['value']:,} (goal {one['goal']})")
    sys.exit(0 if all(one["met"] for one in result["targets"]) else 1)


if __name__ == "__main__":
    main()
