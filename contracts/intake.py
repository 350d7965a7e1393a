"""What intake says on `intake.v1`."""

from typing import Annotated, ClassVar

from pydantic import UUID7, AwareDatetime, Field

from .channels import Application, Attachment, Fact, FactName
from .envelope import Event, Model, Name
from .personal import IndividualNumber, PersonalText
from .sealed import Sealed

Receipt = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{4}-[0-9]{4}-[0-9]$")]
Masked = Annotated[tuple[str, ...] | None, Field(min_length=1)]
"""The fields in which an Individual Number (個人番号) stood that must not be kept: intake made it unreadable."""


class Origin(Model):
    """Which submission of which channel system: CloudEvents promises that `source` + `id` is unique."""

    source: Name
    id: Name


class Fault(Model):
    """One thing wrong with a submission, in words for the person who must mend it. Never repeats the value."""

    field: str
    code: str
    message: str


class ApplicationAccepted(Event):
    """The city holds a valid application and has given it a receipt number (受付番号)."""

    TYPE: ClassVar[str] = "jp.madoguchi.application.accepted.v1"

    application_id: UUID7
    receipt: Receipt
    received_at: AwareDatetime
    origin: Origin
    application: Application
    masked: Masked = None

    @property
    def subject(self) -> str:
        return str(self.application_id)


class ApplicationRejected(Event):
    """A submission was refused. `key` is the application id where one could be read, else the submission's own id."""

    TYPE: ClassVar[str] = "jp.madoguchi.application.rejected.v1"

    key: Name
    received_at: AwareDatetime
    origin: Origin
    faults: tuple[Fault, ...]

    @property
    def subject(self) -> str:
        return self.key


class CorrectionAccepted(Event):
    """What the citizen supplied afterwards belongs to the application now."""

    TYPE: ClassVar[str] = "jp.madoguchi.application.correction-accepted.v1"

    application_id: UUID7
    receipt: Receipt
    received_at: AwareDatetime
    origin: Origin
    facts: dict[FactName, Fact] = {}
    message: PersonalText | None = None
    individual_number: IndividualNumber | None = None
    attachments: tuple[Attachment, ...] = ()
    sealed: Sealed | None = None
    sealed_numbers: Sealed | None = None
    masked: Masked = None

    @property
    def subject(self) -> str:
        return str(self.application_id)


class WithdrawalAccepted(Event):
    """The application is taken back; whoever works on it stops."""

    TYPE: ClassVar[str] = "jp.madoguchi.application.withdrawal-accepted.v1"

    application_id: UUID7
    receipt: Receipt
    received_at: AwareDatetime
    origin: Origin
    message: PersonalText | None = None
    sealed: Sealed | None = None
    sealed_numbers: Sealed | None = None
    masked: Masked = None

    @property
    def subject(self) -> str:
        return str(self.application_id)
