"""Mails, on a real database and real SMTP."""

import asyncio
from datetime import timedelta

import pytest

from contracts.notify import NoticeQueued
from deploy.local import Stack, mail
from services.notify import handlers, rules, store
from services.notify.settings import Settings
from tests.conftest import Administrator
from tests.notify.conftest import TRACE, MailServer, Notify, Story, mails_to, settings_of

ALL_SENT = "SELECT bool_and(state = 'sent') FROM notice"
LEASE = timedelta(seconds=60)


def patient(notify: Notify, url: str | None) -> Settings:
    return settings_of(notify.dsn, url)


async def make_due(notify: Notify) -> None:
    """As if the pause were over."""
    await notify.rows("UPDATE notice SET next_attempt_at = now() WHERE state = 'queued'")


async def test_a_mail_is_sent_and_said_with_its_message_id_and_trace(notify: Notify, servers: Stack) -> None:
    story = Story("sent-and-said@example.jp")
    (queued,) = await notify.read(story.accepted())
    assert isinstance(queued, NoticeQueued)

    async with notify.sending(patient(notify, servers.smtp_url)):
        await notify.until(ALL_SENT)

    (found,) = mails_to(servers.mail_folder, "sent-and-said@example.jp")
    (said,) = await notify.said()
    assert said["type"] == "jp.madoguchi.notice.sent.v1"
    assert said["data"]["message_id"] == found["Message-ID"] == f"<{queued.notice_id}@madoguchi.example>"
    assert said["traceparent"] == TRACE
    assert found["Auto-Submitted"] == "auto-generated"


async def test_an_extension_is_one_mail_with_its_reason_and_is_said_to_be_sent(notify: Notify, servers: Stack) -> None:
    story = Story("extended@example.jp")
    await notify.read(story.accepted())
    await notify.read(story.extended("主治医の意見書を待つため"))

    async with notify.sending(patient(notify, servers.smtp_url)):
        await notify.until(ALL_SENT)

    found = [mail for mail in mails_to(servers.mail_folder, "extended@example.jp") if "延長" in str(mail["Subject"])]
    assert ["主治医の意見書を待つため" in mail.get_content() for mail in found] == [True]
    assert {said["type"] for said in await notify.said()} == {
        "jp.madoguchi.notice.sent.v1",
        "jp.madoguchi.notice.sent.v2",
    }


async def test_an_address_of_a_carrier_that_breaks_the_rules_arrives(notify: Notify) -> None:
    server = MailServer()
    await notify.read(Story("a..b.@docomo.example.jp").accepted())

    with server.running():
        async with notify.sending(patient(notify, server.url)):
            await notify.until(ALL_SENT)

    assert b'\r\nTo: "a..b."@docomo.example.jp\r\n' in server.taken[0]


async def test_what_arrives_can_be_read(notify: Notify, servers: Stack) -> None:
    """The body once ended before it began, behind the padding of an empty one."""
    await notify.read(Story("reader@example.jp").accepted())

    async with notify.sending(patient(notify, servers.smtp_url)):
        await notify.until(ALL_SENT)

    (found,) = mails_to(servers.mail_folder, "reader@example.jp")
    assert "受付番号：0000-0000-0012-4" in found.get_content()


async def test_many_notices_are_each_sent_once_over_several_connections(notify: Notify, servers: Stack) -> None:
    stories = [Story(f"many-{number}@example.jp") for number in range(300)]
    await notify.read_batch([story.accepted() for story in stories])
    before = mail.duplicates(servers.mail_folder) if servers.mail_folder else ()

    async with notify.sending(patient(notify, servers.smtp_url)):
        await notify.until(ALL_SENT)

    assert servers.mail_folder is not None
    assert mail.duplicates(servers.mail_folder) == before
    assert len(await notify.said()) == 300
    assert len([one for one in mail.messages(servers.mail_folder) if str(one["To"]).startswith("many-")]) == 300


async def test_without_a_mail_server_notices_wait(notify: Notify) -> None:
    await notify.read(Story().accepted())

    async with notify.sending(patient(notify, None)):
        await asyncio.sleep(0.3)

    assert await notify.states() == {"receipt": "queued"}


