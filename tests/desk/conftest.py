"""A desk on a real PostgreSQL: what it reads is handed to its consumer as bytes, what it says is read from its journal."""

import itertools
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from access import sessions
from access.principal import Principal
from access.roles import ROLES
from access.sessions import Limits
from chassis import database, http, journal
from chassis.commands import Commands
from chassis.database import Owned, Pool, Tx
from chassis.parking import ParkingLimit
from chassis.processing import Outcome, process
from chassis.pulse import Pulse
from chassis.subscription import Record
from chassis.telemetry import Telemetry
from contracts import topics
from contracts.channels import Application
from contracts.desk import CaseEvent, CaseViewed, SearchMade
from contracts.envelope import Event, Model
from contracts.ids import uuid7
from contracts.intake import CorrectionAccepted, Origin, WithdrawalAccepted
from contracts.personal import Applicant
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage, DeadlineMoved, Decision, StageDue
from sealing.errors import KeyringAway
from sealing.opener import Opener
from sealing.places import Place, of_application, place_of
from sealing.sealer import Sealer
from services.desk import separation
from services.desk.api import add_routes
from services.desk.handlers import handlers
from services.desk.index_keys import IndexKeys
from services.desk.seals import Seals
from services.desk.settings import Settings
from tests.conftest import FreshDatabase
from tests.keyring import MemoryKeyring

NOW = datetime(2026, 4, 10, 15, 30, tzinfo=UTC)
"""Half past midnight on 11 April in Japan."""

RECEIPT = "0000-0000-0012-4"
ORIGIN = "http://localhost:8083"
DEPARTMENTS = ("residents", "school", "health-insurance", "child-allowance", "triage", "nobody")
LIMITS = Limits(timedelta(minutes=30), timedelta(hours=10))
SIGN_IN = {
    "oidc_issuer": "http://127.0.0.1:1",
    "oidc_client_id": "madoguchi-desk",
    "oidc_client_secret": "a secret of the tests",
    "public_url": ORIGIN,
}
M = TypeVar("M", bound=Model)
E = TypeVar("E", bound=Event)
_NO_CONNECTION: Any = None
_numbers = itertools.count(1)
APPLICATION = Application(
    municipality="012068",
    procedure="moving-in",
    channel="portal",
    submitted_at=NOW,
    facts={"household_size": 3},
    applicant=Applicant(name="釧路 花子"),
)
NUMBER = "123456789018"
NUMBERED = APPLICATION.model_copy(
    update={"applicant": Applicant(name="釧路 花子", individual_number="●" * 12), "procedure": "child-allowance.claim"}
)
DECISION = Decision(rule_set="a" * 64, table="moving-in", rows=("r1",), inputs={"household_size": 3}, reason="転入")

STAGES = (
    StageDue(name="assessment", due_on=date(2026, 4, 10), fixed=True),
    StageDue(name="board", due_on=date(2026, 4, 18), fixed=False),
)


def kept(event: Event) -> tuple[type[Event], bytes, Place]:
    """An event as the seals open it; where it has no seal, the place says nothing."""
    place = place_of(event) if isinstance(event, CaseEvent) else Place("", "")
    return type(event), event.to_json(), place


def new_id() -> UUID:
    return uuid7(NOW)


def opened(
    application_id: UUID,
    case_id: UUID,
    department: str = "residents",
    due_on: date = date(2026, 4, 20),
    application: Application = APPLICATION,
) -> CaseOpened:
    return CaseOpened(
        application_id=application_id,
        case_id=case_id,
        receipt=RECEIPT,
        opened_at=NOW,
        department=department,
        due_on=due_on,
        decision=DECISION,
        application=application,
    )


def rerouted(application_id: UUID, case_id: UUID, department: str = "health-insurance") -> CaseRerouted:
    return CaseRerouted(
        application_id=application_id,
        case_id=case_id,
        receipt=RECEIPT,
        rerouted_at=NOW,
        from_department="residents",
        department=department,
        due_on=date(2026, 4, 30),
        reason="国民健康保険の手続きのため",
        application=APPLICATION,
    )


def sent_to_triage(application_id: UUID, case_id: UUID) -> CaseSentToTriage:
    return CaseSentToTriage(
        application_id=application_id,
        case_id=case_id,
        receipt=RECEIPT,
        sent_at=NOW,
        cause="returned",
        due_on=date(2026, 4, 25),
        decision=DECISION,
        application=APPLICATION,
    )


