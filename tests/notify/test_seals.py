"""Addresses and words are sealed until a mail is written."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.notify import NoticeQueued, NoticeWithheld
from contracts.sealed import SEALED_TEXT
from deploy.local import Stack
from sealing import cipher
from sealing.errors import BrokenSeal
from sealing.places import place_of
from sealing.sealer import Sealer
from tests.conftest import Administrator
from tests.notify.conftest import NOW, MailServer, Notify, Story, mails_to, settings_of

ALL_SENT = "SELECT bool_and(state = 'sent') FROM notice"


async def test_no_table_holds_the_address_or_the_words_and_the_mail_does(notify: Notify, servers: Stack) -> None:
    story = Story("sealed@example.jp")
    await notify.read(story.accepted())
    await notify.read(story.wanted("お母様のお名前"))
    rows = [*await notify.rows("SELECT * FROM contact"), *await notify.rows("SELECT * FROM notice")]
    kept = " ".join(bytes(value).decode() if isinstance(value, bytes) else str(value) for row in rows for value in row)

    async with notify.sending(settings_of(notify.dsn, servers.smtp_url)):
        await notify.until(ALL_SENT)

    assert "example.jp" not in kept
    assert "お母様" not in kept
    words = [mail.get_content() for mail in mails_to(servers.mail_folder, "sealed@example.jp")]
    assert ["お母様のお名前" in text for text in words].count(True) == 1
    assert len(words) == 2


async def test_a_sealed_address_that_no_mail_reaches_is_withheld_as_an_open_one(notify: Notify) -> None:
    (said,) = await notify.read(Story(email="漢字@例").accepted())

    assert isinstance(said, NoticeWithheld)
    assert (await notify.rows("SELECT sealed FROM contact"))[0][0] is None


async def test_an_address_in_the_open_is_parked_and_no_mail_goes_to_it(notify: Notify) -> None:
    server = MailServer()

    outcome = await notify.consume_as_it_is(Story("open@example.jp").accepted())
    await notify.read(Story("sealed@example.jp").accepted())
    with server.running():
        async with notify.sending(settings_of(notify.dsn, server.url)):
            await notify.until(ALL_SENT)

    assert (outcome.handled, outcome.parked, outcome.causes) == (0, 1, {"sealing.errors.BrokenSeal": 1})
    assert len(server.taken) == 1
    assert b"To: sealed@example.jp" in server.taken[0]


PLAIN = [{"message": "090-1234-5678"}, {"message": "090-1234-5678", "sealed": None}]


@pytest.mark.parametrize("update", PLAIN, ids=["beside its seal", "without a seal"])
@pytest.mark.parametrize("said", ["corrected", "withdrawn"])
async def test_a_message_in_the_open_is_parked_though_no_mail_says_it(
    notify: Notify, said: str, update: dict[str, Any]
) -> None:
    event = getattr(Story(), said)().model_copy(update={"message": "電話をください"})
    sealed = await notify.sealed(event)

    outcome = await notify.consume_as_it_is(sealed.model_copy(update=update))

    assert outcome.causes == {"sealing.errors.BrokenSeal": 1}


@pytest.mark.parametrize("update", [{"wanted": "印鑑"}, {"sealed": None}, {"wanted": "印鑑", "sealed": None}])
async def test_words_in_the_open_or_left_out_of_the_seal_are_parked(notify: Notify, update: dict[str, Any]) -> None:
    sealed = await notify.sealed(Story().wanted("住民票"))

    outcome = await notify.consume_as_it_is(sealed.model_copy(update=update))

    assert outcome.causes == {"sealing.errors.BrokenSeal": 1}
    assert await notify.states() == {}


async def test_the_reasons_of_a_decision_in_the_open_are_parked_though_no_mail_says_them(notify: Notify) -> None:
    outcome = await notify.consume_as_it_is(Story().decided())

    assert outcome.causes == {"sealing.errors.BrokenSeal": 1}


async def test_a_row_whose_address_is_gone_is_never_sent_to(notify: Notify, by_administrator: Administrator) -> None:
    server = MailServer()
    await notify.read(Story("sealed@example.jp").accepted())
    await by_administrator(notify.connection, "UPDATE contact SET sealed = NULL")

    with server.running():
        async with notify.sending(settings_of(notify.dsn, server.url)):
            await notify.until("SELECT bool_and(state = 'failed') FROM notice")

    assert server.taken == []


async def test_a_seal_of_another_application_is_poison(notify: Notify) -> None:
    one = await notify.sealed(Story("one@example.jp").accepted())
    two = Story("two@example.jp").accepted().model_copy(update={"application": one.application})

    with pytest.raises(BrokenSeal):
        await notify.read_as_it_is(two)


async def test_words_of_an_earlier_request_are_parked_where_a_later_one_is_told(notify: Notify) -> None:
    story = Story()
    earlier = await notify.sealed(story.wanted("住民票"))
    later = story.wanted("印鑑").model_copy(update={"at": NOW + timedelta(hours=1)})

    outcome = await notify.consume_as_it_is(later.model_copy(update={"wanted": SEALED_TEXT, "sealed": earlier.sealed}))

    assert outcome.causes == {"sealing.errors.BrokenSeal": 1}
    assert await notify.states() == {}


async def test_words_that_were_exchanged_in_the_table_are_never_sent(
    notify: Notify, by_administrator: Administrator
) -> None:
    server, story = MailServer(), Story("one@example.jp")
    await notify.read(story.accepted())
    await notify.read(story.wanted("住民票"))
    await notify.read(story.wanted("印鑑").model_copy(update={"at": NOW + timedelta(hours=1)}))
    first = "(SELECT sealed FROM notice WHERE kind = 'correction' ORDER BY notice_id LIMIT 1)"
    await by_administrator(notify.connection, f"UPDATE notice SET sealed = {first} WHERE kind = 'correction'")

    with server.running():
        async with notify.sending(settings_of(notify.dsn, server.url)):
            await notify.until("SELECT bool_and(state IN ('sent', 'failed')) FROM notice")

    assert len(server.taken) == 2


async def test_words_sealed_in_the_old_form_are_sent(notify: Notify) -> None:
    server, story = MailServer(), Story("one@example.jp")
    wanted = story.wanted("お母様のお名前")
    old = cipher.seal(notify.city.new("5y-2026"), str(story.application_id), {"wanted": wanted.wanted})
    await notify.read(story.accepted())
    await notify.read_as_it_is(wanted.model_copy(update={"wanted": SEALED_TEXT, "sealed": old}))

    with server.running():
        async with notify.sending(settings_of(notify.dsn, server.url)):
            await notify.until(ALL_SENT)

    assert len(server.taken) == 2


async def test_a_row_that_was_changed_is_never_sent_and_fails_with_an_alarm(
    notify: Notify, capsys: pytest.CaptureFixture[str]
) -> None:
    server = MailServer()
    await notify.read(Story("one@example.jp").accepted())
    await notify.read(Story("two@example.jp").accepted())
    await notify.rows("UPDATE contact SET sealed = (SELECT sealed FROM contact ORDER BY application_id LIMIT 1)")

    with server.running():
        async with notify.sending(settings_of(notify.dsn, server.url)):
            await notify.until("SELECT bool_and(state IN ('sent', 'failed')) FROM notice")

    assert len(server.taken) == 1
    assert sorted(said["type"] for said in await notify.said()) == [
        "jp.madoguchi.notice.failed.v1",
        "jp.madoguchi.notice.sent.v1",
    ]
    log = capsys.readouterr().out
    assert '"level": "error"' in log
    assert "sealing.errors.BrokenSeal" in log
    assert "example.jp" not in log


async def test_a_destroyed_key_fails_the_notice_and_sends_nothing(notify: Notify) -> None:
    server = MailServer()
    await notify.read(Story("gone@example.jp").accepted())
    notify.city.destroy("5y-2026")
    notify.seals.opener.clock = lambda: 1e9

    with server.running():
        async with notify.sending(settings_of(notify.dsn, server.url)):
            await notify.until("SELECT bool_and(state = 'failed') FROM notice")

    assert server.taken == []


async def test_while_the_keyring_is_away_notices_wait_and_are_sent_afterwards(notify: Notify) -> None:
    server = MailServer()
    (said,) = await notify.read(Story("later@example.jp").accepted())
    assert isinstance(said, NoticeQueued)
    notify.city.away = True
    notify.seals.opener.clock = lambda: 1e9

    with server.running():
        async with notify.sending(settings_of(notify.dsn, server.url, smtp_connections=1)):
            await notify.until("SELECT bool_and(state = 'queued' AND attempts = 0) FROM notice")
            assert server.taken == []
            notify.city.away = False
            await notify.until(ALL_SENT)

    assert len(server.taken) == 1


async def test_a_letter_kept_with_more_sealed_than_words_says_what_it_would_have_said(
    notify: Notify, servers: Stack, by_administrator: Administrator
) -> None:
    """What a release kept that did not look where a seal has its values."""
    story = Story("more@example.jp")
    await notify.read(story.accepted())
    await notify.read(story.wanted("住民票"))
    asked, values = story.wanted("住民票"), {"wanted": "住民票", "receipt": "9999-9999-9999-9"}
    more = Sealer(notify.city)
    await more.fetch(["5y"], NOW)
    kept = more.seal_values(values, place_of(asked), "5y-2026").model_dump_json().encode()
    await by_administrator(notify.pool, "UPDATE notice SET sealed = $1 WHERE sealed IS NOT NULL", kept)

    async with notify.sending(settings_of(notify.dsn, servers.smtp_url)):
        await notify.until(ALL_SENT)

    texts = [mail.get_content() for mail in mails_to(servers.mail_folder, "more@example.jp")]
    assert any("住民票" in text for text in texts)
    assert not any("9999-9999" in text for text in texts)
