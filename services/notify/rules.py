"""What notify decides: who can be reached, and what an answer of the mail server means. Pure."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

Kind = Literal["receipt", "correction", "extension", "individual-number", "result", "withdrawal"]
State = Literal["waiting", "queued", "sending", "sent", "failed", "withheld"]
Language = Literal["ja", "ja-easy", "en"]

UNTRIED = None
NO_ANSWER = 0
"""Stands where an SMTP code would: the server said nothing, or was not there."""
LOCKED = -2
"""The keyring did not answer: a letter that was not tried."""
UNREADABLE = -1
"""The seal on the address or the words does not open, or its key is destroyed: there is nothing to send."""


@dataclass(frozen=True, slots=True)
class Contact:
    """How a citizen is reached: by an address in `sealed` (JSON), None where there is none.

    `language` is None until the application has arrived.
    """

    language: Language | None
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell: what about, and what its words need. What a person wrote stands in `sealed` (JSON), `place` is where that came from."""

    notice_id: UUID
    application_id: UUID
    receipt: str
    kind: Kind
    traceparent: str | None = None
    outcome: str | None = None
    wanted: str | None = None
    until: date | None = None
    reason: str | None = None
    sealed: bytes | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice claimed for sending. `attempts` counts this one. `address` is empty until `sealed` (JSON) is opened."""

    notice: Notice
    address: str
    language: Language
    attempts: int
    sealed: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a letter: the SMTP code, NO_ANSWER, UNREADABLE, LOCKED, or UNTRIED when its turn did not come."""

    letter: Letter
    code: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """What is to be written down of a letter."""

    letter: Letter
    state: State
    attempts: int
    next_attempt_at: datetime
    smtp_code: int | None


def state_of(contact: Contact) -> State:
    """What becomes of a new notice: it waits for its address, is queued, or is withheld for want of one."""
    if contact.language is None:
        return "waiting"
    return "withheld" if contact.sealed is None else "queued"


# RFC 5321 `Local-part "@" Domain` in ASCII, with the dots that Japanese carriers have given out: `a..b.@docomo.ne.jp`.
_ADDRESS = re.compile(
    r"(?P<local>[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64})@(?P<domain>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)", re.ASCII
)
_DOT_ATOM = re.compile(r"[^.]+(\.[^.]+)*")


def address_of(email: str | None) -> str | None:
    """The address as it goes into an envelope and a header, or None when no mail can be sent to it.

    Nothing that could end a header or a command passes. A domain in Japanese becomes its ASCII form (IDNA); a local part
    beyond ASCII would need SMTPUTF8 on the whole way and is taken for no address.
    """
    found = _ADDRESS.fullmatch(_ascii_domain(email)) if email else None
    if found is None or len(found[0]) > 254:
        return None
    local, domain = found["local"], found["domain"]
    return f"{local}@{domain}" if _DOT_ATOM.fullmatch(local) else f'"{local}"@{domain}'


def _ascii_domain(email: str) -> str:
    local, _, domain = email.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode('ascii')}"
    except UnicodeError:
        return ""


_CONTROLS = {code: None for code in (*range(32), 127) if chr(code) != "\n"}


def plain(text: str) -> str:
    """What a person typed, without control characters but for line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)


FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(hours=4)


def pause_after(attempts: int) -> timedelta:
    """5 s after the first attempt, doubling to 4 hours: 24 attempts last two days."""
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempts - 1, 20))


def judge(answer: Answer, now: datetime, most_attempts: int) -> Mark:
    """What an answer means: 2xx sent; 5xx failed for good; 4xx or none another attempt, until there were too many.

    What cannot be opened failed for good.
    """
    letter, code = answer.letter, answer.code
    if code in (None, LOCKED):
        return Mark(letter, "queued", letter.attempts - 1, now, None)
    if code == UNREADABLE:
        return Mark(letter, "failed", letter.attempts, now, None)
    if 200 <= code < 300:
        return Mark(letter, "sent", letter.attempts, now, code)
    if code >= 500 or letter.attempts >= most_attempts:
        return Mark(letter, "failed", letter.attempts, now, code)
    return Mark(letter, "queued", letter.attempts, now + pause_after(letter.attempts), code)