def staged(application_id: UUID, case_id: UUID) -> CaseOpened:
    return opened(application_id, case_id).model_copy(update={"stages": STAGES})


def moved(
    application_id: UUID, case_id: UUID, due_on: date | None, *, cause: Any = "correction-requested", **also: Any
) -> DeadlineMoved:
    about = {"application_id": application_id, "case_id": case_id, "receipt": RECEIPT, "at": NOW}
    return DeadlineMoved(**about, cause=cause, due_on=due_on, **also)


def corrected(application_id: UUID) -> CorrectionAccepted:
    return CorrectionAccepted(
        application_id=application_id,
        receipt=RECEIPT,
        received_at=NOW,
        origin=Origin(source="//portal.example", id=str(next(_numbers))),
        facts={"household_size": 4},
        message="続柄を訂正します",
    )


def withdrawn(application_id: UUID) -> WithdrawalAccepted:
    return WithdrawalAccepted(
        application_id=application_id,
        receipt=RECEIPT,
        received_at=NOW,
        origin=Origin(source="//portal.example", id=str(next(_numbers))),
    )


def record(event: Event) -> Record:
    """The event as it stands on its topic."""
    topic = topics.topic_of(type(event))
    (line,) = journal.lines(Tx(_NO_CONNECTION, NOW), topic.producer or "", [event])
    return Record(topic.name, 0, next(_numbers), line.key.encode(), line.payload, ())


@dataclass(slots=True)
class Desk:
    """One desk: its consumer's connection, its API; `pool` is the test's own and sees everything."""

    connection: Owned
    pool: Pool
    client: httpx.AsyncClient
    commands: Commands
    city: MemoryKeyring
    numbers: MemoryKeyring
    seals: Seals
    app: FastAPI

    async def read(self, *events: Event) -> Outcome:
        """Let the consumer handle these as one batch; nothing may be parked."""
        outcome = await self.consume(*events)
        assert (outcome.handled, outcome.parked, outcome.waiting) == (len(events), 0, 0)
        return outcome

    async def consume(self, *events: Event) -> Outcome:
        """The same, whatever becomes of it."""
        return await self.consume_as_it_is(*[await self.sealed_event(event) for event in events])

    async def consume_as_it_is(self, *events: Event) -> Outcome:
        """The same of events that nobody has sealed, or that are sealed wrongly."""
        given = handlers.given(self.seals.foresee, seals=self.seals)
        deliveries = [given.read(record(event), None) for event in events]
        read = [delivery.event for delivery in deliveries]
        try:
            await given.foresight(read)
        except KeyringAway:
            await self.seals.index.refresh(self.commands, Telemetry("desk", None))
            await given.foresight(read)
        return await process(self.connection, "/desk", deliveries, {}, ParkingLimit(), clock=lambda: NOW)

    async def sealed_event(self, event: E) -> E:
        """An event as intake seals it; one that is sealed already as it is."""
        holder: Any = getattr(event, "application", event)
        if getattr(holder, "sealed", None) is not None or not hasattr(holder, "sealed"):
            return event
        await self.seals.sealer.fetch(["5y"], NOW)
        sealed = self.seals.sealer.seal(holder, place_of(event), "5y-2026")
        return sealed if holder is event else event.model_copy(update={"application": sealed})

    async def sealed(self, application_id: UUID, application: Application = APPLICATION) -> Application:
        """An application as intake seals it."""
        await self.seals.sealer.fetch(["5y"], NOW)
        return self.seals.sealer.seal(application, of_application(application_id), "5y-2026")

    async def with_numbers(self, sealed: M, place: Place, values: Mapping[str, str]) -> M:
        """An application or a correction with the Individual Numbers that intake sealed beside the rest."""
        sealer = Sealer(self.numbers)
        await sealer.fetch(["number5y"], NOW)
        return sealed.model_copy(update={"sealed_numbers": sealer.seal_values(values, place, "number5y-2026")})

    async def said(self) -> list[dict[str, Any]]:
        """The events in the journal, in order: their data, seals open, with `type` shortened to `case.claimed`; looks and searches left out."""
        rows = await self.pool.fetch("SELECT payload FROM chassis.journal ORDER BY id")
        events = [topics.DESK.adapter.validate_json(row[0]) for row in rows]
        opened = [(await self.seals.opened([kept(event.data)]))[0] for event in events]
        return [
            {"type": event.type.removeprefix("jp.madoguchi.").removesuffix(".v1")} | data
            for event, data in zip(events, opened, strict=True)
            if event.type not in (CaseViewed.TYPE, SearchMade.TYPE)
        ]

    async def types(self) -> list[str]:
        """The types of what was said, in order."""
        return [event["type"] for event in await self.said()]

    async def case(self, department: str = "residents", due_on: date = date(2026, 4, 20)) -> tuple[UUID, UUID]:
        """(application, case) that has just been opened."""
        application_id, case_id = new_id(), new_id()
        await self.read(opened(application_id, case_id, department, due_on))
        return application_id, case_id

    async def case_with_number(self, department: str = "residents", number: str = NUMBER) -> tuple[UUID, UUID]:
        """(application, case) of somebody who gave an Individual Number."""
        application_id, case_id = new_id(), new_id()
        application = await self.sealed(application_id, NUMBERED)
        application = await self.with_numbers(
            application, of_application(application_id), {"applicant.individual_number": number}
        )
        await self.read(opened(application_id, case_id, department, application=application))
        return application_id, case_id

    async def do(self, case_id: UUID, command: str, staff: str = "sato", **said: Any) -> httpx.Response:
        """Send a command, signed in as somebody who may do everything."""
        path, signed_in = f"/v1/cases/{case_id}/{command}", await self.sign_in(staff)
        return await self.client.post(path, json={"staff": staff} | said, headers=signed_in)

    async def sign_in(
        self, staff: str, roles: Sequence[str] = ROLES, departments: Sequence[str] = DEPARTMENTS, at: datetime = NOW
    ) -> dict[str, str]:
        """The header of a session that has just begun."""
        token, who = sessions.new_token(), Principal(staff, frozenset(roles), frozenset(departments))
        await self.commands.run(lambda tx: _begun(replace(tx, now=at), token, who))
        return {"Cookie": f"madoguchi-session={token}"}

    async def get(self, path: str) -> Any:
        """Read; it must succeed."""
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def see(self, case_id: UUID) -> Any:
        """One case."""
        return await self.get(f"/v1/cases/{case_id}")