async def test_a_crash_between_sending_and_marking_sends_the_same_mail_again_and_one_is_kept(
    notify: Notify, servers: Stack, by_administrator: Administrator
) -> None:
    await notify.read(Story("crash@example.jp").accepted())
    settings = patient(notify, servers.smtp_url)
    async with notify.sending(settings):
        await notify.until(ALL_SENT)
    # As the dead process left it: the server has the mail, the claim stands, nothing is marked or announced.
    await notify.rows("UPDATE notice SET state = 'sending', next_attempt_at = now() + interval '1 hour'")
    await by_administrator(notify.connection, "DELETE FROM chassis.journal")

    async with notify.sending(settings):
        await notify.until(ALL_SENT)

    (found,) = mails_to(servers.mail_folder, "crash@example.jp")
    assert servers.mail_folder is not None
    assert mail.duplicates(servers.mail_folder).count(str(found["Message-ID"])) == 1
    assert [said["type"] for said in await notify.said()] == ["jp.madoguchi.notice.sent.v1"]


async def test_a_claim_of_another_instance_that_lives_is_left_alone(notify: Notify, servers: Stack) -> None:
    await notify.read(Story("left-alone@example.jp").accepted())
    async with notify.pool.acquire() as alive:
        await alive.execute("SELECT pg_advisory_lock_shared($1)", store.PRESENT)
        await notify.commands.run(lambda tx: handlers.claim(tx, 10, LEASE))

        async with notify.sending(patient(notify, servers.smtp_url)):
            await asyncio.sleep(0.5)

        assert await notify.states() == {"receipt": "sending"}


async def test_a_claim_is_taken_up_again_when_its_lease_has_passed(notify: Notify, servers: Stack) -> None:
    await notify.read(Story("lease@example.jp").accepted())
    async with notify.pool.acquire() as alive:
        await alive.execute("SELECT pg_advisory_lock_shared($1)", store.PRESENT)
        await notify.commands.run(lambda tx: handlers.claim(tx, 10, timedelta(seconds=0.5)))

        async with notify.sending(patient(notify, servers.smtp_url)):
            await notify.until(ALL_SENT)

    assert len(mails_to(servers.mail_folder, "lease@example.jp")) == 1


async def test_whose_lease_has_passed_can_neither_mark_nor_announce(notify: Notify) -> None:
    await notify.read(Story().accepted())
    (stale,) = await notify.commands.run(lambda tx: handlers.claim(tx, 10, timedelta(0)))
    (fresh,) = await notify.commands.run(lambda tx: handlers.claim(tx, 10, LEASE))

    for letter in (stale, fresh):
        await notify.commands.run(lambda tx, it=letter: handlers.settle(tx, [rules.Answer(it, 250)], 3, "city.example"))

    assert (stale.attempts, fresh.attempts) == (1, 2)
    assert len(await notify.said()) == 1


async def test_two_instances_claim_no_notice_both(notify: Notify) -> None:
    await notify.read_batch([Story(f"{number}@example.jp").accepted() for number in range(40)])

    both = await asyncio.gather(*(notify.commands.run(lambda tx: handlers.claim(tx, 20, LEASE)) for _ in range(2)))

    claimed = [letter.notice.notice_id for letters in both for letter in letters]
    assert len(claimed) == len(set(claimed)) == 40


@pytest.mark.parametrize("at", ["recipient", "content"])
async def test_a_refusal_for_good_fails_that_notice_and_no_other(notify: Notify, at: str) -> None:
    server = MailServer()
    server.to_recipient["no@example.jp"] = "550 no such user" if at == "recipient" else "250 OK"
    server.to_content = "554 no" if at == "content" else ""
    await notify.read_batch([Story("no@example.jp").accepted(), Story("yes@example.jp").accepted()])

    with server.running():
        async with notify.sending(patient(notify, server.url)):
            await notify.until("SELECT bool_and(state IN ('sent', 'failed')) FROM notice")

    said = {event["type"].split(".")[-2] for event in await notify.said()}
    assert said == ({"sent", "failed"} if at == "recipient" else {"failed"})
    (failed, *_) = [event["data"] for event in await notify.said() if event["type"].endswith("failed.v1")]
    assert (failed["smtp_code"], failed["attempts"]) == (550 if at == "recipient" else 554, 1)


