"""`madoguchi rules learn`: a decision table proposed from a history, for a person to read, to correct and to give reasons."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.helping import example
from console.histories import EXPECTED, FILE, Expected

if TYPE_CHECKING:
    from channels.bulk.histories import Past
    from channels.bulk.mapping import Mapping
    from services.routing.rules.learning import Proposal, Trial
    from services.routing.rules.tables import DecisionTable

WRITTEN = (".csv", ".xlsx", ".dmn")
NAMESPACE = "urn:jp.madoguchi:learnt"


def _writable(_context: click.Context, _option: click.Parameter, out: Path | None) -> Path | None:
    if out is not None and out.suffix not in WRITTEN:
        raise click.BadParameter(f"expected a file that ends in {', '.join(WRITTEN)}, found {out.name}")
    return out


@click.command(
    epilog=example(
        "madoguchi rules learn --history requests.csv.gz --mapping boston --target department --out department.csv",
        "madoguchi rules learn --history requests.csv.gz --mapping boston --target queue --inputs request,district",
    )
)
@click.option("--history", required=True, type=FILE, help="A CSV file of past requests, plain or gzip.")
@click.option("--mapping", required=True, help="Which column means what: a name from channels/bulk/mappings.")
@click.option("--target", required=True, type=EXPECTED, help="What the table puts out.")
@click.option(
    "--inputs", help="What it may look at, commas between: facts, or columns they are read from. All without it."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_writable,
    help="Write the table here, as .csv, .xlsx or .dmn.",
)
def learn(history: Path, mapping: str, target: Expected, inputs: str | None, out: Path | None) -> None:
    """Propose a decision table from a history. Each row says its support and confidence; a person fills in the reason.

    Without --out the table is printed as CSV.
    """
    from console.errors import Trouble

    found = propose(history, mapping, target, inputs, out.stem if out else f"learnt-{target}")
    _show(target, found.proposal)
    if found.table is None:
        raise Trouble(f"Nothing in these facts tells the {target} better than its commonest value: a person decides.")
    _write(found.table, out)


@dataclass(frozen=True, slots=True)
class Learnt:
    """The table, if there is one, how it was found, and the cases it was found in."""

    table: "DecisionTable | None"
    proposal: "Proposal"
    cases: "list[Past]"


def propose(history: Path, mapping: str, target: Expected, inputs: str | None, name: str) -> Learnt:
    """Learn a table. A queue's row also says the department it belongs to. Raises BulkError."""
    from channels.bulk.mapping import load_mapping
    from services.routing.rules.learning import add_output, learn

    columns = load_mapping(mapping)
    looked_at = _inputs(columns, inputs)
    cases = _cases(history, columns, target, looked_at)
    who = [past.department if target == "department" else past.queue for past in cases]
    facts = [dict(past.facts) for past in cases]
    keys = [tuple(fact.get(name) for name in looked_at) for fact in facts]
    proposal = learn(name, target, looked_at, list(zip(keys, who, strict=True)))
    table = proposal.table
    if table is not None and target == "queue" and any(past.department for past in cases):
        table = add_output(table, "department", _departments(cases))
    return Learnt(table, proposal, cases)


def _inputs(mapping: "Mapping", named: str | None) -> tuple[str, ...]:
    """The facts that are named, by themselves or by the column they are read from."""
    from channels.bulk.histories import known_facts
    from console.errors import Trouble

    known = known_facts(mapping)
    if named is None:
        return known
    by_column = {fact.column: name for name, fact in mapping.facts.items()}
    asked = [part.strip() for part in named.split(",")]
    found = [name if name in known else by_column.get(name) for name in asked]
    for name, fact in zip(asked, found, strict=True):
        if fact is None:
            raise Trouble(f"--inputs: expected facts of mapping {mapping.name!r} ({', '.join(known)}), found {name!r}")
    return tuple(dict.fromkeys(fact for fact in found if fact is not None))


def _cases(history: Path, mapping: "Mapping", target: Expected, inputs: Sequence[str]) -> list["Past"]:
    """The cases of which the target is recorded, in the order of time."""
    from console.histories import read_with_progress

    read = read_with_progress(history, mapping, target, frozenset(inputs))
    found = [past for past in read if past is not None and (past.department if target == "department" else past.queue)]
    return sorted(found, key=lambda past: past.opened or date.min)


def _departments(cases: Sequence["Past"]) -> dict[str, str]:
    """By queue the department that had most of its cases."""
    from services.routing.rules.examples import most

    had: dict[str, Counter[str]] = {}
    for past in cases:
        if past.department:
            had.setdefault(past.queue, Counter())[past.department] += 1
    return {queue: most(counted) for queue, counted in had.items()}


def _show(target: Expected, proposal: "Proposal") -> None:
    from console.terminal import err

    table = proposal.table
    if table is not None:
        looks_at = ", ".join(clause.name for clause in table.inputs)
        err.print(f"表 table: {target} from {looks_at}, {len(table.rules):,} rows", markup=False)
    for what, trial in (
        ("無作為に除いた事例 cases held back at random", proposal.shuffled),
        ("最後の5分の1 the last fifth held back", proposal.latest),
    ):
        err.print(f"{what}: {_words(trial)}", markup=False)


def _words(trial: "Trial") -> str:
    covered = trial.covered / trial.cases if trial.cases else 0
    return f"{trial.accuracy:.1%} right of {trial.cases:,} (covered {covered:.1%}, {trial.agreement:.1%} of them right)"


def _write(table: "DecisionTable", out: Path | None) -> None:
    from console.terminal import err
    from services.routing.formats.csv_tables import write_csv

    if out is None:
        sys.stdout.write(write_csv(table).decode("utf-8-sig"))
        return
    out.write_bytes(_content(table, out.suffix))
    err.print(f"{out}: {len(table.rules):,} rows; the column `reason` is for a person to fill", markup=False)


def _content(table: "DecisionTable", suffix: str) -> bytes:
    from services.routing.formats.csv_tables import write_csv
    from services.routing.formats.dmn_writing import write_dmn
    from services.routing.formats.xlsx import write_xlsx

    if suffix == ".dmn":
        return write_dmn([table], name=table.name, namespace=NAMESPACE)
    return write_xlsx([table]) if suffix == ".xlsx" else write_csv(table)
