"""The loops beside the consumer.

What came into force is announced, and what will is compiled, so that no batch waits for it; what does not count is logged;
departments are suggested to whoever triages.
"""

import asyncio
from functools import partial

from chassis.commands import Commands
from chassis.database import sleep_or
from chassis.errors import DATABASE_FAULTS, name_of
from chassis.telemetry import Telemetry
from services.routing import clocking, handlers, store, suggesting
from services.routing.rules import lifecycle
from services.routing.shelf import SHELF
from services.routing.suggesting import Texts

PERIOD_SECONDS = 1.0
TELLING_SECONDS = 10.0


async def bring_into_force(commands: Commands, telemetry: Telemetry, stop: asyncio.Event) -> None:
    """Look every second until `stop`; a database that is away is waited for.

    An approved set decides from its instant on, whether this loop has come to it or not.
    """
    while not stop.is_set():
        try:
            if coming := await commands.run(handlers.bring_into_force):
                telemetry.info("rules.in_force", rule_set=coming[-1])
            await _prepare(commands, telemetry)
        except DATABASE_FAULTS as error:
            telemetry.warn("rules.not_brought_into_force", error=name_of(error))
        await sleep_or(stop, PERIOD_SECONDS)


async def tell_what_does_not_count(commands: Commands, telemetry: Telemetry, stop: asyncio.Event) -> None:
    """Log, once each, what was said of a clock and does not count: a desk refuses such things, so something is amiss."""
    while not stop.is_set():
        try:
            for found in await commands.run(clocking.take_untold):
                telemetry.warn(
                    "clock.left_out", application=str(found.application_id), kind=found.kind, why=found.reason
                )
        except DATABASE_FAULTS as error:
            telemetry.warn("clock.not_looked_at", error=name_of(error))
        await sleep_or(stop, TELLING_SECONDS)


async def suggest_departments(commands: Commands, telemetry: Telemetry, stop: asyncio.Event, texts: Texts) -> None:
    """Suggest departments for cases in triage, a few at a time until `stop`: whoever routes does not wait for it."""
    while not stop.is_set():
        answered = 0
        try:
            answered = await commands.run(partial(suggesting.answer, texts=texts))
        except (
            Exception
        ) as error:  # whatever it is, routing goes on without suggestions, and whoever watches reads of it
            telemetry.warn("suggestions.not_made", error=name_of(error))
        await sleep_or(stop, 0 if answered == suggesting.MOST_ANSWERED else PERIOD_SECONDS)


async def _prepare(commands: Commands, telemetry: Telemetry) -> None:
    """Have compiled what is approved and not known here yet, beside the decisions of the sets in force."""
    for name in lifecycle.standing(await commands.query(store.terms), commands.clock()):
        if name not in SHELF:
            files = await commands.query(lambda tx, name=name: store.files_of(tx, name))
            if not await SHELF.put(name, files):
                telemetry.warn("rules.unreadable", rule_set=name)
