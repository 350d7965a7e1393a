"""The loop that looks again at applications that are closed and not sealed.

Two instances at once, one reading the closed case and the other the last notice, each see half of what is complete. Neither
seals; this loop does, a moment later.
"""

import asyncio

from chassis.commands import Commands
from chassis.database import sleep_or
from chassis.errors import DATABASE_FAULTS, name_of
from chassis.telemetry import Telemetry
from services.archive import handlers

PERIOD_SECONDS = 5.0


async def sweep_closing(commands: Commands, telemetry: Telemetry, stop: asyncio.Event) -> None:
    """Sweep every few seconds until `stop`; a database that is away is waited for."""
    while not stop.is_set():
        try:
            if sealed := await commands.run(handlers.sweep):
                telemetry.info("archive.swept", sealed=sealed)
        except DATABASE_FAULTS as error:
            telemetry.warn("archive.not_swept", error=name_of(error))
        await sleep_or(stop, PERIOD_SECONDS)
