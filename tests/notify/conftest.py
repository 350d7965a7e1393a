"""notify on a real PostgreSQL, and mail servers: the catcher, and one that answers as it is told."""

import asyncio
import json
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from chassis import journal
from chassis.commands import Commands
from chassis.database import Owned, Pool, Tx, connect, make_pool, transaction
from chassis.parking import ParkingLimit
from chassis.processing import Outcome as Processed
from chassis.processing import process
from chassis.subscription import Record
from chassis.telemetry import Telemetry
from contracts import topics
from contracts.channels import Application, Language
from contracts.desk import CaseDecided, CaseExtended, CorrectionRequested, Outcome
from contracts.envelope import CloudEvent, Event
from contracts.ids import uuid7
from contracts.intake import ApplicationAccepted, CorrectionAccepted, Origin, WithdrawalAccepted
from contracts.personal import Applicant
from deploy.local import LocalSettings, Stack, mail, up
from deploy.local.ports import free_port
from sealing.opener import Opener
from sealing.places import place_of
from sealing.sealer import Sealer
from services.notify.handlers import handlers
from services.notify.seals import Seals
from services.notify.settings import Settings
from services.notify.work import send_notices
from tests.conftest import NOWHERE, FreshDatabase
from tests.keyring import MemoryKeyring

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
RECEIPT = "0000-0000-0012-4"
HOST = "127.0.0.1"
E = TypeVar("E", bound=Event)
_NO_CONNECTION: Any = None


@dataclass(frozen=True, slots=True)
class Story:
    """The events of one application."""

    email: str | None = "hanako@example.jp"
    language: Language = "ja"
    application_id: UUID = field(default_factory=lambda: uuid7(NOW))
    case_id: UUID = field(default_factory=lambda: uuid7(NOW))
    masked: tuple[str, ...] | None = None

    def accepted(self) -> ApplicationAccepted:
        application = Application(
            municipality="012068",
            procedure="moving-in",
            channel="portal",
            language=self.language,
            submitted_at=NOW,
            applicant=Applicant(email=self.email),
        )
        return ApplicationAccepted(**self._intake(), application=application)

    def withdrawn(self) -> WithdrawalAccepted:
        return WithdrawalAccepted(**self._intake())

    def corrected(self) -> CorrectionAccepted:
        return CorrectionAccepted(**self._intake())

    def decided(self, outcome: Outcome = "approved") -> CaseDecided:
        return CaseDecided(**self._case(), staff="sato", outcome=outcome, explanation="要件を満たす")

    def wanted(self, what: str) -> CorrectionRequested:
        return CorrectionRequested(**self._case(), staff="sato", wanted=what, until=date(2026, 12, 1))

    def extended(self, reason: str) -> CaseExtended:
        return CaseExtended(**self._case(), staff="sato", until=date(2026, 12, 28), reason=reason)

    def _intake(self) -> dict[str, Any]:
        return {
            "application_id": self.application_id,
            "receipt": RECEIPT,
            "received_at": NOW,
            "origin": Origin(source="/portal", id="1"),
            "masked": self.masked,
        }

    def _case(self) -> dict[str, Any]:
        return {
            "application_id": self.application_id,
            "case_id": self.case_id,
            "receipt": RECEIPT,
            "department": "residents",
            "at": NOW,
        }


