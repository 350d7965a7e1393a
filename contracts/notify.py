"""What notify says on `notices.v1`. A notice's words and address stay in notify; events carry neither."""

from typing import ClassVar, Literal

from pydantic import UUID7, AwareDatetime

from .channels import Language
from .envelope import Event
from .intake import Receipt

NoticeKind = Literal["receipt", "correction", "result", "withdrawal"]


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

    medium: Literal["email"]
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

    cause: Literal["no-address"]
