"""What the archive says on `records.v1`."""

from datetime import date
from typing import Annotated, ClassVar

from pydantic import UUID7, AwareDatetime, Field

from .desk import Purpose, Staff
from .envelope import Event
from .intake import Receipt

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RecordSealed(Event):
    """A closed application became one record: RFC 8785 JSON, its SHA-256, chained to the record before it."""

    TYPE: ClassVar[str] = "jp.madoguchi.record.sealed.v1"

    application_id: UUID7
    record_id: UUID7
    receipt: Receipt
    sealed_at: AwareDatetime
    number: Annotated[int, Field(ge=1)]
    digest: Digest
    previous: Digest
    events: Annotated[int, Field(ge=1)]

    @property
    def subject(self) -> str:
        return str(self.application_id)


class RecordDisposed(Event):
    """A record's retention ended and two people let it go; its digest stays in the chain."""

    TYPE: ClassVar[str] = "jp.madoguchi.record.disposed.v1"

    application_id: UUID7
    record_id: UUID7
    disposed_at: AwareDatetime
    retention_class: str
    retained_until: date
    approved_by: Annotated[tuple[str, ...], Field(min_length=2)]
    digest: Digest

    @property
    def subject(self) -> str:
        return str(self.application_id)


class RecordViewed(Event):
    """A member of staff read a record. Nothing changed; who looked is kept."""

    TYPE: ClassVar[str] = "jp.madoguchi.record.viewed.v1"

    application_id: UUID7
    record_id: UUID7
    receipt: Receipt
    at: AwareDatetime
    staff: Staff
    purpose: Purpose

    @property
    def subject(self) -> str:
        return str(self.application_id)
