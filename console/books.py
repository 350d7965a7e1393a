"""What the services' databases say."""

from dataclasses import dataclass, field

import asyncpg

from chassis.database import Owned, Tx, utc_now
from chassis.journal import last_tick
from console.city import City
from console.tally import Account, Stage, said_again
from contracts.topics import ABOUT_NO_APPLICATION, TOPICS, Topic
from deploy.grants import SERVICES

SUBMISSIONS = """
    SELECT source, id, outcome, fault, NULL AS again FROM submission WHERE source = $1 OR $1 IS NULL
    UNION ALL SELECT source, id, 'rejected', 'id-reused', row_number() OVER (PARTITION BY source, id)
    FROM contradiction WHERE source = $1 OR $1 IS NULL
"""
APPLICATIONS = "SELECT application_id FROM application WHERE source = $1 OR $1 IS NULL"
OUTCOMES: dict[str, Stage] = {"accepted": "accepted-submissions", "repeated": "repeated", "rejected": "rejected"}

QUERIES: tuple[tuple[str, str], ...] = (
    (
        "routing",
        "SELECT CASE department WHEN 'triage' THEN 'triaged' ELSE 'routed' END AS stage, application_id AS key, application_id FROM routed_case",
    ),
    ("routing", "SELECT 'cases' AS stage, case_id AS key, application_id FROM routed_case"),
    ("desk", "SELECT 'in-desk' AS stage, application_id AS key, application_id FROM case_item"),
    ("desk", "SELECT 'desk-cases' AS stage, case_id AS key, application_id FROM case_item"),
    (
        "desk",
        "SELECT 'closed' AS stage, application_id AS key, application_id FROM case_item GROUP BY 2 HAVING bool_and(state = 'closed')",
    ),
    (
        "notify",
        "SELECT CASE state WHEN 'sending' THEN 'queued' WHEN 'waiting' THEN 'queued' ELSE state END AS stage, application_id AS key, application_id FROM notice WHERE kind = 'receipt'",
    ),
    (
        "archive",
        f"""
        SELECT 'events' AS stage, id::uuid AS key,
               CASE WHEN type <> ALL(ARRAY[{", ".join(map(repr, ABOUT_NO_APPLICATION))}]) THEN subject::uuid END
        FROM event WHERE type <> 'jp.madoguchi.application.rejected.v1'
        """,
    ),
    ("archive", "SELECT 'sealed' AS stage, application_id AS key, application_id FROM record"),
)
"""Per service: rows of (stage, key, application); no application where an event is about the rules."""

REFUSALS = """
    SELECT id::uuid FROM event WHERE type = 'jp.madoguchi.application.rejected.v1'
    AND ($1::text IS NULL OR convert_from(body, 'UTF8')::jsonb -> 'data' -> 'origin' ->> 'source' = $1)
"""

READERS = {topic.name: topic.readers for topic in TOPICS}


@dataclass(slots=True)
class Books:
    """Reads databases into an account; `source` restricts it to what one channel has sent."""

    city: City
    source: str | None
    account: Account = field(default_factory=Account)
    lanes: dict[str, list[asyncpg.Record]] = field(default_factory=lambda: dict[str, list[asyncpg.Record]]())
    """The watermarks, by reader."""

    async def read(self) -> Account:
        """Everything. intake comes first: it says which applications are of the source."""
        await self._intake()
        for service, query in QUERIES:
            async with self.city.database(service) as connection:
                for stage, key, application in await connection.fetch(query):
                    if self.source is None or application in self.account.stages["accepted"].keys:
                        self.account.stages[stage].add(key)
        await self._refusals()
        for service in SERVICES:
            await self._chassis(service)
        self._lagging()
        return self.account

    async def _intake(self) -> None:
        stages = self.account.stages
        async with self.city.database("intake") as connection:
            for source, submission, outcome, fault, again in await connection.fetch(SUBMISSIONS, self.source):
                row = said_again(source, submission, again) if again else (source, submission)
                stages[OUTCOMES[outcome]].add(row)
                stages["read"].add(row)
                if outcome == "rejected":
                    self.account.reasons[fault or "?"] = self.account.reasons.get(fault or "?", 0) + 1
            for row in await connection.fetch(APPLICATIONS, self.source):
                stages["accepted"].add(row[0])

    async def _refusals(self) -> None:
        """The archive keeps them too; they are about a submission, not about an application."""
        async with self.city.database("archive") as connection:
            for row in await connection.fetch(REFUSALS, self.source):
                self.account.stages["refusals"].add(row[0])

    async def _chassis(self, service: str) -> None:
        async with self.city.database(service) as connection:
            parked, keys = await parked_in(connection)
            self.lanes[service] = await watermarks(connection)
            for partition, number in enumerate(await counters(connection)):
                self.account.highest[topic_by(service).name, partition] = number
        if parked:
            self.account.faults.append(
                f"{service} has parked {parked:,} events of {keys:,} keys: `madoguchi parked {service}`"
            )

    def _lagging(self) -> None:
        """Readers that have not seen the last number of a lane, and those that have seen more than there are."""
        for service, rows in self.lanes.items():
            seen = {(row["topic"], row["partition"]): row["seen"] for row in rows}
            for (topic, partition), last in self.account.highest.items():
                number = seen.get((topic, partition), 0)
                if number != last and service in READERS[topic]:
                    self.account.faults.append(f"{service} has seen {topic}/{partition} up to {number:,} of {last:,}")


async def parked_in(connection: Owned) -> tuple[int, int]:
    """(events, keys) that a service has parked."""
    events: int = await connection.fetchval("SELECT count(*) FROM chassis.parked_event")
    return events, await connection.fetchval("SELECT count(*) FROM chassis.parked_key")


async def watermarks(connection: Owned) -> list[asyncpg.Record]:
    """How far a reader is on every lane."""
    return await connection.fetch("SELECT topic, partition, seen FROM chassis.lane ORDER BY topic, partition")


async def counters(connection: Owned) -> tuple[int, ...]:
    """The last number that a producer has given on every partition of its topic."""
    tick, _ = await last_tick(Tx(connection, utc_now()))
    return tick.counters


def topic_by(service: str) -> Topic:
    """The topic a service writes."""
    return next(topic for topic in TOPICS if topic.producer == f"/{service}")
