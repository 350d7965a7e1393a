"""`madoguchi rules suggest`: rows suggested by what staff re-routed again and again, for a person to accept or to decline."""

import csv
import io
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.answers import inert
from console.helping import example
from console.histories import FILE
from console.suggestions import Suggested, Wanted, find, history_options, kinds

if TYPE_CHECKING:
    from services.routing.rules.mining import Suggestion
    from services.routing.rules.rule_sets import RuleSet
    from services.routing.rules.suggested_rows import Trial

HEAD = ("accepted", "id", "table", "before")
TAIL = (
    "out:department",
    "note:reason",
    "support",
    "counter_examples",
    "elsewhere",
    "confidence",
    "staff_reasons",
    "agreed_before",
    "agreed_after",
    "cases",
)
HELP = """Suggest rows from re-routes in a history, with the evidence. Nothing is applied: a person accepts or declines.

\b
With `--history journal` it is what staff re-routed in the running city; a case that they left
where it was counts once somebody has claimed it. Else it is CSV, UTF-8, a line a move or a case that stayed:
  case      the case's number: all its moves are one, from the first to the last
  at        when, as 2026-04-01T09:00:00+09:00
  in:NAME   a fact; those of cases that stayed are the evidence against
  from, to  departments; `to` is empty for a case that was never re-routed
  reason    why staff moved it
  row       the rule that had decided (may be left out)
Other columns are not looked at: leave out what names people.
"""


