"""What notify says on `notices.v1`. A notice's words and address stay in notify; events carry neither.

Version 1 knows four kinds of notices, and its readers refuse another: those four are told in it. Version 2 leaves the kind
open, so that a further one is no break; what version 1 has no word for is told in it.
"""

from typing import ClassVar, Literal

from pydantic import UUID7, AwareDatetime

from .channels import Code, Language
from .envelope import Event
from .intake import Receipt

NoticeKind = Literal["receipt", "correction", "result", "withdrawal"]
Medium = Literal["email"]
Cause = Literal["no-address"]


class NoticeEvent(Event):
    """What every event of a notice says."""

    application_id: UUID7
    notice_id: UUID7
    receipt: Receipt
    kind: NoticeKind
    at: AwareDatetime

    @property
    def subject(self) -> str:
        return str(self.application_id)


class NoticeQueued(NoticeEvent):
    """A notice was written and waits to be sent."""

    TYPE: ClassVar[str] = "jp.madoguchi.notice.queued.v1"

    medium: Medium
    language: Language


class NoticeSent(NoticeEvent):
    """The mail server took the notice; `message_id` is its RFC 5322 Message-ID."""

    TYPE: ClassVar[str] = "jp.madoguchi.notice.sent.v1"

    message_id: str


class NoticeFailed(NoticeEvent):
    """The mail server refused the notice for good."""

    TYPE: ClassVar[str] = "jp.madoguchi.notice.failed.v1"

    smtp_code: int
    attempts: int


class NoticeWithheld(NoticeEvent):
    """No notice was sent, on purpose."""

    TYPE: ClassVar[str] = "jp.madoguchi.notice.withheld.v1"

    cause: Cause


class NoticeEventV2(Event):
    """What every event of a notice of whatever kind says. A reader passes over kinds that it does not know."""

    application_id: UUID7
    notice_id: UUID7
    receipt: Receipt
    kind: Code
    at: AwareDatetime

    @property
    def subject(self) -> str:
        return str(self.application_id)


class NoticeQueuedV2(NoticeEventV2):
    """A notice was written and waits to be sent."""

    TYPE: ClassVar[str] = "jp.madoguchi.notice.queued.v2"

    medium: Medium
    language: Language


class NoticeSentV2(NoticeEventV2):
    """The mail server took the notice; `message_id` is its RFC 5322 Message-ID."""

    TYPE: ClassVar[str] = "jp.madoguchi.notice.sent.v2"

    message_id: str


class NoticeFailedV2(NoticeEventV2):
    """The mail server refused the notice for good."""

    TYPE: ClassVar[str] = "jp.madoguchi.notice.failed.v2"

    smtp_code: int
    attempts: int


class NoticeWithheldV2(NoticeEventV2):
    """No notice was sent, on purpose."""

    TYPE: ClassVar[str] = "jp.madoguchi.notice.withheld.v2"

    cause: Cause
