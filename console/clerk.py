"""A clerk who works cases over the desk's HTTP API, as a department's own system would."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx

from console.city import City
from console.patience import PAUSE, Patience
from console.signing_in import signed_in
from deploy.local.accounts import DEMO, departments

STAFF = DEMO
SECONDS = 60
WORDS = "デモによる決定です。 Decided by the demonstration."

COMMANDS: tuple[tuple[str, dict[str, str]], ...] = (
    ("claim", {}),
    ("decide", {"outcome": "approved", "explanation": WORDS}),
    ("close", {}),
)


async def work(city: City, most: int, patient: Patience) -> list[UUID]:
    """Claim, decide and close up to `most` open cases; the applications they belong to."""
    async with signed_in(city, STAFF) as desk:
        cases = await _open_cases(desk, most, patient)
        return [UUID(case["application_id"]) for case in cases if await _close(desk, case, patient)]


async def sealed(city: City, applications: Sequence[UUID], patient: Patience) -> int:
    """How many of these are sealed records, once all are or a minute has passed."""
    found = 0
    for _ in range(SECONDS):
        found = await patient.persist(lambda: _sealed(city, applications))
        if found == len(applications) or patient.over:
            return found
        await asyncio.sleep(PAUSE)
    return found


async def _sealed(city: City, applications: Sequence[UUID]) -> int:
    query = "SELECT count(DISTINCT application_id) FROM record WHERE application_id = ANY($1::uuid[])"
    async with city.database("archive") as connection:
        return await connection.fetchval(query, list(applications))


async def _open_cases(desk: httpx.AsyncClient, most: int, patient: Patience) -> list[dict[str, Any]]:
    """From every department's worklist in turn."""
    cases: list[dict[str, Any]] = []
    for code in departments():
        path = f"/v1/departments/{code}/cases?state=open&limit={most - len(cases)}"
        cases += (await patient.persist(lambda path=path: _get(desk, path)))["cases"]
        if len(cases) >= most:
            break
    return cases


async def _get(desk: httpx.AsyncClient, path: str) -> Any:
    answer = await desk.get(path)
    return answer.raise_for_status().json()


async def _close(desk: httpx.AsyncClient, case: dict[str, Any], patient: Patience) -> bool:
    """The whole way of one case; False when a colleague was quicker."""
    for name, order in COMMANDS:
        path = f"/v1/cases/{case['case_id']}/{name}"
        if not await patient.persist(lambda path=path, order=order: _command(desk, path, order)):
            return False
    return True


async def _command(desk: httpx.AsyncClient, path: str, order: dict[str, str]) -> bool:
    """A command may be sent again when its answer was lost: the desk knows it."""
    answer = await desk.post(path, json=order)
    if answer.status_code == HTTPStatus.CONFLICT:
        return False
    answer.raise_for_status()
    return True
