"""A whole city as `madoguchi up` starts it: five services under their supervisor, on servers of its own."""

import asyncio
import json
import os
import random
import signal
from collections.abc import AsyncGenerator, Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import psutil
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from chassis.broker import Broker
from chassis.errors import DATABASE_FAULTS
from console import channel_keys
from console.city import City, running_city
from console.plain import PLAIN
from console.starting import city_down, city_up
from contracts.ids import uuid7
from contracts.topics import APPLICATIONS, OF_A_CHANNEL
from deploy.acls import give_access, rights_of_channel
from deploy.databases import within
from deploy.local import LocalSettings
from deploy.local.home import home_of
from deploy.local.services import SERVICES, processes_of
from deploy.topics import create_like
from services.intake.admitting import ApiKey, System
from tests.conftest import JARS
from tests.staff import as_staff

SOURCE = "/channels/portal"
PROCEDURES = ("road.snow", "waste.bulky", "graffiti", "animal.deer", "child-allowance.claim", "nobody.knows-this")
PORTAL = System("portal", frozenset({SOURCE}), frozenset({"portal"}), ("*",), per_minute=60_000, burst=1000)
PORTALS_OWN = OF_A_CHANNEL.of(PORTAL.name)
_random = random.Random(7)


def submission(application_id: UUID | None = None, procedure: str | None = None) -> dict[str, Any]:
    """An application as a portal submits it."""
    application_id = application_id or uuid7(datetime.now(UTC))
    return event(
        "submitted",
        application_id,
        {
            "application_id": str(application_id),
            "application": {
                "municipality": "012068",
                "procedure": procedure or _random.choice(PROCEDURES),
                "channel": "portal",
                "submitted_at": "2026-11-24T17:00:00+09:00",
                "facts": {"district": _random.choice(("east", "akan", "onbetsu"))},
                "applicant": {"name": "釧路 花子", "email": f"{application_id}@example.jp"},
            },
        },
    )


def event(kind: str, application_id: UUID, data: dict[str, Any]) -> dict[str, Any]:
    """A CloudEvent of the portal's."""
    return {
        "specversion": "1.0",
        "id": str(uuid7(datetime.now(UTC))),
        "source": SOURCE,
        "type": f"jp.madoguchi.application.{kind}.v1",
        "subject": str(application_id),
        "time": "2026-11-24T08:00:00Z",
        "data": data,
    }


