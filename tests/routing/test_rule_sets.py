"""The life of a rule set over HTTP and on the bus, on a real database."""

import base64
import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from access.roles import ROLES
from chassis import http
from chassis.commands import Commands
from chassis.database import Pool, make_pool, transaction
from chassis.pulse import Pulse
from contracts import topics
from contracts.envelope import Event
from services.routing import handlers, packs, store
from services.routing.api import add_routes
from services.routing.packs import Files
from services.routing.rules import lifecycle
from services.routing.settings import Settings
from tests.conftest import FreshDatabase
from tests.provider import Running
from tests.routing import small_pack
from tests.routing.test_handlers import accepted, envelope

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DEPARTMENTS = ("roads", "waste", "old", "new", "triage", "insurance", "school")
FOUND = {"history": "snow-2025", "rows": 10, "covered": 10, "agreed": 9, "moved": 1}
THIRD = small_pack.files(small_pack.ROUTING.replace(",,除雪", ",,道路の除雪"))
OTHER = small_pack.files(small_pack.ROUTING.replace("-,-,roads,,除雪", "-,-,waste,,除雪"))


@dataclass(slots=True)
class Routing:
    """A routing service's database and API, at a time that a test sets."""

    pool: Pool
    client: httpx.AsyncClient
    clock: list[datetime]
    provider: Running
    app: FastAPI

    async def install(self, files: Files) -> str:
        """The first rules of the city."""
        name = packs.hash_of(files)
        async with self.pool.acquire() as connection, transaction(connection, self.now) as tx:
            await store.keep_rule_set(tx, name, packs.dump(files))
            await store.begin_life(tx, lifecycle.installed(name, tx.now), "test", b"[]")
        await self.pass_time()
        return name

    def now(self) -> datetime:
        return self.clock[0]

    async def pass_time(self, span: timedelta = timedelta()) -> list[str]:
        """Let time pass, and whatever comes due come into force; its hashes."""
        self.clock[0] += span
        return await Commands("/routing", self.pool, lambda: None, self.now).run(handlers.bring_into_force)

    async def propose(self, files: Files, staff: str = "sato", in_force_from: datetime | None = None) -> httpx.Response:
        encoded = {path: base64.b64encode(content).decode() for path, content in files.items()}
        since = {"in_force_from": in_force_from.isoformat()} if in_force_from else {}
        body = {"staff": staff, "note": "試しに", "files": encoded} | since
        return await self.client.post("/v1/rule-sets", json=body, headers=self.signed_in(staff))

    def signed_in(
        self, staff: str, roles: Sequence[str] = ROLES, departments: Sequence[str] = DEPARTMENTS
    ) -> dict[str, str]:
        """The header of somebody with a token."""
        return self.provider.token(staff, roles, departments)

    async def post(self, path: str, staff: str, **said: Any) -> httpx.Response:
        """Send a command, signed in as somebody who may do everything."""
        return await self.client.post(path, json={"staff": staff} | said, headers=self.signed_in(staff))

    async def do(self, name: str, step: str, staff: str, **said: Any) -> httpx.Response:
        return await self.post(f"/v1/rule-sets/{name}/{step}", staff, **said)

    async def approved(self, files: Files, in_force_from: datetime | None = None) -> str:
        name = (await self.propose(files)).json()["rule_set"]
        await self.do(name, "back-test", "sato", **FOUND)
        since = {"in_force_from": in_force_from.isoformat()} if in_force_from else {}
        answer = await self.do(name, "approve", "tanaka", **since)
        assert answer.status_code == 200, answer.text
        return name

    async def route(self, received_at: datetime) -> str:
        """Which department a snow application received at an instant goes to."""
        event = accepted("snow").model_copy(update={"received_at": received_at})
        async with self.pool.acquire() as connection, transaction(connection, self.now) as tx:
            (said,) = await handlers.route([envelope(event)], tx)
        return said.department  # pyright: ignore[reportAttributeAccessIssue]

    async def said(self) -> list[Event]:
        rows = await self.pool.fetch("SELECT payload FROM chassis.journal ORDER BY id")
        return [topics.CASES.adapter.validate_json(row[0]).data for row in rows]

    async def steps(self, name: str) -> list[str]:
        return [
            event.TYPE.removeprefix("jp.madoguchi.rule-set.").removesuffix(".v1")
            for event in await self.said()
            if event.subject == name
        ]


