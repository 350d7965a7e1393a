"""Individual Numbers are kept out: nobody may collect one but where a law says so (番号利用法 20条).

A channel that can ask back is told which field to mend, and nothing is kept. On one that cannot (a fax is not sent again) the
number is made unreadable before anything is written, and the event says where, so that the citizen is told.

Control characters and numbers that not every reader holds exactly are refused everywhere: no person writes them, PostgreSQL takes
no NUL into a text, a terminal obeys an escape, and I-JSON (RFC 7493 §2.2) ends at 2⁵³-1.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

from contracts.channels import ApplicationSubmitted, ApplicationWithdrawn, Attachment, CorrectionSubmitted, Fact
from contracts.intake import Fault
from contracts.reading import ChannelEvent, Submission
from services.intake import individual_numbers

CAN_ASK_BACK = frozenset({"portal", "counter", "web", "line", "phone"})
NOT_NEEDED = (
    "個人番号（マイナンバー）は、この申請には必要ありません。番号を消してから、もう一度お送りください。"
    " No Individual Number (My Number) belongs here: remove it and send again."
)

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MOST = 2**53 - 1
UNFIT = {
    "control-character": "制御文字は使えません。取り除いてお送りください。 Control characters are not allowed: remove them.",
    "number-too-large": "数値が大きすぎます。 A number is at most 9007199254740991: send a longer one as text.",
}

Place = tuple[str | int, ...]
"""Where a value stands in an event: `("application", "attachments", 0, "name")`."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A submission that holds no Individual Number any more, and the fields in which one was made unreadable."""

    submission: Submission
    masked: tuple[str, ...] = ()


def guard(submission: Submission) -> Guarded:
    """Refuse what no person writes, and an Individual Number, or make that unreadable where nobody can be asked."""
    event = submission.event
    if event is not None and (unfit := [found for found in map(_unfit, _values(event)) if found]):
        return Guarded(replace(submission, event=None, faults=tuple(unfit)))
    places = [] if event is None else [place for place, value in _values(event) if individual_numbers.find(str(value))]
    if event is None or not places:
        return Guarded(submission)
    if isinstance(event, ApplicationSubmitted) and event.application.channel in CAN_ASK_BACK:
        faults = tuple(Fault(field=_path(place), code="individual-number", message=NOT_NEEDED) for place in places)
        return Guarded(replace(submission, event=None, faults=faults))
    return Guarded(replace(submission, event=_masked(event, places)), tuple(map(_path, places)))


def _unfit(found: tuple[Place, Fact]) -> Fault | None:
    place, value = found
    if isinstance(value, str):
        code = "control-character" if _CONTROL.search(value) else None
    else:
        code = "number-too-large" if isinstance(value, int) and abs(value) > _MOST else None
    return Fault(field=_path(place), code=code, message=UNFIT[code]) if code else None


def _path(place: Place) -> str:
    return ".".join(map(str, ("data", *place)))


def _masked(event: ChannelEvent, places: Sequence[Place]) -> ChannelEvent:
    content = event.model_dump()
    for *above, last in places:
        holder: Any = content
        for step in above:
            holder = holder[step]
        holder[last] = individual_numbers.mask(str(holder[last]))
    return type(event).model_validate(content)


@singledispatch
def _values(event: object) -> Iterator[tuple[Place, Fact]]:
    """Every value of an event that a person has written, and where it stands."""
    raise TypeError(type(event).__name__)


@_values.register
def _(event: ApplicationSubmitted) -> Iterator[tuple[Place, Fact]]:
    application = event.application
    for name, value in application.applicant:
        if isinstance(value, str):
            yield ("application", "applicant", name), value
    for place, value in _written(application.facts, application.attachments, None):
        yield ("application", *place), value


@_values.register
def _(event: CorrectionSubmitted) -> Iterator[tuple[Place, Fact]]:
    return _written(event.facts, event.attachments, event.message)


@_values.register
def _(event: ApplicationWithdrawn) -> Iterator[tuple[Place, Fact]]:
    return _written({}, (), event.message)


def _written(
    facts: Mapping[str, Fact], attachments: Sequence[Attachment], message: str | None
) -> Iterator[tuple[Place, Fact]]:
    for name, fact in facts.items():
        yield ("facts", name), fact
    for number, attachment in enumerate(attachments):
        yield ("attachments", number, "name"), attachment.name
    if message:
        yield ("message",), message
