import asyncio
import json
from datetime import date, timedelta

from chassis import database
from chassis.database import Tx, transaction
from contracts.channels import Application
from services.desk import handlers, separation, store
from tests.desk.conftest import (
    APPLICATION,
    NOW,
    Desk,
    corrected,
    new_id,
    opened,
    rerouted,
    sent_to_triage,
    withdrawn,
)


class TestArriving:
    async def test_a_case_comes_into_the_worklist_of_its_department(self, desk: Desk) -> None:
        application_id, case_id = await desk.case("child-allowance", date(2026, 5, 1))

        (found,) = (await desk.get("/v1/departments/child-allowance/cases"))["cases"]

        assert (found["case_id"], found["application_id"]) == (str(case_id), str(application_id))
        assert (found["state"], found["staff"], found["due_on"]) == ("open", None, "2026-05-01")
        assert await desk.said() == []

    async def test_a_case_opened_twice_is_one_item_as_it_was(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")

        await desk.read(opened(application_id, case_id), opened(application_id, case_id))

        assert (await desk.see(case_id))["staff"] == "sato"

    async def test_one_application_opens_cases_in_several_departments(self, desk: Desk) -> None:
        application_id = new_id()
        await desk.read(opened(application_id, new_id()), opened(application_id, new_id(), "school"))
        await desk.read(opened(application_id, new_id(), "health-insurance"))

        found = [
            await desk.get(f"/v1/departments/{code}/cases") for code in ("residents", "school", "health-insurance")
        ]

        assert [len(page["cases"]) for page in found] == [1, 1, 1]

    async def test_a_case_without_a_department_is_in_the_worklist_of_triage(self, desk: Desk) -> None:
        case_id = new_id()
        await desk.read(sent_to_triage(new_id(), case_id))

        (found,) = (await desk.get("/v1/departments/triage/cases"))["cases"]

        assert (found["case_id"], found["state"]) == (str(case_id), "open")

    async def test_a_thousand_cases_come_in_one_batch(self, desk: Desk) -> None:
        await desk.read(*(opened(new_id(), new_id()) for _ in range(1000)))

        assert await desk.pool.fetchval("SELECT count(*) FROM case_item") == 1000


class TestMoving:
    async def test_a_rerouted_case_is_open_and_unclaimed_in_its_new_department(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")

        await desk.read(rerouted(application_id, case_id))

        found = await desk.see(case_id)
        assert (found["department"], found["state"], found["staff"]) == ("health-insurance", "open", None)
        assert (found["due_on"], found["decision"]["from_department"]) == ("2026-04-30", "residents")
        assert (await desk.get("/v1/departments/residents/cases"))["cases"] == []

    async def test_a_rerouted_case_that_was_never_here_is_opened(self, desk: Desk) -> None:
        case_id = new_id()
        await desk.read(rerouted(new_id(), case_id))

        assert (await desk.see(case_id))["department"] == "health-insurance"

    async def test_a_returned_case_goes_to_triage_and_from_there_to_a_department_in_one_batch(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "return", reason="所管外")

        await desk.read(sent_to_triage(application_id, case_id), rerouted(application_id, case_id, "school"))

        found = await desk.see(case_id)
        assert (found["department"], found["state"]) == ("school", "open")
        steps = ["opened", "claim", "return", "sent-to-triage", "rerouted"]
        assert [step["what"] for step in found["history"]] == steps

    async def test_a_decided_case_stays_with_the_department_that_decided(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "decide", outcome="approved", explanation="要件を満たすため")

        await desk.read(rerouted(application_id, case_id))

        found = await desk.see(case_id)
        assert (found["department"], found["state"]) == ("residents", "decided")
        assert [step["what"] for step in found["history"]] == ["opened", "claim", "decide"]

    async def test_the_new_department_may_claim_although_the_old_one_did(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.read(rerouted(application_id, case_id))

        answer = await desk.do(case_id, "claim", "suzuki")

        assert (answer.status_code, answer.json()["staff"]) == (200, "suzuki")
        assert await desk.types() == ["case.claimed", "case.claimed"]


class TestCorrections:
    async def test_whoever_waits_for_a_correction_goes_on_when_it_comes(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "request-correction", wanted="続柄", until="2026-04-30")

        await desk.read(corrected(application_id))

        found = await desk.see(case_id)
        assert (found["state"], found["staff"]) == ("claimed", "sato")
        (supplied,) = found["corrections"]
        assert (supplied["facts"], supplied["message"]) == ({"household_size": 4}, "続柄を訂正します")
        assert found["history"][-1]["what"] == "correction-accepted"

    async def test_the_same_correction_can_be_asked_for_again_once_one_has_come(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "request-correction", wanted="続柄", until="2026-04-30")
        await desk.read(corrected(application_id))

        answer = await desk.do(case_id, "request-correction", wanted="続柄", until="2026-04-30")

        assert answer.json()["state"] == "waiting"
        assert await desk.types() == ["case.claimed", "case.correction-requested", "case.correction-requested"]

    async def test_a_correction_before_the_case_is_there_when_the_case_comes(self, desk: Desk) -> None:
        application_id, case_id = new_id(), new_id()
        await desk.read(corrected(application_id))

        await desk.read(opened(application_id, case_id))

        found = await desk.see(case_id)
        assert (found["state"], len(found["corrections"])) == ("open", 1)

    async def test_a_correction_received_before_it_was_asked_for_is_kept_and_answers_nothing(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "request-correction", wanted="続柄", until="2026-04-30")
        early = corrected(application_id).model_copy(update={"received_at": NOW - timedelta(seconds=1)})

        await desk.read(early)

        found = await desk.see(case_id)
        assert (found["state"], len(found["corrections"])) == ("waiting", 1)

    async def test_of_several_corrections_in_one_batch_the_last_one_counts(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "request-correction", wanted="続柄", until="2026-04-30")
        early = corrected(application_id).model_copy(update={"received_at": NOW - timedelta(seconds=1)})

        await desk.read(corrected(application_id), early)

        assert (await desk.see(case_id))["state"] == "claimed"

    async def test_a_correction_handled_twice_is_kept_once(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        once = corrected(application_id)

        await desk.read(once, once)

        assert len((await desk.see(case_id))["corrections"]) == 1


class TestWithdrawals:
    async def test_every_case_of_a_withdrawn_application_is_closed_and_says_so(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        other = new_id()
        await desk.read(opened(application_id, other, "school"))
        await desk.do(case_id, "claim")

        await desk.read(withdrawn(application_id))

        closings = (await desk.said())[1:]
        assert {(said["type"], said["case_id"], said["cause"]) for said in closings} == {
            ("case.closed", str(case_id), "withdrawn"),
            ("case.closed", str(other), "withdrawn"),
        }
        assert (await desk.see(case_id))["state"] == "closed"
        assert (await desk.do(case_id, "close")).status_code == 409

    async def test_a_case_closed_before_is_not_closed_again(self, desk: Desk) -> None:
        application_id, case_id = await desk.case()
        await desk.do(case_id, "claim")
        await desk.do(case_id, "decide", outcome="refused", explanation="要件を満たさないため")
        await desk.do(case_id, "close")

        await desk.read(withdrawn(application_id))

        assert (await desk.types()).count("case.closed") == 1

    async def test_a_withdrawal_before_the_case_closes_it_when_it_comes(self, desk: Desk) -> None:
        application_id, case_id = new_id(), new_id()
        await desk.read(withdrawn(application_id))
        assert await desk.said() == []

        await desk.read(opened(application_id, case_id))

        (closing,) = await desk.said()
        assert (closing["type"], closing["case_id"], closing["cause"]) == ("case.closed", str(case_id), "withdrawn")
        found = await desk.see(case_id)
        assert (found["state"], found["application"]["procedure"]) == ("closed", "moving-in")
        assert [step["what"] for step in found["history"]] == ["opened", "withdrawn"]

    async def test_a_withdrawal_before_the_case_goes_to_triage_closes_it_too(self, desk: Desk) -> None:
        application_id, case_id = new_id(), new_id()
        await desk.read(withdrawn(application_id), sent_to_triage(application_id, case_id))

        assert await desk.types() == ["case.closed"]
        assert (await desk.see(case_id))["state"] == "closed"

    async def test_a_withdrawal_and_a_case_at_the_same_moment_meet(self, desk: Desk, dsn: str) -> None:
        application_id, case_id = new_id(), new_id()
        other = await database.connect(dsn, scope=separation.EVERYTHING)
        async with asyncio.TaskGroup() as tasks, transaction(other) as tx:
            await store.withdraw(tx, [application_id])
            arriving = tasks.create_task(desk.read(opened(application_id, case_id)))
            await _until_someone_waits(tx)
            assert not arriving.done()
        await database.close(other)

        assert await desk.types() == ["case.closed"]

    async def test_a_case_and_a_withdrawal_at_the_same_moment_meet(self, desk: Desk, dsn: str) -> None:
        application_id, case_id = new_id(), new_id()
        other = await database.connect(dsn, scope=separation.EVERYTHING)
        async with asyncio.TaskGroup() as tasks, transaction(other) as tx:
            await store.open_items(tx, [handlers.arrival(opened(application_id, case_id))])
            withdrawing = tasks.create_task(desk.read(withdrawn(application_id)))
            await _until_someone_waits(tx)
            assert not withdrawing.done()
        await database.close(other)

        assert await desk.types() == ["case.closed"]
        assert (await desk.see(case_id))["state"] == "closed"


async def test_the_application_is_kept_as_it_was(tx: Tx) -> None:
    event = opened(new_id(), new_id())
    await store.open_items(tx, [handlers.arrival(event)])

    papers = await store.papers(tx, event.case_id)

    assert Application.model_validate_json(papers.content) == APPLICATION
    assert (papers.opened_at, json.loads(papers.why)["reason"]) == (NOW, "転入")


async def _until_someone_waits(tx: Tx) -> None:
    async with asyncio.timeout(10):
        while not await tx.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)