def settings_of(provider: Running) -> Settings:
    return Settings.model_validate(
        {"kafka_bootstrap": "none:1", "postgres_dsn": "postgresql://none", "oidc_issuer": provider.url}
    )


@pytest.fixture
async def routing(fresh_database: FreshDatabase, provider: Running) -> AsyncGenerator[Routing]:
    pool = await make_pool(await fresh_database("chassis", "services.routing"), 4)
    clock = [NOW]
    app = http.make_app("routing", Pulse(60))
    add_routes(app, Commands("/routing", pool, lambda: None, lambda: clock[0]), settings_of(provider))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://routing") as client:
        routing = Routing(pool, client, clock, provider, app)
        client.headers.update(routing.signed_in("sato"))
        yield routing
    await pool.close()


async def test_a_candidate_is_checked_tried_approved_by_a_second_person_and_supersedes_the_old_one(
    routing: Routing,
) -> None:
    old = await routing.install(small_pack.files())
    new = await routing.approved(OTHER, NOW + HOUR)
    assert await routing.route(NOW) == "roads"

    assert await routing.pass_time(HOUR) == [new]

    assert await routing.route(NOW + HOUR) == "waste"
    assert await routing.steps(new) == ["proposed", "checked", "back-tested", "approved", "came-into-force"]
    assert await routing.steps(old) == ["came-into-force", "superseded"]
    listed = (await routing.client.get("/v1/rule-sets")).json()["rule_sets"]
    assert [(one["rule_set"], one["state"]) for one in listed] == [(new, "in-force"), (old, "superseded")]


async def test_what_was_received_before_is_decided_by_the_rules_of_then(routing: Routing) -> None:
    await routing.install(small_pack.files())
    await routing.approved(OTHER, NOW + HOUR)
    await routing.pass_time(2 * HOUR)

    assert await routing.route(NOW + HOUR / 2) == "roads"
    assert await routing.route(NOW + HOUR) == "waste"


async def test_an_approved_set_decides_from_its_instant_also_when_nobody_has_announced_it_yet(routing: Routing) -> None:
    await routing.install(small_pack.files())
    await routing.approved(OTHER, NOW + HOUR)
    routing.clock[0] += 2 * HOUR

    assert await routing.route(NOW + HOUR) == "waste"


async def test_of_two_sets_for_one_instant_the_later_approved_decides_whichever_was_proposed_first(
    routing: Routing,
) -> None:
    await routing.install(small_pack.files())
    first, second = [(await routing.propose(files)).json()["rule_set"] for files in (OTHER, THIRD)]
    for name in (second, first):
        await routing.do(name, "back-test", "sato", **FOUND)
        routing.clock[0] += HOUR / 4
        await routing.do(name, "approve", "tanaka", in_force_from=(NOW + HOUR).isoformat())
    routing.clock[0] = NOW + HOUR

    assert await routing.route(NOW + HOUR) == "waste"
    assert await routing.pass_time() == [second, first]
    assert await routing.route(NOW + HOUR) == "waste"


async def test_nobody_approves_what_he_proposed(routing: Routing) -> None:
    await routing.install(small_pack.files())
    name = (await routing.propose(OTHER)).json()["rule_set"]
    await routing.do(name, "back-test", "sato", **FOUND)

    refused = await routing.do(name, "approve", "sato")

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:madoguchi:problem:second-person-needed")


async def test_a_candidate_that_cannot_be_read_is_refused_with_every_fault_and_leaves_no_trace(
    routing: Routing,
) -> None:
    await routing.install(small_pack.files())
    broken = small_pack.files(small_pack.HEADER + "1,broken,-,-,roads,,a\n2,-,-,[5..1],roads,,b\n")

    refused = await routing.propose(broken)

    assert (refused.status_code, refused.json()["type"]) == (422, "urn:madoguchi:problem:invalid-rule-set")
    assert "rules/routing.csv, row 2, column 2 (in:procedure)" in refused.json()["title"]
    assert "row 3, column 4 (in:amount:number)" in refused.json()["title"]
    assert len((await routing.client.get("/v1/rule-sets")).json()["rule_sets"]) == 1
    assert await routing.route(NOW) == "roads"


