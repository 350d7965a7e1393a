"""Records as intake's consumer takes them from Kafka, and what is done with those that it parked."""

import json
from typing import Any

from chassis.consuming import Delivery
from chassis.database import connect
from chassis.parking import ParkingLimit
from chassis.processing import Outcome, process
from chassis.redriving import Redriven, redrive
from chassis.subscription import Record
from services.intake.handlers import handlers
from tests.intake.conftest import CITY_SOURCES, NOW, Intake


def record(sent: dict[str, Any] | bytes, topic: str, offset: int, key: bytes | None = None) -> Record:
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    return Record(topic, 0, offset, key or (b"k" if isinstance(sent, bytes) else sent["subject"].encode()), body, ())


async def consumed(intake: Intake, *records: Record) -> Outcome:
    """A batch as the consumer takes it from Kafka."""
    given = handlers.given(intake.seals.foresee, seals=intake.seals, own=CITY_SOURCES)
    deliveries: list[Delivery] = [given.read(one, None) for one in records]
    await given.foresight([delivery.event for delivery in deliveries])
    async with intake.pool.acquire() as connection:
        return await process(connection, "/intake", deliveries, {}, ParkingLimit(), clock=lambda: NOW)


async def redriven(intake: Intake, *keys: str) -> list[Redriven]:
    given = handlers.given(intake.seals.foresee, seals=intake.seals, own=CITY_SOURCES)
    async with intake.pool.acquire() as pooled:
        dsn = await pooled.fetchval("SELECT current_database()")
    connection = await connect(f"{intake.admin_dsn.rpartition('/')[0]}/{dsn}")
    try:
        return [one async for one in redrive(connection, "/intake", given, keys, "test", dry=False)]
    finally:
        await connection.close()
