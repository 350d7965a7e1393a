"""The journal as a history: every case that the archive knows, with the facts it came with and the department it had in the end."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels.bulk.histories import Facts, Past
from console.city import City
from contracts.desk import CaseClosed
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage
from services.routing.rules.clock import local_day

BEGINNINGS = {CaseOpened.TYPE: "opened_at", CaseSentToTriage.TYPE: "sent_at"}
"""The types that tell of a case first, and where they say when."""
TYPES = [*BEGINNINGS, CaseRerouted.TYPE, CaseClosed.TYPE]
EVENTS = "SELECT type, body FROM event WHERE type = ANY($1::text[]) ORDER BY time, id"
AT_ONCE = 1_000


@dataclass(slots=True)
class _Case:
    """A case as far as it has been told."""

    facts: Facts
    opened: datetime
    department: str = ""
    closed: datetime | None = None


async def journal_cases(city: City) -> list[Past]:
    """All cases of a running city. Only facts, departments and days are kept of what the archive holds."""
    told = Told()
    async with city.database("archive") as connection, connection.transaction(readonly=True):
        async for row in connection.cursor(EVENTS, TYPES, prefetch=AT_ONCE):
            told.tell(row["type"], json.loads(row["body"])["data"])
    return list(told.cases())


class Told:
    """The cases that events tell of, in the order in which they happened."""

    def __init__(self) -> None:
        self._cases: dict[str, _Case] = {}

    def tell(self, kind: str, data: Any) -> None:
        """What an event of a type says: `data` is that of its contract. A case whose beginning is not told is passed over."""
        identity = data["case_id"]
        if kind in BEGINNINGS and identity not in self._cases:
            self._cases[identity] = _Case(_facts(data["application"]), datetime.fromisoformat(data[BEGINNINGS[kind]]))
        if (case := self._cases.get(identity)) is None:
            return
        case.department = data.get("department", "")
        if kind == CaseClosed.TYPE:
            case.closed = datetime.fromisoformat(data["at"])

    def cases(self) -> Iterator[Past]:
        """What became of each; a case that is in triage has no department."""
        for case in self._cases.values():
            closed = case.closed and local_day(case.closed)
            yield Past(case.facts, case.department, "", local_day(case.opened), closed)


def _facts(application: Any) -> Facts:
    """What rules may see: never the applicant."""
    named = {name: application[name] for name in ("procedure", "channel", "municipality")}
    return tuple(sorted({**application.get("facts", {}), **named}.items()))