async def test_a_candidate_with_errors_is_kept_with_its_findings_and_goes_no_further(routing: Routing) -> None:
    await routing.install(small_pack.files())
    gap = small_pack.files(small_pack.HEADER + '1,"""snow""","""far""",-,ghosts,,a\n')

    answer = (await routing.propose(gap)).json()
    refused = await routing.do(answer["rule_set"], "back-test", "sato", **FOUND)

    assert answer["state"] == "candidate"
    codes = {finding["code"] for finding in answer["findings"] if finding["error"]}
    assert codes == {"not-routed", "no-such-department"}
    assert all(finding["ja"] and finding["en"] for finding in answer["findings"])
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:madoguchi:problem:rule-set-has-errors")


async def test_the_same_candidate_proposed_twice_is_one(routing: Routing) -> None:
    await routing.install(small_pack.files())

    first, again = await routing.propose(OTHER), await routing.propose(OTHER, staff="suzuki")

    assert first.json()["proposed_by"] == again.json()["proposed_by"] == "sato"
    assert await routing.steps(first.json()["rule_set"]) == ["proposed", "checked"]


async def test_rules_of_the_past_can_come_back_as_a_new_life(routing: Routing) -> None:
    old = await routing.install(small_pack.files())
    await routing.approved(OTHER)
    await routing.pass_time(HOUR)

    again = await routing.approved(small_pack.files(), NOW + 2 * HOUR)
    await routing.pass_time(HOUR)

    assert again == old
    assert await routing.route(NOW + 3 * HOUR) == "roads"


async def test_what_is_approved_for_later_can_be_withdrawn_and_never_decides(routing: Routing) -> None:
    await routing.install(small_pack.files())
    name = await routing.approved(OTHER, NOW + HOUR)

    answer = await routing.do(name, "withdraw", "tanaka", note="延期のため。")
    await routing.pass_time(2 * HOUR)

    assert answer.json()["state"] == "withdrawn"
    assert await routing.route(NOW + HOUR) == "roads"
    refused = await routing.do(name, "withdraw", "tanaka", note="もう一度。")
    assert refused.json()["type"] == "urn:madoguchi:problem:rule-set-settled"


async def test_rules_for_a_coming_reform_are_checked_for_the_day_they_are_meant_for(routing: Routing) -> None:
    await routing.install(small_pack.files())
    april = datetime(2027, 4, 1, tzinfo=UTC)
    units = small_pack.ORGANISATION + "new,新課,2027-04-01,\n"
    reform = small_pack.files(small_pack.ROUTING.replace("-,-,roads,,除雪", "-,-,new,,除雪"), organisation=units)

    now, then = await routing.propose(reform), await routing.propose(reform, in_force_from=april)
    name = then.json()["rule_set"]
    await routing.do(name, "back-test", "sato", **FOUND)
    early = await routing.do(name, "approve", "tanaka", in_force_from=(NOW + HOUR).isoformat())
    fitting = await routing.do(name, "approve", "tanaka")

    assert (now.json()["state"], then.json()["state"]) == ("candidate", "checked")
    assert early.json()["type"] == "urn:madoguchi:problem:not-proven-for-that-day"
    assert datetime.fromisoformat(fitting.json()["in_force_from"]) == april


async def test_a_back_test_over_nothing_is_none(routing: Routing) -> None:
    await routing.install(small_pack.files())
    name = (await routing.propose(OTHER)).json()["rule_set"]

    assert (await routing.do(name, "back-test", "sato", **(FOUND | {"rows": 0}))).status_code == 422


@pytest.mark.parametrize("emptied", ["calendars", "procedures"])
async def test_a_pack_without_calendars_or_procedures_is_refused(routing: Routing, emptied: str) -> None:
    header = {"calendars": small_pack.CALENDARS, "procedures": small_pack.PROCEDURES}[emptied].split("\n")[0]

    refused = await routing.propose(small_pack.files(**{emptied: header + "\n"}))

    assert refused.status_code == 422
    assert f"{emptied}.csv: expected at least one row" in refused.json()["title"]


async def test_the_files_that_a_decision_names_can_always_be_read_again(routing: Routing) -> None:
    name = await routing.install(small_pack.files())

    answer = await routing.client.get(f"/v1/rule-sets/{name}/files")

    assert packs.hash_of(packs.load(answer.content)) == name
    assert (await routing.client.get(f"/v1/rule-sets/{'0' * 64}/files")).status_code == 404
    assert json.loads(answer.content).keys() == small_pack.files().keys()
