"""Runs as rows, and rows as a table."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchmarks.latency import Latency
from benchmarks.runs import SERVERS, Run

Row = dict[str, Any]


def rows_of(runs: Sequence[Run]) -> list[Row]:
    """One row for every rival and number of waiting applications, medians over the runs that count."""
    keys = dict.fromkeys((found.rows, found.rival) for found in runs)
    return [_row([found for found in runs if (found.rows, found.rival) == key]) for key in keys]


def _row(runs: Sequence[Run]) -> Row:
    good = [found for found in runs if not found.void]
    row: Row = {
        "workload": "waiting",
        "rival": runs[0].rival,
        "rows": runs[0].rows,
        "runs": len(good),
        "void": ["; ".join(found.void) for found in runs if found.void],
    }
    return row | (_medians(good) if good else {}) | {"counters": dict(runs[-1].counters)}


def _medians(good: Sequence[Run]) -> Row:
    costs = [found.cost for found in good]
    cpu = {name: round(_median(cost.cpu_us[name] for cost in costs), 1) for name in costs[0].cpu_us}
    return {
        "stopped": sum(found.stopped for found in good),
        "done": round(_median(found.done for found in good)),
        "per_second": round(_median(cost.per_second for cost in costs), 1),
        "each_per_second": [round(cost.per_second, 1) for cost in costs],
        "cpu_us": round(_median(sum(cost.cpu_us.values()) for cost in costs), 1),
        "cpu_us_of": cpu,
        "wal_bytes": round(_median(cost.wal_bytes for cost in costs)),
        "rss_mb": {name: round(max(cost.rss_mb[name] for cost in costs), 1) for name in cpu if name not in SERVERS},
        "elsewhere_percent": round(_median(cost.elsewhere for cost in costs) * 100, 1),
    }


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def latency_row(found: Latency) -> Row:
    """One open loop."""
    values = asdict(found)
    named = {f"{name}_ms": round(values[name], 1) for name in ("p50", "p95", "p99", "worst", "flush", "late")}
    return {
        "workload": "open loop",
        "rival": "product",
        "rows": found.count,
        "rate": round(found.rate, 1),
        "runs": 0 if found.void else 1,
        "void": list(found.void),
    } | named


def absent_row(rival: str, rows: int, why: str) -> Row:
    """A rival that cannot run here."""
    return {"workload": "waiting", "rival": rival, "rows": rows, "runs": 0, "void": [], "absent": why}


def table(rows: Sequence[Mapping[str, Any]], targets: Sequence[Mapping[str, Any]]) -> str:
    """What people read."""
    waiting = [row for row in rows if row["workload"] == "waiting"]
    loops = [row for row in rows if row["workload"] == "open loop"]
    parts = [_grid(_WAITING, waiting), _memory(waiting), _grid(_LOOPS, loops), *map(_target, targets)]
    return "\n".join(part for part in parts if part)


Column = tuple[str, Callable[[Mapping[str, Any]], str]]


def _number(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: f"{row[name]:,.0f}" if name in row else "–"


def _one(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda row: f"{row[name]:,.1f}"


def _cpu(row: Mapping[str, Any], *names: str) -> str:
    if "cpu_us_of" not in row:
        return "–"
    wanted = names or tuple(name for name in row["cpu_us_of"] if name not in SERVERS)
    return f"{sum(row['cpu_us_of'][name] for name in wanted) / 1000:.3f}"


def _remark(row: Mapping[str, Any]) -> str:
    stopped = f"stopped with {row['done']:,} through" if row.get("stopped") else ""
    void = f"VOID: {' | '.join(row['void'])}" if row["void"] else ""
    return "; ".join(filter(None, (row.get("absent", ""), stopped, void)))


_WAITING: Sequence[Column] = (
    ("waiting", _number("rows")),
    ("rival", lambda row: row["rival"]),
    ("runs", _number("runs")),
    ("/s", _number("per_second")),
    ("CPU ms", lambda row: f"{row['cpu_us'] / 1000:.3f}" if "cpu_us" in row else "–"),
    ("Kafka", lambda row: _cpu(row, "kafka")),
    ("PostgreSQL", lambda row: _cpu(row, "postgres")),
    ("services", _cpu),
    ("WAL B", _number("wal_bytes")),
    ("elsewhere %", _number("elsewhere_percent")),
    ("", _remark),
)
_LOOPS: Sequence[Column] = (
    ("open loop /s", _number("rate")),
    ("applications", _number("rows")),
    ("p50 ms", _one("p50_ms")),
    ("p95 ms", _one("p95_ms")),
    ("p99 ms", _one("p99_ms")),
    ("max ms", _one("worst_ms")),
    ("flush ms", _one("flush_ms")),
    ("sent late ms", _one("late_ms")),
    ("", _remark),
)


def _grid(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    cells = [[name for name, _ in columns], *([show(row) for _, show in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([*lines, ""])


def _memory(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        f"peak MB, {row['rival']}, {row['rows']:,}: "
        + ", ".join(f"{name} {size:.0f}" for name, size in row["rss_mb"].items())
        for row in rows
        if "rss_mb" in row
    ]
    return "\n".join([*lines, ""]) if lines else ""


def _target(found: Mapping[str, Any]) -> str:
    word = {True: "met", False: "MISSED", None: ""}[found["met"]]
    return f"{word:>7}  {found['name']}: {found['value']} (goal {found['goal']})"
