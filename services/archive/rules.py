"""What the archive decides: when an application is complete, what its record says, whether the chain is whole. Pure."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

GENESIS = bytes(32)
"""What the first record follows."""

CLOSED = "jp.madoguchi.case.closed.v1"
ACCEPTED = "jp.madoguchi.application.accepted.v1"
_OPENING = {"jp.madoguchi.case.opened.v1", "jp.madoguchi.case.sent-to-triage.v1"}
_DECIDED = "jp.madoguchi.case.decided.v1"
_WITHDRAWN = "jp.madoguchi.application.withdrawal-accepted.v1"
_QUEUED = {f"jp.madoguchi.notice.queued.{version}" for version in ("v1", "v2")}
_TOLD = {f"jp.madoguchi.notice.{what}.{version}" for what in ("sent", "failed", "withheld") for version in ("v1", "v2")}
_EXTENDED = "jp.madoguchi.case.extended.v1"
COMPLETING = {CLOSED, ACCEPTED, *_OPENING, *_TOLD}
"""The types that can be the last to arrive: across topics there is no order."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One kept event: its attributes, and the exact bytes it had on its topic."""

    subject: str
    id: str
    type: str
    time: datetime
    body: bytes

    def data(self) -> Mapping[str, Any]:
        """What it says."""
        return json.loads(self.body)["data"]


@dataclass(frozen=True, slots=True)
class Link:
    """The end of the chain: the last number, and that record's digest."""

    number: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Record:
    """A sealed record."""

    number: int
    record_id: UUID
    application_id: UUID
    receipt: str
    sealed_at: datetime
    previous: bytes
    digest: bytes
    body: bytes


def closing(happenings: Iterable[Happening]) -> set[str]:
    """The applications that have a closed case now."""
    return {event.subject for event in happenings if event.type == CLOSED}


def touched(happenings: Iterable[Happening]) -> set[str]:
    """The applications that may have become complete."""
    return {event.subject for event in happenings if event.type in COMPLETING}


def complete(history: Collection[Happening]) -> bool:
    """Whether everything about an application has arrived.

    It was accepted; all its cases were opened (each says how many there are) and are closed; every notice that was queued has met its end; whoever decided,
    needed more time or accepted a withdrawal has told the citizen.
    """
    said = [(event.type, event.data()) for event in history]
    opened = {data["case_id"] for kind, data in said if kind in _OPENING}
    expected = max((data.get("cases") or 1 for kind, data in said if kind in _OPENING), default=1)
    closed = {data["case_id"] for kind, data in said if kind == CLOSED}
    queued = {data["notice_id"] for kind, data in said if kind in _QUEUED}
    told = [data for kind, data in said if kind in _TOLD]
    return (
        any(kind == ACCEPTED for kind, _ in said)
        and len(opened) >= expected
        and opened <= closed
        and queued <= {data["notice_id"] for data in told}
        and _count(said, _DECIDED) <= sum(data["kind"] == "result" for data in told)
        and _count(said, _EXTENDED) <= sum(data["kind"] == "extension" for data in told)
        and _count(said, _WITHDRAWN) <= sum(data["kind"] == "withdrawal" for data in told)
    )


def _count(said: Sequence[tuple[str, Mapping[str, Any]]], wanted: str) -> int:
    return sum(kind == wanted for kind, _ in said)


def content(history: Sequence[Happening], link: Link, record_id: UUID, now: datetime) -> dict[str, Any]:
    """What a record says, before it is written canonically. Every event stands in it as its exact text and SHA-256.

    Only strings, integers, lists and objects: RFC 8785 has one way to write them.
    """
    ordered = sorted(history, key=lambda event: (event.time, event.id))
    accepted = next(event.data() for event in ordered if event.type == ACCEPTED)
    return {
        "number": link.number + 1,
        "previous": link.digest.hex(),
        "record_id": str(record_id),
        "application_id": accepted["application_id"],
        "receipt": accepted["receipt"],
        "sealed_at": now.isoformat(),
        "events": [
            {"digest": hashlib.sha256(event.body).hexdigest(), "body": event.body.decode()} for event in ordered
        ],
    }


def seal(said: Mapping[str, Any], body: bytes, now: datetime) -> Record:
    """The record of a content and its canonical bytes."""
    return Record(
        said["number"],
        UUID(said["record_id"]),
        UUID(said["application_id"]),
        said["receipt"],
        now,
        bytes.fromhex(said["previous"]),
        hashlib.sha256(body).digest(),
        body,
    )


def first_bad(records: Iterable[tuple[int, bytes, bytes]], link: Link) -> int | None:
    """The first of (number, digest, body), in order after `link`, that was changed, left out or put in; None when whole."""
    for number, digest, body in records:
        if number != link.number + 1:
            return link.number + 1
        if hashlib.sha256(body).digest() != digest or json.loads(body)["previous"] != link.digest.hex():
            return number
        link = Link(number, digest)
    return None
