"""intake on a real database, spoken to as channels do."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from chassis import http
from chassis.commands import Commands
from chassis.consuming import Verbatim
from chassis.database import Pool, Tx, connect, make_pool, transaction
from chassis.pulse import Pulse
from chassis.telemetry import Telemetry
from contracts.channels import Application
from contracts.envelope import Event
from contracts.ids import uuid7
from deploy.databases import within
from sealing.opener import Opener, sealed_in
from sealing.places import place_of
from sealing.sealer import Sealer
from services.intake import channel_systems, handlers
from services.intake.admitting import ApiKey, System, make_key
from services.intake.api import add_routes
from services.intake.digest_keys import DigestKeys
from services.intake.handlers import Progress, ProgressData
from services.intake.legal_bases import LegalBases
from services.intake.retention import Retention
from services.intake.seals import Seals
from services.intake.settings import Settings
from services.intake.tokens import Tokens
from tests.conftest import FreshDatabase
from tests.keyring import MemoryKeyring

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
SUBMITTED = "jp.madoguchi.application.submitted.v1"
CORRECTED = "jp.madoguchi.application.correction-submitted.v1"
WITHDRAWN = "jp.madoguchi.application.withdrawn.v1"
OPENED = "jp.madoguchi.case.opened.v1"
PORTAL = System("portal", frozenset({"/channels/portal"}), frozenset({"portal", "fax", "paper"}), ("*",), 6000, 1000)
THIEF = System("thief", frozenset({"/channels/thief"}), frozenset({"portal"}), ("road.*",), 6000, 1000)
PORTALS_OWN = "applications.portal.v1"
CITY_SOURCES = ("/channels/bulk/*", "urn:city:fax")
CLOSED = "jp.madoguchi.case.closed.v1"


def application(application_id: str | None = None, **changes: Any) -> dict[str, Any]:
    """An application as a portal would submit it."""
    application_id = application_id or str(uuid7(NOW))
    content = {
        "municipality": "012068",
        "procedure": "road.snow",
        "channel": "portal",
        "submitted_at": "2026-11-24T17:00:00+09:00",
        "facts": {"district": "akan"},
        "applicant": {"name": "釧路 花子", "email": "hanako@example.jp", "message": "家の前に雪山があります。"},
    }
    return event(SUBMITTED, application_id, {"application_id": application_id, "application": content | changes})


def event(kind: str, application_id: str, data: dict[str, Any]) -> dict[str, Any]:
    """A structured CloudEvent of the portal's."""
    return {
        "specversion": "1.0",
        "id": str(uuid7(NOW)),
        "source": "/channels/portal",
        "type": kind,
        "subject": application_id,
        "time": "2026-11-24T08:00:00Z",
        "datacontenttype": "application/json",
        "data": data,
    }


def progress(kind: str, subject: str, case_id: UUID | None = None, cases: int | None = None) -> Progress:
    """One event of elsewhere, as far as intake reads it."""
    data = ProgressData(case_id=case_id, cases=cases)
    return Progress(id=str(uuid7(NOW)), source="/x", type=kind, subject=subject, time=NOW, data=data)


