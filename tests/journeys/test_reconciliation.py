"""Rows read = accepted + repeated + rejected, each in one of the three, also where one id is said with several contents."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import httpx

from console.balance import Row
from console.patience import patience
from console.plain import PLAIN
from console.reconciliation import settled
from tests.journeys.conftest import SOURCE, RunningCity, submission

OUTCOMES = ("accepted", "repeated", "rejected")
THE_SAME_ROW = ("rows read", *OUTCOMES)


def with_photos(sent: Mapping[str, Any], number: int) -> dict[str, Any]:
    """The same id with another content."""
    other = deepcopy(dict(sent))
    other["data"]["application"]["facts"]["photos"] = number
    return other


async def rows(city: RunningCity) -> dict[str, Row]:
    """The lines about what was read, once everything adds up."""
    found = await settled(city.city, SOURCE, patience(40), print)
    named = {row.what.strip(): row for row in found}
    return {name: named[name] for name in THE_SAME_ROW}


def grown(before: Mapping[str, Row], after: Mapping[str, Row]) -> dict[str, int]:
    """By how much the databases' counts have grown."""
    return {name: (after[name].databases or 0) - (before[name].databases or 0) for name in THE_SAME_ROW}


async def post(city: RunningCity, sent: Mapping[str, Any]) -> int:
    async with httpx.AsyncClient(timeout=30, verify=PLAIN) as client:
        answer = await client.post(
            f"{city.url('intake')}/v1/applications", content=json.dumps(sent), headers=city.bearer
        )
    return answer.status_code


async def refused(city: RunningCity, sent: Mapping[str, Any], count: int) -> None:
    """Wait until so many contents were refused under this id."""
    query = "SELECT FROM contradiction WHERE id = $1"
    async with asyncio.timeout(30):
        while len(await city.rows("intake", query, sent["id"])) < count:
            await asyncio.sleep(0.1)


def adds_up(found: Mapping[str, Row]) -> bool:
    return found["rows read"].databases == sum(found[name].databases or 0 for name in OUTCOMES)


async def said(city: RunningCity, sent: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> None:
    """First one content, and once it is taken in the others, every one twice."""
    await city.submit(dict(sent))
    await city.publish([dict(other) for other in (*others, sent, *others)])
    await refused(city, sent, len(others))


async def test_each_further_content_of_an_id_is_a_row_that_was_read_and_refused(city: RunningCity) -> None:
    one = submission(procedure="graffiti")
    await city.submit(one)
    before = await rows(city)

    sent = submission(procedure="graffiti")
    await said(city, sent, [with_photos(sent, 1), with_photos(sent, 2)])

    after = await rows(city)
    assert [row.wrong for row in after.values()] == [None] * 4
    assert grown(before, after) == {"rows read": 3, "accepted": 1, "repeated": 0, "rejected": 2}
    assert adds_up(after)
    assert after["rejected"].topics == after["rejected"].databases


async def test_an_id_refused_at_first_and_said_with_another_content_is_two_refusals(city: RunningCity) -> None:
    sent = submission(procedure="graffiti")
    await city.submit(submission(procedure="graffiti"))
    before = await rows(city)

    faulty = with_photos(sent, 1)
    faulty["data"]["application"]["procedure"] = "Not A Code"
    await city.publish([faulty, sent])
    await refused(city, sent, 1)

    after = await rows(city)
    assert [row.wrong for row in after.values()] == [None] * 4
    assert grown(before, after) == {"rows read": 2, "accepted": 0, "repeated": 0, "rejected": 2}
    assert adds_up(after)


async def test_what_is_refused_over_http_is_told_at_once_and_is_no_row(city: RunningCity) -> None:
    sent = submission(procedure="graffiti")
    await city.submit(submission(procedure="graffiti"))
    before = await rows(city)

    assert [await post(city, one) for one in (sent, with_photos(sent, 1), sent)] == [201, 409, 201]

    after = await rows(city)
    assert [row.wrong for row in after.values()] == [None] * 4
    assert grown(before, after) == {"rows read": 1, "accepted": 1, "repeated": 0, "rejected": 0}
    assert adds_up(after)
