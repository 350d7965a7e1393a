"""Who reads the archive: every route × role beside a table written out by hand, tokens that do not hold, and who read what."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.permissions import Route
from access.roles import AUDITOR, RECORDS_OFFICER, ROLES
from contracts import topics
from contracts.archive import RecordViewed
from services.archive.permissions import PERMISSIONS
from tests.archive.conftest import NOW, Archive, Story
from tests.provider import BAD_TOKENS, EVERYBODY, NAMES, routes_of

TABLE: dict[Route, str] = {
    ("GET", "/v1/records"): "RU",
    ("GET", "/v1/records/{receipt}"): "RU",
    ("GET", "/v1/chain/verify"): "U",
    ("GET", "/v1/access/{receipt}"): "U",
}
"""Which roles get through, whatever departments they belong to: a record is no department's."""


def where(path: str, story: Story) -> str:
    return path.format(receipt=story.receipt) + "?purpose=inquiry"


@pytest.mark.parametrize("method, path", TABLE)
async def test_a_route_lets_through_whom_the_table_says(archive: Archive, method: str, path: str) -> None:
    story = Story()
    await archive.keep(*story.whole())

    answers = {letter: (await archive.get(where(path, story), "tanaka", NAMES[letter])) for letter in EVERYBODY}

    assert {answer.status_code for answer in answers.values()} == {200, 403}
    assert "".join(letter for letter in EVERYBODY if answers[letter].status_code == 200) == TABLE[method, path]


async def test_every_route_is_in_both_tables(archive: Archive) -> None:
    assert routes_of(archive.app) == set(PERMISSIONS) == set(TABLE)


