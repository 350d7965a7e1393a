from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

import aiosmtplib
import pytest

from deploy.local import Stack
from deploy.local.mail import count, duplicates, message_id_of, messages, path_of, store


def mail(message_id: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"], message["Subject"] = message_id, subject
    message["From"], message["To"] = "city@example.jp", "citizen@example.jp"
    message.set_content("転入届を受け付けました。")
    return message


async def send(stack: Stack, *mails: EmailMessage) -> None:
    address = urlsplit(stack.smtp_url)
    async with aiosmtplib.SMTP(hostname=address.hostname, port=address.port) as client:
        for message in mails:
            await client.send_message(message)


async def test_a_mail_sent_twice_is_stored_once_and_noted(stack: Stack) -> None:
    assert stack.mail_folder is not None

    await send(stack, mail("<1@city>", "first"), mail("<2@city>", "other"), mail("<1@city>", "again"))

    assert sorted(message["Subject"] for message in messages(stack.mail_folder)) == ["first", "other"]
    assert duplicates(stack.mail_folder) == ("<1@city>",)


def test_a_mail_is_found_by_its_message_id(tmp_path: Path) -> None:
    path_of(tmp_path, b"<1@city>").parent.mkdir()

    assert store(tmp_path, mail("<1@city>", "first").as_bytes())

    assert b"Subject: first" in path_of(tmp_path, b"<1@city>").read_bytes()


@pytest.mark.parametrize(
    "content, message_id",
    [
        (b"Message-ID: <1@city>\r\n\r\nbody", b"<1@city>"),
        (b"Subject: x\r\nmessage-id:\r\n <1@city>\r\n\r\nbody", b"<1@city>"),
        (b"Message-Id:<1@city>\n\nbody", b"<1@city>"),
    ],
)
def test_the_message_id_is_read_however_it_is_written(content: bytes, message_id: bytes) -> None:
    assert message_id_of(content) == message_id


def test_a_message_id_in_the_body_is_none() -> None:
    assert message_id_of(b"Subject: x\r\n\r\nMessage-ID: <1@city>").endswith(b"@no-message-id>")


def test_an_empty_folder_holds_no_mail(tmp_path: Path) -> None:
    assert count(tmp_path / "nowhere") == 0


def test_mails_are_counted_without_the_note_of_those_that_came_twice(tmp_path: Path) -> None:
    path_of(tmp_path, b"<1@city>").parent.mkdir()

    stored = [store(tmp_path, mail("<1@city>", subject).as_bytes()) for subject in ("first", "again")]

    assert stored == [True, False]
    assert count(tmp_path) == 1