@click.command(
    help=HELP,
    epilog=example(
        "madoguchi rules suggest --city cities/kushiro --history journal",
        "madoguchi rules suggest --city cities/kushiro --history reroutes.csv --out suggested.csv",
        "madoguchi rules suggest --city cities/kushiro --history reroutes.csv --answers suggested.csv --json",
        "",
        "case,at,in:procedure,in:district,in:circumstance,from,to,reason,row",
        "1,2026-01-05T10:00+09:00,road.snow,akan,prefectural,doro-iji,akan-shimin,阿寒の道道のため,S02",
        "2,2026-01-05T10:20+09:00,road.snow,west,prefectural,doro-iji,,,S02",
    ),
)
@history_options(default=None)
@click.option(
    "--answers",
    type=FILE,
    help="An earlier --out in which a person filled `accepted`: no is never asked again. What `rules decline` wrote is read anyway.",
)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write the rows here, as CSV to answer.")
@click.option("--json", "as_json", is_flag=True, help="One object.")
def suggest(
    city: Path,
    history: str,
    support: int,
    confidence: float,
    answers: Path | None,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    """Read, mine, write: what HELP says."""
    found = find(city, history, Wanted(support, confidence, answers))
    if out:
        out.write_text(_sheet(found), encoding="utf-8-sig", newline="")
    if as_json:
        sys.stdout.write(json.dumps(_report(found), ensure_ascii=False, indent=2) + "\n")
    else:
        _print(found, out)


def _report(found: Suggested) -> dict[str, Any]:
    return {
        "cases": len(found.past),
        "rerouted": found.rerouted,
        "left_out": found.left_out,
        "waiting": found.waiting,
        "overlaid": found.overlaid,
        "suggestions": [
            {
                "id": suggestion.id,
                "table": suggestion.table,
                "before": suggestion.before,
                "cells": asks(suggestion),
                "department": suggestion.department,
                "evidence": {
                    **asdict(suggestion.evidence),
                    "reasons": [{"reason": reason, "cases": count} for reason, count in suggestion.evidence.reasons],
                    "first": suggestion.evidence.first.isoformat(),
                    "last": suggestion.evidence.last.isoformat(),
                },
                "trial": asdict(trial),
            }
            for suggestion, trial in found.rows
        ],
    }


def asks(suggestion: "Suggestion") -> dict[str, str]:
    """What its cells ask, as S-FEEL, by input."""
    from services.routing.rules.sfeel import write_cell

    return {name: write_cell(cell) for name, cell in suggestion.cells}


def _sheet(found: Suggested) -> str:
    """The rows as CSV, `accepted` and the reason for a person to fill."""
    named = [name for suggestion, _ in found.rows for name, _ in suggestion.cells]
    inputs = [name for name in dict.fromkeys([*kinds(found.rule_set), *named]) if name in named]
    sheet = io.StringIO(newline="")
    writer = csv.DictWriter(sheet, [*HEAD, *(f"in:{name}" for name in inputs), *TAIL], restval="-", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_line(suggestion, trial) for suggestion, trial in found.rows)
    return sheet.getvalue()


def _line(suggestion: "Suggestion", trial: "Trial") -> Mapping[str, object]:
    evidence = suggestion.evidence
    reasons = " / ".join(f"{reason} ({count})" for reason, count in evidence.reasons)
    return {
        "accepted": "",
        "id": suggestion.id,
        "table": suggestion.table,
        "before": suggestion.before or "",
        **{f"in:{name}": asked for name, asked in asks(suggestion).items()},
        "out:department": suggestion.department,
        "note:reason": "",
        "support": evidence.support,
        "counter_examples": evidence.counter_examples,
        "elsewhere": evidence.elsewhere,
        "confidence": f"{evidence.confidence:.3f}",
        "staff_reasons": inert(reasons),
        "agreed_before": trial.before,
        "agreed_after": trial.after,
        "cases": trial.cases,
    }


def _print(found: Suggested, written: Path | None) -> None:
    from console.terminal import err, out

    for suggestion, trial in found.rows:
        out.print("\n".join(words(found.rule_set, suggestion, trial)) + "\n", markup=False)
    out.print(
        f"事例{len(found.past):,}件（担当課の変更{found.rerouted:,}件）から、規則の行の提案は{len(found.rows)}件です。"
        f"適用するかどうかは、職員がお決めください。\n"
        f"{len(found.rows)} suggested rows from {len(found.past):,} cases, {found.rerouted:,} of them re-routed; nothing is applied.",
        markup=False,
    )
    if found.left_out:
        err.print(
            f"複数の課を決める表の事例{found.left_out:,}件は、対象外です。 "
            f"{found.left_out:,} cases of tables that open several cases are left out.",
            markup=False,
        )
    if found.waiting or found.overlaid:
        err.print(
            f"まだ職員が見ていない事例{found.waiting:,}件と、災害時規則による事例{found.overlaid:,}件は、数えていません。 "
            f"{found.waiting:,} cases that nobody has looked at yet, and {found.overlaid:,} decided by an overlay, are not counted.",
            markup=False,
        )
    if found.rows:
        err.print(
            "採用: madoguchi rules accept --suggestion ID …　不採用: madoguchi rules decline --suggestion ID …",
            markup=False,
        )
    if written:
        err.print(
            f"{written}: 列 accepted に「はい」か「いいえ」をご記入ください。 Fill the column `accepted`.", markup=False
        )


def words(rule_set: "RuleSet", suggestion: "Suggestion", trial: "Trial") -> list[str]:
    """A suggestion and what speaks for it and against it, for the person at the terminal: reasons may name people."""
    evidence, where = suggestion.evidence, suggestion.before
    place = f"規則 {where} の前" if where else "表の最後"
    asked = "、".join(f"{name} が {cell}" for name, cell in asks(suggestion).items())
    moves = "、".join(
        f"{_name(rule_set, move.from_department)}→{_name(rule_set, move.to_department)} {move.cases:,}件（うち正しくなる {move.right:,}件）"
        for move in trial.moves
    )
    counts = (
        f"担当課の変更 {evidence.support:,}件（{evidence.first:%Y-%m-%d}〜{evidence.last:%Y-%m-%d}）",
        f"変更されなかった反例 {evidence.counter_examples:,}件",
        f"ほかの課への変更 {evidence.elsewhere:,}件",
        f"確からしさ {evidence.confidence:.0%}",
    )
    changed = [f"  うち{evidence.changed:,}件は、今とは別の規則が決めたものです。"] if evidence.changed else []
    return [
        f"提案 {suggestion.id}: 表 {suggestion.table}、{place}",
        f"  {asked or '（条件なし）'} のとき、{_name(rule_set, suggestion.department)}",
        f"  根拠: {'、'.join(counts)}",
        *changed,
        *(f"  理由の候補（職員の言葉）: 「{reason}」 {count:,}件" for reason, count in evidence.reasons),
        f"  過去の事例での試算: 一致 {trial.before:,}→{trial.after:,}（全{trial.cases:,}件）; {moves}",
    ]


def _name(rule_set: "RuleSet", code: str) -> str:
    """A department as staff know it, with its code; the newest name where it changed."""
    names = [unit.name for unit in rule_set.organisation.units if unit.code == code]
    return f"{names[-1]}（{code}）" if names else code
