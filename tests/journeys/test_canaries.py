"""Ten thousand personal values go the whole way, through errors and crashes, and not one stands anywhere in the open."""

import asyncio
import json
import re
from binascii import a2b_base64
from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from console import channel_keys
from console.city import running_city
from console.plain import PLAIN
from console.starting import city_down, city_up
from contracts.channels import Application, ApplicationSubmitted
from contracts.envelope import Model
from contracts.ids import uuid7
from contracts.intake import ApplicationAccepted
from deploy.grants import SERVICES
from deploy.local import LocalSettings
from deploy.local.home import home_of
from sealing import fields
from sealing.adapters import open_wrapping
from sealing.destroying import ask, confirm
from sealing.errors import DestroyedKey, UnknownKey
from sealing.files import FileUnwrapping
from sealing.keyring import EDGE, key_name
from sealing.opener import Opener, sealed_in, sealed_numbers_in
from sealing.places import of_application, of_edge
from sealing.sealer import Sealer
from tests.conftest import JARS
from tests.intake.conftest import Intake
from tests.intake.conftest import application as of_a_portal
from tests.intake.conftest import intake as intake  # noqa: PLC0414  a fixture
from tests.journeys import canaries
from tests.journeys.canaries import Collector, Planted, betrayed, found_in, numbers_in
from tests.journeys.conftest import PORTAL, RunningCity, event, on_kafka
from tests.staff import as_staff

APPLICATIONS = 1150
CHANNELS = ("portal", "counter", "web", "line", "email", "phone", "fax", "paper", "rpa", "bulk")
WITH_BASIS = "child-allowance.claim"
ON_KAFKA = ("fax", "paper", "rpa", "bulk")


@pytest.fixture(scope="module")
def telemetry() -> Generator[Collector]:
    found = Collector()
    with found.listening():
        yield found


@pytest.fixture(scope="module")
def settings(telemetry: Collector, tmp_path_factory: pytest.TempPathFactory) -> Generator[LocalSettings]:
    """A city that says everything it can: debug logs, spans and metrics."""
    home = tmp_path_factory.mktemp("canaries")
    found = LocalSettings(home=home, jars=JARS, kafka_bootstrap=None, postgres_dsn=None, smtp_url=None)
    with pytest.MonkeyPatch.context() as patch:
        for name in SERVICES:
            patch.setenv(f"MADOGUCHI_{name.upper()}_LOG_LEVEL", "debug")
            patch.setenv(f"MADOGUCHI_{name.upper()}_OTLP_ENDPOINT", f"http://127.0.0.1:{telemetry.port}")
        city_up(found, print)
    yield found
    city_down(found, print, reset=True)


@pytest.fixture(scope="module")
async def watched(settings: LocalSettings) -> AsyncGenerator[RunningCity]:
    everything = replace(PORTAL, channels=frozenset(CHANNELS))
    async with channel_keys.lent(running_city(settings), everything) as key:
        city = running_city(settings)
        yield RunningCity(settings, city, key, await on_kafka(city))


def submitted(planted: Planted, channel: str, **changes: Any) -> dict[str, Any]:
    application_id = uuid7(datetime.now(UTC))
    content = {
        "municipality": "012068",
        "procedure": "graffiti",
        "channel": channel,
        "submitted_at": "2026-11-24T17:00:00+09:00",
        "facts": {"district": "akan"},
        "applicant": planted.applicant(),
        "attachments": [planted.attachment()],
    }
    data = {"application_id": str(application_id), "application": content | changes}
    return event("submitted", application_id, data)


@pytest.mark.timeout(600)
async def test_ten_thousand_canaries_go_the_whole_way_and_none_is_seen(
    watched: RunningCity, telemetry: Collector
) -> None:
    planted, answers = Planted(), list[bytes]()
    async with httpx.AsyncClient(timeout=60, headers=watched.bearer, verify=PLAIN) as client:
        await _submit_many(watched, client, planted, answers)
        await _submit_what_is_refused(watched, client, planted, answers)
        await _take_the_keyring_away(watched, client, planted, answers)
        await _work(watched, client, planted, answers)
    await _forge(watched)
    for name in ("intake", "desk", "notify", "routing", "archive"):
        watched.kill(name)
    await asyncio.to_thread(city_up, watched.settings, print)
    await _until_all_is_told(watched)

    assert planted.total >= 10_000
    assert await betrayed(watched, telemetry, answers) == {}
    assert telemetry.taken
    assert await watched.rows("desk", "SELECT 1 FROM chassis.parked_event")
    mails = [mail.read_bytes() for mail in home_of(watched.settings).mail.rglob("*.eml")]
    assert len(mails) > APPLICATIONS / 2
    assert numbers_in(b"\n".join(mails)) == []
    await _open_with_the_ordinary_keys(watched)


