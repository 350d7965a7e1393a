import asyncio
import json
import os
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from chassis import journal, ticks
from chassis.consuming import Handlers
from chassis.database import Owned, Tx, connect, transaction, utc_now
from chassis.errors import Poison
from chassis.pulse import Pulse
from chassis.relay import PLANNER, Lead, Relay
from chassis.service import Service, make_relay
from chassis.telemetry import Telemetry
from tests.chassis.conftest import Lab
from tests.chassis.toy import Number
from tests.conftest import Administrator, FreshDatabase

SAYS = [Number(key=f"k{n}", n=n) for n in range(10)]


@pytest.fixture
async def database(fresh_database: FreshDatabase) -> Owned:
    return await connect(await fresh_database("chassis", "tests.chassis"))


async def say(connection: Owned, count: int) -> None:
    async with transaction(connection) as tx:
        await journal.append(tx, journal.lines(tx, "/counter", [Number(key=f"k{n}", n=n) for n in range(count)]))


async def test_the_window_holds_what_became_visible_and_nothing_twice(
    database: Owned, fresh_database: FreshDatabase
) -> None:
    tx = Tx(database, utc_now())
    tick, since = await journal.last_tick(tx)
    await say(database, 3)

    snapshot, entries = await journal.window(tx, tick.snapshot, since)

    assert len(entries) == 3
    assert snapshot is not None
    assert await journal.window(tx, snapshot, since) == (None, [])


async def test_a_transaction_that_commits_late_is_found_although_its_ids_are_smaller(
    database: Owned, fresh_database: FreshDatabase
) -> None:
    dsn = await fresh_database("chassis", "tests.chassis")
    early, late, reader = await connect(dsn), await connect(dsn), await connect(dsn)
    tx = Tx(reader, utc_now())
    tick, since = await journal.last_tick(tx)
    slow = late.transaction()
    await slow.start()
    await journal.append(Tx(late, utc_now()), journal.lines(Tx(late, utc_now()), "/counter", SAYS[:2]))
    await say(early, 3)

    snapshot, first = await journal.window(tx, tick.snapshot, since)
    await slow.commit()
    assert snapshot is not None
    _, second = await journal.window(tx, snapshot, since)

    assert len(first) == 3
    assert len(second) == 2
    assert max(entry.id for entry in second) < min(entry.id for entry in first)


async def test_a_window_larger_than_a_page_is_read_in_pages_that_can_be_read_again(database: Owned) -> None:
    tx = Tx(database, utc_now())
    tick, since = await journal.last_tick(tx)
    await say(database, 2 * journal.PAGE + 10)
    seen: list[int] = []
    snapshot, entries = await journal.window(tx, tick.snapshot, since)
    assert snapshot is not None
    while entries:
        tick = ticks.follow(
            tick,
            snapshot,
            [entry.id for entry in entries],
            [0] * len(entries),
            width=1,
            whole=len(entries) < journal.PAGE,
        )
        await journal.save_tick(tx, tick, tx.now)
        assert await journal.promised(tx, tick) == entries
        seen += [entry.id for entry in entries]
        entries = [] if tick.whole else await journal.page(tx, tick)

    assert seen == sorted(set(seen))
    assert len(seen) == 2 * journal.PAGE + 10
    assert (await journal.last_tick(tx))[0].counters == (2 * journal.PAGE + 10,)


async def test_a_tick_can_be_promised_by_one_relay_only(database: Owned) -> None:
    tx = Tx(database, utc_now())
    tick, _ = await journal.last_tick(tx)
    following = ticks.follow(tick, tick.snapshot, [1], [0], width=1, whole=True)
    await journal.save_tick(tx, following, tx.now)

    with pytest.raises(asyncpg.UniqueViolationError):
        await journal.save_tick(tx, following, tx.now)


