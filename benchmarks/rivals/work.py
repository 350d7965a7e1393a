"""The work of the rivals, as our spike (`shared/spike/common.py`, `workload.py`) had it: the same application, table and rows.

intake (validate, keep the id once) → route (50-row table, case and two journal rows) → notify (a request), archive (the
bytes and their SHA-256). A rival supplies only how work moves from step to step.
"""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal
from uuid import UUID, uuid5

import orjson
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings

from benchmarks.servers import Servers
from benchmarks.workload import NOTE
from contracts.ids import uuid7

DATABASE = "work"
KINDS = (
    "housing_benefit",
    "disaster_relief",
    "business_permit",
    "parking_permit",
    "school_place",
    "building_permit",
    "address_change",
    "dog_licence",
    "waste_complaint",
    "childcare_subsidy",
)
CHANNELS = ("portal", "counter", "post", "partner_api")
CASE_IDS = UUID(int=7)
BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)


class WorkerSettings(BaseSettings):
    """What a worker is told, by the names that the spike's scripts read too."""

    dsn: str
    kafka: str = ""


class Strict(BaseModel):
    """Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Address(Strict):
    """Where somebody lives."""

    street: Annotated[str, Field(max_length=120)]
    house: Annotated[str, Field(max_length=12)]
    postcode: Annotated[str, Field(pattern=r"^[0-9]{3}-[0-9]{4}$")]
    city: Annotated[str, Field(max_length=80)]
    ward: Annotated[int, Field(ge=0, le=9999)]


class Applicant(Strict):
    """Who applies."""

    subject_id: UUID
    name: Annotated[str, Field(min_length=1, max_length=200)]
    born: date
    email: Annotated[str, Field(max_length=254)]
    phone: Annotated[str, Field(max_length=32)]
    address: Address
    household: Annotated[int, Field(ge=1, le=30)]


class Attachment(Strict):
    """A document."""

    name: Annotated[str, Field(max_length=255)]
    media_type: Annotated[str, Field(max_length=127)]
    size: Annotated[int, Field(ge=0, le=50_000_000)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Application(Strict):
    """One application, 0.9 KB as JSON."""

    specversion: Literal["1.0"]
    id: UUID
    source: Annotated[str, Field(max_length=200)]
    type: Annotated[str, Field(max_length=200)]
    time: datetime
    municipality: Annotated[int, Field(ge=1, le=99999)]
    kind: Literal[KINDS]  # pyright: ignore[reportInvalidTypeForm]
    channel: Literal["portal", "counter", "post", "partner_api"]
    urgency: Annotated[int, Field(ge=0, le=5)]
    amount: Annotated[int, Field(ge=0, le=1_000_000_000)]
    applicant: Applicant
    attachments: Annotated[list[Attachment], Field(max_length=20)]
    consent: bool
    note: Annotated[str, Field(max_length=2000)]


validate: Callable[[bytes], Application] = Application.__pydantic_validator__.validate_json


def applications(count: int, *, ordered: bool = False) -> Iterator[bytes]:
    """`count` applications, the same at every run; `ordered` ids are version 7, else version 4 as in the spike."""
    rng = random.Random(11)
    for number in range(count):
        at = BEGAN + timedelta(milliseconds=number // 10)
        yield orjson.dumps(_application(rng, uuid7(at) if ordered else _uuid4(rng)))


def batched(bodies: Iterator[bytes], size: int = 1000) -> Iterator[list[bytes]]:
    """Some at a time."""
    while batch := list(islice(bodies, size)):
        yield batch


def _uuid4(rng: random.Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)


def _application(rng: random.Random, name: UUID) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(name),
        "source": "/portal/applications",
        "type": "jp.example.application.submitted.v1",
        "time": f"2026-03-01T09:{rng.randrange(60):02d}:{rng.randrange(60):02d}.{rng.randrange(1000):03d}Z",
        "municipality": rng.randrange(1, 1000),
        "kind": rng.choice(KINDS),
        "channel": rng.choice(CHANNELS),
        "urgency": rng.randrange(6),
        "amount": rng.randrange(500_000),
        "applicant": _applicant(rng),
        "attachments": [
            {
                "name": "damage_report.pdf",
                "media_type": "application/pdf",
                "size": rng.randrange(1000, 5_000_000),
                "sha256": f"{rng.getrandbits(256):064x}",
            }
        ],
        "consent": True,
        "note": NOTE,
    }


def _applicant(rng: random.Random) -> dict[str, Any]:
    return {
        "subject_id": str(_uuid4(rng)),
        "name": f"Sample Person {rng.randrange(10**6):06d}",
        "born": f"19{rng.randrange(30, 99):02d}-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
        "email": f"p{rng.randrange(10**6):06d}@example.org",
        "phone": f"+81-3-{rng.randrange(10**4):04d}-{rng.randrange(10**4):04d}",
        "address": {
            "street": "Chuo-dori",
            "house": str(rng.randrange(1, 400)),
            "postcode": f"{rng.randrange(1000):03d}-{rng.randrange(10**4):04d}",
            "city": "Sampleshi",
            "ward": rng.randrange(50),
        },
        "household": rng.randrange(1, 8),
    }


def case_id(application_id: UUID) -> UUID:
    """The spike's: random, like the application's own."""
    return uuid5(CASE_IDS, str(application_id))


def notice(application: Application, case: str) -> bytes:
    """A request to notify."""
    return orjson.dumps({"to": application.applicant.email, "case": case, "template": "received"})


async def prepare(servers: Servers) -> None:
    """The tables of the work, in a database of their own."""
    await servers.run("postgres", f"CREATE DATABASE {DATABASE}")
    await servers.run(DATABASE, TABLES)


async def progress(servers: Servers) -> dict[str, int]:
    """Where the tables' own counters stand."""
    row = (await servers.rows(DATABASE, _PROGRESS))[0]
    return {name: int(row[name]) for name in ("cases", "notices", "archive")}