async def _open_with_the_ordinary_keys(city: RunningCity) -> None:
    """Whoever has a dump and the keys of personal data reads names, and no Individual Number; other keys open those."""
    home = home_of(city.settings)
    ordinary, of_numbers = (Opener(FileUnwrapping(half / "private")) for half in (home.keyring, home.number_keyring))
    rows = await city.rows("intake", f"SELECT payload FROM chassis.journal WHERE type = '{ApplicationAccepted.TYPE}'")
    accepted = [json.loads(row["payload"]) for row in rows]
    kept = [
        (one["subject"], one["data"]["application"])
        for one in accepted
        if "sealed_numbers" in one["data"]["application"]
    ]
    assert len(kept) > APPLICATIONS / 10
    read = b""
    for subject, application in kept:
        sealed, numbers = sealed_in(application), sealed_numbers_in(application)
        assert sealed is not None
        assert numbers is not None
        await ordinary.fetch([sealed, numbers])
        await of_numbers.fetch([numbers])
        read += json.dumps(
            ordinary.opened(application, of_application(subject), Application), ensure_ascii=False
        ).encode()
        with pytest.raises(UnknownKey):
            ordinary.open(numbers, of_application(subject))
        assert numbers_in(json.dumps(of_numbers.open(numbers, of_application(subject)), ensure_ascii=False).encode())
    assert len(found_in(read)) > len(kept)
    assert numbers_in(read) == []


async def _submit_many(city: RunningCity, client: httpx.AsyncClient, planted: Planted, answers: list[bytes]) -> None:
    """Over every channel, most over HTTP, those of vendors sealed over Kafka; a service is killed meanwhile."""
    sent = [_one_of_many(planted, number) for number in range(APPLICATIONS)]
    over_kafka = [one for one in sent if one["data"]["application"]["channel"] in ON_KAFKA]
    await city.publish([await _sealed(city, one) for one in over_kafka])
    room = asyncio.Semaphore(8)

    async def post(number: int, one: dict[str, Any]) -> None:
        async with room:
            if number in (100, 300):
                city.kill("intake" if number == 100 else "desk")
            answers.append(await _posted(city, client, one))

    over_http = [one for one in sent if one not in over_kafka]
    await asyncio.gather(*(post(number, one) for number, one in enumerate(over_http)))


def _one_of_many(planted: Planted, number: int) -> dict[str, Any]:
    """Over every channel in turn; every fifth round is of a procedure for which a law lets the city ask for Individual Numbers."""
    channel = CHANNELS[number % len(CHANNELS)]
    return submitted_with_numbers(planted, channel) if number // len(CHANNELS) % 5 == 0 else submitted(planted, channel)


def submitted_with_numbers(planted: Planted, channel: str, **changes: Any) -> dict[str, Any]:
    applicant = planted.applicant() | {
        "individual_number": planted.individual_number(),
        "message": planted.word(planted.individual_number("{{}}です。妻の番号は {}")),
    }
    attachment = planted.attachment() | {"name": planted.individual_number("card_{}.pdf")}
    facts = {"district": "akan", "happened_on": "2026-11-01"}
    whole = {"procedure": WITH_BASIS, "facts": facts, "applicant": applicant, "attachments": [attachment]}
    return submitted(planted, channel, **whole | changes)


async def _posted(city: RunningCity, client: httpx.AsyncClient, sent: Any) -> bytes:
    """As often as it takes; body and headers of the answer."""
    async with asyncio.timeout(90):
        while True:
            try:
                answer = await client.post(f"{city.url('intake')}/v1/applications", content=json.dumps(sent))
                if answer.status_code < 500:
                    return str(answer.headers).encode() + answer.content
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.3)


