"""SQL about cases in triage that nobody has suggested departments for yet. The facts of their applications go with the answer."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.database import Tx, columns
from contracts.envelope import Event
from contracts.routing import CaseSentToTriage
from services.routing.rules.assigning import Facts


@dataclass(frozen=True, slots=True)
class Question:
    """A case in triage, and all facts of its application, the free text among them."""

    case_id: UUID
    facts: Facts


def asked_by(said: Iterable[Event]) -> list[Question]:
    """The questions that events ask: every case that goes to triage."""
    return [Question(event.case_id, event.application.facts) for event in said if isinstance(event, CaseSentToTriage)]


async def keep(tx: Tx, questions: Sequence[Question]) -> None:
    """Insert questions; a case that comes to triage again asks again."""
    if questions:
        await tx.execute(
            """
            INSERT INTO triage_question (case_id, asked_at, facts)
            SELECT case_id, $1, facts FROM unnest($2::uuid[], $3::bytea[]) x(case_id, facts)
            ON CONFLICT (case_id) DO UPDATE SET asked_at = EXCLUDED.asked_at, facts = EXCLUDED.facts
            """,
            tx.now,
            *columns([(one.case_id, json.dumps(one.facts, ensure_ascii=False).encode()) for one in questions]),
        )


async def take(tx: Tx, most: int) -> list[Question]:
    """The oldest questions, at most so many: they are gone with this transaction. Another instance takes others meanwhile."""
    rows = await tx.fetch(
        """
        DELETE FROM triage_question WHERE case_id IN (
            SELECT case_id FROM triage_question ORDER BY asked_at, case_id LIMIT $1 FOR UPDATE SKIP LOCKED)
        RETURNING case_id, facts
        """,
        most,
    )
    return [Question(row["case_id"], json.loads(row["facts"])) for row in rows]
