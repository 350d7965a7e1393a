"""`madoguchi overlay`: what is prepared for a disaster, switched on and off by two people."""

import asyncio
from typing import Any

import click

from console.helping import example
from console.routing import AS, call


@click.group(
    epilog=example(
        "madoguchi overlay list --as clerk",
        "madoguchi overlay switch snow-night on --as clerk --reason 大雪警報のため",
        "madoguchi overlay confirm snow-night --as chief",
        "madoguchi overlay withdraw snow-night --as clerk --reason 警報が解除されたため",
    )
)
def overlay() -> None:
    """Rules for a disaster, prepared beforehand: one person asks for the switch, another confirms it."""


@overlay.command("list", epilog=example("madoguchi overlay list --as clerk"))
@AS
def list_(account: str | None) -> None:
    """Show the overlays of the rules in force, which are on, and the switches asked for last."""
    from console.terminal import out, table

    found = asyncio.run(call(account, "GET", "overlays"))
    on = set(found["on"])
    out.print(
        "known: " + ", ".join(f"{name} ({'on' if name in on else 'off'})" for name in found["known"]), markup=False
    )
    columns = ("overlay", "turn", "since", "requested by", "confirmed by", "reason")
    rows = [
        (one["overlay"], one["turn"], one["since"], one["requested_by"], _end(one), one["reason"])
        for one in found["switches"]
    ]
    table("Switches", columns, rows)


@overlay.command(epilog=example("madoguchi overlay switch snow-night on --as clerk --reason 大雪警報のため"))
@click.argument("name")
@click.argument("turn", type=click.Choice(("on", "off")))
@AS
@click.option("--reason", required=True, help="Why: it stays with every case that is routed under it.")
@click.option("--from", "since", metavar="INSTANT", help="ISO 8601 with an offset; else as soon as it is confirmed.")
def switch(name: str, turn: str, account: str | None, reason: str, since: str | None) -> None:
    """Ask for a switch; nothing changes until a second person confirms."""
    order = {"turn": turn, "reason": reason} | ({"since": since} if since else {})
    _print(asyncio.run(call(account, "POST", f"overlays/{name}/switch", order)))


@overlay.command(epilog=example("madoguchi overlay confirm snow-night --as chief"))
@click.argument("name")
@AS
def confirm(name: str, account: str | None) -> None:
    """Confirm what a colleague asked for."""
    _print(asyncio.run(call(account, "POST", f"overlays/{name}/confirm", {})))


@overlay.command(epilog=example("madoguchi overlay withdraw snow-night --as clerk --reason 警報が解除されたため"))
@click.argument("name")
@AS
@click.option("--reason", required=True, help="Why it is not wanted any more.")
def withdraw(name: str, account: str | None, reason: str) -> None:
    """Take back a request that nobody has confirmed yet, your own or a colleague's."""
    from console.terminal import out

    answer = asyncio.run(call(account, "POST", f"overlays/{name}/withdraw", {"reason": reason}))
    out.print(f"{answer['overlay']} {answer['turn']}: the request is withdrawn, nothing was switched", markup=False)


def _end(switch: dict[str, Any]) -> str:
    if switch["withdrawn_by"]:
        return f"withdrawn by {switch['withdrawn_by']}: {switch['withdrawn_note']}"
    return switch["confirmed_by"] or "waits"


def _print(answer: dict[str, Any]) -> None:
    from console.terminal import out

    waits = "waits for a second person" if answer["confirmed_by"] is None else f"from {answer['since']} on"
    out.print(f"{answer['overlay']} {answer['turn']}: {waits}", markup=False)
