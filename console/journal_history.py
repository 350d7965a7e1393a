"""The journal as a history: every case that the archive knows, with the facts it came with and what became of it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from channels.bulk.histories import Facts, Past
from console.city import City
from contracts.desk import CaseClaimed, CaseClosed
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage
from services.routing.rules.assigning import TRIAGE
from services.routing.rules.clock import local_day

BEGINNINGS = {CaseOpened.TYPE: "opened_at", CaseSentToTriage.TYPE: "sent_at"}
"""The types that tell of a case first, and where they say when."""
MOVES = {CaseRerouted.TYPE: "rerouted_at", CaseSentToTriage.TYPE: "sent_at"}
TYPES = [*BEGINNINGS, CaseRerouted.TYPE, CaseClaimed.TYPE, CaseClosed.TYPE]
EVENTS = "SELECT type, body FROM event WHERE type = ANY($1::text[]) ORDER BY time, id"
AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Move:
    """A case went from one department, or triage, to another. The reason is what staff wrote: it is shown, and never logged."""

    source: str
    target: str
    reason: str = field(repr=False)
    at: datetime


@dataclass(slots=True)
class Case:
    """A case as far as it has been told. Of the application there are the facts alone, never the applicant."""

    facts: Facts
    received: date
    table: str
    row: str | None
    """The row that decided; None where a person had to."""
    overlays: tuple[str, ...]
    department: str
    """Who has it, or `triage`."""
    moves: list[Move] = field(default_factory=list[Move])
    claimed: bool = False
    """Whether a person has ever taken it."""
    closed: datetime | None = None


async def journal(city: City) -> "Told":
    """All cases of a running city, read in the order of time."""
    told = Told()
    async with city.database("archive") as connection, connection.transaction(readonly=True):
        async for row in connection.cursor(EVENTS, TYPES, prefetch=AT_ONCE):
            told.tell(row["type"], json.loads(row["body"])["data"])
    return told


class Told:
    """The cases that events tell of, in the order in which they happened."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}

    def tell(self, kind: str, data: Any) -> None:
        """What an event of a type says: `data` is that of its contract. A case whose beginning is not told is passed over."""
        case = self._cases.get(data["case_id"])
        if case is None:
            if kind in BEGINNINGS:
                self._cases[data["case_id"]] = _opened(kind, data)
        elif kind in MOVES:
            _move(case, kind, data)
        elif kind == CaseClaimed.TYPE:
            case.claimed = True
        elif kind == CaseClosed.TYPE:
            case.closed = datetime.fromisoformat(data["at"])

    def cases(self) -> Iterator[Case]:
        """Every case."""
        return iter(self._cases.values())

    def past(self) -> Iterator[Past]:
        """What became of each, to try rules on; a case that waits in triage has no department."""
        for case in self._cases.values():
            department = "" if case.department == TRIAGE and case.closed is None else case.department
            closed = case.closed and local_day(case.closed)
            yield Past(case.facts, department, "", case.received, closed, case.overlays)


def _opened(kind: str, data: Any) -> Case:
    decision, triage = data["decision"], kind == CaseSentToTriage.TYPE
    day = decision.get("received_on")
    return Case(
        _facts(data["application"]),
        date.fromisoformat(day) if day else local_day(datetime.fromisoformat(data[BEGINNINGS[kind]])),
        decision["table"],
        None if triage else next(iter(decision["rows"]), None),
        tuple(decision.get("overlays") or ()),
        TRIAGE if triage else data["department"],
    )


def _move(case: Case, kind: str, data: Any) -> None:
    """What staff wrote is a re-route's reason; sent to triage, it stands where the decision's reason was."""
    triage = kind == CaseSentToTriage.TYPE
    target = TRIAGE if triage else data["department"]
    reason = data["decision"]["reason"] if triage else data["reason"]
    if target != case.department:
        case.moves.append(Move(case.department, target, reason, datetime.fromisoformat(data[MOVES[kind]])))
    case.department = target


def _facts(application: Any) -> Facts:
    """What rules may see: never the applicant."""
    named = {name: application[name] for name in ("procedure", "channel", "municipality")}
    return tuple(sorted({**application.get("facts", {}), **named}.items()))