async def _submit_what_is_refused(
    city: RunningCity, client: httpx.AsyncClient, planted: Planted, answers: list[bytes]
) -> None:
    """Faulty fields, unknown fields, values in the place of names, ids used again, no JSON at all; and seals that do not open."""
    good = submitted(planted, "web")
    answers.append(await _posted(city, client, good))
    faulty = [
        submitted(planted, "web", applicant={"email": planted.word("{} at home")}),
        submitted(planted, "web", applicant={"phone": planted.word() * 9}),
        submitted(planted, "web", applicant={planted.word(): planted.word()}),
        submitted(planted, "web", applicant=planted.word()),
        submitted(planted, "web", facts={planted.word("{}"): 1, "note": [planted.word()]}),
        submitted(planted, "web", applicant={"message": planted.word("{} 1234 5678 9018")}),
        submitted(planted, "web", applicant={"individual_number": planted.individual_number()}),
        submitted(planted, "fax", applicant={"message": planted.individual_number("{}です"), "individual_number": "7"}),
        submitted(planted, "fax", applicant={"message": planted.individual_number("父①{}母②")}),
        submitted(planted, "web", attachments=[planted.attachment_of_a_mail()]),
        submitted_with_numbers(planted, "web", applicant={"individual_number": planted.individual_number(wrong=True)}),
        submitted_with_numbers(planted, "fax", applicant={"individual_number": planted.individual_number(wrong=True)}),
        submitted_with_numbers(planted, "web", facts={"district": planted.individual_number()}),
        good | {"data": submitted(planted, "web")["data"]},
        good | {"id": planted.word()[:40], "source": "/channels/portal"} | {"subject": planted.word()},
    ]
    answers += [await _posted(city, client, one) for one in faulty]
    for body in (planted.word("{{{}"), planted.word("\x00{}")):
        answer = await client.post(f"{city.url('intake')}/v1/applications", content=body.encode())
        answers.append(str(answer.headers).encode() + answer.content)
    broken = await _sealed(city, submitted(planted, "rpa"))
    values = broken["data"]["application"]["sealed"]["values"]
    values["applicant.name"], values["applicant.kana"] = values["applicant.kana"], values["applicant.name"]
    faulty_within = await _sealed(city, submitted(planted, "rpa", applicant={"phone": planted.word() * 9}), check=False)
    await city.publish([broken, faulty_within])
    answers.append(await _posted(city, client, broken))


async def _take_the_keyring_away(
    city: RunningCity, client: httpx.AsyncClient, planted: Planted, answers: list[bytes]
) -> None:
    """While there is no key nothing is accepted, and what waits is accepted afterwards."""
    public = home_of(city.settings).keyring / "public"
    city.kill("intake")
    public.rename(public.with_name("away"))
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_posted(city, client, submitted(planted, "line")))
        await asyncio.sleep(4)
        assert not waiting.done()
        public.with_name("away").rename(public)
    answers.append(waiting.result())


async def _work(city: RunningCity, client: httpx.AsyncClient, planted: Planted, answers: list[bytes]) -> None:
    """Cases are read, looked for, asked about, extended, withdrawn and decided, in words that are personal too."""
    async with asyncio.timeout(120):
        while len(rows := await city.rows("desk", "SELECT case_id, application_id FROM case_item LIMIT 50")) < 50:
            await asyncio.sleep(0.5)
    rows, others = rows[:40], rows[40:]
    for row in others:
        await city.work(row["case_id"], "claim")
        extended = await city.work(row["case_id"], "extend", reason=planted.word(), until="2030-01-31")
        withdrawal = {
            "application_id": str(row["application_id"]),
            "withdrawn_at": "2026-11-25T00:00:00Z",
            "message": planted.word(),
        }
        answers.append(await _posted(city, client, event("withdrawn", row["application_id"], withdrawal)))
        assert extended.status_code == 200, extended.text
        answers.append(extended.content)
    for row in rows:
        await city.work(row["case_id"], "claim")
        asked = await city.work(row["case_id"], "request-correction", wanted=planted.word(), until="2030-01-31")
        again = await city.work(row["case_id"], "decide", outcome="approved", explanation=planted.word() * 400)
        answers += [asked.content, again.content, str(again.headers).encode()]
        correction = {
            "application_id": str(row["application_id"]),
            "submitted_at": "2026-11-25T00:00:00Z",
            "message": planted.word(),
            "individual_number": planted.individual_number(),
            "attachments": [planted.attachment()],
        }
        answers.append(await _posted(city, client, event("correction-submitted", row["application_id"], correction)))
    async with asyncio.timeout(60):
        while await city.rows("desk", "SELECT 1 FROM case_item WHERE state = 'waiting'"):
            await asyncio.sleep(0.5)
    for row in rows:
        decided = await city.work(row["case_id"], "decide", outcome="approved", explanation=planted.word())
        closed = await city.work(row["case_id"], "close")
        answers += [decided.content, closed.content]
    looked_for = {"department": "shimin-seikatsu", "field": "name", "text": planted.word("{} 花子")}
    found = await client.post(f"{city.url('desk')}/v1/search", json=looked_for, headers=as_staff(city.city))
    assert found.status_code == 200, found.text
    answers.append(found.content)
    await _look_at_a_number(city, client, answers)