@dataclass(slots=True)
class RunningCity:
    """What a test does with a city."""

    settings: LocalSettings
    city: City
    key: ApiKey
    portal: Broker = field(repr=False)
    """Kafka as the portal, which writes a topic of its own."""

    @property
    def bearer(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key.text}"}

    def url(self, service: str) -> str:
        return self.city.service(service).url

    async def submit(self, sent: dict[str, Any]) -> str:
        """Hand in over HTTP, as often as it takes; the receipt number comes back."""
        async with httpx.AsyncClient(timeout=30, verify=PLAIN) as client:
            answer = await _insist(
                lambda: client.post(
                    f"{self.url('intake')}/v1/applications", content=json.dumps(sent), headers=self.bearer
                )
            )
        assert answer.status_code == 201, answer.text
        return answer.json()["receipt"]

    async def timeline(self, receipt: str) -> list[str]:
        async with httpx.AsyncClient(timeout=30, verify=PLAIN) as client:
            answer = await _insist(
                lambda: client.get(f"{self.url('intake')}/v1/applications/{receipt}", headers=self.bearer)
            )
        return [step["type"].removeprefix("jp.madoguchi.").removesuffix(".v1") for step in answer.json()["timeline"]]

    async def until(self, receipt: str, step: str, seconds: float = 30) -> list[str]:
        """Wait until the timeline has `step`."""
        async with asyncio.timeout(seconds):
            while step not in (found := await self.timeline(receipt)):
                await asyncio.sleep(0.1)
        return found

    async def cases_of(self, application_id: str) -> list[asyncpg.Record]:
        return await self.rows(
            "desk", "SELECT * FROM case_item WHERE application_id = $1 ORDER BY case_id", application_id
        )

    async def work(self, case_id: UUID, command: str, **said: Any) -> httpx.Response:
        async with httpx.AsyncClient(timeout=30, headers=as_staff(self.city), verify=PLAIN) as client:
            return await client.post(f"{self.url('desk')}/v1/cases/{case_id}/{command}", json=said)

    async def rows(self, service: str, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask a service's database, as soon as it is there, as the administrator: a test also turns clocks back."""
        async with asyncio.timeout(60):
            while True:
                try:
                    connection = await asyncpg.connect(within(self.city.admin_dsn, f"madoguchi_{service}"), timeout=5)
                    try:
                        return await connection.fetch(query, *arguments)
                    finally:
                        await connection.close()
                except DATABASE_FAULTS:
                    await asyncio.sleep(0.2)

    async def publish(self, sent: Sequence[dict[str, Any]]) -> None:
        """Publish on Kafka as a careful vendor does: until the broker has confirmed every event, repeating at will."""
        for attempt in range(60):
            producer = AIOKafkaProducer(**self.portal.aiokafka(), acks="all", request_timeout_ms=5000)
            try:
                async with asyncio.timeout(20):
                    await producer.start()
                    futures = [
                        await producer.send(PORTALS_OWN.name, json.dumps(one).encode(), key=one["subject"].encode())
                        for one in sent
                    ]
                    await asyncio.gather(*futures)
                return
            except (KafkaError, TimeoutError, OSError):
                await asyncio.sleep(min(2, 0.2 * (attempt + 1)))
            finally:
                await _stopped(producer)
        pytest.fail("Kafka did not come back")

    async def everywhere(self, ids: set[str], seconds: float = 120) -> None:
        """Wait until every application is everywhere, then see that it is there once."""
        wanted = list(ids)
        async with asyncio.timeout(seconds):
            while not all(len(found) >= len(ids) for found in [await self._held(name, wanted) for name in SERVICES]):
                await asyncio.sleep(0.5)
        await asyncio.sleep(1)
        for name in SERVICES:
            assert sorted(await self._held(name, wanted)) == sorted(ids), f"in {name}"

    async def _held(self, service: str, ids: list[str]) -> list[str]:
        return [str(row[0]) for row in await self.rows(service, HELD[service], ids)]

    def pids(self, service: str) -> list[int]:
        return list(processes_of(home_of(self.settings), service))

    def kill(self, service: str) -> None:
        for pid in self.pids(service):
            os.kill(pid, signal.SIGKILL)

    def kill_server(self, name: str) -> None:
        """kill -9 of a server and all its processes."""
        note = json.loads((home_of(self.settings).root / "run" / f"{name}.json").read_text())
        process = psutil.Process(note["pid"])
        for child in [*process.children(recursive=True), process]:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue


HELD = {
    "intake": "SELECT application_id FROM application WHERE application_id = ANY($1::uuid[])",
    "routing": "SELECT application_id FROM routed_case WHERE application_id = ANY($1::uuid[])",
    "desk": "SELECT application_id FROM case_item WHERE application_id = ANY($1::uuid[])",
    "notify": "SELECT application_id FROM notice WHERE kind = 'receipt' AND state = 'sent'"
    " AND application_id = ANY($1::uuid[])",
    "archive": "SELECT subject FROM event WHERE subject = ANY($1::text[])"
    " AND type IN ('jp.madoguchi.case.opened.v1', 'jp.madoguchi.case.sent-to-triage.v1')",
}


async def _insist(call: Any) -> httpx.Response:
    async with asyncio.timeout(60):
        while True:
            try:
                answer = await call()
                if answer.status_code < 500:
                    return answer
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.2)


async def _stopped(producer: AIOKafkaProducer) -> None:
    try:
        async with asyncio.timeout(5):
            await producer.stop()
    except (KafkaError, TimeoutError, OSError):
        return


@pytest.fixture(scope="package")
def city_settings(tmp_path_factory: pytest.TempPathFactory) -> Generator[LocalSettings]:
    home: Path = tmp_path_factory.mktemp("city")
    settings = LocalSettings(home=home, jars=JARS, kafka_bootstrap=None, postgres_dsn=None, smtp_url=None)
    city_up(settings, print)
    yield settings
    city_down(settings, print, reset=True)


@pytest.fixture(scope="package")
async def portal_key(city_settings: LocalSettings) -> AsyncGenerator[ApiKey]:
    """The key of the portal, for all journeys."""
    async with channel_keys.lent(running_city(city_settings), PORTAL) as key:
        yield key
        await asyncio.to_thread(city_up, city_settings, print)


async def on_kafka(city: City) -> Broker:
    """Kafka as the portal enters it, with a topic of its own."""
    password = "portal-of-the-journeys"
    await create_like(city.kafka, PORTALS_OWN, APPLICATIONS)
    await give_access(city.kafka, {PORTAL.name: password}, rights_of_channel(PORTAL.name))
    return replace(city.kafka, user=PORTAL.name, password=password, mechanism="SCRAM-SHA-512")


@pytest.fixture(scope="package")
async def portal_login(city_settings: LocalSettings) -> Broker:
    return await on_kafka(running_city(city_settings))


@pytest.fixture
async def city(city_settings: LocalSettings, portal_key: ApiKey, portal_login: Broker) -> RunningCity:
    await asyncio.to_thread(city_up, city_settings, print)
    return RunningCity(city_settings, running_city(city_settings), portal_key, portal_login)
