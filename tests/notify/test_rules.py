import email
import email.policy
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.ids import uuid7
from services.notify import mails, rules
from services.notify.rules import Answer, Contact, Kind, Language, Letter, Notice

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
RECEIPT = "0000-0000-0012-4"
REASON = "主治医の意見書を待つため"
SENDER, DOMAIN = "no-reply@city.example", "city.example"
MAILS = sorted(mails.WORDS)


def letter(
    kind: Kind = "receipt",
    language: Language = "ja",
    address: str = "hanako@example.jp",
    outcome: str | None = "approved",
    wanted: str | None = "住民票の写し",
    attempts: int = 1,
) -> Letter:
    notice = Notice(uuid7(NOW), uuid7(NOW), RECEIPT, kind, None, outcome, wanted, date(2026, 12, 1), REASON)
    return Letter(notice, address, language, attempts)


def read(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def mail(one: Letter) -> EmailMessage:
    return read(mails.mail(one, SENDER, DOMAIN))


def body(one: Letter) -> str:
    return mail(one).get_content()


def test_there_are_words_for_every_kind_in_every_language() -> None:
    assert set(mails.WORDS) == {(kind, language) for kind in get_args(Kind) for language in get_args(Language)}


@pytest.mark.parametrize("kind, language", MAILS)
def test_every_mail_names_the_receipt_in_subject_and_body_and_leaves_no_placeholder(
    kind: Kind, language: Language
) -> None:
    found = mail(letter(kind, language))

    assert found["Subject"].endswith(RECEIPT)
    assert found["Subject"].startswith(mails.WORDS[kind, language].subject)
    assert RECEIPT in found.get_content()
    assert not re.search(r"[{}]|placeholder|0000-0000-0000-0", str(found["Subject"]) + found.get_content())
    assert "placeholder" not in found.as_string()


@pytest.mark.parametrize("kind, language", MAILS)
def test_every_mail_is_ascii_on_the_wire_in_lines_that_every_server_takes(kind: Kind, language: Language) -> None:
    content = mails.mail(letter(kind, language), SENDER, DOMAIN)

    assert content.isascii()
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(len(line) for line in content.split(b"\r\n")) <= 78


@pytest.mark.parametrize(
    "outcome, ja, en",
    [
        ("approved", "認められました", "approved"),
        ("refused", "認められませんでした", "refused"),
        ("not-applicable", "対象となりませんでした", "does not apply"),
    ],
)
def test_a_result_mail_says_the_outcome(outcome: str, ja: str, en: str) -> None:
    assert ja in body(letter("result", "ja", outcome=outcome))
    assert en in body(letter("result", "en", outcome=outcome))


@pytest.mark.parametrize(
    "language, words",
    [
        ("ja", "新しい期限：2026年12月1日"),
        ("ja-easy", "2026年(ねん)12月(がつ)1日(にち)までに 決(き)めます"),
        ("en", "New deadline: 1 December 2026"),
    ],
)
def test_an_extension_mail_says_until_when_and_why(language: Language, words: str) -> None:
    text = body(letter("extension", language))

    assert words in text
    assert REASON in text


@pytest.mark.parametrize(
    "language, words",
    [("ja", "2026年12月1日まで"), ("ja-easy", "2026年(ねん)12月(がつ)1日(にち)までに"), ("en", "1 December 2026")],
)
def test_a_correction_mail_says_what_is_wanted_and_until_when(language: Language, words: str) -> None:
    text = body(letter("correction", language))

    assert words in text
    assert "住民票の写し" in text


def test_what_staff_typed_is_never_read_as_a_template() -> None:
    assert "{receipt} {0}" in body(letter("correction", wanted="{receipt} {0}"))


def test_a_mail_made_again_is_the_same_byte_for_byte() -> None:
    one = letter("result")

    assert mails.mail(one, SENDER, DOMAIN) == mails.mail(one, SENDER, DOMAIN)


def test_the_message_id_is_the_notice_and_the_date_is_when_it_was_written() -> None:
    one = letter()

    found = mail(one)

    assert found["Message-ID"] == f"<{one.notice.notice_id}@{DOMAIN}>"
    assert found["Date"].datetime == NOW
    assert str(found["Date"]).endswith("+0900")


@pytest.mark.parametrize(
    "email_, address",
    [
        ("hanako@example.jp", "hanako@example.jp"),
        ("a+b_c@mail.example.co.jp", "a+b_c@mail.example.co.jp"),
        ("a..b.@docomo.ne.jp", '"a..b."@docomo.ne.jp'),
        ("hanako@日本.jp", "hanako@xn--wgv71a.jp"),
        ("花子@example.jp", None),
        ("hanako@localhost", None),
        ("hanako", None),
        ("", None),
        (None, None),
        ("a@b@c.jp", None),
        ("a,b@c.jp", None),
        ("<a>@c.jp", None),
        ("a\x00@c.jp", None),
        ("a@c.jp\r\nBcc: x@y.jp", None),
        ("a@" + "b" * 64 + ".jp", None),
        ("a@..jp", None),
        ("a@" + ".".join(["b" * 60] * 5), None),
    ],
)
def test_an_address_is_usable_in_an_envelope_or_is_none(email_: str | None, address: str | None) -> None:
    assert rules.address_of(email_) == address


@given(st.text() | st.from_regex(r"\A[^@\s]+@[^@\s]+\Z"))
def test_no_address_can_add_to_a_header(text: str) -> None:
    address = rules.address_of(text)
    if address is not None:
        content = mails.mail(letter(address=address), SENDER, DOMAIN)
        assert f"\r\nTo: {address}\r\n".encode() in content
        assert read(content).keys() == mail(letter()).keys()


@pytest.mark.parametrize("language, tag", [("ja", "ja"), ("ja-easy", "ja"), ("en", "en")])
def test_a_mail_says_which_language_it_is_in(language: Language, tag: str) -> None:
    assert mail(letter(language=language))["Content-Language"] == tag


def test_an_address_that_looks_like_a_receipt_number_stays_itself() -> None:
    assert mail(letter(address="0000-0000-0000-0@example.jp"))["To"] == "0000-0000-0000-0@example.jp"


@given(st.text())
def test_plain_text_has_no_control_characters_but_line_ends(text: str) -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", rules.plain(text))


@pytest.mark.parametrize(
    "contact, state",
    [
        (Contact("ja", b"sealed"), "queued"),
        (Contact("ja"), "withheld"),
        (Contact(None), "waiting"),
    ],
)
def test_a_notice_is_queued_withheld_or_waits_by_what_is_known_of_its_reader(contact: Contact, state: str) -> None:
    assert rules.state_of(contact) == state


@pytest.mark.parametrize(
    "code, attempts, state",
    [
        (250, 1, "sent"),
        (550, 1, "failed"),
        (450, 1, "queued"),
        (450, 2, "queued"),
        (450, 3, "failed"),
        (rules.NO_ANSWER, 1, "queued"),
        (rules.NO_ANSWER, 3, "failed"),
        (rules.UNTRIED, 3, "queued"),
    ],
)
def test_an_answer_decides_what_becomes_of_a_notice(code: int | None, attempts: int, state: str) -> None:
    assert rules.judge(Answer(letter(attempts=attempts), code), NOW, 3).state == state


def test_a_letter_whose_turn_did_not_come_costs_no_attempt_and_no_pause() -> None:
    mark = rules.judge(Answer(letter(attempts=2), rules.UNTRIED), NOW, 3)

    assert (mark.attempts, mark.next_attempt_at) == (1, NOW)


def pauses(attempts: Sequence[int]) -> list[timedelta]:
    return [rules.pause_after(number) for number in attempts]


def test_pauses_grow_to_four_hours_and_all_attempts_last_two_days() -> None:
    assert pauses([1, 2, 3]) == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert pauses([50]) == [timedelta(hours=4)]
    assert sum(pauses(range(1, 24)), timedelta()) > timedelta(days=1, hours=20)
