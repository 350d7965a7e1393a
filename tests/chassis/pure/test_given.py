"""What handlers ask for beside events and transaction, and what a parked event tells an operator."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

import pytest

from chassis.consuming import Batch, Handlers
from chassis.database import Tx
from chassis.processing import Outcome
from chassis.subscription import Record
from chassis.telemetry import Telemetry
from contracts.envelope import Event
from contracts.topics import Topic


class Said(Event):
    """Something."""

    TYPE: ClassVar[str] = "jp.madoguchi.test.said.v1"

    about: UUID

    @property
    def subject(self) -> str:
        return str(self.about)


TOPIC = Topic("said.v1", "/said", ("reader",), (Said,))
BODY = (
    b'{"specversion":"1.0","id":"1","source":"/said","type":"jp.madoguchi.test.said.v1","subject":"s",'
    b'"time":"2026-01-01T00:00:00Z","data":{"about":"0198f3a2-0000-7000-8000-000000000001"}}'
)
_NO_TX: Any = None


def registered() -> Handlers:
    handlers = Handlers()

    @handlers.consumes(TOPIC)
    async def read(said: Batch[Said], tx: Tx, keys: list[str]) -> Sequence[Event]:
        keys.append(said[0].type)
        return []

    return handlers


async def test_a_handler_is_given_what_it_asks_for_by_name() -> None:
    keys: list[str] = []
    given = registered().given(keys=keys, other="nobody asks for this")

    delivery = given.read(Record("said.v1", 0, 0, b"s", BODY, ()), 1)
    assert delivery.handling is not None
    await delivery.handling.call([delivery.event], _NO_TX)

    assert keys == [Said.TYPE]


def test_a_handler_that_is_not_given_what_it_asks_for_is_an_error_at_the_start() -> None:
    with pytest.raises(TypeError, match="read asks for keys"):
        registered().given()


async def test_nothing_is_foreseen_unless_somebody_says_what() -> None:
    seen: list[object] = []

    async def foresee(events: Sequence[object]) -> None:
        seen.extend(events)

    await registered().foresight([1])
    await registered().given(foresee, keys=[]).foresight([2])

    assert seen == [2]


MANY = Topic("said.{one}.v1", "/said", ("reader",), (Said,), member="[a-z]+")


async def test_records_of_every_topic_of_a_template_are_read_by_its_handler() -> None:
    handlers, seen = Handlers(), list[str]()

    @handlers.consumes(TOPIC, MANY)
    async def read(said: Batch[Said], tx: Tx) -> Sequence[Event]:  # pyright: ignore[reportUnusedFunction]
        seen.append(said[0].type)
        return []

    deliveries = [
        handlers.read(Record(name, 0, 0, b"k", BODY, ()), 1) for name in ("said.v1", "said.a.v1", "said.b.v1")
    ]

    assert {delivery.handling for delivery in deliveries} == {handlers.by_type["said.v1", Said.TYPE]}
    assert [delivery.key for delivery in deliveries] == ["k", "said.a.v1 k", "said.b.v1 k"]
    assert handlers.subscriptions == ["said.v1", r"^said\.[a-z]+\.v1$"]
    assert handlers.topic("said.b.v1") is MANY


@pytest.mark.parametrize(
    "key", ["釧路 花子", "hanako@example.jp", "\x1b]0;x\x07", "\\[/x]", "a\nb", "k" * 513, "a\0", "\udcff"]
)
def test_a_key_that_is_no_name_of_a_program_stands_for_itself_by_its_digest(key: str) -> None:
    """It is kept beside what is parked and shown to an operator: whoever may write to the edge chooses it."""
    sent, handlers = key.encode("utf-8", "surrogateescape"), Handlers()
    handlers.topics[TOPIC.name] = TOPIC

    found = handlers.read(Record("said.v1", 0, 0, sent, b"{}", ()), 1)

    assert found.key == f"sha256:{sha256(sent).hexdigest()}"


async def test_a_handler_of_several_topics_is_given_what_it_asks_for_once_so_that_their_records_go_together() -> None:
    handlers = Handlers()

    @handlers.consumes(TOPIC, MANY)
    async def read(said: Batch[Said], tx: Tx, keys: list[str]) -> Sequence[Event]:  # pyright: ignore[reportUnusedFunction]
        return []

    given = handlers.given(keys=[])

    assert len(set(given.by_type.values())) == 1


def test_why_events_were_parked_is_one_line_that_wakes_somebody(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry = Telemetry("desk", None)

    for causes in ({}, {"sealing.errors.BrokenSeal": 2}):
        with telemetry.processing(()) as span:
            span.done(Outcome(1, 0, sum(causes.values()), 0, causes), 0)

    alarms = [line for line in capsys.readouterr().out.splitlines() if '"level": "error"' in line]
    assert len(alarms) == 1
    assert '"sealing.errors.BrokenSeal": 2' in alarms[0]
