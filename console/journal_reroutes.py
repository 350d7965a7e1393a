"""The journal as a history of re-routes: what staff moved, what they kept, and what nobody has looked at yet."""

from collections.abc import Iterable
from dataclasses import dataclass

from console.journal_history import Case
from services.routing.rules.assigning import TRIAGE
from services.routing.rules.reroutes import Kept, Reroute, join_moves


@dataclass(frozen=True, slots=True)
class Corrected:
    """Cases that people have looked at. `waiting` are those that nobody has, or that are in triage: they say nothing yet.

    `overlaid` are cases that an overlay's table decided: they say nothing about the city's own.
    """

    cases: tuple[Reroute | Kept, ...]
    waiting: int
    overlaid: int


def corrected(cases: Iterable[Case]) -> Corrected:
    """What people made of cases. One that they left where it was counts once somebody has claimed it."""
    found: list[Reroute | Kept] = []
    waiting = overlaid = 0
    for case in cases:
        if any(case.table.startswith(f"{overlay}/") for overlay in case.overlays):
            overlaid += 1
        elif (one := _ended(case)) is None:
            waiting += 1
        else:
            found.append(one)
    return Corrected(tuple(found), waiting, overlaid)


def _ended(case: Case) -> Reroute | Kept | None:
    facts = dict(case.facts)
    if case.department == TRIAGE or not (case.moves or case.claimed):
        return None
    if not case.moves:
        return Kept(facts, case.department)
    return join_moves([Reroute(facts, move.source, move.target, move.reason, case.row, move.at) for move in case.moves])
