"""Faults on the real servers: nothing lost, nothing doubled, every key in its order. See docs/delivery.md."""

import asyncio
import os
import signal
import subprocess

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from pydantic import SecretStr

from chassis import kafka, relay
from chassis.database import Tx, sleep_or, utc_now
from chassis.kafka import start_producer
from chassis.pulse import Pulse
from chassis.redriving import redrive
from chassis.service import make_consumer
from chassis.subscription import TopicPartition
from chassis.telemetry import Telemetry
from tests.chassis.conftest import Lab, assert_each_once_in_order, series
from tests.chassis.test_subscription import bomb
from tests.chassis.toy import BLOCKS, HANGS, LOCKS, Aside, DieAt, doubler, losing
from tests.conftest import Administrator

SAID = series(20, 100)
REFUSED = 100


def doubled(said: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(key, 2 * n) for key, n in said]


async def test_what_is_said_is_counted_once_in_order(lab: Lab) -> None:
    lab.start_doubler()
    await lab.say(SAID)
    await lab.publish()

    assert_each_once_in_order(await lab.counted(len(SAID)), SAID)
    await lab.until_relayed(lab.doubler_dsn)
    assert_each_once_in_order(await lab.doubles_once(), doubled(SAID))


@pytest.mark.parametrize("stage", ["promised", "published", "committed"])
async def test_a_service_killed_at_any_stage_loses_and_doubles_nothing(lab: Lab, stage: DieAt) -> None:
    for part in range(4):
        await lab.say(SAID[part * 500 : part * 500 + 500], together=50)
        await lab.publish()
        victim = lab.start_doubler("--die-at", stage)
        assert await asyncio.to_thread(victim.wait, 60) == -signal.SIGKILL

    lab.start_doubler()

    assert_each_once_in_order(await lab.counted(len(SAID)), SAID)
    await lab.until_relayed(lab.doubler_dsn)
    await asyncio.sleep(0.5)
    assert_each_once_in_order(await lab.doubles_once(), doubled(SAID))


@pytest.mark.parametrize("after", [0.2, 0.8])
async def test_what_nobody_handles_is_passed_over_and_leaves_no_hole_behind(lab: Lab, after: float) -> None:
    for part in range(3):
        await lab.say(series(20, 5), kind=Aside)
        await lab.say(SAID[part * 20 : part * 20 + 20])
        await lab.say(series(20, 5), kind=Aside)
        await lab.publish()
        victim = lab.start_doubler()
        await lab.counted(part * 20 + 20)
        await asyncio.sleep(after)
        victim.kill()
        victim.wait()
    last = lab.start_doubler()
    await lab.say(SAID[60:80])
    await lab.publish()

    assert_each_once_in_order(await lab.counted(80), SAID[:80])
    last.terminate()
    assert await asyncio.to_thread(last.wait, 20) == 0
    assert not lab.logged("lane.hole")
    connection = await lab.doubler_tx()
    assert await connection.fetchval("SELECT sum(seen) FROM chassis.lane") == 3 * 220 + 20
    await connection.close()


async def test_two_instances_share_the_work_through_a_rebalance(lab: Lab) -> None:
    everything = series(20, 300)
    parts = [everything[start : start + 200] for start in range(0, len(everything), 200)]
    first = lab.start_doubler()
    second: list[subprocess.Popen[bytes]] = []
    shared = asyncio.Event()

    def handled_by(one: subprocess.Popen[bytes]) -> int:
        return sum(int(str(line["handled"])) for line in lab.logged("batch", one))

    async def say_all() -> None:
        """The second half slowly until the other instance works: also on a busy machine it gets its share."""
        for number, part in enumerate(parts):
            if number >= len(parts) // 2:
                await sleep_or(shared, 2)
            await lab.say(part)
            await lab.publish()

    async def come_and_go() -> None:
        await lab.until_logged("batch", first)
        second.append(lab.start_doubler())
        async with asyncio.timeout(60):
            while not handled_by(second[0]):  # a batch may hold nothing but repeats
                await asyncio.sleep(0.05)
        shared.set()
        second[0].terminate()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(say_all())
        tasks.create_task(come_and_go())

    assert_each_once_in_order(await lab.counted(len(everything)), everything)
    shares = [handled_by(one) for one in (first, *second)]
    assert sum(shares) == len(everything)
    assert min(shares) > 0
    await lab.until_relayed(lab.doubler_dsn)
    await asyncio.sleep(0.5)
    assert_each_once_in_order(await lab.doubles_once(), doubled(everything))


