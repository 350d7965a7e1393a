"""What channel systems publish, each on its own topic, `applications.<system>.v1`; the city's own on `applications.v1`.

Vendors build against this module and its frozen schemas.

A misspelt field is refused, not ignored: at the edge an ignored field is a lost one. The reader of the edge
(`contracts.reading`) and its frozen schemas are closed; the models are not, because other events carry an application too
and those may grow within their version.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import UUID7, Field, FiniteFloat

from .envelope import Event, Model
from .instants import Instant
from .personal import PERSONAL, Applicant, IndividualNumber, PersonalText
from .sealed import Sealed

Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)]
Channel = Literal["portal", "counter", "web", "line", "email", "phone", "fax", "paper", "rpa", "bulk"]
Language = Literal["ja", "ja-easy", "en"]
FactName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Fact = bool | int | FiniteFloat | Annotated[str, Field(max_length=200)]


class Attachment(Model):
    """A document that came with the application: its digest travels, its bytes do not."""

    name: Annotated[str, Field(max_length=255), PERSONAL]
    media_type: Annotated[str, Field(max_length=127)]
    size: Annotated[int, Field(ge=0, le=1_000_000_000)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Application(Model):
    """One application as the channel took it down: the facts that rules may see, and the person behind it.

    Past intake the personal values stand in `sealed`, and neither `applicant` nor the names of attachments say anything. A
    channel system may seal them itself, by the city's public key for the edge. `sealed_numbers` is intake's alone: the values in which an
    Individual Number stands, whole, under keys of their own; in `sealed` the same values have it made unreadable. `municipality` is the six-digit code of 総務省 (全国地方公共団体コード).
    """

    municipality: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    procedure: Code
    channel: Channel
    language: Language = "ja"
    submitted_at: Instant
    facts: Annotated[dict[FactName, Fact], Field(max_length=64)] = {}
    applicant: Applicant = Applicant()
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=20)] = ()
    sealed: Sealed | None = None
    sealed_numbers: Sealed | None = None


class ApplicationSubmitted(Event):
    """A citizen handed in an application over some channel. The channel mints `application_id`."""

    TYPE: ClassVar[str] = "jp.madoguchi.application.submitted.v1"

    application_id: UUID7
    application: Application

    @property
    def subject(self) -> str:
        return str(self.application_id)


class CorrectionSubmitted(Event):
    """A citizen supplied what was missing (補正)."""

    TYPE: ClassVar[str] = "jp.madoguchi.application.correction-submitted.v1"

    application_id: UUID7
    submitted_at: Instant
    facts: Annotated[dict[FactName, Fact], Field(max_length=64)] = {}
    message: PersonalText | None = None
    individual_number: IndividualNumber | None = None
    attachments: Annotated[tuple[Attachment, ...], Field(max_length=20)] = ()
    sealed: Sealed | None = None

    @property
    def subject(self) -> str:
        return str(self.application_id)


class ApplicationWithdrawn(Event):
    """A citizen took the application back (取下げ)."""

    TYPE: ClassVar[str] = "jp.madoguchi.application.withdrawn.v1"

    application_id: UUID7
    withdrawn_at: Instant
    message: PersonalText | None = None
    sealed: Sealed | None = None

    @property
    def subject(self) -> str:
        return str(self.application_id)
