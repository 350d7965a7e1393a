"""Reading what channel systems send: CloudEvents in structured or binary mode, on Kafka or over HTTP.

Source: CloudEvents 1.0.2, Kafka Protocol Binding §3 (attributes are headers `ce_…`), HTTP Protocol Binding §3 (`ce-…`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from . import topics
from .channels import ApplicationSubmitted, ApplicationWithdrawn, CorrectionSubmitted
from .envelope import AnyCloudEvent, CloudEvent
from .intake import Fault

ChannelEvent = ApplicationSubmitted | CorrectionSubmitted | ApplicationWithdrawn


class Unreadable(ValueError):
    """Not a CloudEvent at all: nobody can be told what is wrong with it. `str` names the rule, never the bytes."""


@dataclass(frozen=True)
class Submission:
    """One event of a channel: read whole, or with the faults that keep it from being read.

    `source` and `id` are always known. `event` is None exactly when there are `faults`.
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
        """SHA-256 of the content: of the data as read, or of the bytes where it could not be."""
        return hashlib.sha256(self.body if self.event is None else self.event.to_json()).digest()


def read(headers: Mapping[str, bytes], body: bytes) -> Submission:
    """Read one event of a channel from its headers and body. Raises Unreadable."""
    structured = body if _is_structured(headers) else _structured(headers, body)
    try:
        envelope = topics.APPLICATIONS.adapter.validate_json(structured)
    except ValidationError as error:
        return _faulty(structured, error)
    return _read(envelope, body)


def _read(envelope: CloudEvent[Any], body: bytes) -> Submission:
    event: ChannelEvent = envelope.data
    faults = () if envelope.subject == event.subject else (_SUBJECT,)
    return Submission(
        envelope.source,
        envelope.id,
        envelope.subject,
        envelope.traceparent,
        None if faults else event,
        faults,
        body,
    )


_SUBJECT = Fault(field="subject", code="subject-differs", message="`subject` must be the data's `application_id`")


def _faulty(body: bytes, error: ValidationError) -> Submission:
    try:
        event = AnyCloudEvent.model_validate_json(body)
    except ValidationError as hopeless:
        raise Unreadable(_rule(hopeless)) from None
    return Submission(
        event.source, event.id, event.subject or event.id, event.traceparent, None, faults_of(error), body
    )


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """Every fault of a document: where, which rule, in words. Values are left out: they may be personal."""
    return tuple(
        Fault(field=_path(found["loc"]), code=found["type"], message=_message(found))
        for found in error.errors(include_url=False, include_input=False)
    )


def _path(location: tuple[int | str, ...]) -> str:
    """`data.application.applicant.email`: the tag that pydantic puts first to name the event type is not a field."""
    parts = [str(part) for part in location]
    return ".".join(parts[1:] if parts and parts[0].startswith("jp.madoguchi.") else parts) or "$"


def _message(found: Any) -> str:
    """pydantic's words, but for the rules whose words quote what was sent."""
    if found["type"] in ("union_tag_invalid", "value_error", "json_invalid"):
        return {
            "union_tag_invalid": "`type` must be one of: " + ", ".join(e.TYPE for e in topics.APPLICATIONS.events),
            "json_invalid": "not a JSON document",
        }.get(found["type"], "not a valid value")
    return str(found["msg"])


def _is_structured(headers: Mapping[str, bytes]) -> bool:
    """Binary mode is what carries its id in a header; everything else is read as structured."""
    return b"cloudevents" in headers.get("content-type", b"") or not ({"ce_id", "ce-id"} & headers.keys())


def _structured(headers: Mapping[str, bytes], body: bytes) -> bytes:
    """A binary event written as a structured one, its data untouched."""
    attributes = {
        name[3:]: value.decode("utf-8", "replace") for name, value in headers.items() if name.startswith(("ce_", "ce-"))
    }
    attributes["datacontenttype"] = headers.get("content-type", b"application/json").decode("latin-1").split(";")[0]
    opening = json.dumps(attributes, ensure_ascii=False).encode()[:-1]
    return opening + b',"data":' + (body or b"null") + b"}"


def _rule(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{first['type']} at {'.'.join(str(part) for part in first['loc']) or '$'}"
