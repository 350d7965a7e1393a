"""The topic catalogue: one topic per producing service, keyed by application id, or by what else an event is about.

Channel systems outside the city hall have a topic each, `applications.<system>.v1`, which that system alone may write: what
stands there is of its own sources. `applications.v1` is the city's own channels'.
"""

import re
from dataclasses import dataclass, replace
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

    With `member`, a regular expression, it is the template of many topics that are alike, each with a writer of its own: what
    matches stands for the braces of `name`.
    """

    name: str
    producer: str | None
    readers: tuple[str, ...]
    events: tuple[type[Event], ...]
    partitions: int = PARTITIONS
    retention_ms: int = 30 * DAY_MS
    member: str = ""

    @property
    def prefix(self) -> str:
        """What the names of all topics of a template begin with; the whole name of any other."""
        return self.name.partition("{")[0]

    @property
    def suffix(self) -> str:
        """What the names of all topics of a template end with."""
        return self.name.rpartition("}")[2]

    @cached_property
    def pattern(self) -> str:
        """The names of all topics of a template, as a regular expression from `^` to `$`."""
        return f"^{re.escape(self.prefix)}{self.member}{re.escape(self.suffix)}$"

    def of(self, member: str) -> "Topic":
        """One topic of a template. Raises ValueError for what no member can be called."""
        if not re.fullmatch(self.member, member):
            raise ValueError(f"{member!r} cannot stand for the braces of {self.name}")
        return replace(self, name=f"{self.prefix}{member}{self.suffix}", member="")

    def member_of(self, name: str) -> str | None:
        """What stands for the braces in the name of a topic, None for one that is not of this template."""
        found = self.member and re.fullmatch(self.pattern, name)
        return name[len(self.prefix) : len(name) - len(self.suffix)] if found else None

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
OF_A_CHANNEL = Topic(
    "applications.{channel}.v1", None, APPLICATIONS.readers, APPLICATIONS.events, member="[a-z][a-z0-9-]+"
)
"""The topics of channel systems, `applications.<system>.v1`: made one by one, with the system."""
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

TEMPLATES = (OF_A_CHANNEL,)
TOPICS = (APPLICATIONS, INTAKE, CASES, DESK, NOTICES, RECORDS)
EVENTS: dict[str, type[Event]] = {event.TYPE: event for topic in TOPICS for event in topic.events}

ABOUT_NO_APPLICATION: tuple[str, ...] = tuple(
    event.TYPE for event in (*get_args(rule_sets.AnyRuleSetEvent), *get_args(overlays.AnyOverlayEvent), desk.SearchMade)
)
"""The types of events whose subject is no application: rules, overlays, searches."""


def topic_of(event: type[Event]) -> Topic:
    """The one topic on which `event` stands."""
    return next(topic for topic in TOPICS if event in topic.events)