async def test_a_refusal_for_now_is_tried_again_later(notify: Notify) -> None:
    server = MailServer(to_recipient={"hanako@example.jp": "451 greylisted"})
    await notify.read(Story().accepted())

    with server.running():
        async with notify.sending(patient(notify, server.url)):
            await notify.until("SELECT bool_and(smtp_code = 451 AND next_attempt_at > now()) FROM notice")
            assert await notify.said() == []
            server.to_recipient.clear()
            await make_due(notify)
            await notify.until(ALL_SENT)

    assert len(server.taken) == 1


async def test_a_refusal_for_now_fails_when_there_were_too_many(notify: Notify) -> None:
    server = MailServer(to_recipient={"hanako@example.jp": "451 greylisted"})
    await notify.read(Story().accepted())

    with server.running():
        async with notify.sending(settings_of(notify.dsn, server.url, most_attempts=2)):
            await notify.until("SELECT bool_and(smtp_code = 451) FROM notice")
            await make_due(notify)
            await notify.until("SELECT bool_and(state = 'failed') FROM notice")

    (said,) = await notify.said()
    assert (said["data"]["smtp_code"], said["data"]["attempts"]) == (451, 2)


async def test_while_the_mail_server_is_away_nothing_is_claimed_and_afterwards_all_is_sent(notify: Notify) -> None:
    server = MailServer()
    await notify.read(Story().accepted())

    async with notify.sending(patient(notify, server.url)):
        await asyncio.sleep(0.5)
        (row,) = await notify.rows("SELECT state, attempts FROM notice")
        assert tuple(row) == ("queued", 0)
        with server.running():
            await notify.until(ALL_SENT)

    assert len(server.taken) == 1


async def test_a_mail_server_that_restarts_is_found_again(notify: Notify) -> None:
    server = MailServer()

    async with notify.sending(patient(notify, server.url)):
        for number in (1, 2):
            with server.running():
                await notify.read(Story().accepted())
                await notify.until(ALL_SENT)
                assert len(server.taken) == number


async def test_a_sender_that_the_server_refuses_is_our_fault_and_fails_nobody(notify: Notify) -> None:
    server = MailServer(to_sender="550 sender unknown")
    await notify.read_batch([Story(f"{number}@example.jp").accepted() for number in range(3)])

    with server.running():
        async with notify.sending(patient(notify, server.url)):
            await notify.until("SELECT bool_or(smtp_code = 0) FROM notice")
            server.to_sender = ""
            await make_due(notify)
            await notify.until("SELECT bool_or(state = 'sent') FROM notice")

    assert not [said for said in await notify.said() if said["type"].endswith("failed.v1")]


async def test_a_server_that_never_answers_is_given_up_before_the_lease_has_passed(notify: Notify) -> None:
    server = MailServer(slow=5)
    await notify.read_batch([Story("one@example.jp").accepted(), Story("two@example.jp").accepted()])

    with server.running():
        async with notify.sending(settings_of(notify.dsn, server.url, lease_seconds=1, smtp_connections=1)):
            await notify.until("SELECT bool_or(smtp_code = 0) FROM notice")
            rows = await notify.rows("SELECT attempts FROM notice ORDER BY attempts")

    assert [row[0] for row in rows] == [0, 1]


async def test_no_log_line_holds_an_address_or_what_the_server_said(
    notify: Notify, capfd: pytest.CaptureFixture[str]
) -> None:
    server = MailServer(to_sender="550 hanako@example.jp is a secret")
    await notify.read(Story().accepted())

    with server.running():
        async with notify.sending(patient(notify, server.url)):
            await notify.until("SELECT bool_or(smtp_code = 0) FROM notice")

    output = "".join(capfd.readouterr())
    assert "hanako" not in output
    assert "secret" not in output
