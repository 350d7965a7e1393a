"""Reading what channel systems send: CloudEvents in structured or binary mode, on Kafka or over HTTP.

Source: CloudEvents 1.0.2, Kafka Protocol Binding §3 (attributes are headers `ce_…`), HTTP Protocol Binding §3 (`ce-…`).
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from pydantic import ValidationError
from pydantic_core import from_json

from . import topics
from .channels import ApplicationSubmitted, ApplicationWithdrawn, CorrectionSubmitted
from .envelope import AnyCloudEvent, CloudEvent
from .intake import Fault
from .schemata import places

ChannelEvent = ApplicationSubmitted | CorrectionSubmitted | ApplicationWithdrawn


class Unreadable(ValueError):
    """Not a CloudEvent at all: on Kafka nobody can be told what is wrong with it. `str` names the first rule, never the bytes.

    `faults` are all that was found, for whoever waits for an answer.
    """

    def __init__(self, rule: str, faults: tuple[Fault, ...] = ()) -> None:
        """`rule` is `missing at id`."""
        super().__init__(rule)
        self.faults = faults


@dataclass(frozen=True)
class Submission:
    """One event of a channel: read whole, or with the faults that keep it from being read.

    `source` and `id` are always known. `event` is None exactly when there are `faults`. `subject` is an application id, or `id`.
    """

    source: str
    id: str
    subject: str
    traceparent: str | None
    event: ChannelEvent | None
    faults: tuple[Fault, ...]
    body: bytes

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the content: of the data as read, or of the bytes where it could not be.

        What is sealed has other bytes every time it is sealed, so where nobody could open it, it does not count.
        """
        return hashlib.sha256(_unsealed(self.body) if self.event is None else self.event.to_json()).digest()


_SEALED = re.compile(rb'"' + b"".join(rb"(?:%c|\\u00(?i:%02x))" % (sign, sign) for sign in b"sealed") + rb'"')
"""The name of the member that holds a seal, also with letters written as JSON may: `"\\u0073ealed"`."""


def sealed_parts(body: bytes) -> tuple[Any, list[dict[str, Any]]]:
    """The JSON of a body that may be anything, and the parts of it that hold a seal: none where it cannot be read."""
    if _SEALED.search(body) is None:
        return None, []
    try:
        content: Any = from_json(body)
        data = content.get("data", content)
        return content, [part for part in (data, data.get("application", {})) if part.get("sealed") is not None]
    except (ValueError, AttributeError, TypeError):
        return None, []


def _unsealed(body: bytes) -> bytes:
    """The bytes of an event without its seal; those of anything else as they are."""
    content, parts = sealed_parts(body)
    for part in parts:
        del part["sealed"]
    return json.dumps(content, sort_keys=True).encode() if parts else body


def read(headers: Mapping[str, bytes], body: bytes) -> Submission:
    """Read one event of a channel from its headers and body. Raises Unreadable."""
    structured = body if _is_structured(headers) else _structured(headers, body)
    try:
        envelope = topics.APPLICATIONS.adapter.validate_json(structured, extra="forbid")
    except ValidationError as error:
        return _second_look(structured, body, error)
    return _read(envelope, body)


def _second_look(structured: bytes, body: bytes, error: ValidationError) -> Submission:
    """An unknown field is a fault, but an unknown attribute is CloudEvents' own way to extend an envelope."""
    found = [one for one in _errors(error) if not _is_extension(one)]
    if found:
        return _faulty(structured, _told(found))
    return _read(topics.APPLICATIONS.adapter.validate_json(structured), body)


def _is_extension(found: Any) -> bool:
    return found["type"] == "extra_forbidden" and len(found["loc"]) == 2


def _read(envelope: CloudEvent[Any], body: bytes) -> Submission:
    event: ChannelEvent = envelope.data
    faults = () if envelope.subject.lower() == event.subject else (_SUBJECT,)
    return Submission(
        envelope.source,
        envelope.id,
        _identified(envelope.subject, envelope.id),
        envelope.traceparent,
        None if faults else event,
        faults,
        body,
    )


def _identified(subject: str | None, number: str) -> str:
    """What a submission is about, and is published under: an application id, else the submission's own; others may hold a name.

    A UUID is written in small letters, as its events are keyed: on input their case says nothing (RFC 9562 §4).
    """
    return subject.lower() if subject and _UUID.fullmatch(subject) else number


_SUBJECT = Fault(field="subject", code="subject-differs", message="`subject` must be the data's `application_id`")


def _faulty(body: bytes, faults: tuple[Fault, ...]) -> Submission:
    try:
        event = AnyCloudEvent.model_validate_json(body)
    except ValidationError as hopeless:
        raise Unreadable(_rule(hopeless), _united(faults_of(hopeless), faults)) from None
    subject = _identified(event.subject, event.id)
    return Submission(event.source, event.id, subject, event.traceparent, None, faults, body)


