"""What is refused over HTTP: what rules do not allow, and cases that are not there for whoever asks."""

from typing import TypeVar

from access.guard import Caller
from chassis.errors import Refused
from services.routing.rules.lifecycle import Refusal
from services.routing.store import RoutedCase

T = TypeVar("T")


def taken(found: T | Refusal) -> T:
    """What a rule allowed. Raises Refused: 409, with what to do instead."""
    if isinstance(found, Refusal):
        raise Refused(409, found.code, f"{found.words.ja} {found.words.en}")
    return found


def seen(case: RoutedCase | None, asking: Caller) -> RoutedCase:
    """The case, for whoever may see it. Raises Refused 404 alike for none and for one of another department."""
    if case is None or not asking.sees(case.department):
        raise Refused(404, "no-such-case", "この案件は見つかりません。番号をお確かめください。 There is no such case.")
    return case
