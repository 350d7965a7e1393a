"""`madoguchi rules accept | decline`: what a person answers to a suggested row. Accepted, it is written into the pack's table."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import click

from console.helping import example
from console.histories import JOURNAL
from console.suggestions import Suggested, Wanted, find, history_options, pick

if TYPE_CHECKING:
    from datetime import date, datetime

    from services.routing.packs import Examined
    from services.routing.rules.backtesting import Comparison
    from services.routing.rules.mining import Suggestion
    from services.routing.rules.rule_sets import RuleSet
    from services.routing.rules.suggested_rows import Trial
    from services.routing.rules.tables import DecisionTable


def _said(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    """A text as a note holds it."""
    if text is not None and not text.strip():
        raise click.BadParameter("expected words, found nothing")
    return text and text.strip()


SUGGESTION = click.option("--suggestion", required=True, metavar="ID", help="Which: its id in `rules suggest`.")
REASON = click.option("--reason", required=True, callback=_said, help="Why, in your words: it stays with the answer.")
STAFF = click.option("--staff", required=True, help="Who you are.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="One object.")
ID = "3f9c2a71d04be586"


@dataclass(frozen=True, slots=True)
class Written:
    """A pack with an accepted row in it, tried before anything is written: its proof, and the past beside the pack as it was."""

    path: str
    content: bytes
    row: str
    examined: "Examined"
    comparison: "Comparison"


@click.command(
    epilog=example(
        f"madoguchi rules accept --city my-city --suggestion {ID} --reason 阿寒の道道は行政センターが道と調整するため。 \\",
        "    --owner akan-shimin --staff sato",
        f"madoguchi rules accept --city my-city --history reroutes.csv --suggestion {ID} --reason … --owner … --staff sato",
    )
)
@history_options(default=JOURNAL)
@SUGGESTION
@REASON
@click.option("--owner", required=True, callback=_said, help="The department that answers for the row.")
@click.option(
    "--source", callback=_said, help="Law, ordinance or memo; without it, the re-routes that speak for the row."
)
@STAFF
@AS_JSON
def accept(
    city: Path,
    history: str,
    support: int,
    confidence: float,
    suggestion: str,
    reason: str,
    owner: str,
    source: str | None,
    staff: str,
    *,
    as_json: bool,
) -> None:
    """Write a suggested row into the pack's table, before the row that it corrects. All else in the file stays as it is.

    The pack is proven with it and tried on the history first: with errors nothing is written. It decides nothing until it is
    proposed and approved.
    """
    from console.answers import record
    from console.atomically import replace_content
    from services.routing.rules.suggested_rows import source_of

    found = find(city, history, Wanted(support, confidence))
    chosen, trial = pick(found, suggestion)
    notes = {"reason": reason, "source": source or f"{source_of(chosen)}、採用 {staff}", "owner": owner}
    written = _try(city, found, chosen, notes)
    replace_content(city / written.path, written.content)
    record(city, _answer(chosen, written.row, "はい", reason, staff))
    if as_json:
        sys.stdout.write(json.dumps(_report(city, chosen, trial, written), ensure_ascii=False, indent=2) + "\n")
    else:
        _print(city, found, (chosen, trial), written)


@click.command(
    epilog=example(
        f"madoguchi rules decline --city my-city --suggestion {ID} --reason 工事の間だけの扱いのため。 --staff sato",
    )
)
@history_options(default=JOURNAL)
@SUGGESTION
@REASON
@STAFF
@AS_JSON
def decline(
    city: Path,
    history: str,
    support: int,
    confidence: float,
    suggestion: str,
    reason: str,
    staff: str,
    *,
    as_json: bool,
) -> None:
    """Say no to a suggested row, and why: it is not suggested again. The answer is kept in the pack, beside what decides."""
    from console.answers import record
    from console.terminal import out

    chosen, _ = pick(find(city, history, Wanted(support, confidence)), suggestion)
    sheet = record(city, _answer(chosen, "", "いいえ", reason, staff))
    if as_json:
        said = {"suggestion": chosen.id, "answers": str(sheet), "reason": reason, "staff": staff}
        sys.stdout.write(json.dumps(said, ensure_ascii=False, indent=2) + "\n")
    else:
        out.print(f"提案 {chosen.id} は採用されませんでした（{sheet}）。 It is not suggested again.", markup=False)


def _try(city: Path, found: Suggested, chosen: "Suggestion", notes: Mapping[str, str]) -> Written:
    """The pack with the row, proven and back-tested. Raises Trouble, when it would have errors or be another table than is meant."""
    from console.errors import Trouble
    from console.histories import pack_troubles
    from services.routing.packs import examine, read_pack
    from services.routing.rules.clock import local_day
    from services.routing.rules.suggested_rows import fresh_name, with_row

    table = next(one.table for one in found.rule_set.tables if one.table.name == chosen.table)
    row = fresh_name(table, chosen)
    wanted = with_row(table, chosen, row, notes)
    with pack_troubles(city):
        path, content = _inserted(found, wanted, row)
        files = {**found.files, path: content}
        today = local_day(_now())
        examined, candidate = examine(files, today), read_pack(files)
    if wanted != next(one.table for one in candidate.tables if one.table.name == chosen.table):
        raise Trouble(f"{city / path}: this file would not hold the row as it is meant: put it in by hand.")
    if examined.errors:
        faults = "\n".join(f"✗ {one.words.ja}\n  {one.words.en}" for one in examined.findings if one.is_error)
        raise Trouble(f"{city}: nothing was written, as the pack would have errors.\n{faults}")
    return Written(path, content, row, examined, _back_tested(found, candidate, today))


def _inserted(found: Suggested, wanted: "DecisionTable", row: str) -> tuple[str, bytes]:
    """(path of the table's file, its content with the row). Raises Trouble, InvalidTable."""
    from console.errors import Trouble
    from services.routing.formats.csv_tables import insert_csv_row
    from services.routing.formats.insertion import as_new_row
    from services.routing.formats.xlsx import insert_xlsx_row, read_xlsx

    new = as_new_row(wanted, row)
    for path, content in found.files.items():
        parts = PurePosixPath(path)
        if parts.parts[0] != "rules":
            continue
        if parts.suffix == ".csv" and parts.stem == wanted.name:
            return path, insert_csv_row(content, new, file=path)
        if parts.suffix == ".xlsx" and read_xlsx(content, file=path).name == wanted.name:
            return path, insert_xlsx_row(content, new, file=path)
    raise Trouble(f"The table {wanted.name} is DMN: put the row in with the tool that it was made with.")


def _back_tested(found: Suggested, candidate: "RuleSet", today: "date") -> "Comparison":
    """The past decided by the pack as it is and by the pack with the row, as on this day."""
    from services.routing.rules.backtesting import Backtest
    from services.routing.rules.reroutes import ended_at

    backtest = Backtest([found.rule_set, candidate], "department", today, today)
    for case in found.past:
        backtest.add(tuple(case.facts.items()), ended_at(case), None, None)
    return backtest.compare(str)


def _answer(chosen: "Suggestion", row: str, accepted: str, reason: str, staff: str) -> Sequence[str]:
    from console.suggesting import asks

    said = " ".join(f"{name}={cell}" for name, cell in asks(chosen).items())
    return (
        chosen.id,
        accepted,
        chosen.table,
        row,
        f"{said} → {chosen.department}",
        reason,
        staff,
        _now().isoformat(timespec="seconds"),
    )


def _now() -> "datetime":
    from chassis.database import utc_now

    return utc_now()


def _report(city: Path, chosen: "Suggestion", trial: "Trial", written: Written) -> dict[str, Any]:
    from services.routing.api import said

    before, after = (verdict.overall for verdict in written.comparison.verdicts)
    return {
        "suggestion": chosen.id,
        "file": str(city / written.path),
        "row": written.row,
        "before": chosen.before,
        "rule_set": written.examined.hash,
        "cases": before.rows,
        "agreed_before": before.agreed,
        "agreed_after": after.agreed,
        "moves": [{"from": move.source, "to": move.target, "rows": move.rows} for move in written.comparison.moves],
        "put_right": sum(move.right for move in trial.moves),
        "warnings": [said(finding) for finding in written.examined.findings],
        "next": _next(city),
    }


def _print(city: Path, found: Suggested, chosen: "tuple[Suggestion, Trial]", written: Written) -> None:
    from console.suggesting import words
    from console.terminal import out

    before, after = (verdict.overall for verdict in written.comparison.verdicts)
    out.print("\n".join(words(found.rule_set, *chosen)), markup=False)
    moves = "、".join(f"{move.source}→{move.target} {move.rows:,}件" for move in written.comparison.moves)
    out.print(
        f"{city / written.path}: 規則 {written.row} を書き込みました。\n"
        f"市の規則全体での試算: 一致 {before.agreed:,}→{after.agreed:,}（全{before.rows:,}件）; 移る件数: {moves or 'なし'}\n"
        f"The row {written.row} is written; agreement {before.of_all:.1%} → {after.of_all:.1%} of {before.rows:,} cases; "
        f"{len(written.examined.findings)} warnings, rule set {written.examined.hash[:12]}.\n"
        f"次に Next: {_next(city)}",
        markup=False,
    )


def _next(city: Path) -> str:
    return f"madoguchi rules propose {city} --as … --note …"
