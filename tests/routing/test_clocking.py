"""The clocks of cases on a real database: what comes from desks and from citizens, in either order."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from chassis.commands import Commands
from chassis.database import Owned, connect, make_pool, transaction
from chassis.telemetry import Telemetry
from contracts.channels import Application
from contracts.desk import CaseExtended, CaseReturned, CorrectionRequested, StageEnded
from contracts.envelope import CloudEvent, Event
from contracts.ids import uuid7
from contracts.intake import ApplicationAccepted, CorrectionAccepted, Origin
from contracts.routing import CaseOpened, CaseRerouted, CaseSentToTriage, DeadlineMoved
from services.routing import handlers, work
from services.routing.app import load_city
from tests.conftest import ROOT, FreshDatabase

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
DUE = date(2026, 12, 24)
REASON = "花子様の主治医の意見書を待つため"
ORIGIN = Origin(source="/channels/portal", id="1")
HANDLER: dict[type[Event], Any] = {
    ApplicationAccepted: handlers.route,
    CorrectionAccepted: handlers.go_on,
    CaseReturned: handlers.take_back,
    CorrectionRequested: handlers.stop_and_extend,
    CaseExtended: handlers.stop_and_extend,
    StageEnded: handlers.stop_and_extend,
}


@pytest.fixture
async def dsn(fresh_database: FreshDatabase) -> str:
    return await fresh_database("chassis", "services.routing")


@pytest.fixture
async def database(dsn: str) -> AsyncGenerator[Owned]:
    connection = await connect(dsn)
    async with transaction(connection) as tx:
        await load_city(ROOT / "cities" / "kushiro", tx)
    yield connection
    await connection.close()


async def read(database: Owned, *events: Event, now: datetime = NOW) -> Sequence[Event]:
    """What routing says of these, which are of one type."""
    batch = [
        CloudEvent[Any](
            specversion="1.0", id="1", source="/x", type=event.TYPE, subject=event.subject, time=now, data=event
        )
        for event in events
    ]
    async with transaction(database, lambda: now) as tx:
        return await HANDLER[type(events[0])](batch, tx)


def accepted(procedure: str, **facts: Any) -> ApplicationAccepted:
    application = Application(
        municipality="012068", procedure=procedure, channel="portal", submitted_at=NOW, facts=facts
    )
    return ApplicationAccepted(
        application_id=uuid7(NOW), receipt="0000-0000-0001-9", received_at=NOW, origin=ORIGIN, application=application
    )


async def opening(database: Owned, procedure: str = "care.certification") -> Any:
    return (await read(database, accepted(procedure, district="east")))[0]


async def care(database: Owned) -> CaseOpened:
    opened = await opening(database)
    assert isinstance(opened, CaseOpened)
    return opened


def of(case: Any, days: int) -> dict[str, Any]:
    about = {"application_id": case.application_id, "case_id": case.case_id, "receipt": case.receipt}
    return about | {"department": "kaigo-korei", "at": NOW + timedelta(days), "staff": "sato"}


def asked(case: Any, days: int) -> CorrectionRequested:
    return CorrectionRequested(**of(case, days), wanted="医療保険証の写し", until=date(2027, 1, 8))


def supplied(case: Any, days: int) -> CorrectionAccepted:
    about: dict[str, Any] = {"application_id": case.application_id, "receipt": case.receipt, "origin": ORIGIN}
    return CorrectionAccepted(**about, received_at=NOW + timedelta(days), message=REASON)


def extended(case: Any, days: int, until: date) -> CaseExtended:
    return CaseExtended(**of(case, days), until=until, reason=REASON)


def ended(case: Any, days: int, stage: str) -> StageEnded:
    return StageEnded(**of(case, days), stage=stage, ended_on=(NOW + timedelta(days)).date())


def returned(case: Any, suggestion: str | None) -> CaseReturned:
    return CaseReturned(**of(case, 6), reason="所管外のため", suggestion=suggestion, application=case.application)


def told(events: Sequence[Event]) -> list[tuple[str, date | None]]:
    return [(event.cause, event.due_on) for event in events if isinstance(event, DeadlineMoved)]


async def test_a_case_is_opened_with_the_last_days_of_its_stages(database: Owned) -> None:
    opened = await care(database)

    assert opened.due_on == DUE
    assert [(stage.name, stage.due_on.isoformat(), stage.fixed) for stage in opened.stages or ()] == [
        ("assessment", "2026-12-01", True),
        ("opinion", "2026-12-07", True),
        ("board", "2026-12-19", False),
    ]
    assert (await opening(database, "graffiti")).stages is None


async def test_the_clock_stands_still_from_the_request_to_the_answer(database: Owned) -> None:
    case = await care(database)

    stopped = await read(database, asked(case, 3))
    going = await read(database, supplied(case, 8))

    assert told(stopped) == [("correction-requested", None)]
    assert told(going) == [("correction-accepted", DUE + timedelta(5))]


async def test_an_answer_that_is_known_before_its_request_moves_the_day_by_the_same_days(database: Owned) -> None:
    case = await care(database)

    nothing = await read(database, supplied(case, 8))
    moved = await read(database, asked(case, 3))

    assert (nothing, told(moved)) == ([], [("correction-requested", DUE + timedelta(5))])


async def test_both_at_once_in_two_instances_meet(database: Owned, dsn: str) -> None:
    case, other = await care(database), await connect(dsn)
    async with asyncio.TaskGroup() as tasks, transaction(database, lambda: NOW) as tx:
        event = asked(case, 3)
        envelope = CloudEvent[Any](
            specversion="1.0", id="1", source="/x", type=event.TYPE, subject=event.subject, time=NOW, data=event
        )
        first = await handlers.stop_and_extend([envelope], tx)
        second = tasks.create_task(read(other, supplied(case, 8)))
        await asyncio.sleep(0.1)
        assert not second.done()
    await other.close()

    assert [*told(first), *told(second.result())] == [
        ("correction-requested", None),
        ("correction-accepted", DUE + timedelta(5)),
    ]


async def test_what_is_said_twice_moves_nothing_twice(database: Owned) -> None:
    case = await care(database)
    once = asked(case, 3)

    said = [await read(database, once, once), await read(database, once), await read(database, supplied(case, 4))]

    assert [told(events) for events in said] == [
        [("correction-requested", None)],
        [],
        [("correction-accepted", DUE + timedelta(1))],
    ]
    assert await database.fetchval("SELECT count(*) FROM clock_event") == 2


async def test_a_correction_moves_every_case_of_its_application_that_waits_for_it_and_no_other(database: Owned) -> None:
    moving = accepted("moving-in", has_children=True, children_of_school_age=False, insurance="national")
    one, two, *_ = [event for event in await read(database, moving) if isinstance(event, CaseOpened)]

    await read(database, asked(one, 1), asked(two, 2))
    moved = await read(database, supplied(one, 4))

    days = {event.case_id: event.due_on for event in moved if isinstance(event, DeadlineMoved)}
    assert days == {one.case_id: one.due_on + timedelta(3), two.case_id: two.due_on + timedelta(2)}


async def test_an_extension_holds_and_its_reason_stays_out_of_routing(database: Owned) -> None:
    case = await care(database)

    moved = await read(database, extended(case, 20, date(2027, 1, 15)))

    assert told(moved) == [("extended", date(2027, 1, 15))]
    assert REASON not in str([tuple(row) for row in await database.fetch("SELECT * FROM clock_event")])


async def test_a_stage_that_ends_fixes_those_that_wait_for_it(database: Owned) -> None:
    case = await care(database)

    (one,) = await read(database, ended(case, 5, "assessment"))
    (other,) = await read(database, ended(case, 10, "opinion"))

    assert isinstance(one, DeadlineMoved)
    assert isinstance(other, DeadlineMoved)
    assert (one.cause, one.due_on, one.stages and one.stages[2].fixed) == ("stage-ended", DUE, False)
    assert other.stages
    assert (other.stages[0].ended_on, other.stages[2].due_on, other.stages[2].fixed) == (
        date(2026, 11, 29),
        date(2026, 12, 16),
        True,
    )


async def test_what_does_not_count_parks_nothing_is_kept_and_is_logged_once_without_anybodys_data(
    database: Owned, dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    case = await care(database)

    said = [
        *await read(database, extended(case, 40, date(2027, 2, 1))),
        *await read(database, ended(case, 3, "visit")),
    ]

    assert said == []
    assert await database.fetchval("SELECT count(*) FROM clock_event WHERE left_out IS NOT NULL") == 2
    pool = await make_pool(dsn, 1)
    for _ in range(2):
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.2, stop.set)
        commands = Commands("/routing", pool, lambda: None)
        await work.tell_what_does_not_count(commands, Telemetry("routing", None), stop)
    await pool.close()
    printed = capsys.readouterr().out
    assert printed.count("clock.left_out") == 2
    assert str(case.application_id) in printed
    assert "花子" not in printed


async def test_a_case_in_triage_gets_the_statutory_deadline_from_the_day_of_receipt_with_its_department(
    database: Owned,
) -> None:
    sent = await opening(database, "something.new")
    assert isinstance(sent, CaseSentToTriage)
    assert told(await read(database, asked(sent, 1), now=NOW)) == [("correction-requested", None)]
    assert told(await read(database, supplied(sent, 3))) == [("correction-accepted", date(2026, 11, 29))]

    (moved,) = await read(database, returned(sent, "doro-iji"))

    assert isinstance(moved, CaseRerouted)
    assert (sent.due_on, moved.due_on) == (date(2026, 11, 27), date(2026, 12, 26))


async def test_a_case_that_moves_on_takes_its_deadline_and_its_stages_with_it(database: Owned) -> None:
    case = await care(database)
    await read(database, extended(case, 3, date(2027, 1, 15)))

    (triage,) = await read(database, returned(case, None))
    (moved,) = await read(database, returned(case, "doro-iji"))

    assert isinstance(triage, CaseSentToTriage)
    assert isinstance(moved, CaseRerouted)
    assert (triage.due_on, moved.due_on) == (date(2027, 1, 15), date(2027, 1, 15))
    assert [stage.name for stage in moved.stages or ()] == ["assessment", "opinion", "board"]


async def test_stages_are_told_with_what_people_call_them_when_opened_when_moved_and_when_rerouted(
    database: Owned,
) -> None:
    case = await care(database)
    (moved,) = await read(database, ended(case, 5, "assessment"))
    (rerouted,) = await read(database, returned(case, "doro-iji"))

    for event in (case, moved, rerouted):
        assert isinstance(event, (CaseOpened, DeadlineMoved, CaseRerouted))
        names = [stage.names or {} for stage in event.stages or ()]
        assert [one["ja"] for one in names] == ["認定調査", "主治医意見書", "介護認定審査会"]
        assert all(set(one) == {"ja", "ja-easy", "en"} for one in names)
