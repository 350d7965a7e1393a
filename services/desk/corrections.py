"""What citizens supplied, and since when it was asked for: all SQL of corrections (補正)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.database import Tx, columns_of
from contracts.intake import CorrectionAccepted
from sealing.places import Place, of_submission


@dataclass(frozen=True, slots=True)
class Correction:
    """What a citizen supplied; `content` is JSON."""

    application_id: UUID
    source: str
    id: str
    received_at: datetime
    content: bytes

    @property
    def place(self) -> Place:
        """Where its seals stand."""
        return of_submission(CorrectionAccepted.TYPE, self.application_id, self.source, self.id)


async def keep(tx: Tx, corrections: Sequence[Correction]) -> None:
    """Insert what is new."""
    await tx.execute(
        """
        INSERT INTO correction (application_id, source, id, received_at, content)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[]) ON CONFLICT DO NOTHING
        """,
        *columns_of(corrections),
    )


async def supplied_to(tx: Tx, application_id: UUID) -> list[Correction]:
    """What was supplied to an application, oldest first."""
    rows = await tx.fetch(
        """
        SELECT application_id, source, id, received_at, content FROM correction
        WHERE application_id = $1 ORDER BY received_at, source, id
        """,
        application_id,
    )
    return [Correction(**dict(row)) for row in rows]


async def asked_at(tx: Tx, case_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When each of these cases last asked for a correction, those that never did left out."""
    rows = await tx.fetch(
        """
        SELECT case_id, max(at) AS at FROM case_step
        WHERE case_id = ANY($1::uuid[]) AND what = 'request-correction' GROUP BY case_id
        """,
        list(case_ids),
    )
    return {row["case_id"]: row["at"] for row in rows}