async def _begun(tx: Tx, token: str, who: Principal) -> tuple[None, list[Event]]:
    await sessions.begin(tx, token, who, LIMITS)
    return None, []


@pytest.fixture
async def dsn(fresh_database: FreshDatabase) -> str:
    return await fresh_database("chassis", "services.desk")


@pytest.fixture
async def connection(dsn: str) -> AsyncGenerator[Owned]:
    connection = await database.connect(dsn, scope=separation.EVERYTHING)
    yield connection
    await database.close(connection)


@pytest.fixture
async def tx(connection: Owned) -> AsyncGenerator[Tx]:
    async with connection.transaction():
        yield Tx(connection, NOW)


@pytest.fixture
async def desk(dsn: str, connection: Owned) -> AsyncGenerator[Desk]:
    settings = Settings.model_validate(
        {
            "kafka_bootstrap": "none:1",
            "postgres_dsn": dsn,
            "most_cases": 10,
            "keyring": "memory:",
            "opening_keyring": "memory:",
        }
        | SIGN_IN
    )
    city, numbers = MemoryKeyring(), MemoryKeyring()
    seals = Seals(Sealer(city), Opener(city), IndexKeys(city, city), "5y", Opener(numbers))
    pool = await asyncpg.create_pool(dsn, min_size=1, max_size=4, server_settings=dict(separation.EVERYTHING))
    requests = await database.make_pool(dsn, 4)
    app = http.make_app("desk", Pulse(60))
    commands = Commands("/desk", requests, lambda: None, clock=lambda: NOW, scope=separation.NOBODY)
    add_routes(app, commands, settings, seals)
    seals.index.want({"5y-2026"})
    await seals.index.refresh(commands.within(separation.EVERYTHING), Telemetry("desk", None))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        desk = Desk(connection, pool, client, commands.within(separation.EVERYTHING), city, numbers, seals, app)
        client.headers.update({"Origin": ORIGIN, **await desk.sign_in("sato")})
        yield desk
    await pool.close()
    await requests.close()
