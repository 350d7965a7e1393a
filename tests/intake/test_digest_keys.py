"""Whoever has a dump and knows all of an application but one value cannot try that value out; intake still knows repeats."""

import asyncio
import hashlib
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chassis.commands import Commands
from chassis.telemetry import Telemetry
from contracts import reading
from contracts.intake import ApplicationRejected
from sealing.errors import KeyringAway
from services.intake.digest_keys import DigestKeys
from tests.intake.conftest import NOW, Intake, application

TABLES = ("application", "submission", "contradiction")
NEXT_YEAR = NOW + timedelta(days=200)


def digest_of(sent: dict[str, Any]) -> bytes:
    """What anybody can compute who knows the whole content."""
    return reading.read({}, json.dumps(sent).encode()).digest


async def digests(intake: Intake, table: str) -> set[bytes]:
    return {row["digest"] for row in await intake.rows(f"SELECT digest FROM {table}")}


async def instance(intake: Intake, at: Any = NOW) -> DigestKeys:
    """Another process of intake, at some time."""
    keys = DigestKeys(intake.edge, intake.edge, lambda: at)
    await keys.begin(commands(intake), Telemetry("intake", None))
    return keys


def commands(intake: Intake) -> Commands:
    return Commands("/intake", intake.pool, lambda: None, lambda: NOW)


def become(intake: Intake, keys: DigestKeys) -> None:
    """From now on the test speaks with that process."""
    old = intake.seals
    intake.seals = replace(old, digests=keys)


async def contradict(intake: Intake, sent: dict[str, Any]) -> dict[str, Any]:
    """The same id with another birthday."""
    other = application(sent["subject"], applicant={"name": "釧路 花子", "born": "1980-04-01"})
    return other | {"id": sent["id"]}


async def unkeyed(intake: Intake, *sent: dict[str, Any]) -> None:
    """Everything as the release before has kept it."""
    plain = {keyed: digest_of(one) for one in sent for keyed in [intake.seals.digests.digest(digest_of(one)).value]}
    async with intake.as_administrator() as tx:
        for table in TABLES:
            for keyed, old in plain.items():
                await tx.execute(f"UPDATE {table} SET digest = $1, digest_key = NULL WHERE digest = $2", old, keyed)
        await tx.execute("DELETE FROM digest_key")


async def test_what_is_kept_confirms_no_guess(intake: Intake) -> None:
    sent = application()
    other = await contradict(intake, sent)
    await intake.receive(sent)
    await intake.receive(other)

    guesses = {digest_of(sent), digest_of(other)}
    guesses |= {hashlib.sha256(one).digest() for one in guesses}

    for table in TABLES:
        assert (kept := await digests(intake, table))
        assert not kept & guesses
    (key,) = await intake.rows("SELECT key, wrapped FROM digest_key")
    assert key["key"] == "edge-2026.1"
    assert intake.seals.digests.at_hand["edge-2026"] not in key["wrapped"]


async def test_a_repeat_and_a_contradiction_are_told_apart_across_fiscal_years_and_processes(intake: Intake) -> None:
    sent = application()
    other = await contradict(intake, sent)
    await intake.receive(sent)
    assert len(await intake.receive(other)) == 1

    become(intake, await instance(intake, NEXT_YEAR))
    same, told = await intake.receive(sent), await intake.receive(other)
    new = await intake.receive(
        other | {"data": other["data"] | {"application": {**other["data"]["application"], "facts": {}}}}
    )

    assert (same, told) == ([], [])  # each content of an id is refused once for ever
    assert [type(event) for event in new] == [ApplicationRejected]
    assert {row["digest_key"] for row in await intake.rows("SELECT digest_key FROM contradiction")} == {
        "edge-2026",
        "edge-2027",
    }


