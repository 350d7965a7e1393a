"""What reading a topic costs before anything is done with it: aiokafka under our own loop, beside FastStream.

    python -m benchmarks.consuming [--records 200000] [--json]

Every reader gets the same records of 1 KB with the two headers of a lane, in batches of at most 1,000, commits the offsets of
every batch, and only counts. Interleaved, three rounds, medians; CPU is the reader's own process.
"""

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.servers import JAVA
from chassis import kafka
from chassis.broker import Broker
from contracts.topics import Topic
from deploy.local import LocalSettings, down, up
from deploy.topics import create_topics

TOPIC = Topic("consuming.v1", "/bench", (), ())
ROUNDS = 3
GOAL = 1.0
Reader = Callable[[str, str, int], Coroutine[Any, Any, None]]


async def ours(bootstrap: str, group: str, records: int) -> None:
    """The chassis's way: getmany and commit, each within a time-out, lane numbers read."""
    consumer = AIOKafkaConsumer(
        TOPIC.name,
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        fetch_max_wait_ms=10,
    )
    await consumer.start()
    seen = 0
    while seen < records:
        for batch in (await kafka.within(30, "fetch", consumer.getmany(timeout_ms=100, max_records=1000))).values():
            seen += sum(kafka.number_of(record) is not None for record in batch)
        await kafka.within(30, "commit", consumer.commit())
    await consumer.stop()


async def faststream_batch(bootstrap: str, group: str, records: int) -> None:
    """FastStream's batch subscriber with raw bytes, casting and logging off, `NACK_ON_ERROR`."""
    from faststream import AckPolicy
    from faststream.kafka import KafkaBroker

    broker = KafkaBroker(bootstrap, logger=None, apply_types=False)
    done = asyncio.Event()
    seen = 0

    @broker.subscriber(
        TOPIC.name,
        batch=True,
        max_records=1000,
        batch_timeout_ms=10,
        fetch_max_wait_ms=10,
        group_id=group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        decoder=_raw,
    )
    async def count(bodies: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        nonlocal seen
        seen += len(bodies)
        if seen >= records:
            done.set()

    await broker.start()
    await done.wait()
    await broker.stop()


async def _raw(message: Any, _original: Any) -> Any:
    return message.body


async def faststream_single(bootstrap: str, group: str, records: int) -> None:
    """FastStream's subscriber as documented: one message a call, a commit each."""
    from faststream import AckPolicy
    from faststream.kafka import KafkaBroker

    broker = KafkaBroker(bootstrap, logger=None)
    done = asyncio.Event()
    seen = 0

    @broker.subscriber(
        TOPIC.name, group_id=group, auto_offset_reset="earliest", fetch_max_wait_ms=10, ack_policy=AckPolicy.ACK
    )
    async def count(body: bytes) -> None:  # pyright: ignore[reportUnusedFunction]
        nonlocal seen
        seen += 1 if body else 0
        if seen >= records:
            done.set()

    await broker.start()
    await done.wait()
    await broker.stop()


READERS: dict[str, Reader] = {
    "chassis": ours,
    "faststream-batch": faststream_batch,
    "faststream-documented": faststream_single,
}
SHARE = {"faststream-documented": 20}
"""Of how many records one: a reader that slow need not read them all."""


async def fill(bootstrap: str, records: int) -> None:
    """Put `records` of 1 KB on the topic."""
    await create_topics(Broker(bootstrap), [TOPIC])
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, linger_ms=5, max_batch_size=1 << 19)
    await producer.start()
    headers = [*kafka.HEADERS, (kafka.SEQUENCE, b"123456")]
    for start in range(0, records, 5000):
        sent = [
            await producer.send(TOPIC.name, b"x" * 1024, key=uuid.uuid4().bytes, headers=headers)
            for _ in range(start, min(records, start + 5000))
        ]
        await asyncio.gather(*sent)
    await producer.stop()


def measure(name: str, bootstrap: str, records: int) -> dict[str, Any]:
    """One reader in a process of its own: records a second and CPU µs a record."""
    share = records // SHARE.get(name, 1)
    command = [
        sys.executable,
        "-m",
        "benchmarks.consuming",
        "--read",
        name,
        "--kafka",
        bootstrap,
        "--records",
        str(share),
    ]
    answer = subprocess.run(command, check=True, capture_output=True)
    return json.loads(answer.stdout)


def read(name: str, bootstrap: str, records: int) -> dict[str, Any]:
    """Run one reader here."""
    logging.disable(logging.CRITICAL)
    group = f"{name}-{uuid.uuid4()}"
    started, cpu = time.perf_counter(), time.process_time()
    asyncio.run(READERS[name](bootstrap, group, records))
    seconds, spent = time.perf_counter() - started, time.process_time() - cpu
    return {"reader": name, "records": records, "per_second": records / seconds, "cpu_us": spent / records * 1e6}


def run(records: int) -> dict[str, Any]:
    """All readers, interleaved, on servers of their own."""
    with tempfile.TemporaryDirectory() as folder:
        jars = Path(__file__).parents[1] / ".madoguchi" / "jars"
        settings = LocalSettings(
            home=Path(folder),
            jars=jars,
            kafka_bootstrap=None,
            kafka_open=True,
            postgres_dsn=None,
            smtp_url=None,
            java_options=JAVA,
        )
        stack = up(settings, _say)
        try:
            asyncio.run(fill(stack.kafka_bootstrap, records))
            found = [measure(name, stack.kafka_bootstrap, records) for _ in range(ROUNDS) for name in READERS]
        finally:
            down(settings, _say)
    rows = [_median(name, [row for row in found if row["reader"] == name]) for name in READERS]
    ratio = rows[1]["cpu_us"] / rows[0]["cpu_us"]
    target = {"name": "CPU of FastStream's batch subscriber ÷ ours", "value": ratio, "goal": GOAL, "met": ratio >= GOAL}
    return {"rows": rows, "targets": [target]}


def _median(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "reader": name,
        "per_second": round(statistics.median(row["per_second"] for row in rows)),
        "cpu_us": round(statistics.median(row["cpu_us"] for row in rows), 2),
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--read", choices=tuple(READERS), help=argparse.SUPPRESS)
    parser.add_argument("--kafka", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.read:
        print(json.dumps(read(arguments.read, arguments.kafka, arguments.records)))
        return
    result = run(arguments.records)
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        for row in result["rows"]:
            print(f"{row['reader']:24}{row['per_second']:>10,}/s{row['cpu_us']:>10} µs CPU a record")
    sys.exit(0 if all(target["met"] for target in result["targets"]) else 1)


if __name__ == "__main__":
    main()
