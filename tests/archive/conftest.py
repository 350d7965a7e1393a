"""archive on a real database."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from access.roles import ROLES
from chassis import http, journal
from chassis.commands import Commands
from chassis.consuming import Kept
from chassis.database import Owned, Pool, Tx, connect, make_pool, transaction
from chassis.pulse import Pulse
from contracts.channels import Application
from contracts.desk import CaseClosed, CaseDecided, CaseExtended
from contracts.envelope import Event, Header
from contracts.ids import uuid7
from contracts.intake import ApplicationAccepted, Origin, WithdrawalAccepted
from contracts.notify import NoticeKind, NoticeQueued, NoticeQueuedV2, NoticeSent, NoticeSentV2
from contracts.routing import CaseOpened, Decision
from services.archive import handlers
from services.archive.api import add_routes
from services.archive.settings import Settings
from tests.conftest import FreshDatabase
from tests.provider import Running

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
_NO_CONNECTION: Any = None


class Story:
    """The events of one application, each a second after the other."""

    def __init__(self, number: int = 1) -> None:
        self.application_id, self.case_id = uuid7(NOW), uuid7(NOW)
        self.receipt = f"0000-0000-{number:04d}-0"
        self.at = NOW
        self.notices: dict[str, Any] = {}
        self.application = Application(
            municipality="012068",
            procedure="graffiti",
            channel="portal",
            submitted_at=NOW,
            facts={"size": 2**60, "x": 0.1},
        )

    def accepted(self) -> Event:
        return ApplicationAccepted(
            application_id=self.application_id,
            receipt=self.receipt,
            received_at=NOW,
            origin=Origin(source="/x", id="1"),
            application=self.application,
        )

    def opened(self) -> Event:
        decision = Decision(rule_set="0" * 64, table="routing", rows=("G01",), inputs={}, reason="落書き")
        return CaseOpened(
            **self._case(), opened_at=NOW, due_on=NOW.date(), decision=decision, application=self.application
        )

    def decided(self) -> Event:
        return CaseDecided(**self._case(), at=NOW, staff="sato", outcome="approved", explanation="承認します。")

    def closed(self) -> Event:
        return CaseClosed(**self._case(), at=NOW, cause="decided", staff="sato")

    def withdrawn(self) -> Event:
        return WithdrawalAccepted(
            application_id=self.application_id,
            receipt=self.receipt,
            received_at=NOW,
            origin=Origin(source="/x", id="2"),
        )

    def queued(self, kind: NoticeKind) -> Event:
        return NoticeQueued(**self._notice(kind), medium="email", language="ja")

    def sent(self, kind: NoticeKind) -> Event:
        return NoticeSent(**self._notice(kind), message_id="<1@x>")

    def extended(self) -> Event:
        return CaseExtended(**self._case(), at=NOW, staff="sato", until=date(2027, 1, 31), reason="書類を待つため。")

    def extension(self) -> list[Event]:
        """That the citizen was told of it, in the version of the contract that has a word for it."""
        notice = self._notice("extension")
        return [
            NoticeQueuedV2(**notice, medium="email", language="ja"),
            NoticeSentV2(**notice, message_id="<1@x>"),
        ]

    def whole(self) -> list[Event]:
        return [
            self.accepted(),
            self.queued("receipt"),
            self.sent("receipt"),
            self.opened(),
            self.decided(),
            self.closed(),
            self.queued("result"),
            self.sent("result"),
        ]

    def _case(self) -> dict[str, Any]:
        return {
            "application_id": self.application_id,
            "case_id": self.case_id,
            "receipt": self.receipt,
            "department": "shimin-seikatsu",
        }

    def _notice(self, kind: str) -> dict[str, Any]:
        notice_id = self.notices.setdefault(kind, uuid7(NOW))
        return {
            "application_id": self.application_id,
            "notice_id": notice_id,
            "receipt": self.receipt,
            "kind": kind,
            "at": NOW,
        }


@dataclass(slots=True)
class Archive:
    """What a test does with the archive."""

    connection: Owned
    pool: Pool
    http: httpx.AsyncClient
    provider: Running
    app: FastAPI
    clock: datetime = NOW

    async def keep(self, *events: Event) -> Sequence[Event]:
        """Let the archive read these in one batch; what it announces comes back."""
        kept: list[Kept] = []
        for event in events:
            self.clock += timedelta(seconds=1)
            (line,) = journal.lines(Tx(_NO_CONNECTION, self.clock), "/test", [event])
            kept.append(Kept(Header.model_validate_json(line.payload), line.payload))
        async with transaction(self.connection, lambda: self.clock) as tx:
            return await handlers.keep(kept, tx)

    async def get(self, path: str, staff: str = "kiroku", *roles: str) -> httpx.Response:
        """Read, signed in as somebody who may do everything, or what these roles may."""
        return await self.http.get(path, headers=self.provider.token(staff, roles or ROLES))

    async def read(self, story: Story, purpose: str = "inquiry", staff: str = "kiroku") -> httpx.Response:
        """Read the record of a story."""
        return await self.get(f"/v1/records/{story.receipt}?purpose={purpose}", staff)


@pytest.fixture
async def archive(fresh_database: FreshDatabase, provider: Running) -> AsyncGenerator[Archive]:
    dsn = await fresh_database("chassis", "services.archive")
    connection, pool = await connect(dsn), await make_pool(dsn, 2)
    app = http.make_app("archive", Pulse(60))
    settings = Settings.model_validate({"kafka_bootstrap": "none:1", "postgres_dsn": dsn, "oidc_issuer": provider.url})
    add_routes(app, Commands("/archive", pool, lambda: None, lambda: NOW), settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://archive") as client:
        yield Archive(connection, pool, client, provider, app)
    await pool.close()
    await connection.close()
