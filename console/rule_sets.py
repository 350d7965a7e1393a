"""`madoguchi rules propose | list | back-tested | approve | withdraw`: the life of a rule set in the running city."""

import asyncio
import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from console.helping import example
from console.routing import AS, call

HASH = "a" * 12
_SHOWN = 12
"""How much of a hash is shown; as much, or more, names a rule set to the commands."""


@click.command(epilog=example("madoguchi rules propose my-city --as clerk --note '四月一日の組織改正のため'"))
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@AS
@click.option("--note", required=True, help="Why: for whoever approves, and for the archive.")
@click.option("--from", "since", metavar="INSTANT", help="From when it is meant to decide, ISO 8601 with an offset.")
def propose(folder: Path, account: str | None, note: str, since: str | None) -> None:
    """Propose a city pack: it is checked and kept as a candidate. What decides now goes on deciding."""
    from console.terminal import out
    from services.routing.packs import read_folder

    files = {path: base64.b64encode(content).decode() for path, content in read_folder(folder).items()}
    meant = {"in_force_from": _instant(since)} if since else {}
    answer = asyncio.run(call(account, "POST", "rule-sets", {"note": note, "files": files} | meant))
    for finding in answer["findings"]:
        out.print(f"{'✗' if finding['error'] else '!'} {finding['ja']}\n  {finding['en']}", markup=False)
    _print(answer)


@click.command("list", epilog=example("madoguchi rules list --as clerk"))
@AS
def list_(account: str | None) -> None:
    """Show the rule sets that were proposed last, and where each stands."""
    from console.terminal import table

    columns = ("rule set", "state", "proposed by", "approved by", "in force from", "findings", "note")
    found = asyncio.run(_listed(account))
    rows = [
        (
            one["rule_set"][:_SHOWN],
            one["state"],
            one["proposed_by"],
            one["approved_by"],
            one["in_force_from"],
            len(one["findings"]),
            one["note"],
        )
        for one in found
    ]
    table("Rule sets", columns, rows, numbers=("findings",))


@click.command("back-tested", epilog=example(f"madoguchi rules back-tested {HASH} report.json --as clerk"))
@click.argument("name", metavar="RULE_SET")
@click.argument("report", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@AS
def back_tested(name: str, report: Path, account: str | None) -> None:
    """Enter what `madoguchi rules backtest --json` found: nothing is approved untried."""
    asyncio.run(_step(account, name, "back-test", _found(report)))


@click.command(epilog=example(f"madoguchi rules approve {HASH} --as chief --from 2027-04-01T00:00+09:00"))
@click.argument("name", metavar="RULE_SET")
@AS
@click.option(
    "--from", "since", metavar="INSTANT", help="From when it decides, ISO 8601 with an offset; else from now."
)
def approve(name: str, account: str | None, since: str | None) -> None:
    """Approve a rule set that somebody else proposed."""
    order = {"in_force_from": _instant(since)} if since else {}
    asyncio.run(_step(account, name, "approve", order))


@click.command(epilog=example(f"madoguchi rules withdraw {HASH} --as clerk --note '延期のため'"))
@click.argument("name", metavar="RULE_SET")
@AS
@click.option("--note", required=True, help="Why.")
def withdraw(name: str, account: str | None, note: str) -> None:
    """Take back a rule set that is not in force."""
    asyncio.run(_step(account, name, "withdraw", {"note": note}))


def _found(report: Path) -> dict[str, Any]:
    """The numbers of a back-test's report. Raises Trouble when it is none."""
    import json

    from console.errors import Trouble

    try:
        found = json.loads(report.read_bytes())
        return {"history": str(found["history"])} | {
            name: int(found[name]) for name in ("rows", "covered", "agreed", "moved")
        }
    except (ValueError, KeyError, TypeError) as error:
        raise Trouble(f"{report}: expected the JSON of `madoguchi rules backtest --json`, found {error!r}.") from None


def _instant(text: str) -> str:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise click.UsageError(f"--from {text}: expected an instant with an offset, such as 2027-04-01T00:00+09:00.")
    return instant.isoformat()


async def _step(account: str | None, prefix: str, step: str, order: Mapping[str, Any]) -> None:
    _print(await call(account, "POST", f"rule-sets/{await _whole(account, prefix)}/{step}", order))


async def _whole(account: str | None, prefix: str) -> str:
    """The rule set whose hash begins so. Raises Trouble when none does, or several do."""
    from console.errors import Trouble

    found = {one["rule_set"] for one in await _listed(account) if one["rule_set"].startswith(prefix)}
    if len(found) != 1:
        raise Trouble(f"{len(found)} rule sets begin with {prefix!r}: see `madoguchi rules list`.")
    return found.pop()


async def _listed(account: str | None) -> Sequence[Mapping[str, Any]]:
    return (await call(account, "GET", "rule-sets?limit=100"))["rule_sets"]


def _print(answer: Mapping[str, Any]) -> None:
    from console.terminal import out

    since = f", in force from {answer['in_force_from']}" if answer["in_force_from"] else ""
    out.print(f"rule set {answer['rule_set'][:_SHOWN]}: {answer['state']}{since}", markup=False)
