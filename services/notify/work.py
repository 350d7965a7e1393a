"""The loops that send what is queued.

A notice is claimed in one transaction, sent outside any, and marked and announced in another. **Where a mail can go out
twice:** when the process or the database dies after the mail server said 250 and before the mark is committed; when the
server takes the mail and its 250 is lost on the way; or when an instance is cut off from the database until its lease
has passed. The mail is then sent again, byte for byte the same, with the same Message-ID, by which a server that looks
for it, or the citizen's mail program, knows it. A mail is never lost: what is not marked is sent again. SMTP has nothing
better to offer.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from aiosmtplib import SMTP, SMTPDataError, SMTPException, SMTPRecipientsRefused, SMTPResponseException

from chassis.backoff import pauses
from chassis.commands import Commands
from chassis.database import sleep_or, transaction
from chassis.errors import DATABASE_FAULTS, Transient, name_of
from chassis.telemetry import Telemetry
from sealing.errors import KeyringAway, SealingError
from services.notify import handlers, mails, rules, store
from services.notify.rules import Answer, Letter, Mark
from services.notify.seals import Seals
from services.notify.settings import Settings

_AWAY = (Transient, SMTPException, *DATABASE_FAULTS)
_SAFE = 0.8
"""How much of its lease a claimant uses; nothing of his is under way when it passes."""
_SHORTEST_IDLE, _LONGEST_IDLE = 0.1, 1.0


async def send_notices(
    commands: Commands, telemetry: Telemetry, stop: asyncio.Event, *, settings: Settings, seals: Seals
) -> None:
    """Send until `stop`, over several connections. Without a mail server notices stay queued."""
    if settings.smtp_url is None:
        telemetry.warn("notify.no_mail_server", setting="MADOGUCHI_NOTIFY_SMTP_URL")
        await stop.wait()
        return
    async with _present(commands), asyncio.TaskGroup() as tasks:
        for _ in range(settings.smtp_connections):
            tasks.create_task(Sender(commands, telemetry, settings, seals).run(stop))


@asynccontextmanager
async def _present(commands: Commands) -> AsyncGenerator[None]:
    """Be known to other instances while sending; who starts alone takes up at once what a dead one had claimed.

    The lock lives on a connection of the pool. Should that be cut, another instance that starts may take up what we are
    sending: twice, with one Message-ID.
    """
    async with commands.pool.acquire() as connection:
        async with transaction(connection, commands.clock) as tx:
            alone = await store.is_alone(tx)
            if alone:
                await store.end_leases(tx)
            await store.be_present(tx)
        async with transaction(connection, commands.clock) as tx:
            if alone:
                await store.stop_being_alone(tx)
        yield


@dataclass(slots=True)
class Sender:
    """One SMTP connection and the letters it sends."""

    commands: Commands
    telemetry: Telemetry
    settings: Settings
    seals: Seals
    client: SMTP = field(init=False)

    def __post_init__(self) -> None:
        """The connection is opened when there is something to send, and kept."""
        self.client = client_of(self.settings)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop`; pause with growing back-off while the mail server or the database is away."""
        pause, idle = pauses(), 0.0
        while not stop.is_set():
            try:
                idle = 0.0 if await self._turn(stop) else min(_LONGEST_IDLE, max(_SHORTEST_IDLE, idle * 2))
                pause = pauses()
                await sleep_or(stop, idle)
            except _AWAY as error:
                seconds = next(pause)
                self.telemetry.warn("notify.paused", error=name_of(error), code=_code(error), seconds=round(seconds, 3))
                await sleep_or(stop, seconds)
        self.client.close()

    async def _turn(self, stop: asyncio.Event) -> bool:
        """Claim, send, settle; whether there was anything. Nothing is claimed while the mail server is away."""
        if not self.client.is_connected:
            if not await self.commands.query(store.any_due):
                return False
            await self._connect()
        deadline = time.monotonic() + self.settings.lease_seconds * _SAFE
        lease = timedelta(seconds=self.settings.lease_seconds)
        letters = await self.commands.run(lambda tx: handlers.claim(tx, self.settings.mails_claimed, lease))
        answers = [await self._answer(letter, deadline, stop) for letter in letters]
        if answers:
            self._report(await self._settle(answers, deadline))
        if any(answer.code == rules.LOCKED for answer in answers):
            raise Transient("the keyring does not answer")
        if any(answer.code == rules.NO_ANSWER for answer in answers):
            raise Transient("the mail server does not answer")
        return bool(answers)

    async def _connect(self) -> None:
        self.client.close()
        self.client = client_of(self.settings)
        await self.client.connect()

    async def _answer(self, letter: Letter, deadline: float, stop: asyncio.Event) -> Answer:
        """Open one letter and send it. One that does not open is never sent, and somebody must look."""
        try:
            opened = await self.seals.opened(letter)
        except SealingError as error:
            self.telemetry.alarm("notify.broken_seal", notice=str(letter.notice.notice_id), error=name_of(error))
            return Answer(letter, rules.UNREADABLE)
        except KeyringAway:
            return Answer(letter, rules.LOCKED)
        return Answer(letter, (await self._send(opened, deadline, stop)).code)

    async def _send(self, letter: Letter, deadline: float, stop: asyncio.Event) -> Answer:
        """Send one letter. Whatever goes wrong with it is an answer; a connection that failed is not used again."""
        if stop.is_set() or time.monotonic() >= deadline or not self.client.is_connected:
            return Answer(letter, rules.UNTRIED)
        content = mails.mail(letter, self.settings.mail_from, self.settings.mail_domain)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await self.client.sendmail(self.settings.mail_from, [letter.address], content)
        except (SMTPRecipientsRefused, SMTPDataError) as error:
            return Answer(letter, _code(error))
        except Exception as error:
            self.telemetry.warn("notify.unanswered", error=name_of(error), code=_code(error))
            self.client.close()
            return Answer(letter, rules.NO_ANSWER)
        return Answer(letter, 250)

    async def _settle(self, answers: Sequence[Answer], deadline: float) -> Sequence[Mark]:
        """Mark and announce; tried again while the claims are good, for until it is done mails count as not sent."""
        settings = self.settings
        for seconds in pauses():
            try:
                return await self.commands.run(
                    lambda tx: handlers.settle(tx, answers, settings.most_attempts, settings.mail_domain)
                )
            except DATABASE_FAULTS:
                if time.monotonic() + seconds >= deadline:
                    raise
                await asyncio.sleep(seconds)
        return ()

    def _report(self, marks: Sequence[Mark]) -> None:
        states = [mark.state for mark in marks]
        self.telemetry.info(
            "notices", sent=states.count("sent"), failed=states.count("failed"), again=states.count("queued")
        )


def client_of(settings: Settings) -> SMTP:
    """An SMTP client for the server of the settings, not yet connected. STARTTLS is used where the server offers it."""
    url = urlsplit(settings.smtp_url or "")
    secure = url.scheme == "smtps"
    return SMTP(
        hostname=url.hostname,
        port=url.port,
        username=settings.smtp_user,
        password=settings.smtp_password.get_secret_value() if settings.smtp_password else None,
        timeout=settings.smtp_seconds,
        use_tls=secure,
    )


def _code(error: Exception) -> int:
    """The SMTP code of a refusal, which is all that may be logged of it: its text can quote the address."""
    if isinstance(error, SMTPRecipientsRefused):
        return error.recipients[0].code
    return error.code if isinstance(error, SMTPResponseException) else rules.NO_ANSWER
