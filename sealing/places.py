"""Where a seal stands: in which event of which application. What was sealed for one place opens in no other.

A place is made of what stands beside the seal wherever that is kept, so that whoever opens says where and never asks the seal.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import singledispatch
from uuid import UUID

from contracts.desk import CaseEvent, CaseReturned
from contracts.intake import ApplicationAccepted, CorrectionAccepted, WithdrawalAccepted
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage
from contracts.sealed import SUBMISSION


@dataclass(frozen=True, slots=True)
class Place:
    """`about` is the application id, `event` what tells this one of its events from all others. No line end is in a part of them."""

    about: str
    event: str

    def bound(self, form: int | None) -> str:
        """What a seal of this form is bound to: both, or in the form before there was this one, the application alone."""
        return self.about if form is None else f"{self.about}\n{self.event}"


def of_application(application_id: object) -> Place:
    """An application has one set of values, carried on unchanged from event to event and service to service."""
    return Place(str(application_id), "application")


def of_submission(what: str, application_id: object, source: str, number: str) -> Place:
    """What came afterwards, `what` being the type of its event: CloudEvents promises that source and id (`number`) are unique."""
    return Place(str(application_id), f"{what}\n{source}\n{number}")


def of_edge(application_id: object, source: str, number: str) -> Place:
    """What a channel system seals by the key of the edge, whatever it is."""
    return of_submission(SUBMISSION, application_id, source, number)


def of_step(what: str, application_id: object, case_id: UUID, at: datetime) -> Place:
    """What was done to a case, `what` being the type of its event: each is done under the lock of the case, at a moment of its own."""
    return Place(str(application_id), f"{what}\n{case_id}\n{at.astimezone(UTC).isoformat()}")


@singledispatch
def place_of(event: object) -> Place:
    """The place of the seal of an event, or of the application that it carries. Raises TypeError for one that has none."""
    raise TypeError(type(event).__name__)


@place_of.register
def _(event: ApplicationAccepted | CaseOpened | CaseRerouted | CaseSentToTriage | CaseReturned) -> Place:
    return of_application(event.application_id)


@place_of.register
def _(event: CorrectionAccepted | WithdrawalAccepted) -> Place:
    return of_submission(event.TYPE, event.application_id, event.origin.source, event.origin.id)


@place_of.register
def _(event: CaseEvent) -> Place:
    return of_step(event.TYPE, event.application_id, event.case_id, event.at)