async def _look_at_a_number(city: RunningCity, client: httpx.AsyncClient, answers: list[bytes]) -> None:
    """Those entitled are shown numbers, which is no betrayal; all others are turned away."""
    (row, *_) = await city.rows(
        "desk", f"SELECT case_id FROM case_item WHERE procedure = '{WITH_BASIS}' ORDER BY case_id LIMIT 1"
    )
    path = f"{city.url('desk')}/v1/cases/{row['case_id']}/individual-numbers"
    entitled, demo = as_staff(city.city, "numbers"), as_staff(city.city)
    shown = await client.post(path, json={"purpose": "processing"}, headers=entitled)
    assert shown.status_code == 200, shown.text
    assert len(numbers_in(shown.content)) >= 3
    refused = await client.post(path, json={"purpose": "processing"}, headers=demo)
    seen = await client.get(path.removesuffix("/individual-numbers"), headers=demo)
    assert (refused.status_code, seen.status_code) == (403, 200)
    assert "applicant.individual_number" in seen.json()["application"]["individual_numbers"]
    assert numbers_in(seen.content) == []
    answers.append(refused.content)


async def _forge(city: RunningCity) -> None:
    """An event with the seal of another application, and no number, where only routing may write: the desk parks it."""
    producer = AIOKafkaProducer(**city.city.brokers["routing"].aiokafka())
    rows = await city.rows("routing", "SELECT payload FROM chassis.journal WHERE type LIKE '%.case.opened.v1' LIMIT 2")
    one, two = (json.loads(row["payload"]) for row in rows)
    one["data"]["application"] = two["data"]["application"]
    one["data"]["case_id"] = str(uuid7(datetime.now(UTC)))
    await producer.start()
    await producer.send_and_wait("cases.v1", json.dumps(one).encode(), key=one["subject"].encode())
    await producer.stop()


async def _until_all_is_told(city: RunningCity) -> None:
    waits = "SELECT 1 FROM notice WHERE state IN ('queued', 'sending', 'waiting') LIMIT 1"
    async with asyncio.timeout(180):
        while await city.rows("notify", waits):
            await asyncio.sleep(1)


async def _sealed(city: RunningCity, sent: dict[str, Any], *, check: bool = True) -> dict[str, Any]:
    """As a vendor seals it, by the city's public key for the edge."""
    name = key_name(EDGE, datetime.now(UTC))
    sealer = Sealer(open_wrapping(city.city.edge_keyring))
    await sealer.fetch_keys([name])
    data = sent["data"]
    place = of_edge(data["application_id"], sent["source"], sent["id"])
    if check:
        read = ApplicationSubmitted.model_validate(data)
        application = sealer.seal(read.application, place, name)
    else:
        loose = Application.model_validate(data["application"] | {"applicant": {}})
        applicant = loose.applicant.model_copy(update=data["application"]["applicant"])
        application = sealer.seal(loose.model_copy(update={"applicant": applicant}), place, name)
    return sent | {"data": data | {"application": json.loads(application.model_dump_json(exclude_none=True))}}


