"""SQL about what moves the clocks of cases: what was said, and what did not count."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Tx, columns
from services.routing.rules.deadlines import Happened


@dataclass(frozen=True, slots=True)
class ClockEvent:
    """Something that moves the clock of a case or, where `case_id` is None, of every case of the application."""

    application_id: UUID
    case_id: UUID | None
    happened: Happened

    def is_about(self, case_id: UUID) -> bool:
        """Whether it moves the clock of this case of its application."""
        return self.case_id in (None, case_id)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An event that did not count, and why."""

    application_id: UUID
    kind: str
    reason: str


async def clock_events(tx: Tx, application_ids: Collection[UUID]) -> list[ClockEvent]:
    """All that moves the clocks of these applications."""
    rows = await tx.fetch(
        "SELECT application_id, case_id, kind, at, day, stage FROM clock_event WHERE application_id = ANY($1::uuid[])",
        list(application_ids),
    )
    return [ClockEvent(row[0], row[1], Happened(*row[2:])) for row in rows]


async def keep_clock_events(tx: Tx, events: Sequence[tuple[ClockEvent, str | None]]) -> None:
    """Insert what is new, at least one, each with why it does not count."""
    await tx.execute(
        """
        INSERT INTO clock_event (application_id, case_id, kind, at, day, stage, left_out, told)
        SELECT x.*, x.left_out IS NULL FROM unnest(
            $1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::date[], $6::text[], $7::text[])
            x(application_id, case_id, kind, at, day, stage, left_out)
        ON CONFLICT DO NOTHING
        """,
        *columns(
            [
                (
                    event.application_id,
                    event.case_id,
                    event.happened.kind,
                    event.happened.at,
                    event.happened.day,
                    event.happened.stage,
                    left_out,
                )
                for event, left_out in events
            ]
        ),
    )


async def take_untold(tx: Tx) -> list[LeftOut]:
    """What did not count and has not been told of; from now on it has."""
    rows = await tx.fetch(
        "UPDATE clock_event SET told = true WHERE NOT told RETURNING application_id, kind, left_out AS reason"
    )
    return [LeftOut(**dict(row)) for row in rows]