async def test_old_days_are_dropped_with_their_ticks_and_the_last_tick_stays(database: Owned) -> None:
    tx = Tx(database, utc_now())
    old = date(2020, 1, 1)
    await tx.execute("SELECT chassis.make_journal_partition($1)", old)
    await tx.execute(
        "INSERT INTO chassis.tick (number, opened_at, previous, snapshot, after, upto, whole, before, counters)"
        " SELECT -1, '2020-01-01', previous, snapshot, 0, 0, true, '{}', '{}' FROM chassis.tick"
    )

    dropped = await journal.drop_partitions(tx, utc_now().date() - timedelta(days=40))

    assert dropped == ["journal_20200101"]
    assert [row[0] for row in await tx.fetch("SELECT number FROM chassis.tick")] == [0]


async def test_what_a_vendor_named_cannot_break_out_of_the_envelope(database: Owned) -> None:
    nasty = 'a","type":"jp.forged.v1","x":"'
    tx = Tx(database, datetime(2026, 1, 1, tzinfo=UTC), {nasty: '00-","forged":"'})

    (line,) = journal.lines(tx, "/counter", [Number(key=nasty, n=1)])

    envelope = json.loads(line.payload)
    assert envelope["subject"] == nasty
    assert envelope["type"] == Number.TYPE
    assert "traceparent" not in envelope
    assert "forged" not in envelope


async def test_an_event_that_no_topic_takes_is_poison(database: Owned) -> None:
    with pytest.raises(Poison):
        journal.lines(Tx(database, utc_now()), "/counter", [Number(key="x" * 500_000, n=1)])


async def test_an_event_as_long_as_those_with_seals_stays_in_its_row_on_every_day(database: Owned) -> None:
    tx = Tx(database, utc_now())
    days = [tx.now + timedelta(days=ahead) for ahead in (-30, 0, 1)]
    await tx.execute(
        "INSERT INTO chassis.journal (at, key, type, payload) SELECT at, 'k', 't', $2 FROM unnest($1::timestamptz[]) at",
        days,
        os.urandom(7000),
    )

    rows = await tx.fetch(
        "SELECT pg_relation_size(oid) AS rows, pg_relation_size(reltoastrelid) AS beside FROM pg_class"
        " JOIN pg_inherits ON oid = inhrelid WHERE inhparent = 'chassis.journal'::regclass"
    )

    assert [row["rows"] > 0 for row in rows].count(True) == len(days)
    assert not any(row["beside"] for row in rows)


async def test_the_news_of_a_long_day_are_found_by_the_index_on_transactions_without_the_help_of_others(
    fresh_database: FreshDatabase,
) -> None:
    database = await connect(await fresh_database("chassis", "tests.chassis"), planner=PLANNER)
    await database.execute(
        "INSERT INTO chassis.journal (key, type, payload)"
        " SELECT 'k'::bytea, 't', repeat('x', 200)::bytea FROM generate_series(1, 100000)"
    )
    await database.execute(
        "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_index_scan_size = 0;"
        f"PREPARE news (text, text[], timestamptz, interval) AS {journal.NEWS}"
    )
    xmax, _ = ticks.horizon(await database.fetchval("SELECT pg_current_snapshot()::text"))

    plan = await database.fetch(
        f"EXPLAIN (ANALYZE, BUFFERS OFF, TIMING OFF, COSTS OFF) EXECUTE news ('{xmax}', '{{}}', now(), '1 hour')"
    )

    text = "\n".join(row[0] for row in plan)
    await database.close()
    assert "Index Scan using" in text
    assert "_xid_idx" in text
    assert "Seq Scan" not in text
    assert "Gather" not in text


async def test_numbers_are_found_again_for_a_resend_across_many_ticks(lab: Lab) -> None:
    for start in range(0, 60, 20):
        await lab.say([(f"k{n}", n) for n in range(start, start + 20)])
        await lab.publish()
    connection = await connect(lab.counter_dsn)

    found = await journal.ticks_of(Tx(connection, utc_now()), 0, 1, 10_000)

    assert [tick.number for tick in found] == sorted(tick.number for tick in found)
    published = {number for partition, number, *_ in await lab.on_topic(lab.numbers) if partition == 0}
    assert published == set(range(1, found[-1].counters[0] + 1))
    await connection.close()


