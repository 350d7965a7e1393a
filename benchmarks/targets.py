"""What must be reached, from what was measured. A target whose workload was not asked for is left out."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

Row = Mapping[str, Any]
Target = dict[str, Any]
FULL, MILLION = 100_000, 1_000_000
EPSILON = 1e-9


def targets_of(rows: Sequence[Row], absent: Mapping[str, str]) -> list[Target]:
    """Every target there is something to say about."""
    waiting = {(row["rival"], row["rows"]): row for row in rows if row["workload"] == "waiting"}
    found = [
        *_rates(waiting),
        _growth(waiting),
        _against_lanes(waiting, absent),
        _telemetry(waiting),
        *(_p99(row) for row in rows if row["workload"] == "open loop" and row["rate"] == 200),
        _memory(rows),
        _void(rows),
    ]
    return [target for target in found if target is not None]


def target(name: str, value: float, way: Literal[">=", "<="], goal: float) -> Target:
    """One of them."""
    met = value >= goal - EPSILON if way == ">=" else value <= goal + EPSILON
    return {"name": name, "value": round(value, 3), "goal": f"{way} {goal:g}", "met": met}


def _rates(waiting: Mapping[tuple[str, int], Row]) -> list[Target | None]:
    return [
        _rate(waiting, "faststream", FULL, 30),
        _rate(waiting, "pgbatch", FULL, 1),
        _rate(waiting, "pgbest", FULL, 1),
        _rate(waiting, "pgbatch", MILLION, 3),
        _rate(waiting, "pgbest", MILLION, 3),
    ]


def _rate(waiting: Mapping[tuple[str, int], Row], rival: str, rows: int, goal: float) -> Target | None:
    ours, theirs = _pair(waiting, ("product", rows), (rival, rows))
    if ours is None or theirs is None:
        return None
    return target(f"rate ÷ {rival}'s, {rows:,} waiting", ours["per_second"] / theirs["per_second"], ">=", goal)


def _growth(waiting: Mapping[tuple[str, int], Row]) -> Target | None:
    large, small = _pair(waiting, ("product", MILLION), ("product", FULL))
    if large is None or small is None:
        return None
    return target("CPU per application at 1,000,000 ÷ at 100,000", large["cpu_us"] / small["cpu_us"], "<=", 1.15)


def _against_lanes(waiting: Mapping[tuple[str, int], Row], absent: Mapping[str, str]) -> Target | None:
    name, goal = "CPU per application ÷ the spike's lanes, 100,000 waiting", 1.25
    if "lanes" in absent and ("product", FULL) in waiting:
        return {"name": name, "value": absent["lanes"], "goal": f"<= {goal}", "met": None}
    ours, theirs = _pair(waiting, ("product", FULL), ("lanes", FULL))
    if ours is None or theirs is None:
        return None
    return target(name, ours["cpu_us"] / theirs["cpu_us"], "<=", goal)


def _telemetry(waiting: Mapping[tuple[str, int], Row]) -> Target | None:
    told, silent = _pair(waiting, ("product", FULL), ("product-silent", FULL))
    if told is None or silent is None:
        return None
    return target("telemetry's share of the CPU, %", (told["cpu_us"] / silent["cpu_us"] - 1) * 100, "<=", 5)


def _p99(row: Row) -> Target:
    return target("p99 from submit to archived at 200/s, ms", row["p99_ms"], "<=", 50)


def _memory(rows: Sequence[Row]) -> Target | None:
    found = [peak for row in rows if row["rival"] == "product" for peak in row.get("rss_mb", {}).values()]
    return target("the largest service, MB", max(found), "<=", 150) if found else None


def _void(rows: Sequence[Row]) -> Target:
    return target("runs that are void", sum(len(row["void"]) for row in rows), "<=", 0)


def _pair(
    waiting: Mapping[tuple[str, int], Row], first: tuple[str, int], second: tuple[str, int]
) -> tuple[Row | None, Row | None]:
    """Two rows, of which at least one run each counts."""
    found = [row if (row := waiting.get(key)) and row["runs"] else None for key in (first, second)]
    return found[0], found[1]
