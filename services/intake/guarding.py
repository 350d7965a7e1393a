"""Individual Numbers are taken out of what channels send: nobody may collect one but where a law says so (番号利用法 20条).

Whatever the procedure, a number leaves the event before anything is written, so that no digest, table or answer is made of it; what
stood in a personal value is handed on beside the event. Whether it is then sealed under keys of its own or thrown away is decided
where the procedure is known for certain (`Guarded.of`): for a correction or a withdrawal that is the application it belongs to.

A channel that can ask back is told which field to mend, and nothing is kept. On one that cannot (a fax is not sent again) the
number is made unreadable, and the event says where, so that the citizen is told.

The name of a file in a media type, as a mail has it, is left out: it would stand beside the seal that keeps the same name.

Control characters and numbers that not every reader holds exactly are refused everywhere: no person writes them, PostgreSQL takes
no NUL into a text, a terminal obeys an escape, and I-JSON (RFC 7493 §2.2) ends at 2⁵³-1.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import singledispatch
from itertools import starmap
from typing import Any

from contracts import control_characters, individual_numbers
from contracts.channels import ApplicationSubmitted, ApplicationWithdrawn, Attachment, CorrectionSubmitted, Fact
from contracts.intake import Fault
from contracts.reading import ChannelEvent, Submission
from services.intake.legal_bases import LegalBases
from services.intake.rules import CAN_ASK_BACK, MISREAD

NOT_NEEDED = (
    "個人番号（マイナンバー）は、この申請には必要ありません。番号を消してから、もう一度お送りください。"
    " No Individual Number (My Number) belongs here: remove it and send again."
)
NOT_IN_A_FACT = (
    "個人番号（マイナンバー）は、この欄には入力できません。個人番号の欄（individual_number）に移して、もう一度お送りください。"
    " No Individual Number belongs in a fact, which rules see: move it to `individual_number` and send again."
)

NOT_IN_A_NAME = (
    "項目名に個人番号（マイナンバー）は使えません。別の名前を付けてお送りください。"
    " No name of a fact is made of an Individual Number: choose another."
)

_MEDIA_TYPE = re.compile(
    r"[A-Za-z0-9][\w!#$&^.+-]{0,62}/[A-Za-z0-9][\w!#$&^.+-]{0,62}(; ?[\w.-]+=[\w.\"-]+)*", re.ASCII
)
"""RFC 6838 §4.2, with parameters such as `charset=utf-8`."""
_FILE_NAME = re.compile(r""";\s*(?:file)?name(?:\*[0-9]*\*?)?\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^;]*)""", re.IGNORECASE)
"""What a mail adds to a media type, also in pieces or percent-encoded: RFC 2045 §5.1, RFC 2231."""
_MOST = 2**53 - 1
UNFIT = {
    control_characters.CODE: control_characters.WORDS,
    "media-type": "ファイルの種類は application/pdf のようにお書きください。 Write the media type as in `application/pdf`.",
    "number-too-large": "数値が大きすぎます。 A number is at most 9007199254740991: send a longer one as text.",
}
_OWN_FIELD = "individual_number"

Place = tuple[str | int, ...]
"""Where a value stands in an event: `("application", "attachments", 0, "name")`."""


@dataclass(frozen=True, slots=True)
class Guarded:
    """A submission that holds no Individual Number any more, and the fields in which one was made unreadable.

    `numbers` are the personal values in which one stood, whole and by their place; only who may keep them looks at them.
    """

    submission: Submission
    masked: tuple[str, ...] = ()
    numbers: Mapping[Place, str] = field(default_factory=lambda: dict[Place, str](), repr=False)
    misread: bool = False
    """Whether what stood in the field for an Individual Number is none."""

    def of(self, procedure: str, bases: LegalBases) -> "Guarded":
        """The same, once its procedure is known: without a legal basis the numbers are thrown away, and the event says where they were."""
        if bases.allow(procedure) or not self.numbers:
            return self
        return replace(self, numbers={}, masked=(*self.masked, *map(_path, self.numbers)))


def guard(submission: Submission, bases: LegalBases) -> Guarded:
    """Refuse what no person writes, and an Individual Number where none may be; take all others out."""
    if submission.event is None:
        return Guarded(submission)
    event = _without_file_names(submission.event)
    if event is not submission.event:
        submission = replace(submission, event=event)
    values = _values(event)
    if unfit := (*_misnamed(values), *filter(None, starmap(_unfit, values))):
        return Guarded(replace(submission, event=None, faults=unfit))
    places = {place: str(value) for place, value in values if _is_number(place, value)}
    if not places:
        return Guarded(submission)
    if faults := _faults(event, places, bases):
        return Guarded(replace(submission, event=None, faults=faults, body=_masked(event, places).to_json()))
    return _taken_out(submission, event, places)


@singledispatch
def _without_file_names(event: ChannelEvent) -> ChannelEvent:
    """The event, whose media types name no file: the name of an attachment is personal and sealed, its media type is not."""
    return event


@_without_file_names.register
def _(event: ApplicationSubmitted) -> ApplicationSubmitted:
    if not (attachments := _unnamed(event.application.attachments)):
        return event
    application = event.application.model_copy(update={"attachments": attachments})
    return event.model_copy(update={"application": application})


@_without_file_names.register
def _(event: CorrectionSubmitted) -> CorrectionSubmitted:
    attachments = _unnamed(event.attachments)
    return event.model_copy(update={"attachments": attachments}) if attachments else event


def _unnamed(attachments: Sequence[Attachment]) -> tuple[Attachment, ...]:
    """None of them where no media type says more than itself, which is nearly always."""
    if not any(";" in one.media_type for one in attachments):
        return ()
    return tuple(
        one.model_copy(update={"media_type": _FILE_NAME.sub("", one.media_type)}) if ";" in one.media_type else one
        for one in attachments
    )


def _taken_out(submission: Submission, event: ChannelEvent, places: Mapping[Place, str]) -> Guarded:
    """The submission with every number made unreadable, and those that a law may let be kept beside it."""
    kept = {place: number for place, text in places.items() if (number := _kept(place, text)) is not None}
    return Guarded(
        replace(submission, event=_masked(event, places)),
        tuple(_path(place) for place in places if place not in kept),
        kept,
        any(_is_own(place) and place not in kept for place in places),
    )


def _kept(place: Place, text: str) -> str | None:
    """What a law may let be kept of a value: twelve digits of the field for them, free text whole, of a fact nothing."""
    if _is_own(place):
        return individual_numbers.read(text)
    return None if "facts" in place or place[-1] == "media_type" else text


def _faults(event: ChannelEvent, places: Mapping[Place, str], bases: LegalBases) -> tuple[Fault, ...]:
    """What a channel that can ask back is told; nothing for others, and for what belongs to an application: it is never lost."""
    if not isinstance(event, ApplicationSubmitted) or event.application.channel not in CAN_ASK_BACK:
        return ()
    allowed = bases.allow(event.application.procedure)
    return tuple(
        _refused(place, allowed=allowed) for place, text in places.items() if not allowed or _kept(place, text) is None
    )


def _refused(place: Place, *, allowed: bool) -> Fault:
    if not allowed:
        return Fault(field=_path(place), code="individual-number", message=NOT_NEEDED)
    if _is_own(place):
        return Fault(field=_path(place), code=MISREAD.code, message=MISREAD.message)
    return Fault(field=_path(place), code="individual-number", message=NOT_IN_A_FACT)


def _is_number(place: Place, value: Fact) -> bool:
    """Whatever stands in the field for one counts as one: a digit was misread, and the rest is still somebody's number."""
    return _is_own(place) or bool(individual_numbers.find(str(value)))


