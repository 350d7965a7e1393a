"""A mail server that delivers into a folder, each Message-ID once.

Run it with `python -m deploy.local.mail --port N --folder DIR`.
"""

import argparse
import asyncio
import email
import email.policy
import hashlib
import os
import re
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session

MESSAGE_ID = re.compile(rb"^message-id:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Letterbox:
    """What aiosmtpd hands each mail to; it writes without waiting, so no two mails are stored at once."""

    folder: Path

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Store the mail; the answer that the sender sees."""
        content = envelope.original_content or b""
        store(self.folder, content)
        return "250 OK"


def store(folder: Path, content: bytes) -> bool:
    """Write one mail, or only that it came again; whether it was new."""
    message_id = message_id_of(content)
    path = path_of(folder, message_id)
    if path.exists():
        with (folder / "duplicates.log").open("ab") as log:
            log.write(message_id + b"\n")
        return False
    new = path.with_suffix(".new")
    new.write_bytes(content)
    new.rename(path)
    return True


def message_id_of(content: bytes) -> bytes:
    """The Message-ID of a mail; one made of the content where it has none."""
    headers = END_OF_HEADERS.split(content, maxsplit=1)[0]
    found = MESSAGE_ID.search(headers)
    return found[1] if found else f"<{hashlib.sha256(content).hexdigest()}@no-message-id>".encode()


def path_of(folder: Path, message_id: bytes) -> Path:
    """Where the mail with this Message-ID is kept, in one of 256 folders."""
    name = hashlib.sha256(message_id).hexdigest()
    return folder / name[:2] / f"{name}.eml"


def files(folder: Path) -> Iterator[Path]:
    """The file of every mail."""
    return folder.glob("[0-9a-f][0-9a-f]/*.eml")


def count(folder: Path) -> int:
    """How many different mails have arrived."""
    shelves = (shelf.path for shelf in os.scandir(folder) if shelf.is_dir()) if folder.exists() else ()
    return sum(entry.name.endswith(".eml") for shelf in shelves for entry in os.scandir(shelf))


def messages(folder: Path) -> Iterator[EmailMessage]:
    """Every different mail that has arrived, in no order."""
    return (email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files(folder))


def duplicates(folder: Path) -> tuple[str, ...]:
    """The Message-ID of every delivery that was one too many."""
    log = folder / "duplicates.log"
    return tuple(log.read_text().splitlines()) if log.exists() else ()


async def serve(port: int, folder: Path) -> None:
    """Take mail until told to stop."""
    for shelf in range(256):
        (folder / f"{shelf:02x}").mkdir(parents=True, exist_ok=True)
    loop, letterbox, stopped = asyncio.get_running_loop(), Letterbox(folder), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await loop.create_server(lambda: SMTP(letterbox, hostname="localhost", loop=loop), "127.0.0.1", port)
    await stopped.wait()


def main() -> None:
    """The mail catcher as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(options.port, options.folder))


if __name__ == "__main__":
    main()
