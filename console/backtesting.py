"""`madoguchi rules backtest`: what a city pack would have done with a history, beside what was done, or beside another pack."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.helping import DAY, as_day, example
from console.histories import EXPECTED, JOURNAL, Expected, existing

if TYPE_CHECKING:
    from channels.bulk.histories import Past
    from services.routing.rules.backtesting import Agreement, Backtest, Comparison, Move, Verdict
    from services.routing.rules.recorded import Match
    from services.routing.rules.rule_sets import RuleSet

PACK = click.Path(exists=True, file_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class History:
    """Cases of the past, and the names that the rules use for recorded ones. A row that cannot be read is None."""

    name: str
    mapping: str | None
    names: Mapping[str, str]
    cases: Iterable["Past | None"]


@dataclass(frozen=True, slots=True)
class Tried:
    """A back-test, and what stands beside its figures."""

    head: Mapping[str, Any]
    matches: Mapping[str, "Match"]
    seen: Mapping[str, int]
    """Cases by recorded name, as recorded."""
    comparison: "Comparison"


@click.command(
    epilog=example(
        "madoguchi rules backtest --city cities/kushiro --history requests.csv.gz --mapping boston",
        "madoguchi rules backtest --city cities/kushiro --candidate draft --history journal",
        "madoguchi rules backtest --city cities/kushiro --candidate draft --history requests.csv.gz --mapping boston --json",
    )
)
@click.option("--city", required=True, type=PACK, help="The city pack that is tried.")
@click.option(
    "--history", required=True, help="A CSV file of past requests, plain or gzip; or `journal`: a running city's."
)
@click.option("--mapping", help="Which column of the file means what: a name from channels/bulk/mappings.")
@click.option("--candidate", type=PACK, help="Another pack: who would move from the first to this one?")
@click.option("--expect", default="department", type=EXPECTED, help="What is compared with what was recorded.")
@click.option(
    "--on",
    type=DAY,
    callback=as_day,
    help="Decide all as on this day. Without it each as on the day on which it came, or today where none is recorded.",
)
@click.option("--json", "as_json", is_flag=True, help="One object.")
def backtest(
    city: Path,
    history: str,
    mapping: str | None,
    candidate: Path | None,
    expect: Expected,
    on: date | None,
    *,
    as_json: bool,
) -> None:
    """Try a city pack's rules on a history: agreement with what was recorded, load, moves, and deadlines at risk."""
    from services.routing.rules.clock import TOKYO

    today = datetime.now(TOKYO).date()
    packs = [_read(folder) for folder in (city, candidate) if folder is not None]
    past = journal(expect) if history == JOURNAL else read_file(existing(history), mapping, expect, packs)
    _require_queues(expect, packs)
    tried = run(packs, past, expect, today, on)
    if as_json:
        sys.stdout.write(json.dumps(report(tried), ensure_ascii=False, indent=2) + "\n")
    else:
        from console.backtest_tables import show

        show(tried)


def _require_queues(expect: Expected, packs: Sequence["RuleSet"]) -> None:
    from services.routing.rules.backtesting import knows_queues

    if expect == "queue" and not any(map(knows_queues, packs)):
        raise click.UsageError(
            "No table here puts out a queue: use --expect department, or give a table the output `queue`"
            " (`madoguchi rules learn --target queue` proposes one)."
        )


def _read(folder: Path) -> "RuleSet":
    from console.histories import pack_troubles
    from services.routing.packs import read_folder, read_pack

    with pack_troubles(folder):
        return read_pack(read_folder(folder))


def read_file(path: Path, mapping: str | None, expect: Expected, packs: Sequence["RuleSet"]) -> History:
    """The history in a file, read with a bar while it is tried. Raises BulkError."""
    from channels.bulk.mapping import load_mapping
    from console.histories import read_with_progress

    if mapping is None:
        raise click.UsageError("--mapping is needed with a file.")
    columns = load_mapping(mapping)
    asked = {clause.name for pack in packs for table in pack.tables for clause in table.table.inputs}
    wanted = frozenset(asked | {"procedure", "district"})  # deadlines depend on these two
    return History(path.name, mapping, columns.recorded.names, read_with_progress(path, columns, expect, wanted))


