"""Cases of the past, as people left them: what the rules are corrected by."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.routing.rules.assigning import Facts


@dataclass(frozen=True, slots=True)
class Reroute:
    """A case that staff moved away from where the rules had sent it.

    `facts` are those the rules could see; `decided_by_row` is None where no row had decided (triage).
    """

    facts: Facts
    from_department: str
    to_department: str
    reason: str
    decided_by_row: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A case that stayed where it was sent: the evidence against moving its like."""

    facts: Facts
    department: str


def ended_at(case: Reroute | Kept) -> str:
    """The department where people left a case."""
    return case.to_department if isinstance(case, Reroute) else case.department


def join_moves(moves: Sequence[Reroute]) -> Reroute | Kept:
    """All moves of one case, at least one, as one: from the first department to the last, for the last reason. Back where it began it was kept."""
    ordered = sorted(moves, key=lambda move: move.at)
    first, last = ordered[0], ordered[-1]
    if first.from_department == last.to_department:
        return Kept(last.facts, last.to_department)
    return replace(last, from_department=first.from_department, decided_by_row=first.decided_by_row)
