"""The topic catalogue: one topic per producing service, keyed by application id, or by what else an event is about."""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, get_args

from pydantic import GetCoreSchemaHandler, GetPydanticSchema, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from . import archive, channels, desk, intake, notify, overlays, routing, rule_sets
from .envelope import CloudEvent, Event, envelope_of

PARTITIONS = 4
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Topic:
    """One topic: who writes it, who reads it, what stands on it.

    `producer` is the CloudEvents source of its events; None where anybody outside publishes (the edge): such a topic has
    no lane numbers, and its reader recognises repeats by `source` + `id`.
    """

    name: str
    producer: str | None
    readers: tuple[str, ...]
    events: tuple[type[Event], ...]
    partitions: int = PARTITIONS
    retention_ms: int = 30 * DAY_MS

    @cached_property
    def adapter(self) -> TypeAdapter[CloudEvent[Any]]:
        """Reads one structured event of this topic; `type` tells which, and another is the error `union_tag_invalid`."""
        return TypeAdapter(Annotated[Any, GetPydanticSchema(self._by_type)])

    def _by_type(self, _: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        # Not Field(discriminator=…), which refuses a topic of one event type.
        envelopes = {event.TYPE: handler.generate_schema(envelope_of(event)) for event in self.events}
        return core_schema.tagged_union_schema(envelopes, discriminator="type")


APPLICATIONS = Topic(
    "applications.v1",
    None,
    ("intake",),
    (channels.ApplicationSubmitted, channels.CorrectionSubmitted, channels.ApplicationWithdrawn),
)
INTAKE = Topic(
    "intake.v1",
    "/intake",
    ("routing", "desk", "notify", "archive"),
    (intake.ApplicationAccepted, intake.ApplicationRejected, intake.CorrectionAccepted, intake.WithdrawalAccepted),
)
CASES = Topic(
    "cases.v1",
    "/routing",
    ("intake", "desk", "archive"),
    (
        routing.CaseOpened,
        routing.CaseRerouted,
        routing.CaseSentToTriage,
        routing.DeadlineMoved,
        routing.DepartmentsSuggested,
        *get_args(rule_sets.AnyRuleSetEvent),
        *get_args(overlays.AnyOverlayEvent),
    ),
)
DESK = Topic(
    "desk.v1",
    "/desk",
    ("intake", "routing", "notify", "archive"),
    (
        desk.CaseClaimed,
        desk.CaseHandedOver,
        desk.CorrectionRequested,
        desk.CaseExtended,
        desk.StageEnded,
        desk.CaseReturned,
        desk.CaseDecided,
        desk.CaseClosed,
        desk.CaseViewed,
        desk.IndividualNumbersViewed,
        desk.SearchMade,
    ),
)
NOTICES = Topic(
    "notices.v1",
    "/notify",
    ("intake", "archive"),
    (
        notify.NoticeQueued,
        notify.NoticeSent,
        notify.NoticeFailed,
        notify.NoticeWithheld,
        notify.NoticeQueuedV2,
        notify.NoticeSentV2,
        notify.NoticeFailedV2,
        notify.NoticeWithheldV2,
    ),
)
RECORDS = Topic(
    "records.v1", "/archive", ("intake",), (archive.RecordSealed, archive.RecordDisposed, archive.RecordViewed)
)

TOPICS = (APPLICATIONS, INTAKE, CASES, DESK, NOTICES, RECORDS)
EVENTS: dict[str, type[Event]] = {event.TYPE: event for topic in TOPICS for event in topic.events}

ABOUT_NO_APPLICATION: tuple[str, ...] = tuple(
    event.TYPE for event in (*get_args(rule_sets.AnyRuleSetEvent), *get_args(overlays.AnyOverlayEvent), desk.SearchMade)
)
"""The types of events whose subject is no application: rules, overlays, searches."""


def topic_of(event: type[Event]) -> Topic:
    """The one topic on which `event` stands."""
    return next(topic for topic in TOPICS if event in topic.events)