@dataclass(slots=True)
class Intake:
    """What a test does with intake."""

    pool: Pool
    http: httpx.AsyncClient
    city: MemoryKeyring
    edge: MemoryKeyring
    numbers: MemoryKeyring
    seals: Seals
    admin_dsn: str
    alarms: list[tuple[str, Mapping[str, object]]]
    keys: dict[str, ApiKey] = field(default_factory=lambda: dict[str, ApiKey]())

    async def admit(self, system: System, expires_at: datetime = NOW + timedelta(days=1)) -> ApiKey:
        """What `madoguchi channel add` does; its key is the one that `post(system=…)` sends."""
        key = make_key()
        async with self.as_administrator() as tx:
            await channel_systems.put_system(tx, system)
            await channel_systems.add_key(tx, system.name, key, expires_at)
        self.keys[system.name] = key
        return key

    @asynccontextmanager
    async def as_administrator(self) -> AsyncGenerator[Tx]:
        connection = await connect(self.admin_dsn)
        try:
            async with transaction(connection, lambda: NOW) as tx:
                yield tx
        finally:
            await connection.close()

    def bearer(self, system: str = "portal") -> dict[str, str]:
        return {"authorization": f"Bearer {self.keys[system].text}"}

    async def get(self, receipt: str, system: str = "portal") -> httpx.Response:
        return await self.http.get(f"/v1/applications/{receipt}", headers=self.bearer(system))

    async def receive(self, *sent: dict[str, Any] | bytes, topic: str = PORTALS_OWN) -> list[Event]:
        """Let intake consume these from Kafka in one batch; what it announces comes back."""
        bodies = [Verbatim(body if isinstance(body, bytes) else json.dumps(body).encode(), {}, topic) for body in sent]
        await self.seals.foresee(bodies)
        async with self.pool.acquire() as connection, transaction(connection, lambda: NOW) as tx:
            return await handlers.take_in(bodies, tx, self.seals, CITY_SOURCES)  # pyright: ignore[reportReturnType]

    async def note(self, *seen: Progress) -> None:
        """Let intake read of what happened elsewhere, in one batch."""
        async with self.pool.acquire() as connection, transaction(connection, lambda: NOW) as tx:
            await handlers.note_progress(seen, tx)  # pyright: ignore[reportArgumentType]

    async def post(self, body: dict[str, Any] | bytes, system: str = "portal", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post("/v1/applications", content=content, headers=self.bearer(system) | headers)

    async def opened(self, said: Event) -> dict[str, Any]:
        """The data of what intake announced, its seal opened as desk would: JSON."""
        data = json.loads(said.to_json())
        holder, opener = data.get("application", data), Opener(self.city)
        await opener.fetch([sealed_in(holder)])
        whole = opener.opened(holder, place_of(said), Application if "application" in data else type(said))
        return data | {"application": whole} if "application" in data else whole

    async def rows(self, query: str) -> Sequence[asyncpg.Record]:
        async with self.pool.acquire() as connection:
            return await connection.fetch(query)


@pytest.fixture
async def intake(fresh_database: FreshDatabase, postgres: str) -> AsyncGenerator[Intake]:
    dsn = await fresh_database("chassis", "services.intake")
    settings = Settings.model_validate(
        {
            "kafka_bootstrap": "nowhere:9",
            "postgres_dsn": dsn,
            "most_bytes": 65_536,
            "keyring": "memory:",
            "edge_keyring": "memory:",
        }
    )
    city, edge, numbers = MemoryKeyring(), MemoryKeyring(), MemoryKeyring()
    bases = LegalBases({"child-allowance.claim": "番号利用法 別表81の項"})
    retention = Retention("5y", {"road.snow": "3y"})
    pool = await make_pool(dsn, 4)
    digests = DigestKeys(edge, edge, lambda: NOW)
    await digests.refresh(Commands("/intake", pool, lambda: None, lambda: NOW), Telemetry("intake", None))
    seals = Seals(Sealer(city), Opener(edge), retention, digests, bases, Sealer(numbers), lambda: NOW)
    alarms: list[tuple[str, Mapping[str, object]]] = []
    app = http.make_app("intake", Pulse(60), alarm=lambda event, fields: alarms.append((event, fields)))
    add = partial(add_routes, settings=settings, seals=seals, tokens=Tokens(b"k" * 32, 600))
    add(app, Commands("/intake", pool, lambda: None, lambda: NOW))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake") as client:
        intake = Intake(pool, client, city, edge, numbers, seals, within(postgres, dsn.rpartition("/")[2]), alarms)
        await intake.admit(PORTAL)
        await intake.admit(THIEF)
        yield intake
    await pool.close()
