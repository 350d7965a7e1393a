from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chassis.database import Owned, connect, transaction
from contracts.channels import Application
from contracts.desk import CaseReturned
from contracts.envelope import CloudEvent, Event
from contracts.ids import uuid7
from contracts.intake import ApplicationAccepted, Origin
from contracts.personal import Applicant
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage
from services.routing import handlers
from services.routing.app import load_city
from services.routing.rules.assigning import InvalidTable
from services.routing.settings import Settings
from tests.conftest import FreshDatabase

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
KUSHIRO = Path(__file__).parents[2] / "cities" / "kushiro"


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> AsyncGenerator[Owned]:
    connection = await connect(await fresh_database("chassis", "services.routing"))
    async with transaction(connection) as tx:
        await load_city(KUSHIRO, tx)
    yield connection
    await connection.close()


def accepted(procedure: str, **facts: Any) -> ApplicationAccepted:
    return ApplicationAccepted(
        application_id=uuid7(NOW),
        receipt="0000-0000-0001-9",
        received_at=NOW,
        origin=Origin(source="/channels/portal", id="1"),
        application=Application(
            municipality="012068",
            procedure=procedure,
            channel="portal",
            submitted_at=NOW,
            facts=facts,
            applicant=Applicant(name="釧路 花子"),
        ),
    )


def envelope(event: Event) -> CloudEvent[Any]:
    return CloudEvent[Any](
        specversion="1.0", id="1", source="/x", type=event.TYPE, subject=event.subject, time=NOW, data=event
    )


async def route(database: Owned, *events: ApplicationAccepted) -> Sequence[Event]:
    async with transaction(database, lambda: NOW) as tx:
        return await handlers.route([envelope(event) for event in events], tx)


async def give_back(database: Owned, opened: CaseOpened, suggestion: str | None) -> Sequence[Event]:
    returned = CaseReturned(
        application_id=opened.application_id,
        case_id=opened.case_id,
        receipt=opened.receipt,
        department=opened.department,
        at=NOW,
        staff="sato",
        reason="国道のため、道路管理者の担当です。",
        suggestion=suggestion,
        application=opened.application,
    )
    async with transaction(database, lambda: NOW) as tx:
        return await handlers.take_back([envelope(returned)], tx)


async def test_an_application_opens_a_case_that_says_why(database: Owned) -> None:
    (opened,) = await route(database, accepted("road.snow", district="akan"))

    assert isinstance(opened, CaseOpened)
    assert (opened.department, opened.due_on.isoformat()) == ("akan-shimin", "2026-11-27")
    assert opened.decision.rows == ("S02",)
    assert opened.decision.inputs == {"procedure": "road.snow", "district": "akan"}
    assert "行政センター" in opened.decision.reason
    row = await database.fetchrow("SELECT department FROM routed_case WHERE case_id = $1", opened.case_id)
    assert row is not None
    assert row["department"] == "akan-shimin"


async def test_an_application_that_no_rule_knows_goes_to_triage_with_the_reason(database: Owned) -> None:
    (sent,) = await route(database, accepted("something.new"))

    assert isinstance(sent, CaseSentToTriage)
    assert sent.cause == "no-match"
    assert sent.decision.reason


async def test_every_decision_names_the_rule_set_and_the_rule_set_is_kept(database: Owned) -> None:
    (opened,) = await route(database, accepted("graffiti"))

    assert isinstance(opened, CaseOpened)
    assert await database.fetchval("SELECT 1 FROM rule_set WHERE hash = $1", opened.decision.rule_set) == 1


async def test_a_decision_never_contains_the_applicant(database: Owned) -> None:
    (opened,) = await route(database, accepted("graffiti"))

    assert isinstance(opened, CaseOpened)
    assert "花子" not in opened.decision.model_dump_json()


async def test_a_returned_case_goes_to_the_department_its_desk_names(database: Owned) -> None:
    (opened,) = await route(database, accepted("road.snow"))
    assert isinstance(opened, CaseOpened)

    (moved,) = await give_back(database, opened, "akan-shimin")

    assert isinstance(moved, CaseRerouted)
    assert (moved.from_department, moved.department) == ("doro-iji", "akan-shimin")
    assert moved.reason == "国道のため、道路管理者の担当です。"


@pytest.mark.parametrize("suggestion", [None, "no-such-department", "doro-iji"])
async def test_a_returned_case_without_a_better_department_goes_to_triage(
    database: Owned, suggestion: str | None
) -> None:
    (opened,) = await route(database, accepted("road.snow"))
    assert isinstance(opened, CaseOpened)

    (sent,) = await give_back(database, opened, suggestion)

    assert isinstance(sent, CaseSentToTriage)
    assert (sent.cause, sent.decision.reason) == ("returned", "国道のため、道路管理者の担当です。")


async def test_the_pack_loaded_last_is_in_force_also_when_it_is_an_older_one(database: Owned, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "departments.csv").write_text("code\nonly\n")
    (tmp_path / "rules/routing.csv").write_text("F,in:procedure,out:department,out:days\n1,-,only,1\n")
    async with transaction(database) as tx:
        await load_city(tmp_path, tx)
    (first,) = await route(database, accepted("road.snow"))
    async with transaction(database) as tx:
        await load_city(KUSHIRO, tx)
    (second,) = await route(database, accepted("road.snow"))

    assert isinstance(first, CaseOpened)
    assert isinstance(second, CaseOpened)
    assert (first.department, second.department) == ("only", "doro-iji")


async def test_a_pack_with_a_fault_never_replaces_a_good_one(database: Owned, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "departments.csv").write_text("code\nonly\n")
    (tmp_path / "rules/routing.csv").write_text("F,in:procedure,out:department,out:days\n1,broken,only,1\n")

    with pytest.raises(InvalidTable):
        async with transaction(database) as tx:
            await load_city(tmp_path, tx)

    (opened,) = await route(database, accepted("road.snow"))
    assert isinstance(opened, CaseOpened)
    assert opened.department == "doro-iji"


def test_routing_reads_its_city_from_the_package_unless_told_otherwise() -> None:
    settings = Settings.model_validate({"kafka_bootstrap": "k:1", "postgres_dsn": "postgresql://h/d"})

    assert (settings.city / "rules" / "routing.csv").is_file()
