"""All SQL about what was rejected of the submissions that a channel system published."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from chassis.database import Tx
from contracts.intake import Fault
from services.intake import rules

PAGE = 100
KEPT_WITHOUT_WORDS = (
    "どの項目に誤りがあったかは記録されていません。同じイベントを POST /v1/applications に送ると、すべての誤りをお答えします。"
    " Which field it was is not kept of rejections this old: send the same event to POST /v1/applications to be told."
)


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which rejection to read on. Without source and id: from that moment on."""

    since: datetime
    source: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """One submission that was rejected, and all that stood against it."""

    source: str
    id: str
    received_at: datetime
    faults: tuple[Fault, ...]

    @property
    def place(self) -> Place:
        """Where it stands among the others."""
        return Place(self.received_at, self.source, self.id)


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that intake could not read as this system's, and has set aside."""

    topic: str
    partition: int
    offset: int
    parked_at: datetime


async def rejections(tx: Tx, sources: Collection[str], behind: Place) -> list[Rejection]:
    """The next rejections of these sources, oldest first: PAGE, and one more where a page would end between two of one place.

    What was rejected and what came under the same id with another content stand in one place when they came in one batch.
    """
    rows = await tx.fetch(
        """
        SELECT r.* FROM unnest($1::text[]) own(name) CROSS JOIN LATERAL (
            (SELECT source, id, received_at, faults, fault FROM submission
             WHERE outcome = 'rejected' AND source = own.name AND received_at >= $2 AND (received_at, source, id) > ($2, $3, $4)
             ORDER BY received_at, id LIMIT $5)
            UNION ALL
            (SELECT DISTINCT source, id, received_at, NULL::jsonb, NULL FROM contradiction
             WHERE source = own.name AND received_at >= $2 AND (received_at, source, id) > ($2, $3, $4)
             ORDER BY received_at, id LIMIT $5)
        ) r ORDER BY received_at, source, id FETCH FIRST $5 ROWS WITH TIES
        """,
        sorted(sources),
        behind.since,
        behind.source,
        behind.id,
        PAGE,
    )
    return [Rejection(row["source"], row["id"], row["received_at"], tuple(_faults(row))) for row in rows]


async def parked(tx: Tx, topic: str) -> list[Parked]:
    """What is set aside of a topic, in the order in which it was published: PAGE, and one more where there is more."""
    rows = await tx.fetch(
        """
        SELECT topic, partition, "offset", parked_at FROM chassis.parked_event WHERE topic = $1
        ORDER BY partition, "offset" LIMIT $2
        """,
        topic,
        PAGE + 1,
    )
    return [Parked(**dict(row)) for row in rows]


def _faults(row: Record) -> Iterator[Fault]:
    if row["faults"] is not None:
        yield from (Fault.model_validate(fault) for fault in json.loads(row["faults"]))
    elif row["fault"] is not None:
        yield from (Fault(field="", code=code, message=KEPT_WITHOUT_WORDS) for code in row["fault"].split(","))
    else:
        yield fault_of(rules.ID_REUSED)


def fault_of(fault: rules.Fault) -> Fault:
    """What a rule found, as it is told."""
    return Fault(field=fault.field, code=fault.code, message=fault.message)