async def test_rows_of_a_day_without_a_partition_are_kept_and_later_partitions_do_not_fail(database: Owned) -> None:
    tx = Tx(database, utc_now())
    far = date(2031, 5, 5)
    await tx.execute("INSERT INTO chassis.journal (at, key, type, payload) VALUES ('2031-05-05', 'k', 't', 'p')")

    await tx.execute("SELECT chassis.make_journal_partition($1)", far)

    assert await tx.fetchval("SELECT count(*) FROM chassis.journal WHERE at > '2031-01-01'") == 1


async def test_what_was_committed_while_a_window_waited_for_hours_is_in_the_next_one(
    lab: Lab, by_administrator: Administrator
) -> None:
    """Page one is promised, Kafka is away for two hours, page two follows: the next window reaches back to the opening."""
    connection = await connect(lab.counter_dsn)
    await lab.say([(f"k{n % 7}", n) for n in range(1, journal.PAGE + 11)], together=journal.PAGE + 10)
    await lab.publish()
    await by_administrator(
        connection, "UPDATE chassis.tick SET opened_at = opened_at - interval '2 hours' WHERE number > 0"
    )
    opened = await connection.fetch(
        "SELECT number, opened_at, whole FROM chassis.tick WHERE number > 0 ORDER BY number"
    )

    assert [row["whole"] for row in opened] == [False, True]
    assert opened[0]["opened_at"] == opened[1]["opened_at"]
    await connection.close()


async def test_a_clock_that_was_days_ahead_and_is_set_right_hides_nothing(
    lab: Lab, by_administrator: Administrator
) -> None:
    """What is said after it would be older than the last window's opening, and passed over for good by the next one."""
    connection = await connect(lab.counter_dsn)
    await lab.say([("early", 1)])
    await lab.publish()
    await by_administrator(connection, "UPDATE chassis.tick SET opened_at = opened_at + interval '5 days'")
    await connection.close()
    await lab.say([("late", 2)])

    await lab.publish()

    assert {n for *_, n in await lab.on_topic(lab.numbers)} == {1, 2}


async def test_a_transaction_that_slept_for_a_day_with_its_machine_is_found_when_it_commits(database: Owned) -> None:
    """Suspended, or a virtual machine paused: the transaction lived for a second, and the clock says a day."""
    tx = Tx(database, utc_now())
    tick, _ = await journal.last_tick(tx)
    await tx.execute(
        "INSERT INTO chassis.journal (at, key, type, payload) VALUES (now() - interval '1 day', 'k', 't', 'p')"
    )

    _, entries = await journal.window(tx, tick.snapshot, utc_now())

    assert len(entries) == 1


async def test_from_a_database_that_was_restored_from_a_dump_nothing_is_published_and_it_is_said_why(
    lab: Lab, by_administrator: Administrator, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dump carries the ticks' transactions into a server that has not had them: what is said next would never be found."""
    connection = await connect(lab.counter_dsn)
    await by_administrator(connection, "UPDATE chassis.tick SET snapshot = '900000000:900000000:'")
    await connection.close()
    service, pulse, stop = Service("counter", "tests.chassis", lab.numbers, Handlers()), Pulse(60), asyncio.Event()
    telemetry = Telemetry("counter", None, "warning")
    relay = make_relay(service, lab.settings(lab.counter_dsn), pulse, telemetry)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run(stop))
        await asyncio.sleep(1)
        stop.set()

    assert pulse.unready() == ["relay"]
    assert "restored from a dump" in capsys.readouterr().out


LONG_AGO = date(2020, 1, 1)