@pytest.mark.timeout(300)
async def test_a_destroyed_key_makes_every_copy_unreadable_a_dump_from_before_too(watched: RunningCity) -> None:
    """Tables, journals, parked events, records, topics, and a dump that was taken before: all of the application's copies."""
    keyring = home_of(watched.settings).keyring
    sent = submitted(Planted(), "portal")
    async with httpx.AsyncClient(timeout=60, headers=watched.bearer, verify=PLAIN) as client:
        await _posted(watched, client, sent)
    async with asyncio.timeout(60):
        while not (rows := await watched.rows("desk", OF_APPLICATION, sent["subject"])):
            await asyncio.sleep(0.3)
    copies = await _copies(watched)
    assert {place for place, found in copies.items() if found} >= {
        *(f"dump of {name}" for name in ("intake", "routing", "desk", "notify", "archive")),
        *(f"topic {name}" for name in ("intake.v1", "cases.v1", "desk.v1")),
    }
    assert all(_opens(keyring, *one) for found in copies.values() for one in found)

    for name in {version.partition(".")[0] for found in copies.values() for version, _ in found}:
        ask(keyring, name, by="sato", reason="保存期間満了", at=datetime.now(UTC))
        confirm(keyring, name, by="suzuki", at=datetime.now(UTC))

    assert not any(_opens(keyring, *one) for found in copies.values() for one in found)
    watched.kill("desk")
    case = await _seen(watched, rows[0]["case_id"])
    assert case["application"]["unreadable"]["code"] == "DestroyedKey"
    assert case["application"]["applicant"] == {}
    assert found_in(json.dumps(case).encode()) == []


OF_APPLICATION = "SELECT case_id FROM case_item WHERE application_id = $1"
_SEALED = re.compile(rb'"key": ?"([0-9]+y-[0-9]{4}\.[0-9]+)", ?"wrapped": ?"([A-Za-z0-9+/=]+)"')
_HEX = re.compile(rb"\\\\x([0-9a-f]{40,})")


async def _copies(city: RunningCity) -> dict[str, set[tuple[str, bytes]]]:
    """(key version, wrapped secret) of every seal in every dump and every topic."""
    dumps = {f"dump of {name}": canaries.dump(city, f"madoguchi_{name}") for name in SERVICES}
    whole = {
        place: b"\n".join(bytes.fromhex(run.decode()) for run in _HEX.findall(said)) for place, said in dumps.items()
    }
    return {
        place: {(version.decode(), a2b_base64(wrapped)) for version, wrapped in _SEALED.findall(said)}
        for place, said in {**whole, **await canaries.topics(city)}.items()
    }


def _opens(keyring: Path, version: str, wrapped: bytes) -> bool:
    """Whether whoever holds the keyring gets at the secret."""
    try:
        return len(FileUnwrapping(keyring / "private").unwrap(version, wrapped)) == 32
    except DestroyedKey:
        return False


async def _seen(city: RunningCity, case_id: UUID) -> Any:
    """A case as the desk shows it, as soon as it is back."""
    async with asyncio.timeout(60), httpx.AsyncClient(timeout=10, headers=as_staff(city.city), verify=PLAIN) as client:
        while True:
            try:
                answer = await client.get(f"{city.url('desk')}/v1/cases/{case_id}")
                if answer.status_code == 200:
                    return answer.json()
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.3)


def test_a_birth_date_is_seen_in_a_dump_too() -> None:
    assert found_in(b"\\\\x" + b'{"born":"1811-03-04"}'.hex().encode())
    assert found_in(b'{"born":"1811-03-04"}')


async def test_a_field_that_nobody_seals_is_seen_at_once(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    planted, plan = Planted(), fields.plan_of(Application)
    ((name, part, _),) = plan.parts
    blanks = {field: blank for field, blank in part.blanks.items() if field != "phone"}
    each = tuple((path, get) for path, get in plan.each if path != "applicant.phone")
    parts = ((name, replace(part, blanks=blanks), None),)
    open_phone = replace(plan, parts=parts, each=each, is_blankable=False)
    sealed_plan = fields.plan_of
    await intake.post(of_a_portal(applicant=planted.applicant()))
    before = found_in(await _journal(intake))

    def without_the_phone(model: type[Model]) -> fields.Plan:
        return open_phone if model is Application else sealed_plan(model)

    monkeypatch.setattr(fields, "plan_of", without_the_phone)
    await intake.post(of_a_portal(applicant=planted.applicant()))

    assert before == []
    (seen,) = found_in(await _journal(intake))
    assert "0154" in seen


async def _journal(intake: Intake) -> bytes:
    return b"\n".join([row["payload"] for row in await intake.rows("SELECT payload FROM chassis.journal")])
