"""Rows that a history of re-routes suggests for a city pack, found the same way whoever asks: to see, to accept, to decline."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from console.histories import JOURNAL, existing

if TYPE_CHECKING:
    from console.journal_reroutes import Corrected
    from services.routing.packs import Files
    from services.routing.rules.mining import Suggestion
    from services.routing.rules.reroutes import Kept, Reroute
    from services.routing.rules.rule_sets import RuleSet
    from services.routing.rules.suggested_rows import Trial
    from services.routing.rules.values import Kind

Command = TypeVar("Command", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must speak for a row, and what was declined."""

    support: int
    confidence: float
    answers: Path | None = None


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a history suggests, each row tried on the cases of its table.

    `left_out` are cases of tables that collect, `waiting` those of the journal that nobody has looked at or that are in triage,
    `overlaid` those that an overlay decided.
    """

    files: "Files"
    rule_set: "RuleSet"
    past: "Sequence[Reroute | Kept]"
    rerouted: int
    left_out: int
    waiting: int
    overlaid: int
    rows: "tuple[tuple[Suggestion, Trial], ...]"


def history_options(default: str | None) -> Callable[[Command], Command]:
    """`--city`, `--history`, `--support` and `--confidence`; `default` is the history when none is named."""
    city = click.Path(exists=True, file_okay=False, path_type=Path)
    options = (
        click.option("--city", required=True, type=city, help="The city pack that the rows are for."),
        click.option(
            "--history",
            required=default is None,
            default=default,
            show_default=True,
            help="Past cases, as CSV; or `journal`: what staff re-routed in the running city.",
        ),
        click.option(
            "--support",
            type=click.IntRange(min=1),
            default=5,
            show_default=True,
            help="Re-routes a row must explain.",
        ),
        click.option(
            "--confidence",
            type=click.FloatRange(0, 1, min_open=True),
            default=0.8,
            show_default=True,
            help="The share of its past cases that must have ended at the row's department.",
        ),
    )

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def find(city: Path, history: str, wanted: Wanted) -> Suggested:
    """Read the pack and the history, and mine. Raises Trouble."""
    from console.answers import declined_in
    from console.histories import pack_troubles
    from services.routing.packs import read_folder, read_pack

    with pack_troubles(city):
        files = read_folder(city)
        rule_set = read_pack(files)
    past = _read(history, kinds(rule_set))
    return _mined(files, rule_set, past, wanted, declined_in(city, wanted.answers))


def pick(found: Suggested, identity: str) -> "tuple[Suggestion, Trial]":
    """One of the rows, by its id or how it begins. Raises Trouble."""
    from console.errors import Trouble

    there = [row for row in found.rows if identity and row[0].id.startswith(identity)]
    if len(there) != 1:
        ids = ", ".join(suggestion.id for suggestion, _ in found.rows) or "none"
        raise Trouble(
            f"--suggestion {identity}: expected the id of a row that this history suggests ({ids}), found {len(there)}: "
            "see `madoguchi rules suggest`."
        )
    return there[0]


def kinds(rule_set: "RuleSet") -> "dict[str, Kind | None]":
    """The kinds of the facts that the tables ask for."""
    return {clause.name: clause.kind for table in rule_set.tables for clause in table.table.inputs}


def _read(history: str, kinds: "dict[str, Kind | None]") -> "Corrected":
    from console.journal_reroutes import Corrected, corrected
    from console.reroutes import read_history

    if history != JOURNAL:
        return Corrected(tuple(read_history(existing(history), kinds)), 0, 0)
    from console.city import running_city
    from console.journal_history import journal
    from deploy.local import LocalSettings

    return corrected(asyncio.run(journal(running_city(LocalSettings()))).cases())


def _mined(
    files: "Files", rule_set: "RuleSet", past: "Corrected", wanted: Wanted, declined: frozenset[str]
) -> Suggested:
    """Each table with the cases that it decides, as `assigning.assign` finds it."""
    from services.routing.rules.mining import mine
    from services.routing.rules.reroutes import Reroute
    from services.routing.rules.suggested_rows import try_out

    by_table: dict[int, list[Reroute | Kept]] = {}
    for case in past.cases:
        asked = (at for at, one in enumerate(rule_set.tables) if one.compiled.hits(case.facts))
        by_table.setdefault(next(asked, len(rule_set.tables) - 1), []).append(case)
    tables = [(rule_set.tables[at].table, cases) for at, cases in sorted(by_table.items())]
    rows = [
        (suggestion, try_out(table, suggestion, cases))
        for table, cases in tables
        if table.policy == "F"
        for suggestion in mine(table, cases, support=wanted.support, confidence=wanted.confidence, declined=declined)
    ]
    return Suggested(
        files=files,
        rule_set=rule_set,
        past=past.cases,
        rerouted=sum(isinstance(case, Reroute) for case in past.cases),
        left_out=sum(len(cases) for table, cases in tables if table.policy != "F"),
        waiting=past.waiting,
        overlaid=past.overlaid,
        rows=tuple(rows),
    )
