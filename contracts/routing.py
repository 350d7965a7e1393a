"""What routing says on `cases.v1`: which department, by which rule, due when."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import UUID7, AwareDatetime, Field

from .channels import Application, Code, Fact, FactName
from .envelope import Event, Model
from .intake import Receipt

DepartmentCode = Code
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
    deadline is the same. `missing` are inputs that were absent and kept a row from holding.
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
