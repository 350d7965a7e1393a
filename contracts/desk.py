"""What the departments' desks say on `desk.v1`: people claimed, asked, decided."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import UUID7, AwareDatetime, Field

from .channels import Application
from .envelope import Event
from .intake import Receipt
from .personal import PersonalText
from .routing import DepartmentCode, StageName
from .sealed import Sealed

Staff = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
Reason = Annotated[str, Field(min_length=1, max_length=2000)]
Purpose = Literal["work", "inquiry", "supervision"]
"""Why a case is looked at: to work on it, to answer somebody, to see to the work of others."""

NumberPurpose = Literal["identification", "processing", "disclosure"]
"""Why Individual Numbers are looked at: to prove whose they are (番号利用法 16条), to do the work that the law names (9条), to show
the citizen their own (個人情報の保護に関する法律 76条)."""

Outcome = Literal["approved", "refused", "not-applicable"]


class CaseEvent(Event):
    """What every event of a case says."""

    application_id: UUID7
    case_id: UUID7
    receipt: Receipt
    department: DepartmentCode
    at: AwareDatetime

    @property
    def subject(self) -> str:
        return str(self.application_id)


class CaseClaimed(CaseEvent):
    """A member of staff took the case."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.claimed.v1"

    staff: Staff


class CaseHandedOver(CaseEvent):
    """A member of staff gave the case to a colleague."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.handed-over.v1"

    staff: Staff
    to_staff: Staff
    reason: Reason


class CorrectionRequested(CaseEvent):
    """Something is missing; the citizen is asked for it (補正の求め) and the clock stops."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.correction-requested.v1"

    staff: Staff
    wanted: PersonalText
    until: date
    sealed: Sealed | None = None


class CaseExtended(CaseEvent):
    """More time is needed: the citizen is told the new last day and the reason, before the old one is over."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.extended.v1"

    staff: Staff
    until: date
    reason: Annotated[PersonalText, Field(min_length=1)]
    sealed: Sealed | None = None


class StageEnded(CaseEvent):
    """A stage of the procedure is through: the assessment is made, the opinion is in."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.stage-ended.v1"

    staff: Staff
    stage: StageName
    ended_on: date


class CaseReturned(CaseEvent):
    """The department is not responsible: back to routing, with the reason and, where known, who is.

    It carries the application back: routing decides and keeps no copy.
    """

    TYPE: ClassVar[str] = "jp.madoguchi.case.returned.v1"

    staff: Staff
    reason: Reason
    suggestion: DepartmentCode | None = None
    application: Application


class CaseDecided(CaseEvent):
    """The department decided."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.decided.v1"

    staff: Staff
    outcome: Outcome
    explanation: PersonalText
    sealed: Sealed | None = None


class CaseViewed(CaseEvent):
    """A member of staff looked at the case, or found it by searching for a person. Nothing changed; who looked is kept."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.viewed.v1"

    staff: Staff
    purpose: Purpose
    search_id: UUID7 | None = None
    """The search whose answer showed the case; absent, the case was opened with what is personal in it."""


class SearchMade(Event):
    """A member of staff looked for a person's applications. What was looked for is kept nowhere; each case shown is a `CaseViewed`."""

    TYPE: ClassVar[str] = "jp.madoguchi.search.made.v1"

    search_id: UUID7
    at: AwareDatetime
    department: DepartmentCode
    staff: Staff
    field: Annotated[str, Field(pattern=r"^[a-z]{1,32}$")]
    """Which kind of value was looked for, such as `name` or `born`."""
    purpose: Purpose
    found: Annotated[int, Field(ge=0)]
    """How many cases the answer showed."""

    @property
    def subject(self) -> str:
        return str(self.search_id)


class IndividualNumbersViewed(CaseEvent):
    """A member of staff who is entitled to it looked at the Individual Numbers of the case's application. The event holds none."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.individual-numbers-viewed.v1"

    staff: Staff
    purpose: NumberPurpose


class CaseClosed(CaseEvent):
    """Nothing is left to do."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.closed.v1"

    cause: Literal["decided", "withdrawn"]
    staff: Staff | None = None
