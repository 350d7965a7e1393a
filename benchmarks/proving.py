"""How long it takes to prove decision tables, and whether the faults that were planted are found.

    python -m benchmarks.proving [--json]

Four tables of 1,000 rows and 8 columns: one as a city has it, in which every case has one row, with planted faults (U); one that
a decision tree would write, every column cut again and again (U); intervals at random in all columns, narrow ones (U) and wide
ones that nearly all overlap (F). And one of 5,000 rows and 6 columns, without a target.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from benchmarks.targets import Target, target
from services.routing.rules.cells import ANYTHING, Cell, Equal, Range
from services.routing.rules.findings import FindingKind
from services.routing.rules.proving import prove
from services.routing.rules.tables import DecisionTable, HitPolicy, Input, Output, Rule
from services.routing.rules.values import Kind, Value

SECONDS = 10
SEED = 20260401
DISTRICTS, AGES = 10, (15, 40, 65)
CITY: Sequence[tuple[str, Kind]] = (
    ("procedure", "string"),
    ("district", "string"),
    ("age", "number"),
    ("channel", "string"),
    ("urgent", "boolean"),
    ("amount", "number"),
    ("household", "number"),
    ("language", "string"),
)
Planted = Mapping[FindingKind, int]


def city(rows: int) -> tuple[DecisionTable, Planted]:
    """A row for every procedure, district and span of ages, and faults."""
    names = [f"procedure {at}" for at in range(rows // (DISTRICTS * (len(AGES) + 1)))]
    districts = [f"district {at}" for at in range(DISTRICTS)]
    cells = [
        (_is(name), _is(district), ages, *[ANYTHING] * (len(CITY) - 3))
        for name in names
        for district in districts
        for ages in _ages()
    ]
    rules = [_rule(at, asked, f"department {at % 20}") for at, asked in enumerate(cells)]
    table = _table("U", rules, CITY, {"procedure": _is(*names), "district": _is(*districts)})
    return _with_faults(table)


def _with_faults(table: DecisionTable) -> tuple[DecisionTable, Planted]:
    """Three rows left out, an open bound, two rows more that conflict, one that overlaps, one twice, one that never holds."""
    rules = [rule for at, rule in enumerate(table.rules) if at not in (17, 401, 802)]
    by_name = {rule.name: at for at, rule in enumerate(rules)}
    opened = by_name["row 205"]
    rules[opened] = _with_cell(rules[opened], 2, Range(AGES[0], AGES[1], with_low=False, with_high=False))
    one, other, same, twice, never = (rules[by_name[f"row {at}"]] for at in (100, 300, 500, 600, 700))
    rules += [
        replace(_with_cell(one, 5, Range(1000, None, with_low=True, with_high=False)), name="a", outputs=("other",)),
        replace(_with_cell(other, 3, Equal("paper")), name="b", outputs=("other",)),
        replace(_with_cell(same, 4, Equal(value=True)), name="c"),
        replace(twice, name="d"),
        replace(_with_cell(never, 1, Equal("elsewhere")), name="e"),
    ]
    planted: Planted = {"gap": 4, "conflict": 2, "overlap": 2, "duplicate": 1, "never-holds": 1}
    return replace(table, rules=tuple(rules)), planted


def _with_cell(rule: Rule, at: int, test: Equal | Range) -> Rule:
    return replace(rule, cells=(*rule.cells[:at], Cell((test,)), *rule.cells[at + 1 :]))


def _ages() -> list[Cell]:
    bounds = [None, *AGES, None]
    return [Cell((Range(low, high, with_low=low is not None, with_high=False),)) for low, high in pairwise(bounds)]


def tree(rows: int, columns: int = 8) -> tuple[DecisionTable, Planted]:
    """The whole space cut in two at random again and again, and one of the parts left out."""
    dice = random.Random(SEED)
    parts: list[dict[int, tuple[float, float]]] = [{}]
    while len(parts) < rows + 1:
        part = parts.pop(dice.randrange(len(parts)))
        at = dice.randrange(columns)
        low, high = part.get(at, (0, 1e6))
        middle = round(dice.uniform(low, high), 6)
        parts += [{**part, at: (low, middle)}, {**part, at: (middle, high)}]
    rules = [_rule(at, _sides(part, columns), f"department {at % 20}") for at, part in enumerate(parts[:-1])]
    allowed = {f"c{at}": Cell((Range(0, 1e6, with_low=True, with_high=False),)) for at in range(columns)}
    return _table("U", rules, _numbers(columns), allowed), {"gap": 1, "conflict": 0, "overlap": 0}


def _sides(part: Mapping[int, tuple[float, float]], columns: int) -> list[Cell]:
    sides = [part.get(at) for at in range(columns)]
    return [ANYTHING if side is None else Cell((Range(*side, with_low=True, with_high=False),)) for side in sides]


def intervals(policy: HitPolicy, rows: int, columns: int, *, wide: bool) -> tuple[DecisionTable, Planted]:
    """Intervals at random in every column; wide ones are half of the line, and nearly all overlap."""
    dice = random.Random(SEED)

    def interval() -> Cell:
        low = dice.uniform(0, 500)
        one, other = (low, low + 500) if wide else sorted((low, dice.uniform(0, 1000)))
        return Cell(
            (Range(round(one, 2), round(other, 2), with_low=dice.random() < 0.5, with_high=dice.random() < 0.5),)
        )

    rules = [_rule(at, [interval() for _ in range(columns)], f"department {at % 7}") for at in range(rows)]
    return _table(policy, rules, _numbers(columns), {}), {}


def _numbers(columns: int) -> list[tuple[str, Kind]]:
    return [(f"c{at}", "number") for at in range(columns)]


def _is(*values: Value) -> Cell:
    return Cell(tuple(map(Equal, values)))


def _rule(at: int, cells: Sequence[Cell], department: str) -> Rule:
    return Rule(f"row {at}", tuple(cells), (department,))


def _table(
    policy: HitPolicy, rules: Sequence[Rule], columns: Sequence[tuple[str, Kind]], allowed: Mapping[str, Cell]
) -> DecisionTable:
    inputs = tuple(Input(name, kind, allowed.get(name, ANYTHING)) for name, kind in columns)
    return DecisionTable("departments", policy, inputs, (Output("department", "string"),), tuple(rules))


TABLES: Mapping[str, Callable[[], tuple[DecisionTable, Planted]]] = {
    "a city's, 1,000 × 8": lambda: city(1000),
    "a decision tree's, 1,000 × 8": lambda: tree(1000),
    "intervals, 1,000 × 8": lambda: intervals("U", 1000, 8, wide=False),
    "wide intervals, 1,000 × 8": lambda: intervals("F", 1000, 8, wide=True),
    "intervals, 5,000 × 6": lambda: intervals("U", 5000, 6, wide=False),
}
WITHOUT_TARGET = "intervals, 5,000 × 6"


def measure(name: str) -> dict[str, Any]:
    """Prove one table once."""
    table, planted = TABLES[name]()
    started = time.perf_counter()
    proof = prove(table)
    seconds = time.perf_counter() - started
    wrong = {kind: proof.totals[kind] for kind, count in planted.items() if proof.totals[kind] != count}
    return {
        "table": name,
        "policy": table.policy,
        "seconds": round(seconds, 2),
        "found": dict(proof.totals),
        "undecided": sorted(proof.undecided),
        "not_as_planted": wrong,
    }


def targets_of(rows: Sequence[Mapping[str, Any]]) -> list[Target]:
    """Time, and that every search came to its end and found what was planted, no more and no less."""
    timed = [row for row in rows if row["table"] != WITHOUT_TARGET]
    return [
        *(target(f"seconds for {row['table']}", row["seconds"], "<=", SECONDS) for row in timed),
        target("kinds of faults not found as planted", sum(len(row["not_as_planted"]) for row in rows), "<=", 0),
        target("searches given up", sum(len(row["undecided"]) for row in timed), "<=", 0),
    ]


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    rows = [measure(name) for name in TABLES]
    targets = targets_of(rows)
    if arguments.json:
        print(json.dumps({"rows": rows, "targets": targets}, ensure_ascii=False))
    else:
        for row in rows:
            found = ", ".join(f"{kind} {'many' if count is None else count}" for kind, count in row["found"].items())
            print(f"{row['table']:32}{row['policy']:3}{row['seconds']:>8} s  {found}")
    sys.exit(0 if all(one["met"] for one in targets) else 1)


if __name__ == "__main__":
    main()
