"""A back-test as tables for people, labelled in Japanese and English."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from console.terminal import out, table

if TYPE_CHECKING:
    from console.backtesting import Tried
    from services.routing.rules.backtesting import Agreement, Move, Verdict

SHOWN = 15
"""How many lines of a list are printed; `--json` has them all."""
CAUSES = {
    "no-match": "どの規則にも当てはまらない no rule holds",
    "conflict": "規則の食い違い・期限を数えられない conflict",
    "unknown-department": "組織表にない課 unknown department",
}


def show(tried: "Tried") -> None:
    """Print it."""
    comparison = tried.comparison
    for title, verdict in zip(("規則 the city's rules", "規則案 the candidate"), comparison.verdicts, strict=False):
        _show_verdict(title, verdict)
    _show_load(tried)
    to = "規則案 candidate" if len(comparison.verdicts) > 1 else "規則 rules"
    _show_moves(f"移る件数 who would move, to: {to}", comparison.moves)
    _show_matches(tried)


def _show_verdict(title: str, verdict: "Verdict") -> None:
    columns = ("担当 recorded", "件数 rows", "判定 covered", "一致 agreement", "全件中 of all rows")
    rows = [_line(name, one) for name, one in verdict.departments.items()]
    table(title, columns, [*rows, _line("合計 all", verdict.overall)], numbers=columns[1:])
    _show_moves("食い違い what was recorded, and what the rules say", verdict.disagreements)
    for cause, count in verdict.triage.items():
        out.print(f"人が判断 to triage: {count:,} {CAUSES.get(cause, cause)}", markup=False)
    late = sum(verdict.risk.late.values())
    out.print(f"期限超過のおそれ at risk: {late:,} of {verdict.risk.dated:,} cases took longer than the rules allow")


def _line(name: str, one: "Agreement") -> Sequence[object]:
    return name, one.rows, one.covered, f"{one.agreement:.1%}", f"{one.of_all:.1%}"


def _show_load(tried: "Tried") -> None:
    """Cases by who has them: as recorded, by the rules, by the candidate; and how many of them would be late."""
    verdicts = tried.comparison.verdicts
    loads = [tried.comparison.recorded, *(verdict.load for verdict in verdicts)]
    lates = [verdict.risk.late for verdict in verdicts]
    names = sorted({name for load in loads for name in load}, key=lambda name: (-loads[-1].get(name, 0), name))
    columns = ("担当 department", "記録 recorded", "規則 rules", "規則案 candidate")[: 2 + len(verdicts)]
    risky = ("期限超過 late", "期限超過(案) late, candidate")[: len(verdicts)]
    rows = [(name, *(load.get(name, 0) for load in loads), *(late.get(name, 0) for late in lates)) for name in names]
    table("件数 load", (*columns, *risky), rows, numbers=(*columns[1:], *risky))


def _show_moves(title: str, moves: Sequence["Move"]) -> None:
    columns = ("から from", "へ to", "件数 rows")
    table(title, columns, [(move.source, move.target, move.rows) for move in moves[:SHOWN]], numbers=columns[2:])
    if len(moves) > SHOWN:
        out.print(f"… ほか {len(moves) - SHOWN:,} 組 more")


def _show_matches(tried: "Tried") -> None:
    """How recorded names were read, and which could not be."""
    matches = [match for match in tried.matches.values() if match.by]
    columns = ("記録 recorded", "規則での名 as", "根拠 by")
    if matches:
        rows = [(each.recorded, each.meant, each.by) for each in matches[:SHOWN]]
        table("名称の対応 names matched", columns, rows)
    for match in tried.matches.values():
        if not match.by:
            out.print(f"対応なし unmatched: {match.recorded} ({tried.seen[match.recorded]:,})", markup=False)
    for what in ("unreadable", "unrecorded"):
        if tried.head[what]:
            out.print(f"{what}: {tried.head[what]:,} rows were left out")
    if tried.head["undated"] and tried.head["on"] is None:
        out.print(f"undated: {tried.head['undated']:,} rows were decided as on {tried.head['today']}")