async def test_over_http_a_repeat_of_last_year_gets_the_same_bytes(intake: Intake) -> None:
    sent = application()
    first = await intake.post(sent)
    intake.seals.digests.clock = lambda: NEXT_YEAR
    await intake.seals.digests.refresh(commands(intake), Telemetry("intake", None))

    assert intake.seals.digests.digest(b"").key == "edge-2027"
    assert (await intake.post(sent)).content == first.content
    assert (await intake.post(await contradict(intake, sent))).status_code == 409


async def test_a_key_that_is_away_hides_the_destruction_of_no_other_and_keeps_no_new_one_from_being_used(
    intake: Intake,
) -> None:
    digests = intake.seals.digests
    for year in (NEXT_YEAR, NEXT_YEAR + timedelta(days=366)):
        digests.clock = lambda at=year: at
        await digests.refresh(commands(intake), Telemetry("intake", None))
    intake.edge.damaged.add("edge-2026")
    intake.edge.destroy("edge-2027")

    with pytest.raises(KeyringAway):
        await digests.refresh(commands(intake), Telemetry("intake", None))

    assert "edge-2027" not in digests.at_hand
    assert digests.destroyed == {"edge-2027"}
    assert digests.digest(b"").key == "edge-2028"


async def test_a_rotated_edge_key_goes_on_wrapping_what_it_wrapped(intake: Intake) -> None:
    sent = application()
    await intake.receive(sent)
    intake.edge.keys["edge-2026.2"] = b"2" * 32

    become(intake, await instance(intake))

    assert await intake.receive(sent) == []


async def test_two_processes_that_start_at_once_have_one_key(intake: Intake) -> None:
    async with intake.as_administrator() as tx:
        await tx.execute("DELETE FROM digest_key")

    one, two = await asyncio.gather(instance(intake), instance(intake))

    assert one.at_hand == two.at_hand
    assert len(await intake.rows("SELECT name FROM digest_key")) == 1


async def test_what_another_process_has_kept_under_a_key_that_is_not_at_hand_is_waited_for(intake: Intake) -> None:
    sent, mine = application(), intake.seals.digests
    become(intake, await instance(intake, NEXT_YEAR))
    await intake.receive(sent)

    become(intake, mine)
    with pytest.raises(KeyringAway):
        await intake.receive(sent)
    await mine.refresh(commands(intake), Telemetry("intake", None))

    assert await intake.receive(sent) == []


async def test_without_a_key_nothing_is_taken_in(intake: Intake) -> None:
    async with intake.as_administrator() as tx:
        await tx.execute("DELETE FROM digest_key")
    intake.edge.away = True
    become(intake, await instance(intake))

    with pytest.raises(KeyringAway):
        await intake.receive(application())
    assert await intake.rows("SELECT 1 FROM submission") == []


async def test_what_the_release_before_kept_is_recognised_and_then_keyed(intake: Intake) -> None:
    sent, untouched = application(), application()
    other = await contradict(intake, sent)
    for one in (sent, untouched, other):
        await intake.receive(one)
    await unkeyed(intake, sent, untouched, other)
    keys = await instance(intake)
    become(intake, keys)
    assert digest_of(sent) in await digests(intake, "submission")

    assert await intake.receive(sent, other) == []
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keys.work(commands(intake), Telemetry("intake", None), stop))
        async with asyncio.timeout(20):
            for table in TABLES:
                while await intake.rows(f"SELECT 1 FROM {table} WHERE digest_key IS NULL"):
                    await asyncio.sleep(0.05)
        stop.set()

    for table in TABLES:
        assert not await digests(intake, table) & {digest_of(sent), digest_of(untouched), digest_of(other)}
    assert await intake.receive(sent, other, untouched) == []


async def test_with_the_edges_key_what_its_digests_say_is_gone_and_nothing_is_taken_twice(intake: Intake) -> None:
    sent = application()
    await intake.receive(sent)
    intake.edge.destroy("edge-2026")

    become(intake, await instance(intake, NEXT_YEAR))

    assert "edge-2026" not in intake.seals.digests.at_hand
    assert [type(event) for event in await intake.receive(sent)] == [ApplicationRejected]
    assert len(await intake.rows("SELECT 1 FROM application")) == 1