@pytest.mark.parametrize("claims", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_a_token_that_is_not_for_us_now_opens_no_record(archive: Archive, claims: dict[str, Any]) -> None:
    story = Story()
    await archive.keep(*story.whole())

    answer = await archive.http.get(
        where("/v1/records/{receipt}", story), headers=archive.provider.token("kiroku", ROLES, **claims)
    )

    assert (answer.status_code, answer.json()["type"]) == (401, "urn:madoguchi:problem:bad-token")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


async def test_a_route_that_is_in_no_table_is_shut(archive: Archive) -> None:
    @archive.app.get("/v1/forgotten")
    async def forgotten() -> None:
        return None

    assert (await archive.get("/v1/forgotten")).status_code == 403


async def log(archive: Archive, story: Story) -> Any:
    answer = await archive.get(f"/v1/access/{story.receipt}", "kansa", AUDITOR)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_every_look_at_a_record_is_written_down_with_who_when_and_why(archive: Archive) -> None:
    story, other = Story(1), Story(2)
    await archive.keep(*story.whole())
    await archive.keep(*other.whole())

    await archive.read(story, "inquiry", "kiroku")
    await archive.read(other, "work", "sato")
    await archive.read(story, "supervision", "kansa")

    assert [(one["staff"], one["purpose"], one["at"]) for one in (await log(archive, story))["log"]] == [
        ("kiroku", "inquiry", NOW.isoformat()),
        ("kansa", "supervision", NOW.isoformat()),
    ]
    assert len((await log(archive, other))["log"]) == 1


async def test_nobody_reads_a_record_without_saying_why(archive: Archive) -> None:
    story = Story()
    await archive.keep(*story.whole())

    for query in ("", "?purpose=curiosity"):
        answer = await archive.get(f"/v1/records/{story.receipt}{query}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "query.purpose")

    assert (await log(archive, story))["log"] == []


@pytest.mark.parametrize("roles, receipt", [(("clerk",), "0000-0000-0001-0"), (ROLES, "0000-0000-0002-0")])
async def test_who_is_shown_nothing_is_not_noted(archive: Archive, roles: tuple[str, ...], receipt: str) -> None:
    await archive.keep(*Story(1).whole())

    assert (await archive.get(f"/v1/records/{receipt}?purpose=work", "sato", *roles)).status_code in (403, 404)

    assert await archive.pool.fetch("SELECT * FROM record_view") == []


async def test_a_citizen_is_told_the_days_in_japan_and_never_a_name(archive: Archive) -> None:
    story = Story()
    await archive.keep(*story.whole())
    late = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)
    for at in (NOW, NOW + timedelta(minutes=5), late):
        await archive.pool.execute(
            "INSERT INTO record_view (record, at, staff, purpose) VALUES (1, $1, 'a', 'work')", at
        )

    assert (await log(archive, story))["citizen"] == [{"day": "2026-11-24"}, {"day": "2026-11-25"}]


async def test_every_look_at_a_record_is_announced_and_what_is_not_shown_is_not(archive: Archive) -> None:
    story = Story()
    await archive.keep(*story.whole())
    await archive.read(story, "inquiry", "kiroku")
    await archive.get("/v1/records/0000-0000-0002-0?purpose=work", "kiroku", RECORDS_OFFICER)

    rows = await archive.pool.fetch("SELECT payload FROM chassis.journal WHERE type = $1", RecordViewed.TYPE)

    (said,) = [topics.RECORDS.adapter.validate_json(row[0]).data for row in rows]
    assert (said.staff, said.purpose, said.receipt, said.at) == ("kiroku", "inquiry", story.receipt, NOW)
    assert str(said.application_id) == said.subject == str(story.application_id)
    assert said.record_id == await archive.pool.fetchval("SELECT record_id FROM record")


async def test_whoever_reads_the_log_is_in_it_from_then_on(archive: Archive) -> None:
    story = Story()
    await archive.keep(*story.whole())

    first, second = await log(archive, story), await log(archive, story)

    assert first["read_by"] == []
    assert len(second["read_by"]) == 1
    assert (second["log"], second["citizen"]) == ([], [])


async def everything(archive: Archive, story: Story, member: str, following: str, query: str = "") -> list[list[Any]]:
    """A list of the log, page by page, as the answers lead on."""
    path, pages = f"/v1/access/{story.receipt}{query}", list[list[Any]]()
    while path:
        answer = (await archive.get(path, "kansa", AUDITOR)).json()
        pages.append(answer[member])
        path = answer[following]
    return pages


async def test_looks_are_read_page_by_page_and_the_citizen_is_told_of_all_on_each(archive: Archive) -> None:
    story = Story()
    await archive.keep(*story.whole())
    ats = [NOW + timedelta(days=number) for number in range(5)]
    for number, at in enumerate(ats):
        await archive.pool.execute(
            "INSERT INTO record_view (record, at, staff, purpose) VALUES (1, $1, $2, 'work')", at, f"staff{number}"
        )

    pages = await everything(archive, story, "log", "next", "?limit=2")

    assert [[one["staff"] for one in page] for page in pages] == [
        ["staff0", "staff1"],
        ["staff2", "staff3"],
        ["staff4"],
    ]
    first = (await archive.get(f"/v1/access/{story.receipt}?limit=2", "kansa", AUDITOR)).json()
    assert [one["day"] for one in first["citizen"]] == [at.date().isoformat() for at in ats]


async def test_no_answer_holds_more_than_two_hundred_and_what_is_left_is_led_on_to(archive: Archive) -> None:
    story = Story()
    await archive.keep(*story.whole())
    looks = (
        "INSERT INTO record_view (record, at, staff, purpose) SELECT 1, $1, 'a', 'work' FROM generate_series(1, 201)"
    )
    readings = "INSERT INTO log_reading (at, staff, receipt) SELECT $1, 's' || n, $2 FROM generate_series(1, 201) n"
    await archive.pool.execute(looks, NOW)
    await archive.pool.execute(readings, NOW, story.receipt)

    shown, read_by = await log(archive, story), await everything(archive, story, "read_by", "read_by_next")

    assert (len(shown["log"]), len(shown["read_by"]), shown["read_by"][0]["staff"]) == (200, 200, "s201")
    assert [len(page) for page in read_by] == [200, 2]
    assert read_by[-1][-1]["staff"] == "s1"
    assert (await archive.get(f"/v1/access/{story.receipt}?limit=201", "kansa", AUDITOR)).status_code == 422


async def test_the_next_page_of_records_is_as_long_as_the_one_before(archive: Archive) -> None:
    for number in range(1, 4):
        await archive.keep(*Story(number).whole())

    first = (await archive.get("/v1/records?limit=2", "kiroku", RECORDS_OFFICER)).json()
    second = (await archive.get(first["next"], "kiroku", RECORDS_OFFICER)).json()

    assert first["next"] == "/v1/records?limit=2&after=2"
    assert [record["number"] for record in second["records"]] == [3]
    assert second["next"] is None


@pytest.mark.parametrize(
    "verb",
    [
        "UPDATE record_view SET staff = 'nobody'",
        "DELETE FROM record_view",
        "UPDATE log_reading SET staff = 'nobody'",
        "DELETE FROM log_reading",
    ],
)
async def test_nothing_in_the_log_can_be_changed_by_the_archive(archive: Archive, verb: str) -> None:
    with pytest.raises(Exception, match="permission denied"):
        await archive.pool.execute(verb)
