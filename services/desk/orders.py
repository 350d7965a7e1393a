"""What members of staff want done with a case: the bodies of the commands."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from contracts.desk import (
    CaseClaimed,
    CaseClosed,
    CaseDecided,
    CaseEvent,
    CaseExtended,
    CaseHandedOver,
    CaseReturned,
    CorrectionRequested,
    Outcome,
    Reason,
    Staff,
    StageEnded,
)
from contracts.envelope import Model
from contracts.personal import PersonalText
from contracts.routing import DepartmentCode, StageName
from sealing.places import Place, of_step
from services.desk import judging, rules
from services.desk.judging import Command, Digest
from services.desk.rules import Name, Step

Told = Annotated[PersonalText, Field(min_length=1)]
"""What the citizen is told, in a person's own words."""


class Order(Model):
    """What a member of staff wants done. A subclass names the command and the event that says it was done."""

    model_config = ConfigDict(extra="forbid")
    NAME: ClassVar[Name]
    EVENT: ClassVar[type[CaseEvent]]

    staff: Staff = ""
    """The caller's own name, or nothing: it is written in when the order is signed."""

    def body(self) -> bytes:
        """As JSON: what a command sent again has in common with the first."""
        return self.model_dump_json(exclude_none=True).encode()

    def note(self, event: CaseEvent) -> bytes:
        """What the history keeps, as JSON: what the event says of this order, sealed where it is sealed there."""
        said = json.loads(event.to_json())
        return json.dumps({name: said[name] for name in (*type(self).model_fields, "sealed") if name in said}).encode()

    def digest(self) -> bytes:
        """SHA-256 of the order, of which only a keyed digest is kept where it says something personal."""
        return judging.digest(self.NAME, self.body())

    def command(self, digest: Digest) -> Command:
        """As the rules judge it."""
        said = {name: getattr(self, name, None) for name in ("to_staff", "until", "stage")}
        return Command(self.NAME, self.staff, digest, **said)

    def event(self, about: Mapping[str, Any]) -> CaseEvent:
        """That it was done."""
        return self.EVENT.model_validate({**about, **self.model_dump()})


class Claim(Order):
    """I take the case."""

    NAME = "claim"
    EVENT = CaseClaimed


class Handover(Order):
    """A colleague takes the case."""

    NAME = "handover"
    EVENT = CaseHandedOver

    to_staff: Staff
    reason: Reason


class RequestCorrection(Order):
    """The citizen is asked for what is missing."""

    NAME = "request-correction"
    EVENT = CorrectionRequested

    wanted: PersonalText
    until: date


class Extend(Order):
    """More time is needed: the citizen is told until when, and why."""

    NAME = "extend"
    EVENT = CaseExtended

    until: date
    reason: Told


class EndStage(Order):
    """A stage of the procedure is through, today."""

    NAME = "end-stage"
    EVENT = StageEnded

    stage: StageName

    def event(self, about: Mapping[str, Any]) -> CaseEvent:
        """That it ended."""
        return StageEnded.model_validate({**about, **self.model_dump(), "ended_on": rules.today(about["at"])})


class Return(Order):
    """The department is not responsible."""

    NAME = "return"
    EVENT = CaseReturned

    reason: Reason
    suggestion: DepartmentCode | None = None


class Decide(Order):
    """The department's decision."""

    NAME = "decide"
    EVENT = CaseDecided

    outcome: Outcome
    explanation: PersonalText


class Close(Order):
    """Nothing is left to do."""

    NAME = "close"
    EVENT = CaseClosed

    def event(self, about: Mapping[str, Any]) -> CaseEvent:
        """That it was closed because it was decided."""
        return CaseClosed.model_validate({**about, "cause": "decided", "staff": self.staff})


_EVENTS: Mapping[str, type[CaseEvent]] = {order.NAME: order.EVENT for order in Order.__subclasses__()}


def noted(what: str) -> type[CaseEvent]:
    """The event of which some members are the note of a step; that of every case, where no order was given."""
    return _EVENTS.get(what, CaseEvent)


def place(step: Step, application_id: UUID) -> Place:
    """Where the seal of a note stands: the event's own, of which it says some members."""
    what = _EVENTS[step.what].TYPE if step.what in _EVENTS else step.what
    return of_step(what, application_id, step.case_id, step.at)