def _is_own(place: Place) -> bool:
    return place[-1] == _OWN_FIELD and "facts" not in place


def _misnamed(values: Iterable[tuple[Place, Fact]]) -> Iterator[Fault]:
    """The name of a fact, which a program gives, holds none on whatever channel; it is not repeated.

    The event's id is left alone: of sequence numbers of twelve digits one in eleven would be refused.
    """
    names = [str(place[-1]) for place, _ in values if "facts" in place]
    if any(map(individual_numbers.find, names)):
        yield Fault(field="data.facts", code="individual-number", message=NOT_IN_A_NAME)


def _unfit(place: Place, value: Fact) -> Fault | None:
    if isinstance(value, str) and place[-1] == "media_type":
        code = None if _MEDIA_TYPE.fullmatch(value) else "media-type"
    elif isinstance(value, str):
        code = control_characters.CODE if control_characters.found_in(value) else None
    else:
        code = "number-too-large" if isinstance(value, int) and abs(value) > _MOST else None
    return Fault(field=_path(place), code=code, message=UNFIT[code]) if code else None


def _path(place: Place) -> str:
    return ".".join(map(str, ("data", *place)))


def _masked(event: ChannelEvent, places: Iterable[Place]) -> ChannelEvent:
    content = event.model_dump()
    for place in places:
        *above, last = place
        holder: Any = content
        for step in above:
            holder = holder[step]
        holder[last] = _unreadable(place, str(holder[last]))
    return type(event).model_validate(content)


def _unreadable(place: Place, text: str) -> str:
    """The value without its number. An address of mail stays one as its field demands it, also when its `@` stood within the number."""
    if _is_own(place):
        return individual_numbers.MASKED
    masked = individual_numbers.mask(text)
    return f"{masked}@{individual_numbers.MASK}" if place[-1] == "email" and "@" not in masked else masked


@singledispatch
def _values(event: object) -> list[tuple[Place, Fact]]:
    """Every value of an event that a person has written, and where it stands."""
    raise TypeError(type(event).__name__)


@_values.register
def _(event: ApplicationSubmitted) -> list[tuple[Place, Fact]]:
    application = event.application
    person: list[tuple[Place, Fact]] = [
        (("application", "applicant", name), value)
        for name, value in vars(application.applicant).items()
        if isinstance(value, str)
    ]
    return person + _written(application.facts, application.attachments, None, "application")


@_values.register
def _(event: CorrectionSubmitted) -> list[tuple[Place, Fact]]:
    number = event.individual_number
    own: list[tuple[Place, Fact]] = [] if number is None else [((_OWN_FIELD,), number)]
    return own + _written(event.facts, event.attachments, event.message)


@_values.register
def _(event: ApplicationWithdrawn) -> list[tuple[Place, Fact]]:
    return _written({}, (), event.message)


def _written(
    facts: Mapping[str, Fact], attachments: Sequence[Attachment], message: str | None, *above: str
) -> list[tuple[Place, Fact]]:
    found: list[tuple[Place, Fact]] = [((*above, "facts", name), fact) for name, fact in facts.items()]
    for number, attachment in enumerate(attachments):
        found.append(((*above, "attachments", number, "name"), attachment.name))
        found.append(((*above, "attachments", number, "media_type"), attachment.media_type))
    return [*found, ((*above, "message"), message)] if message else found
