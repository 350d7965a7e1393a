"""Everything is killed under load, and everything adds up."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from console.plain import PLAIN
from deploy.local import mail
from services.notify.settings import Settings
from tests.journeys.conftest import RunningCity, submission

LOAD = 1500
MINUTE = 60
DEATHS = 3
"""How often notify was killed, or its database."""


async def _under_load(city: RunningCity, break_it: Callable[[], Awaitable[None]]) -> None:
    """Publish while things break, then see every application everywhere, once."""
    sent = [submission() for _ in range(LOAD)]
    parts = [sent[start : start + 100] for start in range(0, LOAD, 100)]

    async def publish() -> None:
        for part in parts:
            await city.publish(part)
            await asyncio.sleep(0.2)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(publish())
        tasks.create_task(_await(break_it))
    await city.everywhere({one["subject"] for one in sent}, seconds=180)


async def _await(work: Callable[[], Awaitable[None]]) -> None:
    await work()


async def test_every_service_killed_under_load_loses_and_doubles_nothing(city: RunningCity) -> None:
    async def kill_each_twice() -> None:
        for _ in range(2):
            for service in ("intake", "routing", "desk", "notify", "archive"):
                await asyncio.sleep(0.4)
                city.kill(service)

    await _under_load(city, kill_each_twice)


@pytest.mark.parametrize("server", ["kafka", "postgres"])
async def test_a_server_killed_under_load_loses_and_doubles_nothing(city: RunningCity, server: str) -> None:
    async def kill() -> None:
        await asyncio.sleep(1)
        city.kill_server(server)

    await _under_load(city, kill)


async def test_http_goes_on_accepting_while_the_broker_is_away_for_a_minute(city: RunningCity) -> None:
    sent = [submission() for _ in range(120)]
    local_kafka_paused = _suspend(city)
    try:
        async with httpx.AsyncClient(timeout=10, verify=PLAIN) as client, asyncio.timeout(MINUTE + 30):
            until = asyncio.get_running_loop().time() + MINUTE
            for one in sent:
                answer = await client.post(f"{city.url('intake')}/v1/applications", json=one, headers=city.bearer)
                assert answer.status_code == 201
                await asyncio.sleep(MINUTE / (len(sent) + 10))
            await asyncio.sleep(until - asyncio.get_running_loop().time())
            live = await client.get(f"{city.url('intake')}/health/live")
            assert live.status_code == 200
    finally:
        local_kafka_paused()

    await city.everywhere({one["subject"] for one in sent}, seconds=180)


async def test_after_all_that_a_mail_a_notice_was_sent_and_again_only_what_a_death_left_unmarked(
    city: RunningCity,
) -> None:
    """SMTP has nothing better to offer (decision 5): what was sent and not yet marked goes out again as the same mail."""
    assert city.city.mail_folder is not None
    (row,) = await city.rows("notify", "SELECT count(*) FROM notice WHERE state = 'sent'")
    settings = Settings.model_fields
    in_hand = settings["smtp_connections"].default * settings["mails_claimed"].default

    assert mail.count(city.city.mail_folder) == row[0]
    assert len(mail.duplicates(city.city.mail_folder)) <= DEATHS * in_hand


def _suspend(city: RunningCity) -> Callable[[], None]:
    """Stop the broker's process in its tracks: its port answers nobody, and no supervisor starts another."""
    import json

    import psutil

    from deploy.local.home import home_of

    process = psutil.Process(json.loads((home_of(city.settings).root / "run" / "kafka.json").read_text())["pid"])
    process.suspend()
    return process.resume
