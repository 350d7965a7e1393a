"""What routing says on `cases.v1`: which department, by which rule, due when."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import UUID7, AwareDatetime, Field

from .channels import Application, Code, Fact, FactName, Language
from .envelope import Event, Model
from .intake import Receipt

DepartmentCode = Code
Queue = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
"""A part of a department's work that is kept apart, as the surge of certificates after a disaster."""
StageName = Annotated[str, Field(min_length=1, max_length=64)]
Said = dict[Language, str]
"""One thing said in several registers."""
Share = Annotated[float, Field(ge=0, le=1)]
Cases = Annotated[int | None, Field(ge=2)]
"""How many cases an application opened, when it concerns several departments: it is over when the last of them is closed."""


class RunnerUp(Model):
    """A row that nearly decided: outranked when `failed` is absent, else but for this one input and what its cell asks."""

    row: str
    failed: FactName | None = None
    asked: str | None = None


class Decision(Model):
    """Why: the rule set by the hash of its content, the rows that decided, the values that mattered.

    Evaluated again from `inputs`, for the day `received_on` and under these `overlays`, the rule set decides the same and the
    deadline is the same. `missing` are inputs that were absent and whose answers decide: a person asks for them.
    """

    rule_set: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    table: str
    rows: tuple[str, ...]
    inputs: dict[FactName, Fact]
    reason: str
    runners_up: tuple[RunnerUp, ...] | None = None
    missing: tuple[FactName, ...] | None = None
    received_on: date | None = None
    overlays: tuple[str, ...] | None = None


class StageDue(Model):
    """A part of the procedure and its own last day: planned, until all that it waits for have ended and it is `fixed`."""

    name: StageName
    due_on: date
    fixed: bool
    ended_on: date | None = None
    names: Said | None = None
    """What people call it."""


Stages = tuple[StageDue, ...]


class CaseOpened(Event):
    """A department became responsible for an application."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.opened.v1"

    application_id: UUID7
    case_id: UUID7
    receipt: Receipt
    opened_at: AwareDatetime
    department: DepartmentCode
    due_on: date
    decision: Decision
    application: Application
    cases: Cases = None
    stages: Stages | None = None
    queue: Queue | None = None
    queue_names: Said | None = None
    """What people call the queue."""

    @property
    def subject(self) -> str:
        return str(self.application_id)


class CaseRerouted(Event):
    """The case moved to another department, and why."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.rerouted.v1"

    application_id: UUID7
    case_id: UUID7
    receipt: Receipt
    rerouted_at: AwareDatetime
    from_department: DepartmentCode
    department: DepartmentCode
    due_on: date
    reason: str
    application: Application
    stages: Stages | None = None

    @property
    def subject(self) -> str:
        return str(self.application_id)


class CaseSentToTriage(Event):
    """No rule made anybody responsible, or nobody took it: a person decides. Never dropped, never guessed."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.sent-to-triage.v1"

    application_id: UUID7
    case_id: UUID7
    receipt: Receipt
    sent_at: AwareDatetime
    cause: Literal["no-match", "conflict", "unknown-department", "returned"]
    due_on: date
    decision: Decision
    application: Application
    cases: Cases = None

    @property
    def subject(self) -> str:
        return str(self.application_id)


class DeadlineMoved(Event):
    """The statutory clock of a case stopped, went on, was extended, or a stage of it ended: how it stands now, as a whole."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.deadline-moved.v1"

    application_id: UUID7
    case_id: UUID7
    receipt: Receipt
    at: AwareDatetime
    cause: Literal["correction-requested", "correction-accepted", "extended", "stage-ended"]
    due_on: date | None = None
    """Absent while the clock stands still."""
    stages: Stages | None = None

    @property
    def subject(self) -> str:
        return str(self.application_id)


class PastCases(Model):
    """Of the `cases` of the past that have all these facts, `went` went to the department."""

    shared: dict[FactName, Fact]
    went: Annotated[int, Field(ge=0)]
    cases: Annotated[int, Field(ge=0)]


class SuggestedByPast(Model):
    """A department that had the past cases most like this one. `score` is its share of their likeness."""

    department: DepartmentCode
    score: Share
    because: PastCases
    said: Said


class TextPiece(Model):
    """A part of what the applicant wrote, and how much it spoke for a department."""

    text: Annotated[str, Field(max_length=1000)]
    weight: float


class SuggestedByText(Model):
    """A department for which the applicant's own words speak, the strongest first. `score` is its share of all departments'."""

    department: DepartmentCode
    score: Share
    pieces: tuple[TextPiece, ...]
    said: Said


class DepartmentsSuggested(Event):
    """Who may be responsible for a case in triage, and what speaks for it: for the person who decides. Nothing is applied."""

    TYPE: ClassVar[str] = "jp.madoguchi.case.departments-suggested.v1"

    application_id: UUID7
    case_id: UUID7
    receipt: Receipt
    at: AwareDatetime
    from_past: tuple[SuggestedByPast, ...] = ()
    from_text: tuple[SuggestedByText, ...] = ()

    @property
    def subject(self) -> str:
        return str(self.application_id)
