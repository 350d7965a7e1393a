"""What the topics say, read from their beginning to their end, without a consumer group: nobody is disturbed."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from chassis import kafka
from chassis.broker import Broker
from chassis.subscription import Record
from chassis.tape import Tape
from console.tally import Account, Key, Stage, said_again
from contracts import desk, intake, notify, reading, routing
from contracts.archive import RecordSealed
from contracts.envelope import Header, Model
from contracts.topics import (
    ABOUT_NO_APPLICATION,
    APPLICATIONS,
    CASES,
    DESK,
    INTAKE,
    NOTICES,
    OF_A_CHANNEL,
    RECORDS,
)
from services.intake.rules import ID_REUSED

SECONDS = 30


class Origin(Model):
    """Which submission."""

    source: str
    id: str


class Fault(Model):
    """Why a submission was refused."""

    code: str


class Data(Model):
    """What is counted of an event's data."""

    origin: Origin | None = None
    kind: str | None = None
    cause: str | None = None
    faults: tuple[Fault, ...] = ()
    message_id: str | None = None
    case_id: UUID | None = None


class Seen(Header):
    """One event, as far as it is counted."""

    data: Data


@dataclass(slots=True)
class Lane:
    """Numbers 1, 2, 3 … as they come: repeats are dropped, what lies beyond a hole waits."""

    highest: int = 0
    beyond: set[int] = field(default_factory=lambda: set[int]())

    def admits(self, number: int) -> bool:
        """Whether this number comes for the first time."""
        if number <= self.highest or number in self.beyond:
            return False
        self.beyond.add(number)
        while self.highest + 1 in self.beyond:
            self.highest += 1
            self.beyond.remove(self.highest)
        return True


@dataclass(slots=True)
class Tapes:
    """Reads topics into an account; `source` restricts it to what one channel has sent."""

    broker: Broker
    source: str | None
    owners: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())
    """Which channel system owns a source: what came over another topic than its own is parked, and counted there."""
    account: Account = field(default_factory=Account)
    again: Counter[tuple[str, str]] = field(default_factory=lambda: Counter[tuple[str, str]]())
    """How many further contents were refused under a source and an id."""
    mails: dict[str, tuple[UUID, bool]] = field(default_factory=lambda: dict[str, tuple[UUID, bool]]())
    """By Message-ID: the application that a mail is about, and whether it is its receipt."""

    async def read(self) -> Account:
        """Everything. intake comes first: it says which applications are of the source."""
        for name in (APPLICATIONS.name, *await self._topics_of_channels()):
            async for _, record in self._records(name):
                self._submission(record)
        for topic in (INTAKE, CASES, DESK, NOTICES, RECORDS):
            lanes: dict[int, Lane] = {}
            async for begins, record in self._records(topic.name):
                self._numbered(lanes, begins, record)
            for partition, lane in lanes.items():
                self.account.highest[topic.name, partition] = lane.highest
                if lane.beyond:
                    hole = f"{topic.name}/{partition} has a hole after {lane.highest}, before {min(lane.beyond)}"
                    self.account.faults.append(hole)
        return self.account

    async def _topics_of_channels(self) -> list[str]:
        consumer = AIOKafkaConsumer(**self.broker.aiokafka(), group_id=None)
        try:
            await kafka.within(SECONDS, "consumer start", consumer.start())
            found: set[str] = await kafka.within(SECONDS, "topics", consumer.topics())
        finally:
            await kafka.stop(consumer)
        return sorted(name for name in found if OF_A_CHANNEL.member_of(name))

    async def _records(self, topic: str) -> AsyncIterator[tuple[int, Record]]:
        """(first offset of its partition, record) up to the end as it is now."""
        tape = Tape(self.broker, topic)
        async for record in tape.records():
            yield tape.begins[record.partition], record
        self.account.complete &= not any(tape.begins.values())

    def _submission(self, record: Record) -> None:
        headers = dict(record.headers)
        try:
            sent = reading.read(headers, record.value or b"")
        except reading.Unreadable:
            return  # intake parks it, and parked events are counted there
        speaks_as_itself = self.owners.get(sent.source) == OF_A_CHANNEL.member_of(record.topic)
        if speaks_as_itself and self.source in (None, sent.source):
            self.account.stages["read"].add((sent.source, sent.id))

    def _numbered(self, lanes: dict[int, Lane], begins: int, record: Record) -> None:
        number = kafka.number_of(record) or 0
        lane = lanes.setdefault(record.partition, Lane(number - 1 if begins else 0))
        if lane.admits(number):
            self._event(Seen.model_validate_json(record.value or b""))
        else:
            self.account.repeats += 1

    def _event(self, event: Seen) -> None:
        if event.type in ABOUT_NO_APPLICATION:
            self._said_of_rules(event)
        elif event.data.origin is not None:
            self._said_by_intake(event, event.data.origin)
        elif self.source is None or UUID(event.subject) in self.account.stages["accepted"].keys:
            stage = STAGE_OF.get(event.type, lambda _: None)(event.data)
            if stage is not None:
                self.account.stages[stage].add(UUID(event.subject))
            if stage in ("routed", "triaged") and event.data.case_id is not None:
                self.account.stages["cases"].add(event.data.case_id)
            if event.data.message_id is not None:
                self.mails.setdefault(event.data.message_id, (UUID(event.subject), event.data.kind == "receipt"))
            self._count(event)

    def _said_of_rules(self, event: Seen) -> None:
        """Of no channel: counted where all channels are."""
        if self.source is None:
            self._count(event)

    def _said_by_intake(self, event: Seen, origin: Origin) -> None:
        """Its subject is an application, except where it is a refusal; a correction may come from another source."""
        accepted = self.account.stages["accepted"]
        if self.source in (None, origin.source):
            refused = event.type == intake.ApplicationRejected.TYPE
            self.account.stages["rejected" if refused else "accepted-submissions"].add(self._row(event, origin))
            if refused:
                self.account.stages["refusals"].add(UUID(event.id))
            if event.type == intake.ApplicationAccepted.TYPE:
                accepted.add(UUID(event.subject))
        if event.type != intake.ApplicationRejected.TYPE and UUID(event.subject) in accepted.keys:
            self._count(event)

    def _row(self, event: Seen, origin: Origin) -> Key:
        """Which row intake speaks of. What was refused for its id is another than that which has the id."""
        row = (origin.source, origin.id)
        if all(fault.code != ID_REUSED.code for fault in event.data.faults):
            return row
        self.again[row] += 1
        return said_again(*row, self.again[row])

    def _count(self, event: Seen) -> None:
        """Everything about an application is kept by the archive, except what the archive says itself."""
        if event.source != RECORDS.producer:
            self.account.stages["events"].add(UUID(event.id))


def _of_receipt(stage: Stage) -> Callable[[Data], Stage | None]:
    return lambda data: stage if data.kind == "receipt" else None


STAGE_OF: dict[str, Callable[[Data], Stage | None]] = {
    routing.CaseOpened.TYPE: lambda _: "routed",
    routing.CaseSentToTriage.TYPE: lambda data: "triaged" if data.cause != "returned" else None,
    desk.CaseClosed.TYPE: lambda _: "closed",
    notify.NoticeQueued.TYPE: _of_receipt("queued"),
    notify.NoticeSent.TYPE: _of_receipt("sent"),
    notify.NoticeFailed.TYPE: _of_receipt("failed"),
    notify.NoticeWithheld.TYPE: _of_receipt("withheld"),
    RecordSealed.TYPE: lambda _: "sealed",
}