def journal(expect: Expected) -> History:
    """The history of the city that runs. Raises Trouble."""
    from console.city import running_city
    from console.journal_history import journal as read_journal
    from deploy.local import LocalSettings

    if expect != "department":
        raise click.UsageError("The journal knows departments, not queues: use --expect department.")
    told = asyncio.run(read_journal(running_city(LocalSettings())))
    return History(JOURNAL, None, {}, told.past())


def run(packs: Sequence["RuleSet"], history: History, expect: Expected, today: date, on: date | None = None) -> Tried:
    """Try packs on every case of a history, each as on its day, or all as on the day `on`. Raises BulkError."""
    from services.routing.rules.backtesting import Backtest
    from services.routing.rules.recorded import matcher

    backtest = Backtest(packs, expect, today, on)
    recorded, left_out = _count(backtest, history, expect)
    outputs = [output for trial in backtest.trials for output in trial.outputs]
    names = matcher(history.names, outputs, [pack.organisation for pack in packs])
    matches = {name: names.match(name) for name in recorded}
    head = {
        "history": history.name,
        "mapping": history.mapping,
        "expect": expect,
        "on": on and str(on),
        "today": str(today),
        "rule_set": packs[0].hash,
        "candidate_rule_set": packs[1].hash if len(packs) > 1 else None,
        **left_out,
    }
    return Tried(head, matches, recorded, backtest.compare(lambda name: matches[name].meant))


def _count(backtest: "Backtest", history: History, expect: Expected) -> tuple[Counter[str], dict[str, int]]:
    """Try every case; (cases by recorded name, cases that cannot be compared, or were decided as if they came today)."""
    recorded, left_out = Counter[str](), {"unreadable": 0, "unrecorded": 0, "undated": 0}
    for past in history.cases:
        if past is None:
            left_out["unreadable"] += 1
        elif name := past.department if expect == "department" else past.queue:
            recorded[name] += 1
            left_out["undated"] += past.opened is None
            backtest.add(past.facts, name, past.opened, past.closed, past.overlays)
        else:
            left_out["unrecorded"] += 1
    return recorded, left_out


def report(tried: Tried) -> dict[str, Any]:
    """The back-test as one JSON object. With a candidate, `candidate` has its figures and `moves` go to it."""
    comparison = tried.comparison
    verdicts = dict(zip(("city", "candidate"), comparison.verdicts, strict=False))
    return {
        **tried.head,
        **_verdict(verdicts["city"]),
        "candidate": _verdict(verdicts["candidate"]) if "candidate" in verdicts else None,
        "moves": _moves(comparison.moves),
        "moved": sum(move.rows for move in comparison.moves),
        "load": {"recorded": comparison.recorded, **{name: verdict.load for name, verdict in verdicts.items()}},
        "matched": {name: {"as": match.meant, "by": match.by} for name, match in tried.matches.items() if match.by},
        "unmatched": {name: tried.seen[name] for name, match in tried.matches.items() if not match.by},
    }


def _verdict(verdict: "Verdict") -> dict[str, Any]:
    return {
        **_agreement(verdict.overall),
        "departments": {name: _agreement(one) for name, one in verdict.departments.items()},
        "disagreements": _moves(verdict.disagreements),
        "triage": verdict.triage,
        "at_risk": {
            "dated": verdict.risk.dated,
            "late": sum(verdict.risk.late.values()),
            "departments": dict(verdict.risk.late),
        },
    }


def _agreement(one: "Agreement") -> dict[str, float]:
    return {
        "rows": one.rows,
        "covered": one.covered,
        "agreed": one.agreed,
        "agreement": round(one.agreement, 6),
        "agreement_of_all": round(one.of_all, 6),
    }


def _moves(moves: Sequence["Move"]) -> list[dict[str, Any]]:
    return [{"from": move.source, "to": move.target, "rows": move.rows} for move in moves]