async def say_long_ago(lab: Lab, by_administrator: Administrator, numbers: Sequence[int]) -> None:
    """What was committed on a day whose journal is over, and is not published yet."""
    connection = await connect(lab.counter_dsn)
    await by_administrator(connection, "SELECT chassis.make_journal_partition($1)", LONG_AGO)
    await by_administrator(connection, "UPDATE chassis.tick SET opened_at = $1", datetime(2020, 1, 1, tzinfo=UTC))
    async with transaction(connection) as tx:
        for line in journal.lines(tx, "/counter", [Number(key="k", n=n) for n in numbers]):
            await tx.execute(
                "INSERT INTO chassis.journal (at, key, type, payload) VALUES ('2020-01-01 12:00Z', $1, $2, $3)",
                line.key.encode(),
                line.type,
                line.payload,
            )
    await connection.close()


async def test_what_is_not_published_yet_is_forgotten_by_nobody_however_old_it_is(
    lab: Lab, by_administrator: Administrator
) -> None:
    await say_long_ago(lab, by_administrator, [1, 2])
    connection, stop = await connect(lab.counter_dsn), asyncio.Event()
    service = Service("counter", "tests.chassis", lab.numbers, Handlers())
    relay = make_relay(service, lab.settings(lab.counter_dsn), Pulse(60), Telemetry("counter", None, "error"))

    async with asyncio.timeout(15), asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run(stop))
        while await connection.fetchval("SELECT to_regclass('chassis.journal_20200101')"):
            await asyncio.sleep(0.05)
        stop.set()

    assert [n for *_, n in await lab.on_topic(lab.numbers)] == [1, 2]
    await connection.close()


async def test_a_back_up_that_reads_the_journal_holds_no_relay_up(lab: Lab, by_administrator: Administrator) -> None:
    """`pg_dump` holds a lock on the journal and all its days until it is done, and a day is over meanwhile."""
    connection = await connect(lab.counter_dsn)
    await by_administrator(connection, "SELECT chassis.make_journal_partition($1)", LONG_AGO)
    reads = connection.transaction()
    await reads.start()
    await connection.execute("LOCK TABLE chassis.journal IN ACCESS SHARE MODE")
    await lab.say([("k", 1), ("k", 2)])

    async with asyncio.timeout(8):
        await lab.publish()

    assert [n for *_, n in await lab.on_topic(lab.numbers)] == [1, 2]
    await reads.rollback()
    await connection.close()


async def test_a_relay_that_is_told_to_stop_does_although_another_instance_goes_on(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is committed after it was told is for the other one to publish."""
    another, turn, stop = await connect(lab.counter_dsn), Relay.turn, asyncio.Event()

    async def turn_after_another_has_said_something(relay: Relay, lead: Lead) -> int:
        await say(another, 1)
        return await turn(relay, lead)

    await lab.say([("before", 1)])
    service = Service("counter", "tests.chassis", lab.numbers, Handlers())
    relay = make_relay(service, lab.settings(lab.counter_dsn), Pulse(60), Telemetry("counter", None, "error"))
    monkeypatch.setattr(Relay, "turn", turn_after_another_has_said_something)

    async with asyncio.timeout(15), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(relay.run(stop))
        await lab.until_relayed(lab.counter_dsn)
        stop.set()
        await running

    await another.close()
    assert "before" in {key for *_, key, _ in await lab.on_topic(lab.numbers)}


def test_a_topic_never_has_fewer_partitions_than_were_numbered() -> None:
    tick = ticks.Tick(1, "1:1:", "1:1:", 0, 1, True, (0, 0), (1, 0))  # noqa: FBT003

    with pytest.raises(ValueError, match="2 partitions"):
        ticks.follow(tick, "1:2:", [2], [0], width=1, whole=True)


def test_a_promise_the_journal_has_partly_forgotten_is_not_given_its_numbers_again() -> None:
    tick = ticks.Tick(1, "1:1:", "1:1:", 0, 9, True, (4, 0), (6, 1))  # noqa: FBT003

    assert ticks.is_whole(tick, 3)
    assert not ticks.is_whole(tick, 2)