async def test_a_zombie_that_wakes_with_a_batch_in_hand_is_fenced(lab: Lab) -> None:
    await lab.say(SAID)
    await lab.publish()
    zombie = lab.start_doubler("--sleep-at", "taken")
    while psutil.Process(zombie.pid).status() != psutil.STATUS_STOPPED:
        await asyncio.sleep(0.05)
    lab.start_doubler()
    more = series(20, 200)[len(SAID) :]
    await lab.say(more)
    await lab.publish()
    await lab.counted(len(SAID) + len(more))
    zombie.send_signal(signal.SIGCONT)
    rest = series(20, 250)[len(SAID) + len(more) :]
    await lab.say(rest)
    await lab.publish()

    everything = [*SAID, *more, *rest]
    await lab.until_logged("consumer.fenced", zombie)
    assert_each_once_in_order(await lab.counted(len(everything)), everything)
    await lab.until_relayed(lab.doubler_dsn)
    await asyncio.sleep(0.5)
    assert_each_once_in_order(await lab.doubles_once(), doubled(everything))


async def test_every_message_delivered_twice_is_counted_once(lab: Lab) -> None:
    await lab.say(SAID)
    await lab.publish()
    await _repeat_all(lab)

    lab.start_doubler()

    assert_each_once_in_order(await lab.counted(len(SAID)), SAID)
    assert sum(int(str(line["repeats"])) for line in lab.logged("batch")) >= len(SAID)


