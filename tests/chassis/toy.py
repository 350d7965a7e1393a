"""A small service to try the chassis with, without a word of any city: `counter` says numbers, `doubler` says them twice as big.

As a process, so that it can be killed:  python -m tests.chassis.toy SUFFIX [--die-at STAGE] [--sleep-at STAGE] [--lose N]
                                    [--refuse-seeks N] [--never-leave] [--whole]
"""

import argparse
import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import ClassVar, Literal, get_args

import uvloop
from aiokafka import AIOKafkaProducer

from chassis import kafka
from chassis.consuming import Batch, Handlers
from chassis.database import Tx
from chassis.errors import Transient
from chassis.pulse import Pulse
from chassis.service import Service, make_consumer, make_relay, serve
from chassis.settings import ServiceSettings
from chassis.subscription import Subscription, TopicPartition
from chassis.telemetry import Telemetry
from contracts.envelope import Event
from contracts.topics import Topic

HANGS, BLOCKS, LOCKS = 666, 667, 668
"""Numbers at which the doubler waits for a thread that never comes back, does nothing else, and lets nobody do anything else."""

DieAt = Literal["promised", "published", "taken", "committed"]


class Number(Event):
    """A key and its next number."""

    TYPE: ClassVar[str] = "test.number.v1"

    key: str
    n: int

    @property
    def subject(self) -> str:
        return self.key


class Aside(Number):
    """A number that the doubler has no use for."""

    TYPE: ClassVar[str] = "test.aside.v1"


class Double(Number):
    """Twice the number."""

    TYPE: ClassVar[str] = "test.double.v1"


class Settings(ServiceSettings):
    """Read from the plain names of the fields. Its sessions are shorter than other brokers than ours allow."""

    session_ms: int = 3000
    stall_seconds: float = 5


def topics(suffix: str) -> tuple[Topic, Topic]:
    """Topics of one test."""
    return (
        Topic(f"numbers-{suffix}.v1", "/counter", ("doubler",), (Number, Aside)),
        Topic(f"doubles-{suffix}.v1", "/doubler", (), (Double,)),
    )


def doubler(suffix: str) -> Service:
    """Counts every number, chokes on those that are not cured, and says their doubles."""
    numbers, doubles = topics(suffix)
    handlers = Handlers()

    @handlers.consumes(numbers)
    async def double(batch: Batch[Number], tx: Tx) -> list[Event]:  # pyright: ignore[reportUnusedFunction]
        cured = {row["n"] for row in await tx.fetch("SELECT n FROM cured")}
        for event in batch:
            if event.data.n == HANGS:
                await asyncio.to_thread(time.sleep, 3600)
            if event.data.n == BLOCKS:
                time.sleep(3600)  # noqa: ASYNC251  that is the fault
            if event.data.n == LOCKS:  # PyDLL calls with the interpreter's lock held
                await asyncio.to_thread(ctypes.PyDLL(None).sleep, 3600)
            if event.data.n < 0 and event.data.n not in cured:
                raise ValueError("a number that hurts")
        await tx.execute(
            "INSERT INTO counted (key, n) SELECT * FROM unnest($1::text[], $2::int[])",
            [event.data.key for event in batch],
            [event.data.n for event in batch],
        )
        return [Double(key=event.data.key, n=2 * event.data.n) for event in batch]

    return Service(f"doubler-{suffix}", "tests.chassis", doubles, handlers)


async def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Consumer and relay of the doubler until SIGTERM, dying where it is told to."""
    service = doubler(arguments.suffix)
    telemetry = Telemetry(service.name, None)
    pulse = Pulse(60)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    relay = make_relay(service, settings, pulse, telemetry)
    consumer = make_consumer(service, settings, pulse, telemetry, relay.wake.set)

    def reached(stage: str) -> None:
        if stage == arguments.die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if stage == arguments.sleep_at:
            arguments.sleep_at = None
            os.kill(os.getpid(), signal.SIGSTOP)

    relay.reached = reached
    consumer.reached = reached
    if arguments.lose:
        kafka.publish = losing(kafka.publish, arguments.lose)
    if arguments.refuse_seeks:
        refuse_seeks(arguments.refuse_seeks)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run(stop))
        tasks.create_task(consumer.run(stop))


def losing(publish: kafka.Publish, number: int) -> kafka.Publish:
    """A network that takes one record of every lane, its `number`, the first time it is published."""
    lost: set[int] = set()

    async def publish_all_but_one(
        producer: AIOKafkaProducer, topic: str, records: Sequence[kafka.Outgoing], seconds: float
    ) -> None:
        gone = {record.partition for record in records if record.number == number} - lost
        lost.update(gone)
        kept = [record for record in records if record.number != number or record.partition not in gone]
        await publish(producer, topic, kept, seconds)

    return publish_all_but_one


def refuse_seeks(times: int) -> None:
    """A broker that lets nobody read again from an earlier place, the first so many times."""
    rewind, left = Subscription.rewind, iter(range(times))

    async def rewind_later(self: Subscription, tp: TopicPartition, offset: int) -> None:
        if next(left, None) is not None:
            raise Transient("kafka: seek: refused")
        await rewind(self, tp, offset)

    Subscription.rewind = rewind_later


def never_leave() -> None:
    """A client that does not come back from leaving its group."""

    def sleep(self: Subscription) -> None:
        time.sleep(3600)

    Subscription._leave = sleep  # pyright: ignore[reportPrivateUsage]


def main() -> None:
    """Run the doubler."""
    parser = argparse.ArgumentParser()
    parser.add_argument("suffix")
    parser.add_argument("--die-at", choices=get_args(DieAt))
    parser.add_argument("--sleep-at", choices=get_args(DieAt))
    parser.add_argument("--lose", type=int, default=0)
    parser.add_argument("--refuse-seeks", type=int, default=0)
    parser.add_argument("--never-leave", action="store_true")
    parser.add_argument("--whole", action="store_true", help="as the whole service, with its watch over its loops")
    arguments, settings = parser.parse_args(sys.argv[1:]), Settings.model_validate({})
    if arguments.never_leave:
        never_leave()
        settings.stall_seconds = 60
    uvloop.run(serve(doubler(arguments.suffix), settings) if arguments.whole else run(arguments, settings))


if __name__ == "__main__":
    main()