def _united(attributes: tuple[Fault, ...], others: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """What the envelope lacks, then what else is wrong; a field, or a document that is none, is named once."""
    named = {fault.field for fault in attributes}
    return attributes + tuple(fault for fault in others if fault.field not in named)


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """The faults of a document, MOST_FAULTS of them: where, which rule, in words. Values are left out: they may be personal."""
    return _told(_errors(error))


def _told(found: Sequence[Any]) -> tuple[Fault, ...]:
    """The first of them; where there are more, that there are. A megabyte can have a hundred thousand: no topic takes such a refusal."""
    named = tuple(map(_fault, found[:MOST_FAULTS]))
    return (*named, _MORE) if len(found) > MOST_FAULTS else named


MOST_FAULTS = 100
_MORE = Fault(
    field="$",
    code="more-faults",
    message=f"誤りが{MOST_FAULTS}件を超えています。上記を直したうえで、もう一度お送りください。"
    f" There are more than these {MOST_FAULTS} faults: mend them, send again, and the others are told.",
)


def _errors(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_input=False))


def _fault(found: Any) -> Fault:
    field = "type" if found["type"] in _ABOUT_THE_TYPE else _path(found["loc"])
    return Fault(field=field, code=found["type"], message=_WORDS.get(found["type"], str(found["msg"])))


_ABOUT_THE_TYPE = frozenset({"union_tag_invalid", "union_tag_not_found"})
"""Pydantic's words for a type that is none of ours: its place is the whole document."""

_WORDS = {
    "union_tag_invalid": "`type` must be one of: " + ", ".join(event.TYPE for event in topics.APPLICATIONS.events),
    "value_error": "not a valid value",
    "json_invalid": "not a JSON document",
    "uuid_parsing": "not a UUID",
}
"""Ours, where pydantic's words quote what was sent."""

_NAMES = frozenset(
    name
    for model in (AnyCloudEvent, *topics.APPLICATIONS.events)
    for path, _ in places(model.model_json_schema(mode="validation"))
    for name in path.replace("[]", "").split(".")
)
_ALSO = re.compile(r"data|[0-9]{1,4}|\[key\]|row_[a-z0-9_]{1,60}|bool|int|float|(constrained-)?str")
"""A place in a list, pydantic's names for the branches of a fact, and what the bulk channel says of a row it cannot read."""

_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_FACT = re.compile(r"[a-z][a-z0-9_]{0,63}")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,39}")


def _forms(word: str) -> set[str]:
    """The word, and all that it is without one letter."""
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


_FORMS = frozenset(form for name in _NAMES for form in _forms(name))
"""Two words are nearly one when they have a form in common: `adress` lacks a letter, in `emial` two have changed places.

Comparing each with each took a millisecond a name, and whoever may publish sends a hundred thousand in a record.
"""


def _path(location: tuple[int | str, ...]) -> str:
    """`data.application.applicant.email`: the tag that pydantic puts first to name the event type is not a field.

    A name that was sent and is neither a name of the contract nor nearly one reads `?`: somebody may have put a value there, or a
    sign that PostgreSQL takes into no text.
    """
    parts = [str(part) for part in location]
    fields = parts[1:] if parts and parts[0].startswith("jp.madoguchi.") else parts
    return ".".join(_spoken(part, before) for before, part in zip(("", *fields), fields, strict=False)) or "$"


def _spoken(part: str, before: str) -> str:
    known = part in _NAMES or _ALSO.fullmatch(part) or (before == "facts" and _FACT.fullmatch(part))
    return part if known or (_WORD.fullmatch(part) and not _FORMS.isdisjoint(_forms(part))) else "?"


def _is_structured(headers: Mapping[str, bytes]) -> bool:
    """Binary mode is what carries its id in a header; everything else is read as structured."""
    return b"cloudevents" in headers.get("content-type", b"") or not ({"ce_id", "ce-id"} & headers.keys())


def _structured(headers: Mapping[str, bytes], body: bytes) -> bytes:
    """A binary event written as a structured one, its data untouched. Raises Unreadable for data that is not one JSON value."""
    _check_json(body or b"null")
    attributes = {name[3:]: _attribute(name, value) for name, value in headers.items() if name[:3] in ("ce_", "ce-")}
    media_type = headers.get("content-type", b"application/json").decode("latin-1")
    attributes["datacontenttype"] = media_type.split(";")[0].strip().lower()
    opening = json.dumps(attributes, ensure_ascii=False).encode()[:-1]
    return opening + b',"data":' + (body or b"null") + b"}"


def _check_json(body: bytes) -> None:
    """Data such as `1, "id": "…"` would otherwise overwrite the attributes it is put beside."""
    try:
        from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Unreadable("json_invalid at data") from None


def _attribute(name: str, value: bytes) -> str:
    """Over HTTP an attribute is percent-encoded, on Kafka it is plain UTF-8."""
    text = value.decode("utf-8", "replace")
    return unquote(text, errors="replace") if name.startswith("ce-") else text


def _rule(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{first['type']} at {_path(first['loc'])}"