async def test_a_partition_whose_bytes_nobody_can_unpack_is_alarmed_of_and_stops_itself_alone(lab: Lab) -> None:
    await asyncio.to_thread(bomb, lab.broker, lab.numbers.name)
    await lab.say(SAID)
    await lab.publish()

    lab.start_doubler()
    async with asyncio.timeout(60):
        while not (alarms := lab.logged("consumer.unreadable")):
            await asyncio.sleep(0.1)
    counted = await lab.counted(len(SAID) // lab.numbers.partitions)

    assert (alarms[0]["level"], alarms[0]["partition"], alarms[0]["offset"]) == ("error", 0, 0)
    assert alarms[0]["topic"] == lab.numbers.name
    assert 0 < len(counted) < len(SAID)
    assert not lab.logged("consumer.paused")


async def test_a_lost_message_is_found_named_and_sent_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    await _lose_the_seventh(lab, monkeypatch)
    lab.start_doubler()
    await _until_every_hole_is_named(lab)
    assert all("first=7, last=7" in str(line["hole"]) for line in lab.logged("lane.hole"))
    assert len(await lab.counted(0)) == 6 * lab.numbers.partitions

    await _send_the_seventh_again(lab)

    assert_each_once_in_order(await lab.counted(len(SAID)), SAID)


async def test_a_rewind_that_is_refused_passes_no_hole_over(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    await _lose_the_seventh(lab, monkeypatch)
    lab.start_doubler("--refuse-seeks", str(REFUSED))
    await _until_every_hole_is_named(lab)

    await _send_the_seventh_again(lab)

    assert_each_once_in_order(await lab.counted(len(SAID)), SAID)
    assert any("seek: refused" in str(line) for line in lab.logged("consumer.paused"))


async def _lose_the_seventh(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have everything said published, but for the seventh of every lane."""
    with monkeypatch.context() as patch:
        patch.setattr(kafka, "publish", losing(kafka.publish, 7))
        await lab.say(SAID)
        await lab.publish()


async def _until_every_hole_is_named(lab: Lab) -> None:
    async with asyncio.timeout(30):
        while len(lab.logged("lane.hole")) < lab.numbers.partitions:
            await asyncio.sleep(0.1)


async def _send_the_seventh_again(lab: Lab) -> None:
    connection = await asyncpg.connect(lab.counter_dsn)
    producer = await start_producer(lab.broker, 10)
    for partition in range(lab.numbers.partitions):
        sent = await relay.resend(Tx(connection, utc_now()), producer, lab.numbers.name, partition, 7, 7, 10)
        assert sent == 1
    await producer.stop()
    await connection.close()


async def test_one_poison_message_in_a_thousand_stops_only_its_own_key(
    lab: Lab, by_administrator: Administrator
) -> None:
    said = series(1000, 3)
    poisoned = [(key, -n) if key == "k500" and n == 1 else (key, n) for key, n in said]
    await lab.say(poisoned)
    await lab.publish()
    lab.start_doubler()

    others = [number for number in poisoned if number[0] != "k500"]
    assert_each_once_in_order(await lab.counted(len(others)), others)

    connection = await lab.doubler_tx()
    assert await connection.fetchval("SELECT count(*) FROM chassis.parked_event WHERE key = 'k500'") == 3
    assert (
        await connection.fetchval("SELECT cause FROM chassis.parked_event ORDER BY id LIMIT 1") == "builtins.ValueError"
    )
    await by_administrator(connection, "INSERT INTO cured VALUES (-1)")
    service = doubler(lab.suffix)
    rehearsed = [found async for found in redrive(connection, "/doubler", service.handlers, ["k500"], "test", dry=True)]
    assert (rehearsed[0].handled, rehearsed[0].left) == (3, 0)
    assert await connection.fetchval("SELECT count(*) FROM chassis.parked_event") == 3
    async for found in redrive(connection, "/doubler", service.handlers, ["k500"], "test", dry=False):
        assert (found.handled, found.left, found.cause) == (3, 0, None)
    assert await connection.fetchval("SELECT count(*) FROM chassis.parked_key") == 0
    await connection.close()

    assert_each_once_in_order(await lab.counted(len(poisoned)), poisoned)
    await asyncio.sleep(1)
    assert_each_once_in_order(await lab.doubles_once(), doubled(poisoned))


async def test_a_key_still_poisonous_stays_parked_with_what_waits_behind_it(
    lab: Lab, by_administrator: Administrator
) -> None:
    await lab.say([("a", 1), ("a", -2), ("a", 3)])
    await lab.publish()
    lab.start_doubler()
    await lab.counted(1)
    connection = await lab.doubler_tx()

    service = doubler(lab.suffix)
    (found,) = [found async for found in redrive(connection, "/doubler", service.handlers, ["a"], "test", dry=False)]

    assert (found.handled, found.left, found.cause) == (0, 2, "builtins.ValueError")
    assert await connection.fetchval("SELECT max(attempts) FROM chassis.parked_event") == 2
    ((left_over,),) = await by_administrator(connection, "SELECT left_over FROM chassis.redrive")
    assert left_over == 2
    await connection.close()


async def test_when_every_message_is_poison_nothing_is_parked_and_the_consumer_pauses(
    lab: Lab, by_administrator: Administrator
) -> None:
    await lab.say([(f"k{n}", -n) for n in range(1, 200)])
    await lab.publish()
    lab.start_doubler()
    async with asyncio.timeout(30):
        while len(lab.logged("consumer.paused")) < 2:
            await asyncio.sleep(0.1)

    connection = await lab.doubler_tx()
    assert await connection.fetchval("SELECT count(*) FROM chassis.parked_event") == 0
    await by_administrator(connection, "INSERT INTO cured SELECT -n FROM generate_series(1, 200) n")
    await connection.close()

    assert len(await lab.counted(199)) == 199


async def test_bytes_that_are_no_event_are_parked_and_the_lane_goes_on(lab: Lab) -> None:
    producer = AIOKafkaProducer(**lab.broker.aiokafka())
    await producer.start()
    await producer.send_and_wait(lab.numbers.name, b"\xff\xfe{", key=b"x", partition=0)
    await producer.stop()
    await lab.say(SAID)
    await lab.publish()

    lab.start_doubler()

    assert_each_once_in_order(await lab.counted(len(SAID)), SAID)
    connection = await lab.doubler_tx()
    row = await connection.fetchrow("SELECT key, value, cause FROM chassis.parked_event")
    await connection.close()
    assert row is not None
    assert row["value"] == b"\xff\xfe{"
    assert row["key"].startswith("stray ")


async def test_a_key_that_is_no_text_stops_nobody(lab: Lab) -> None:
    producer = AIOKafkaProducer(**lab.broker.aiokafka())
    await producer.start()
    for number in (b"x", b"", b"-1", b"9" * 5000):
        headers = [("sequence", number)]
        await producer.send_and_wait(lab.numbers.name, b"{}", key=b"a\x00\xff", partition=1, headers=headers)
    await producer.stop()
    await lab.say(SAID)
    await lab.publish()

    lab.start_doubler()

    assert_each_once_in_order(await lab.counted(len(SAID)), SAID)


async def test_a_loop_that_hangs_ends_its_process_whatever_thread_it_waits_for(lab: Lab) -> None:
    await lab.say([("k", HANGS)])
    await lab.publish()
    hanging = lab.start_doubler("--whole")

    assert await asyncio.to_thread(hanging.wait, 30) == os.EX_SOFTWARE
    assert "a loop has stalled" in lab.log()


@pytest.mark.parametrize("fault", [BLOCKS, LOCKS], ids=["a call that blocks", "the interpreter's lock is kept"])
async def test_an_event_loop_that_stands_still_ends_its_process_and_says_where_it_stood(lab: Lab, fault: int) -> None:
    await lab.say([("k", fault)])
    await lab.publish()
    standing = lab.start_doubler("--whole")

    assert await asyncio.to_thread(standing.wait, 30) == 1
    assert "most recent call first" in lab.log()
    assert "toy.py" in lab.log()


async def test_a_client_that_never_leaves_its_group_keeps_no_process_from_ending(lab: Lab) -> None:
    """Python itself would wait for its thread for ever, and so would whoever stops the service."""
    await lab.say([("k", 1)])
    await lab.publish()
    leaving = lab.start_doubler("--whole", "--never-leave")
    await lab.counted(1)

    leaving.terminate()

    assert await asyncio.to_thread(leaving.wait, 30) == 1
    assert "service.stopped" in lab.log()
    assert "most recent call first" in lab.log()


async def test_offsets_that_are_refused_are_told_again(lab: Lab) -> None:
    """Who has not joined a group that has members is none of it."""
    login = {"kafka_user": "doubler", "kafka_password": SecretStr("doubler")}
    settings = lab.settings(lab.doubler_dsn).model_copy(update=login)
    consumer = make_consumer(doubler(lab.suffix), settings, Pulse(60), Telemetry("doubler", None, "error"), print)
    refused = {TopicPartition(lab.numbers.name, 0): 5}
    async with consumer._session() as member, consumer._session() as session:
        while not member.kafka.generation:
            await member.kafka.fetch(1)
        session.offsets = dict(refused)

        await consumer._tell(session)

    assert session.offsets == refused


async def test_a_topic_that_grows_loses_and_doubles_nothing(lab: Lab) -> None:
    from dataclasses import replace

    from deploy.topics import create_topics

    lab.start_doubler()
    await lab.say(SAID)
    await lab.publish()
    await lab.counted(len(SAID))

    await create_topics(lab.broker, [replace(lab.numbers, partitions=6)])
    more = series(20, 200)[len(SAID) :]
    await lab.say(more)
    await lab.publish()

    assert {partition for partition, *_ in await lab.on_topic(lab.numbers)} == set(range(6))
    assert_each_once_in_order(await lab.counted(len(SAID) + len(more), seconds=120), [*SAID, *more])


async def _repeat_all(lab: Lab) -> None:
    """Deliver everything on the numbers' topic a second time."""
    consumer = AIOKafkaConsumer(lab.numbers.name, **lab.broker.aiokafka(), auto_offset_reset="earliest")
    producer = AIOKafkaProducer(**lab.broker.aiokafka())
    await consumer.start()
    await producer.start()
    for _ in range(len(SAID)):
        record = await consumer.getone()
        await producer.send(
            lab.numbers.name, record.value, key=record.key, partition=record.partition, headers=list(record.headers)
        )
    await producer.flush()
    await consumer.stop()
    await producer.stop()
