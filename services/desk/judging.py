"""What may be done with a case, by whom, in which state. Pure."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from services.desk import clock
from services.desk.refusals import (
    CLAIM_FIRST,
    CLAIMED_BY_ANOTHER,
    CLOSED,
    CORRECTION_AWAITED,
    DECIDE_FIRST,
    DECIDED,
    RETURNED,
    TO_SELF,
    UNTIL_PAST,
    Refusal,
)
from services.desk.rules import Item, Name, State

PLAIN = ""
"""The name of no key: what says nothing personal is kept as its SHA-256."""


@dataclass(frozen=True, slots=True)
class Digest:
    """What is kept of a command: `value`, made by the key of that name. `under` makes it by another; None by one that is gone."""

    value: bytes
    key: str
    under: Callable[[str | None], bytes | None] = field(compare=False, repr=False)

    def is_of(self, value: bytes | None, key: str | None) -> bool:
        """Whether a digest that was kept is of the same command."""
        return value is not None and value == (self.value if key == self.key else self.under(key))


@dataclass(frozen=True, slots=True)
class Command:
    """What a member of staff wants done; `digest` tells a command sent again from another one."""

    name: Name
    staff: str
    digest: Digest
    to_staff: str | None = None
    until: date | None = None
    stage: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a command: the item after it, whether anything changed, or why it is refused."""

    item: Item
    changed: bool = False
    refusal: Refusal | None = None


HELD: frozenset[State] = frozenset({"claimed", "waiting", "decided"})
"""The states in which a case is somebody's."""

UNDECIDED: Mapping[State, State | Refusal] = {
    "open": CLAIM_FIRST,
    "claimed": "claimed",
    "waiting": "waiting",
    "returned": RETURNED,
    "decided": DECIDED,
    "closed": CLOSED,
}
# Deciding and returning are open while a correction is awaited: it may never come.
TABLE: Mapping[Name, Mapping[State, State | Refusal]] = {
    "claim": {
        "open": "claimed",
        "claimed": "claimed",
        "waiting": "waiting",
        "returned": RETURNED,
        "decided": "decided",
        "closed": CLOSED,
    },
    "handover": {
        "open": CLAIM_FIRST,
        "claimed": "claimed",
        "waiting": "waiting",
        "returned": RETURNED,
        "decided": "decided",
        "closed": CLOSED,
    },
    "request-correction": {
        "open": CLAIM_FIRST,
        "claimed": "waiting",
        "waiting": CORRECTION_AWAITED,
        "returned": RETURNED,
        "decided": DECIDED,
        "closed": CLOSED,
    },
    "extend": UNDECIDED,
    "end-stage": UNDECIDED,
    "return": {
        "open": CLAIM_FIRST,
        "claimed": "returned",
        "waiting": "returned",
        "returned": RETURNED,
        "decided": DECIDED,
        "closed": CLOSED,
    },
    "decide": {
        "open": CLAIM_FIRST,
        "claimed": "decided",
        "waiting": "decided",
        "returned": RETURNED,
        "decided": DECIDED,
        "closed": CLOSED,
    },
    "close": {
        "open": CLAIM_FIRST,
        "claimed": DECIDE_FIRST,
        "waiting": DECIDE_FIRST,
        "returned": RETURNED,
        "decided": "closed",
        "closed": CLOSED,
    },
}


def judge(item: Item, command: Command, today: date) -> Verdict:
    """Carry out a command, recognise it when it is the last one again, or refuse it."""
    if command.digest.is_of(item.last_command, item.command_key):
        return Verdict(item)
    found = _refusal(item, command, today) or TABLE[command.name][item.state]
    if isinstance(found, Refusal):
        return Verdict(item, refusal=found)
    if refusal := _against_clock(item, command, today):
        return Verdict(item, refusal=refusal)
    if command.name == "claim" and item.state in HELD:
        return Verdict(item)
    told = command.until if command.name == "extend" else item.told_until
    kept = {"last_command": command.digest.value, "command_key": command.digest.key}
    after = replace(item, state=found, staff=_staff_after(command), told_until=told, **kept)
    return Verdict(after, changed=True)


def _refusal(item: Item, command: Command, today: date) -> Refusal | None:
    """What stands against a command whatever the table says."""
    if item.state in HELD and item.staff != command.staff:
        return CLAIMED_BY_ANOTHER
    if command.to_staff == command.staff:
        return TO_SELF
    past = command.name == "request-correction" and command.until is not None and command.until < today
    return UNTIL_PAST if past else None


def _against_clock(item: Item, command: Command, today: date) -> Refusal | None:
    """What stands against a command because of how the clock stands."""
    if command.name == "extend" and command.until is not None:
        return clock.against_extension(item.clock, command.until, today)
    if command.name == "end-stage" and command.stage is not None:
        return clock.against_ending(item.stages, command.stage)
    return None


def _staff_after(command: Command) -> str | None:
    if command.name == "return":
        return None
    return command.to_staff or command.staff


def digest(name: Name, body: bytes) -> bytes:
    """SHA-256 of what a command sent again has in common with the first."""
    return hashlib.sha256(name.encode() + b"\0" + body).digest()
