"""Who saw or changed which case: written with every look, read by the auditor, told to a citizen without a name."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts import topics
from contracts.desk import CaseViewed, SearchMade
from tests.desk.conftest import NOW, RECEIPT, Desk, new_id, opened
from tests.desk.test_seals import everything


async def views(desk: Desk) -> list[Any]:
    rows = await desk.pool.fetch("SELECT payload FROM chassis.journal WHERE type = $1 ORDER BY id", CaseViewed.TYPE)
    return [topics.DESK.adapter.validate_json(row[0]).data for row in rows]


async def audited(desk: Desk) -> Any:
    answer = await desk.client.get(f"/v1/access/{RECEIPT}", headers=await desk.sign_in("kansa", ["auditor"], []))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_look_at_a_case_is_announced_with_who_when_and_why(desk: Desk) -> None:
    application_id, case_id = await desk.case()

    await desk.client.get(f"/v1/cases/{case_id}", headers=await desk.sign_in("tanaka"))
    await desk.get(f"/v1/cases/{case_id}?purpose=inquiry")

    assert [(one.staff, one.purpose, one.at) for one in await views(desk)] == [
        ("tanaka", "work", NOW),
        ("sato", "inquiry", NOW),
    ]
    assert {(one.application_id, one.case_id) for one in await views(desk)} == {(application_id, case_id)}


async def test_the_auditor_reads_who_saw_and_who_changed_in_every_department(desk: Desk) -> None:
    _, case_id = await desk.case("school")
    await desk.see(case_id)
    await desk.do(case_id, "claim", "suzuki")

    found = (await audited(desk))["log"]

    assert sorted((one["what"], one["staff"], one["purpose"]) for one in found) == [
        ("claim", "suzuki", None),
        ("view", "sato", "work"),
    ]


async def test_a_citizen_is_told_department_and_day_in_japan_and_never_a_name(desk: Desk) -> None:
    for department in ("residents", "school"):
        _, case_id = await desk.case(department)
        await desk.see(case_id)
        await desk.see(case_id)

    assert (await audited(desk))["citizen"] == [
        {"day": "2026-04-11", "department": "residents"},
        {"day": "2026-04-11", "department": "school"},
    ]


@pytest.mark.parametrize("case", ["unknown", "another department's"])
async def test_who_is_shown_nothing_is_not_noted(desk: Desk, case: str) -> None:
    _, case_id = await desk.case("school")
    signed_in = await desk.sign_in("tanaka", departments=["residents"])

    answer = await desk.client.get(f"/v1/cases/{new_id() if case == 'unknown' else case_id}", headers=signed_in)

    assert answer.status_code == 404
    assert await views(desk) == []
    assert (await audited(desk))["log"] == []


async def test_whoever_reads_the_log_is_in_it_from_then_on_and_the_citizen_is_told_of_no_look(desk: Desk) -> None:
    await desk.case()
    readers = [await desk.sign_in(name, ["auditor"], []) for name in ("kansa", "kansa2")]

    first, second = [(await desk.client.get(f"/v1/access/{RECEIPT}", headers=one)).json() for one in readers]

    assert first["read_by"] == []
    assert second["read_by"] == [{"at": NOW.isoformat(), "staff": "kansa"}]
    assert (second["log"], second["citizen"]) == ([], [])


async def test_of_those_who_read_the_log_two_hundred_are_shown_and_the_answer_leads_on_to_the_others(
    desk: Desk,
) -> None:
    await desk.case()
    readings = "INSERT INTO log_reading (at, staff, receipt) SELECT $1, 's' || n, $2 FROM generate_series(1, 201) n"
    await desk.pool.execute(readings, NOW, RECEIPT)

    first = await audited(desk)
    rest = await desk.client.get(first["read_by_next"], headers=await desk.sign_in("kansa", ["auditor"], []))

    assert (len(first["read_by"]), first["read_by"][0]["staff"]) == (200, "s201")
    assert [one["staff"] for one in rest.json()["read_by"]] == ["s1"]
    assert rest.json()["read_by_next"] is None


async def pages(desk: Desk, path: str | None, member: str, following: str) -> list[list[Any]]:
    """Every page of one list of the log, as each answer leads on to the next."""
    auditor, found = await desk.sign_in("kansa", ["auditor"], []), list[list[Any]]()
    while path is not None:
        answer = await desk.client.get(path, headers=auditor)
        assert answer.status_code == 200, answer.text
        found.append(answer.json()[member])
        path = answer.json()[following]
    return found


async def looked_at(desk: Desk, case_id: UUID, count: int, at: datetime = NOW) -> None:
    view = """INSERT INTO case_view (case_id, at, department, staff, purpose)
              SELECT $1, $2, 'residents', 's' || n, 'work' FROM generate_series(1, $3::int) n"""
    await desk.pool.execute(view, case_id, at, count)


async def test_the_log_is_read_page_by_page_in_order_and_the_citizen_is_told_of_all_on_each(desk: Desk) -> None:
    """Looks and changes of several cases at the same moment, and days apart: each comes once."""
    for number in range(2):
        _, case_id = await desk.case("residents")
        await desk.do(case_id, "claim", f"suzuki{number}")
        await looked_at(desk, case_id, 2)
        await looked_at(desk, case_id, 1, NOW + timedelta(days=3, microseconds=number))
    at_once = (await audited(desk))["log"]

    found = await pages(desk, f"/v1/access/{RECEIPT}?limit=3", "log", "next")
    told = await pages(desk, f"/v1/access/{RECEIPT}?limit=3", "citizen", "next")

    assert [len(page) for page in found] == [3, 3, 2]
    assert [one for page in found for one in page] == at_once
    assert len({(one["case_id"], one["what"], one["staff"], one["at"]) for one in at_once}) == 8
    assert [one["at"] for one in at_once] == sorted(one["at"] for one in at_once)
    days = [{"day": day, "department": "residents"} for day in ("2026-04-11", "2026-04-14")]
    assert told == [days] * 3


async def test_no_answer_holds_more_than_two_hundred_of_the_log_and_the_page_after_the_last_is_none(desk: Desk) -> None:
    _, case_id = await desk.case()
    await looked_at(desk, case_id, 400)

    found = await pages(desk, f"/v1/access/{RECEIPT}", "log", "next")

    assert [len(page) for page in found] == [200, 200]


@pytest.mark.parametrize(
    "query",
    [
        "limit=201",
        "limit=0",
        "after=1",
        "after=1-2-1",
        "after=-1-0-1",
        "after=1-1-1%0a",
        "after=1-1-",
        f"after={9 * 10**17}-1-1",
        f"after=1-1-{10**18}",
        "after=%EF%BC%91-1-1",
        "read_before=0",
    ],
)
async def test_a_page_that_was_made_up_is_refused(desk: Desk, query: str) -> None:
    await desk.case()

    answer = await desk.client.get(
        f"/v1/access/{RECEIPT}?{query}", headers=await desk.sign_in("kansa", ["auditor"], [])
    )

    assert answer.status_code == 422


async def test_the_last_page_that_can_be_asked_for_is_empty(desk: Desk) -> None:
    _, case_id = await desk.case()
    await looked_at(desk, case_id, 1)
    path = f"/v1/access/{RECEIPT}?after={10**17 - 1}-1-{10**18 - 1}"

    assert await pages(desk, path, "log", "next") == [[]]


async def test_whoever_reads_the_searches_is_noted_beside_them_and_not_in_a_cases_log(desk: Desk) -> None:
    assert (await made(desk))["read_by"] == []

    assert [one["staff"] for one in (await made(desk))["read_by"]] == ["kansa"]
    assert (await audited(desk))["read_by"] == []


async def test_who_may_not_read_the_log_is_not_noted_as_its_reader(desk: Desk) -> None:
    assert (
        await desk.client.get(f"/v1/access/{RECEIPT}", headers=await desk.sign_in("x", ["clerk"]))
    ).status_code == 403

    assert (await audited(desk))["read_by"] == []


async def made(desk: Desk) -> Any:
    answer = await desk.client.get("/v1/searches", headers=await desk.sign_in("kansa", ["auditor"], []))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def search(desk: Desk, text: str, staff: str = "sato", **also: str) -> list[Any]:
    wanted = {"department": "residents", "field": "name", "text": text} | also
    answer = await desk.client.post("/v1/search", json=wanted, headers=await desk.sign_in(staff))
    assert answer.status_code == 200, answer.text
    return answer.json()["cases"]


async def found_by_name(desk: Desk) -> tuple[UUID, UUID]:
    """(application, case) of somebody called 釧路 花子."""
    application_id, case_id = new_id(), new_id()
    await desk.read(opened(application_id, case_id, application=await desk.sealed(application_id)))
    return application_id, case_id


async def test_a_search_is_written_down_with_who_when_where_and_for_what_kind_of_value(desk: Desk) -> None:
    await found_by_name(desk)

    await search(desk, "釧路 花子", "tanaka", purpose="inquiry")
    await search(desk, "阿寒 湖子", field="kana")

    kept = [{name: one[name] for name in one if name != "search_id"} for one in (await made(desk))["searches"]]
    about = {"at": NOW.isoformat().replace("+00:00", "Z"), "department": "residents"}
    assert sorted(kept, key=lambda one: one["staff"]) == [  # of one instant: their ids say no order
        about | {"staff": "sato", "field": "kana", "purpose": "work", "found": 0},
        about | {"staff": "tanaka", "field": "name", "purpose": "inquiry", "found": 1},
    ]


async def test_a_case_that_a_search_showed_was_seen(desk: Desk) -> None:
    application_id, case_id = await found_by_name(desk)

    (shown,) = await search(desk, "釧路", "tanaka", purpose="inquiry")

    (seen,) = await views(desk)
    ((search_id, found),) = [(one.search_id, one.found) for one in await announced(desk)]
    assert (shown["case_id"], found) == (str(case_id), 1)
    assert (seen.application_id, seen.case_id, seen.search_id) == (application_id, case_id, search_id)
    log = await audited(desk)
    assert [(one["what"], one["staff"], one["purpose"]) for one in log["log"]] == [("search", "tanaka", "inquiry")]
    assert log["citizen"] == [{"day": "2026-04-11", "department": "residents"}]


async def announced(desk: Desk) -> list[Any]:
    rows = await desk.pool.fetch("SELECT payload FROM chassis.journal WHERE type = $1 ORDER BY id", SearchMade.TYPE)
    return [topics.DESK.adapter.validate_json(row[0]).data for row in rows]


async def test_what_was_searched_for_is_kept_nowhere(desk: Desk) -> None:
    await found_by_name(desk)

    await search(desk, "釧路 花子")
    await search(desk, "まりも太郎")

    kept = await everything(desk)
    assert "search.made" in kept
    assert [word for word in ("釧路", "花子", "まりも", "太郎") if word in kept] == []


async def test_a_search_that_is_refused_is_not_noted(desk: Desk) -> None:
    for wanted in ({"department": "elsewhere", "text": "釧路"}, {"department": "residents", "text": " -"}):
        assert (await desk.client.post("/v1/search", json={"field": "name"} | wanted)).status_code in (403, 422)

    assert (await made(desk))["searches"] == []


async def test_searches_are_read_page_by_page(desk: Desk) -> None:
    for text in "abc":
        await search(desk, text)
    signed_in = await desk.sign_in("kansa", ["auditor"], [])

    pages, path = list[int](), "/v1/searches?limit=2"
    while path:
        page = (await desk.client.get(path, headers=signed_in)).json()
        pages, path = [*pages, len(page["searches"])], page["next"]

    assert pages == [2, 1]


async def test_nothing_in_the_access_log_can_be_changed_by_the_desk(desk: Desk) -> None:
    for verb in (
        "UPDATE case_view SET staff = 'nobody'",
        "DELETE FROM case_view",
        "UPDATE search_made SET staff = 'nobody'",
        "DELETE FROM search_made",
        "UPDATE log_reading SET staff = 'nobody'",
        "DELETE FROM log_reading",
    ):
        with pytest.raises(Exception, match="permission denied"):
            await desk.pool.execute(verb)