@dataclass(slots=True)
class Notify:
    """What a test does with notify."""

    dsn: str
    connection: Owned
    pool: Pool
    commands: Commands
    city: MemoryKeyring
    seals: Seals

    async def read(self, event: Event) -> Sequence[Event]:
        """Let notify read one event in a transaction of its own; what it announces comes back."""
        return await self.read_batch([event])

    async def read_batch(self, events: Sequence[Event]) -> Sequence[Event]:
        sealed = [await self.sealed(event) for event in events]
        async with transaction(self.connection) as tx:
            return await self.handle(tx, *sealed)

    async def read_as_it_is(self, event: Event) -> Sequence[Event]:
        """An event that nobody has sealed, or that is sealed wrongly."""
        async with transaction(self.connection) as tx:
            return await self.handle(tx, event)

    async def consume_as_it_is(self, event: Event) -> Processed:
        """The same as the consumer does it, from the bytes on the topic: what is poison is parked."""
        given = handlers.given(self.seals.foresee, seals=self.seals)
        delivery = given.read(record(event), None)
        await given.foresight([delivery.event])
        return await process(self.connection, "/notify", [delivery], {}, ParkingLimit())

    async def handle(self, tx: Tx, *events: Event) -> Sequence[Event]:
        """The same within a transaction, of events that are sealed."""
        await self.seals.foresee([envelope(event) for event in events])
        topic = topics.topic_of(type(events[0]))
        handling = handlers.given(seals=self.seals).by_type[topic.name, events[0].TYPE]
        return await handling.call([envelope(event) for event in events], tx)

    async def sealed(self, event: E) -> E:
        """An event as intake or desk seals it."""
        if getattr(getattr(event, "application", event), "sealed", None):
            return event
        sealer = Sealer(self.city)
        await sealer.fetch(["5y"], NOW)
        if isinstance(event, ApplicationAccepted):
            application = sealer.seal(event.application, place_of(event), "5y-2026")
            return event.model_copy(update={"application": application})
        return sealer.seal(event, place_of(event), "5y-2026")

    async def rows(self, query: str, *args: Any) -> list[asyncpg.Record]:
        return await self.connection.fetch(query, *args)

    async def states(self) -> dict[str, str]:
        """The state of the notice of each kind."""
        return {row["kind"]: row["state"] for row in await self.rows("SELECT kind, state FROM notice")}

    async def said(self) -> list[dict[str, Any]]:
        """What was announced while sending, oldest first."""
        return [json.loads(row[0]) for row in await self.rows("SELECT payload FROM chassis.journal ORDER BY id")]

    @asynccontextmanager
    async def sending(self, settings: Settings) -> AsyncGenerator[None]:
        """Send, as the service does, to the end of the block."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(
                send_notices(self.commands, Telemetry("notify", None), stop, settings=settings, seals=self.seals)
            )
            try:
                yield
            finally:
                stop.set()

    async def until(self, query: str, *args: Any, seconds: float = 15) -> None:
        """Wait until the query says true."""
        async with asyncio.timeout(seconds):
            while not await self.connection.fetchval(query, *args):
                await asyncio.sleep(0.02)


def record(event: Event) -> Record:
    """The event as it stands on its topic."""
    topic = topics.topic_of(type(event))
    (line,) = journal.lines(Tx(_NO_CONNECTION, NOW), topic.producer or "", [event])
    return Record(topic.name, 0, 1, line.key.encode(), line.payload, ())


def envelope(event: Event) -> CloudEvent[Any]:
    return CloudEvent[Any](
        specversion="1.0",
        id="1",
        source="/test",
        type=event.TYPE,
        subject=event.subject,
        time=NOW,
        traceparent=TRACE,
        data=event,
    )


def settings_of(dsn: str, smtp_url: str | None, **changed: Any) -> Settings:
    return Settings(
        kafka_bootstrap="nowhere:1",
        postgres_dsn=SecretStr(dsn),
        smtp_url=smtp_url,
        opening_keyring="memory:",
        **changed,
    )


@pytest.fixture(scope="session")
def servers(servers_home: LocalSettings, postgres: str) -> Stack:
    """The mail catcher beside PostgreSQL; it is stopped with it."""
    return up(servers_home.model_copy(update=NOWHERE | {"smtp_url": None}), print)


@pytest.fixture
async def notify(fresh_database: FreshDatabase) -> AsyncGenerator[Notify]:
    dsn = await fresh_database("chassis", "services.notify")
    connection, pool = await connect(dsn), await make_pool(dsn, 8)
    city = MemoryKeyring()
    yield Notify(dsn, connection, pool, Commands("/notify", pool, lambda: None), city, Seals(Opener(city)))
    await pool.close()
    await connection.close()


@dataclass(slots=True)
class MailServer:
    """A mail server that refuses or takes as it is told, and remembers what it took."""

    port: int = field(default_factory=free_port)
    greeting: str = ""
    to_sender: str = ""
    to_recipient: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    to_content: str = ""
    slow: float = 0
    taken: list[bytes] = field(default_factory=lambda: list[bytes]())

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802
        envelope.mail_from = None if self.to_sender else address
        return self.to_sender or "250 OK"

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802
        answer = self.to_recipient.get(address, "250 OK")
        envelope.rcpt_tos.extend([address] if answer.startswith("2") else [])
        return answer

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.slow)
        if self.to_content:
            return self.to_content
        self.taken.append(envelope.original_content or b"")
        return "250 OK"

    @property
    def url(self) -> str:
        return f"smtp://{HOST}:{self.port}"

    @contextmanager
    def running(self) -> Generator[None]:
        controller = Controller(self, hostname=HOST, port=self.port)
        controller.start()
        try:
            yield
        finally:
            controller.stop()


def mails_to(folder: Path | None, address: str) -> list[EmailMessage]:
    """What the catcher holds for one address; other tests share it."""
    assert folder is not None
    return [message for message in mail.messages(folder) if message["To"].addresses[0].addr_spec == address]
