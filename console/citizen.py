"""A citizen who applies over HTTP, and asks how far it is."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx

from console import channel_keys
from console.city import City
from console.patience import PAUSE, Patience
from console.plain import PLAIN
from console.terminal import err, table
from contracts.channels import Application, ApplicationSubmitted
from contracts.envelope import CONTENT_TYPE, CloudEvent
from contracts.ids import uuid7
from contracts.notify import NoticeSent
from contracts.personal import Applicant
from services.intake.admitting import ApiKey, System

SOURCE = "/demo/portal"
MUNICIPALITY = "012068"
PROCEDURE = "child-allowance.claim"
SECONDS = 20
PORTAL = System("demo-portal", frozenset({SOURCE}), frozenset({"portal"}), (PROCEDURE,), per_minute=600, burst=60)


async def apply(city: City, patient: Patience) -> None:
    """Submit one application, wait until its receipt is mailed, print the timeline."""
    body = application(datetime.now(UTC))
    async with channel_keys.lent(city, PORTAL) as key, _intake(city, key) as intake:
        with err.status("a citizen applies over HTTP"):
            receipt = (await patient.persist(lambda: _submit(intake, body)))["receipt"]
            progress = await _progress(intake, receipt, patient)
    rows = [(step["at"][:19], step["ja"], step["en"], step["department"]) for step in progress["timeline"]]
    table(
        f"Receipt {receipt}, {city.service('intake').url}/v1/applications/{receipt}",
        ("at", "ja", "en", "department"),
        rows,
    )


def _intake(city: City, key: ApiKey) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {key.text}"}
    return httpx.AsyncClient(base_url=city.service("intake").url, timeout=30, headers=headers, verify=PLAIN)


def application(now: datetime) -> bytes:
    """A CloudEvent as a portal sends it."""
    application_id = uuid7(now)
    submitted = Application(
        municipality=MUNICIPALITY,
        procedure=PROCEDURE,
        channel="portal",
        submitted_at=now,
        applicant=Applicant(name="窓口 花子", email="hanako@citizens.example"),
    )
    return (
        CloudEvent[ApplicationSubmitted](
            specversion="1.0",
            id=str(application_id),
            source=SOURCE,
            type=ApplicationSubmitted.TYPE,
            subject=str(application_id),
            time=now,
            data=ApplicationSubmitted(application_id=application_id, application=submitted),
        )
        .model_dump_json(exclude_none=True)
        .encode()
    )


async def _submit(intake: httpx.AsyncClient, body: bytes) -> Any:
    """Sent again, the same event gets the same receipt."""
    answer = await intake.post("/v1/applications", content=body, headers={"content-type": CONTENT_TYPE.decode()})
    return answer.raise_for_status().json()


async def _progress(intake: httpx.AsyncClient, receipt: str, patient: Patience) -> Any:
    found: Any = None
    for _ in range(SECONDS):
        found = await patient.persist(lambda: _get(intake, receipt))
        if NoticeSent.TYPE in {step["type"] for step in found["timeline"]} or patient.over:
            return found
        await asyncio.sleep(PAUSE / 2)
    return found


async def _get(intake: httpx.AsyncClient, receipt: str) -> Any:
    answer = await intake.get(f"/v1/applications/{receipt}")
    return answer.raise_for_status().json()
