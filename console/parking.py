"""`madoguchi parked` and `madoguchi redrive`: keys that wait because an event of theirs cannot be handled."""

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import click

from console.helping import example

if TYPE_CHECKING:
    from chassis.progress import ParkedKey
    from chassis.redriving import Redriven
    from console.city import City

COLUMNS = ("key", "since", "events", "topic", "cause", "attempts")
MOST = 1_000_000


@click.command(epilog=example("madoguchi parked routing --limit 10"))
@click.argument("service")
@click.option(
    "--limit", type=click.IntRange(min=1), default=50, show_default=True, help="How many keys, the oldest first."
)
def parked(service: str, limit: int) -> None:
    """List the keys that wait in a service: since when, how many events, why. Never what is in them."""
    from console.city import running_city
    from console.terminal import out, table
    from deploy.local import LocalSettings

    found = asyncio.run(parked_keys(running_city(LocalSettings()), service, limit))
    if not found:
        out.print(f"Nothing is parked in {service}.")
        return
    rows = [[getattr(key, column) for column in COLUMNS] for key in found]
    table(f"Parked in {service}", COLUMNS, rows, numbers=("events", "attempts"))
    out.print(f"handle them again: madoguchi redrive {service} --all")


@click.command(
    epilog=example(
        "madoguchi redrive routing --all                what would happen",
        "madoguchi redrive routing --all --for-real     let it happen",
    )
)
@click.argument("service")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--all", "every", is_flag=True, help="Every key that is parked.")
@click.option("--dry-run/--for-real", default=True, show_default=True, help="A dry run keeps nothing.")
@click.option(
    "--rate", type=click.FloatRange(min=0.01), default=50, show_default=True, metavar="N", help="Keys a second."
)
@click.option("--by", default=getpass.getuser, show_default="you", help="Who does it, for the audit.")
def redrive(service: str, keys: tuple[str, ...], every: bool, dry_run: bool, rate: float, by: str) -> None:  # noqa: FBT001
    """Handle the parked events of keys again, in order, by the handlers of this release."""
    from console.city import running_city
    from console.terminal import out
    from deploy.local import LocalSettings

    if every == bool(keys):
        raise click.UsageError("Name the keys to handle again, or say --all.")
    city = running_city(LocalSettings())
    done = asyncio.run(_redrive(city, service, None if every else keys, by, rate, dry=dry_run))
    left = sum(key.left > 0 for key in done)
    words = "would be handled" if dry_run else "are handled"
    out.print(
        f"{len(done) - left:,} keys {words}, {left:,} stay parked." + (" Say --for-real to do it." if dry_run else "")
    )
    sys.exit(1 if left else 0)


async def parked_keys(city: "City", service: str, limit: int) -> "list[ParkedKey]":
    """The keys that wait, the oldest first."""
    from chassis import progress
    from chassis.database import Tx, utc_now

    async with city.database(service) as connection:
        return await progress.parked_keys(Tx(connection, utc_now()), limit)


async def _redrive(
    city: "City", service: str, keys: Sequence[str] | None, by: str, rate: float, *, dry: bool
) -> "list[Redriven]":
    from console.terminal import show

    chosen = [found.key for found in await parked_keys(city, service, MOST)] if keys is None else keys
    done: list[Redriven] = []
    async for key in _redriven(city, service, chosen, by, rate, dry=dry):
        done.append(key)
        show(f"{key.key}: {key.handled} handled, {key.left} left" + (f" ({key.cause})" if key.cause else ""))
    return done


async def _redriven(
    city: "City", service: str, keys: Sequence[str], by: str, rate: float, *, dry: bool
) -> "AsyncIterator[Redriven]":
    from chassis.commands import Commands
    from chassis.database import make_pool
    from chassis.redriving import redrive as again
    from chassis.telemetry import Telemetry

    found = city.built(service)
    pool = await make_pool(city.service(service).dsn, 1)
    await found.begin(
        Commands(found.topic.producer or "", pool, lambda: None, scope=found.scope), Telemetry(service, None)
    )
    await pool.close()
    async with city.database(service) as connection:
        async for key in again(connection, found.topic.producer or "", found.handlers, keys, by, dry=dry):
            yield key
            await asyncio.sleep(1 / rate)
