"""What notify says of what it reads, on a real database."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.database import Owned, Tx, connect, transaction
from contracts.envelope import Event
from contracts.notify import NoticeQueued, NoticeQueuedV2, NoticeWithheld, NoticeWithheldV2
from services.notify import handlers, store
from tests.conftest import Administrator
from tests.notify.conftest import Notify, Story


async def test_an_application_is_acknowledged_in_the_language_of_its_citizen(notify: Notify) -> None:
    story = Story(language="ja-easy")

    (queued,) = await notify.read(story.accepted())

    assert isinstance(queued, NoticeQueued)
    assert (queued.application_id, queued.kind, queued.language) == (story.application_id, "receipt", "ja-easy")
    assert await notify.states() == {"receipt": "queued"}


@pytest.mark.parametrize("email", [None, "花子@example.jp", "a\x00@example.jp"])
async def test_without_an_address_to_write_to_a_notice_is_withheld(notify: Notify, email: str | None) -> None:
    (withheld,) = await notify.read(Story(email).accepted())

    assert isinstance(withheld, NoticeWithheld)
    assert withheld.cause == "no-address"
    assert await notify.states() == {"receipt": "withheld"}


async def test_a_batch_is_acknowledged_in_its_order(notify: Notify) -> None:
    stories = [Story(), Story(None), Story()]

    events = await notify.read_batch([story.accepted() for story in reversed(stories)])

    assert [event.subject for event in events] == [str(story.application_id) for story in reversed(stories)]


async def test_a_withdrawal_a_correction_and_a_result_are_told(notify: Notify) -> None:
    story = Story()
    await notify.read(story.accepted())

    for event in (story.wanted("住民票"), story.decided(), story.withdrawn()):
        (queued,) = await notify.read(event)
        assert isinstance(queued, NoticeQueued)

    assert set(await notify.states()) == {"receipt", "correction", "result", "withdrawal"}


async def test_an_extension_is_told_once_in_the_version_that_has_a_word_for_it(notify: Notify) -> None:
    story = Story()
    await notify.read(story.accepted())

    (queued,) = await notify.read(story.extended("主治医の意見書を\x00\r\n待つため"))

    assert isinstance(queued, NoticeQueuedV2)
    assert (queued.kind, await notify.states()) == ("extension", {"receipt": "queued", "extension": "queued"})
    letters = await notify.commands.run(lambda tx: handlers.claim(tx, 10, timedelta(seconds=60)))
    told = [(await notify.seals.opened(letter)).notice for letter in letters if letter.notice.kind == "extension"]
    assert [(notice.reason, str(notice.until)) for notice in told] == [("主治医の意見書を\n待つため", "2026-12-28")]
    assert "意見書" not in queued.model_dump_json()


async def test_that_an_individual_number_was_made_unreadable_is_told_beside_the_receipt(notify: Notify) -> None:
    story = Story(masked=("data.application.applicant.message",))

    receipt, masked = await notify.read(story.accepted())

    assert isinstance(receipt, NoticeQueued)
    assert isinstance(masked, NoticeQueuedV2)
    assert masked.kind == "individual-number"
    assert await notify.states() == {"receipt": "queued", "individual-number": "queued"}


async def test_a_correction_and_a_withdrawal_tell_of_a_number_in_them_and_a_correction_of_nothing_else(
    notify: Notify,
) -> None:
    story = Story()
    await notify.read(story.accepted())

    assert await notify.read(story.corrected()) == []
    story = replace(story, masked=("data.message",))
    (corrected,) = await notify.read(story.corrected())
    said = await notify.read(story.withdrawn())

    assert isinstance(corrected, NoticeQueuedV2)
    assert [getattr(event, "kind", None) for event in said] == ["withdrawal", "individual-number"]


async def test_an_extension_to_nobody_who_can_be_reached_is_withheld(notify: Notify) -> None:
    story = Story(None)
    assert await notify.read(story.extended("雪のため")) == []

    events = await notify.read(story.accepted())

    assert {type(event) for event in events} == {NoticeWithheld, NoticeWithheldV2}


async def test_two_decisions_on_one_application_in_one_batch_are_told_both(notify: Notify) -> None:
    story = Story()
    await notify.read(story.accepted())

    events = await notify.read_batch([story.decided("approved"), story.decided("refused")])

    assert len(events) == 2


async def test_a_result_before_the_application_waits_for_the_address(notify: Notify) -> None:
    story = Story()

    assert await notify.read(story.decided()) == []
    assert await notify.states() == {"result": "waiting"}

    events = await notify.read(story.accepted())

    assert sorted(event.kind for event in events if isinstance(event, NoticeQueued)) == ["receipt", "result"]
    assert await notify.states() == {"receipt": "queued", "result": "queued"}


async def test_a_result_before_an_application_without_address_is_withheld_with_it(notify: Notify) -> None:
    story = Story(None)
    await notify.read(story.decided())

    events = await notify.read(story.accepted())

    assert all(isinstance(event, NoticeWithheld) for event in events)
    assert await notify.states() == {"receipt": "withheld", "result": "withheld"}


@pytest.mark.parametrize("result_first", [True, False], ids=["result-first", "application-first"])
async def test_application_and_result_read_at_once_by_two_instances_still_meet(
    notify: Notify, *, result_first: bool
) -> None:
    """One transaction is open while the other begins: neither may miss the other."""
    story, other = Story(), await connect(notify.dsn)
    reading: list[Event] = [await notify.sealed(story.accepted()), await notify.sealed(story.decided())]
    one, two = reversed(reading) if result_first else reading
    try:
        async with asyncio.TaskGroup() as tasks, transaction(notify.connection) as tx:
            said: list[Event] = [*await notify.handle(tx, one)]
            rest = tasks.create_task(_in_transaction(notify, other, two))
            await asyncio.sleep(0.1)
            assert not rest.done()
        said.extend(rest.result())
    finally:
        await other.close()

    assert len(said) == 2
    assert await notify.states() == {"receipt": "queued", "result": "queued"}


async def _in_transaction(notify: Notify, connection: Owned, event: Event) -> Sequence[Event]:
    async with transaction(connection) as tx:
        return await notify.handle(tx, event)


async def test_what_staff_typed_is_sent_without_control_characters(notify: Notify) -> None:
    story = Story()
    await notify.read(story.accepted())

    await notify.read(story.wanted("住民票\x00\r\nと印鑑"))

    letters = await notify.commands.run(lambda tx: handlers.claim(tx, 10, timedelta(seconds=60)))
    opened = [await notify.seals.opened(letter) for letter in letters]
    assert "住民票\nと印鑑" in [letter.notice.wanted for letter in opened]


async def test_looking_for_what_is_due_uses_its_index_however_many_are_sent(
    notify: Notify, by_administrator: Administrator
) -> None:
    await notify.rows(
        """
        INSERT INTO notice (notice_id, application_id, kind, state, next_attempt_at)
        SELECT gen_random_uuid(), gen_random_uuid(), 'receipt', 'sent', now() FROM generate_series(1, 20000)
        """
    )
    await by_administrator(notify.connection, "ANALYZE notice")

    plan = await notify.rows(
        """
        EXPLAIN SELECT notice_id FROM notice WHERE state IN ('queued', 'sending') AND next_attempt_at <= now()
        ORDER BY next_attempt_at LIMIT 50 FOR UPDATE SKIP LOCKED
        """
    )

    assert any("notice_due" in row[0] for row in plan)


async def test_nothing_is_released_for_nobody(notify: Notify) -> None:
    async def question(tx: Tx) -> list[object]:
        return [*await store.release(tx, ())]

    assert await notify.commands.query(question) == []
