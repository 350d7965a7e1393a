from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from chassis.database import Owned, Tx, connect, transaction
from contracts.channels import Application
from contracts.desk import CaseReturned
from contracts.envelope import CloudEvent, Event
from contracts.ids import uuid7
from contracts.intake import ApplicationAccepted, Origin
from contracts.personal import Applicant
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage, Decision
from services.routing import handlers, store
from services.routing.app import load_city
from services.routing.packs import Files, dump, load, read_pack
from services.routing.rules.assigning import assign
from services.routing.rules.lifecycle import Life
from services.routing.rules.tables import InvalidTable
from services.routing.settings import Settings
from tests.conftest import FreshDatabase
from tests.routing import small_pack

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
    assert opened.decision.table == "responsibility"
    assert opened.decision.inputs["district"] == "akan"
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
    (opened,) = await route(database, accepted("road.snow", district="east"))
    assert isinstance(opened, CaseOpened)

    (moved,) = await give_back(database, opened, "akan-shimin")

    assert isinstance(moved, CaseRerouted)
    assert (moved.from_department, moved.department) == ("doro-iji", "akan-shimin")
    assert moved.reason == "国道のため、道路管理者の担当です。"


@pytest.mark.parametrize("suggestion", [None, "no-such-department", "doro-iji"])
async def test_a_returned_case_without_a_better_department_goes_to_triage(
    database: Owned, suggestion: str | None
) -> None:
    (opened,) = await route(database, accepted("road.snow", district="east"))
    assert isinstance(opened, CaseOpened)

    (sent,) = await give_back(database, opened, suggestion)

    assert isinstance(sent, CaseSentToTriage)
    assert (sent.cause, sent.decision.reason) == ("returned", "国道のため、道路管理者の担当です。")


async def test_a_start_replaces_no_rule_set(database: Owned, tmp_path: Path) -> None:
    write(tmp_path, small_pack.files())
    async with transaction(database) as tx:
        await load_city(tmp_path, tx)

    (opened,) = await route(database, accepted("road.snow", district="east"))

    assert isinstance(opened, CaseOpened)
    assert opened.department == "doro-iji"


@pytest.mark.parametrize(
    "row,said",
    [
        ("1,broken,-,-,roads,,a", r"routing.csv, row 2, column 2 \(in:procedure\)"),
        ('1,"""snow"", ""move"", ""lamp""",-,-,ghosts,,a', "the department ghosts does not exist"),
        (
            "1,-,-,-,roads,0,a",
            "rules/routing.csv, table routing, rule 1, output days: expected a whole number of days from 1",
        ),
        (
            "1,-,-,-,roads,1.5,a",
            "rules/routing.csv, table routing, rule 1, output days: expected a whole number of days",
        ),
        ("1,-,-,-,,3,a", "rules/routing.csv, table routing, rule 1, output department: expected a code, found nothing"),
    ],
    ids=["unreadable", "unproven", "no days", "half a day", "no department"],
)
async def test_a_first_pack_with_a_fault_ends_the_start_saying_which_and_a_later_one_stops_nothing(
    fresh_database: FreshDatabase, database: Owned, tmp_path: Path, row: str, said: str
) -> None:
    write(tmp_path, small_pack.files(small_pack.HEADER + row + "\n"))
    empty = await connect(await fresh_database("chassis", "services.routing"))

    with pytest.raises(InvalidTable, match=said):
        async with transaction(empty) as tx:
            await load_city(tmp_path, tx)
    async with transaction(database) as tx:
        await load_city(tmp_path, tx)

    (opened,) = await route(database, accepted("road.snow", district="east"))
    assert isinstance(opened, CaseOpened)
    await empty.close()


async def test_where_a_stored_set_cannot_be_read_the_one_before_it_goes_on_deciding(database: Owned) -> None:
    async with transaction(database, lambda: NOW) as tx:
        await store.keep_rule_set(tx, "b" * 64, dump({"rules/old.csv": b"of another release"}))
        await store.begin_life(tx, Life("b" * 64, "approved", "sato", "tanaka", NOW), "kaputt", b"[]")

    (opened,) = await route(database, accepted("road.snow", district="east"))

    assert isinstance(opened, CaseOpened)
    assert opened.decision.rule_set != "b" * 64


async def test_moving_in_opens_several_cases_of_one_receipt(database: Owned) -> None:
    facts = {"has_children": True, "children_of_school_age": False, "insurance": "national"}

    said = await route(database, accepted("moving-in", **facts))

    opened = [event for event in said if isinstance(event, CaseOpened)]
    assert [event.department for event in opened] == ["koseki", "kokuho", "kodomo-shien"]
    assert {(event.receipt, event.cases) for event in opened} == {("0000-0000-0001-9", 3)}
    assert len({event.case_id for event in opened}) == 3


async def test_a_case_that_lacks_a_fact_its_procedure_asks_for_goes_to_triage_naming_it(database: Owned) -> None:
    (snow, fire) = await route(database, accepted("road.snow"), accepted("disaster.certificate", district="east"))
    (moving,) = await route(database, accepted("residents.move", district="akan"))

    assert isinstance(snow, CaseSentToTriage)
    assert isinstance(fire, CaseSentToTriage)
    assert (snow.cause, snow.decision.missing, fire.decision.missing) == ("no-match", ("district",), ("circumstance",))
    assert snow.decision.reason == "地区 がわからないため、規則で決められませんでした。"
    assert isinstance(moving, CaseOpened)  # `branch?`: handed in at none
    assert moving.department == "akan-shimin"


async def test_every_stored_decision_can_be_made_again_from_what_is_stored(database: Owned) -> None:
    snow = {"district": "akan", "circumstance": "national", "snow_request": "berm"}
    await route(database, accepted("road.snow", **snow), accepted("graffiti"), accepted("road.snow"))
    await route(
        database, accepted("disaster.certificate", district="east"), accepted("residents.move", district="akan")
    )
    for row in await database.fetch("SELECT decision, department, due_on FROM routed_case"):
        decision = Decision.model_validate_json(row["decision"])
        rule_set = read_pack(load(await store.files_of(Tx(database, NOW), decision.rule_set)))

        (again,) = assign(decision.inputs, rule_set, decision.received_on or NOW.date(), decision.overlays or ())

        assert (again.department, again.rows, again.table) == (row["department"], decision.rows, decision.table)
        assert again.due_on == row["due_on"]


def write(folder: Path, files: Files) -> None:
    for path, content in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_bytes(content)


def test_routing_reads_its_city_from_the_package_unless_told_otherwise() -> None:
    settings = Settings.model_validate(
        {"kafka_bootstrap": "k:1", "postgres_dsn": "postgresql://h/d", "oidc_issuer": "https://login.example"}
    )

    assert (settings.city / "rules" / "responsibility.csv").is_file()
