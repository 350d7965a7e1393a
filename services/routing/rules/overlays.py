"""Disaster overlays: tables and periods prepared beforehand, which two people switch on and off. Pure.

An overlay's tables are asked before all others, and its periods take the place of the procedures' own. What was received
while it was on is decided by it, whenever that is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.routing.rules.lifecycle import SECOND_PERSON, Refusal, Words

Turn = Literal["on", "off"]


@dataclass(frozen=True, slots=True)
class Request:
    """A switch that somebody asked for and nobody has confirmed yet."""

    overlay: str
    turn: Turn
    staff: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A switch that two people want."""

    overlay: str
    turn: Turn
    requested_by: str
    confirmed_by: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A switch that was asked for and taken back before anybody confirmed it; `reason` says why it was taken back."""

    overlay: str
    turn: Turn
    requested_by: str
    staff: str
    reason: str


@dataclass(frozen=True, slots=True)
class Switch:
    """An overlay that is on, or off, from an instant on."""

    overlay: str
    turn: Turn
    since: datetime


NO_OVERLAY = Refusal(
    "no-such-overlay",
    Words("この名前の災害時規則は、施行中の規則にありません。", "The rules in force have no overlay of this name."),
)
NOTHING_ASKED = Refusal(
    "no-switch-requested",
    Words(
        "確認を待っている切替えはありません。先に切替えをご依頼ください。",
        "No switch waits to be confirmed: request one first.",
    ),
)
NOTHING_WAITS = Refusal(
    NOTHING_ASKED.code,
    Words(
        "取り下げられる切替えの依頼はありません。確認済みの切替えは、逆の切替えをご依頼ください。",
        "No switch waits that could be withdrawn: to undo one that was confirmed, request the opposite.",
    ),
)
WAITING = Refusal(
    "switch-waits-already",
    Words(
        "この災害時規則には確認待ちの切替えがあります。確認するか、取り下げてください。",
        "A switch of this overlay waits to be confirmed already: confirm it, or withdraw it.",
    ),
)
SO_ALREADY = Refusal(
    "overlay-is-so-already",
    Words("すでにその状態です。切り替える必要はありません。", "The overlay is so already: there is nothing to switch."),
)
ASKER = Refusal(
    SECOND_PERSON.code,
    Words(
        "依頼した本人は確認できません。別の職員に確認をご依頼ください。",
        "Whoever requested a switch cannot confirm it: ask a colleague.",
    ),
)


def active(switches: Sequence[Switch], at: datetime) -> list[str]:
    """The overlays that are on at an instant, in the order in which they were switched on. `switches` are in their order."""
    turns: dict[str, Turn] = {}
    for switch in switches:
        if switch.since <= at:
            turns.pop(switch.overlay, None)
            turns[switch.overlay] = switch.turn
    return [overlay for overlay, turn in turns.items() if turn == "on"]


def request(wanted: Request, known: Sequence[str], switches: Sequence[Switch], now: datetime) -> Request | Refusal:
    """Ask for a switch: of an overlay that there is, to what it is not already, from now or later."""
    on = active(switches, max(wanted.since, now))
    if wanted.overlay not in [*known, *on]:
        return NO_OVERLAY
    if (wanted.overlay in on) == (wanted.turn == "on"):
        return SO_ALREADY
    return wanted


def confirm(asked: Request | None, staff: str, now: datetime) -> Confirmed | Refusal:
    """A second person confirms. The switch takes effect when it was asked for, and never in the past."""
    if asked is None:
        return NOTHING_ASKED
    if asked.staff.casefold() == staff.casefold():
        return ASKER
    return Confirmed(asked.overlay, asked.turn, asked.staff, staff, asked.reason, max(asked.since, now))


def withdraw(asked: Request | None, staff: str, reason: str) -> Withdrawn | Refusal:
    """Take back a switch that waits. One person may, and not only whoever asked.

    Nothing is switched by it; and whoever asked may be off duty in the night in which the request stands in the way of another.
    """
    if asked is None:
        return NOTHING_WAITS
    return Withdrawn(asked.overlay, asked.turn, asked.staff, staff, reason)
