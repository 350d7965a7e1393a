"""What nobody means to send: refused in words, never a traceback, and nothing of it kept."""

import json
from dataclasses import replace
from datetime import timedelta
from timeit import timeit
from typing import Any

import pytest

from contracts.intake import ApplicationRejected
from services.intake import admitting
from services.intake.admitting import Bucket
from tests.intake.conftest import NOW, PORTAL, Intake, application

LAST = 2**53 - 1


def with_fact(text: str) -> bytes:
    """An application with a fact of these bytes of JSON."""
    return json.dumps(application()).replace('"akan"', text).encode()


@pytest.mark.parametrize(
    "text,code",
    [
        ('"a\\u0000b"', "control-character"),
        ('"a\\u001b[2Jb"', "control-character"),
        ('"a\\u009bb"', "control-character"),
        (str(LAST + 1), "number-too-large"),
        (str(-LAST - 1), "number-too-large"),
        ("9" * 4300, "number-too-large"),
        ("true", None),
        (str(LAST), None),
        (str(-LAST), None),
        ('"二行\\nに\\tわたる"', None),
    ],
)
async def test_a_value_that_not_every_reader_holds_is_refused_by_field(
    intake: Intake, text: str, code: str | None
) -> None:
    answer = await intake.post(with_fact(text))

    if code is None:
        assert answer.status_code == 201
    else:
        assert answer.status_code == 422
        assert [(found["field"], found["code"]) for found in answer.json()["errors"]] == [
            ("data.application.facts.district", code)
        ]
        assert text.strip('"') not in answer.text
        assert await intake.rows("SELECT 1 FROM submission") == []


@pytest.mark.parametrize(
    "text", ['"\\ud800"', "9" * 5000, "1e400", "NaN", "Infinity", "[1]", "[" * 10_000 + "]" * 10_000]
)
async def test_what_no_fact_can_be_is_refused_too(intake: Intake, text: str) -> None:
    assert (await intake.post(with_fact(text))).status_code == 422


async def test_a_control_character_in_what_a_person_has_written_is_refused_also_on_kafka(intake: Intake) -> None:
    sent = application(channel="fax", applicant={"name": "釧路\x00花子", "message": "\x1b[2J"})

    (said,) = await intake.receive(sent)

    assert isinstance(said, ApplicationRejected)
    assert {(fault.field, fault.code) for fault in said.faults} == {
        ("data.application.applicant.name", "control-character"),
        ("data.application.applicant.message", "control-character"),
    }


@pytest.mark.parametrize("name", ["source", "id", "subject", "type", "traceparent"])
async def test_no_attribute_carries_a_control_character_into_anything(intake: Intake, name: str) -> None:
    sent = application()

    answer = await intake.post(sent | {name: sent.get(name, "") + "\x00"})

    assert answer.status_code == (201 if name == "traceparent" else 422)
    assert b"\x00" not in b"".join([row["payload"] for row in await intake.rows("SELECT payload FROM chassis.journal")])


async def test_of_a_key_that_comes_twice_one_value_is_judged_and_the_same_goes_on(intake: Intake) -> None:
    body = json.dumps(application()).replace('"channel": "portal"', '"channel": "web", "channel": "portal"').encode()

    assert (await intake.post(body)).status_code == 201
    (said,) = await intake.rows("SELECT payload FROM chassis.journal")
    assert said["payload"].count(b'"channel"') == 1
    assert (await intake.post(body.replace(b'"channel": "portal"', b'"channel": "web"'))).status_code == 403


@pytest.mark.parametrize(
    "receipt",
    [
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/health/ready",
        "%00",
        "0000-0000-0001-2%00",
        "'%20OR%201=1--",
        "٠٠٠٠-٠٠٠٠-٠٠٠١-٢",
        "0000000000012/../0000",
        "0" * 3000,
        "%ff%fe",
    ],
)
async def test_a_receipt_number_is_a_receipt_number_and_no_path(intake: Intake, receipt: str) -> None:
    await intake.post(application())

    answer = await intake.http.get(f"/v1/applications/{receipt}", headers=intake.bearer())

    assert answer.status_code == (400 if "%00" in receipt else 404)
    assert "timeline" not in answer.text


async def test_a_body_in_another_encoding_is_refused(intake: Intake) -> None:
    for body in (json.dumps(application()).encode("utf-16"), b"\xef\xbb\xbf" + json.dumps(application()).encode()):
        assert (await intake.post(body)).status_code == 422
    assert (await intake.post(application(), **{"content-encoding": "gzip"})).status_code == 415


async def test_a_channel_that_is_too_fast_is_told_when_to_come_again_and_others_are_not(intake: Intake) -> None:
    await intake.admit(replace(PORTAL, per_minute=6, burst=3))

    codes = [(await intake.post(application())).status_code for _ in range(4)]
    slow = await intake.get("0000-0000-0001-2")
    other = await intake.post(application() | {"source": "/channels/thief"}, system="thief")

    assert codes == [201, 201, 201, 429]
    assert slow.status_code == 429
    assert 1 <= int(slow.headers["retry-after"]) <= 10
    assert slow.json()["type"].endswith("too-many-requests")
    assert other.status_code == 201


async def test_another_key_or_a_token_of_the_same_channel_is_no_second_pace(intake: Intake) -> None:
    first = intake.keys["portal"]
    second = await intake.admit(replace(PORTAL, per_minute=6, burst=1))

    codes = [(await intake.post(application(), authorization=f"Bearer {k.text}")).status_code for k in (first, second)]

    assert codes == [201, 429]


def test_a_pace_costs_next_to_nothing() -> None:
    """Measured 0.3 µs; a tenth of a millisecond would show in every request."""
    bucket, now = Bucket(6000, 200, 0.0), iter(range(10**9))
    key = admitting.make_key()
    kept: dict[str, Any] = {key.prefix: admitting.KeptKey(key.prefix, key.digest, NOW + timedelta(days=1), PORTAL)}

    assert timeit(lambda: bucket.take(next(now) / 1000), number=1000) / 1000 < 1e-4
    assert timeit(lambda: admitting.admit(key, kept, NOW), number=1000) / 1000 < 1e-4