async def counters(servers: Servers) -> dict[str, int]:
    """What stands in the tables."""
    row = (await servers.rows(DATABASE, _COUNTERS))[0]
    return {name: int(row[name]) for name in ("inbox", "cases", "journal", "notices", "archive")}


TABLES = """
CREATE SCHEMA w;
CREATE TABLE w.inbox (id uuid PRIMARY KEY, got timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE TABLE w.cases (case_id uuid PRIMARY KEY, app_id uuid NOT NULL, municipality int NOT NULL, kind text NOT NULL,
  department text NOT NULL, priority smallint NOT NULL, state text NOT NULL, due timestamptz NOT NULL, body bytea NOT NULL,
  created timestamptz NOT NULL DEFAULT now());
CREATE INDEX ON w.cases (municipality, department, state, due);
CREATE TABLE w.journal (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, case_id uuid NOT NULL, what text NOT NULL,
  at timestamptz NOT NULL DEFAULT now());
CREATE TABLE w.notify_req (case_id uuid PRIMARY KEY, channel text NOT NULL, body bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(), n bigint GENERATED ALWAYS AS IDENTITY);
CREATE TABLE w.archive (case_id uuid PRIMARY KEY, sha256 bytea NOT NULL, body bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(), n bigint GENERATED ALWAYS AS IDENTITY);
"""
"""The spike's, and `n` in the last two, by which progress is seen without counting rows."""

_PROGRESS = """
SELECT (SELECT last_value * is_called::int / 2 FROM w.journal_seq_seq) AS cases,
       (SELECT last_value * is_called::int FROM w.notify_req_n_seq) AS notices,
       (SELECT last_value * is_called::int FROM w.archive_n_seq) AS archive
"""
_COUNTERS = """
SELECT (SELECT count(*) FROM w.inbox) AS inbox, (SELECT count(*) FROM w.cases) AS cases,
       (SELECT count(*) / 2 FROM w.journal) AS journal, (SELECT count(*) FROM w.notify_req) AS notices,
       (SELECT count(*) FROM w.archive WHERE sha256 = sha256(body)) AS archive
"""
