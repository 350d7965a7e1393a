"""What rules refuse, as an answer over HTTP."""

from typing import TypeVar

from chassis.errors import Refused
from services.routing.rules.lifecycle import Refusal

T = TypeVar("T")


def taken(found: T | Refusal) -> T:
    """What a rule allowed. Raises Refused: 409, with what to do instead."""
    if isinstance(found, Refusal):
        raise Refused(409, found.code, f"{found.words.ja} {found.words.en}")
    return found
