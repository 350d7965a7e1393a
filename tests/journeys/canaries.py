"""Values that nobody could mistake for anything else, and every place in which they might stand in the open."""

import re
import subprocess
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any

from aiokafka import AIOKafkaConsumer

from contracts.individual_numbers import is_valid
from contracts.topics import APPLICATIONS, TOPICS, Topic
from deploy.databases import within
from deploy.grants import SERVICES
from deploy.local import postgres
from tests.journeys.conftest import PORTALS_OWN, RunningCity

WORD = "kanaria"
_FIRST_BIRTH = date(1811, 1, 1)
_BORN = rb"18(?<![0-9A-Za-z-]18)[1-4][0-9]-[01][0-9]-[0-3][0-9](?![0-9])"
_BORN_IN_HEX = rb"3138 3[1-4] 3[0-9] 2d 3[01] 3[0-9] 2d 3[0-3] 3[0-9]".replace(b" ", b"")
"""The same in a dump: what is kept as JSON stands in columns of bytes."""
_BASE64 = (rb"a2FuYXJpYQ", rb"thbmFyaW", rb"rYW5hcmlh")
"""What the word looks like in Base64, wherever it begins."""

NUMBER = "77007700"
"""What every planted Individual Number begins with; in Base64 it is one of `_NUMBER_BASE64`, wherever it begins."""
_FULL_WIDTH = NUMBER.translate({code: code + 0xFEE0 for code in range(0x30, 0x3A)}).encode()
_NUMBER_BASE64 = (rb"NzcwMDc3MD", rb"c3MDA3NzAw", rb"3NzAwNzcwM")
_HALF_WIDTH = rb"7700(?<![0-9A-Za-z+/]7700)[- ]?7700[- ]?[0-9]{4}(?![0-9A-Za-z+/])"


class Signs:
    """Patterns, any of which betrays.

    They are looked for one by one: each begins with what is rare, and a megabyte takes 20 ms. All as one take 100.
    """

    def __init__(self, *patterns: bytes) -> None:
        self.patterns = patterns
        self._each = [re.compile(pattern) for pattern in patterns]
        self._any = re.compile(b"|".join(patterns))

    def hits(self, content: bytes) -> list[re.Match[bytes]]:
        """Where they stand, none overlapping another."""
        return list(self._any.finditer(content)) if any(each.search(content) for each in self._each) else []


NUMBERS = Signs(
    _HALF_WIDTH, _FULL_WIDTH, *(text.hex().encode() for text in (NUMBER.encode(), _FULL_WIDTH)), *_NUMBER_BASE64
)
"""Individual Numbers: in the open they may stand nowhere at all, mails and what the ordinary keys open included."""

SIGNS = Signs(
    *NUMBERS.patterns,
    rb"(?i:%s)" % WORD.encode(),
    rb"(?i:%s)" % WORD.encode().hex().encode(),
    _BORN,
    _BORN_IN_HEX,
    *_BASE64,
)


@dataclass(slots=True)
class Planted:
    """Personal values, no two alike but where a field is too short, and how many there are by now."""

    number: Iterator[int] = field(default_factory=lambda: count(1))
    total: int = 0

    def word(self, around: str = "{}") -> str:
        """One value."""
        self.total += 1
        return around.format(f"{WORD}{next(self.number):06d}")

    def applicant(self) -> dict[str, str]:
        """Every field of an applicant."""
        self.total += 2
        return {
            "name": self.word("{} 花子"),
            "kana": self.word("{} ハナコ"),
            "born": (_FIRST_BIRTH + timedelta(days=next(self.number) % 12_000)).isoformat(),
            "email": self.word("{}@example.jp"),
            "phone": self.word("0154 {}"),
            "postcode": f"{WORD}1",
            "address": self.word("釧路市{}1丁目"),
            "message": self.word("どうか{}をお願いします。"),
        }

    def individual_number(self, around: str = "{}", *, wrong: bool = False) -> str:
        """An Individual Number, its check digit right or wrong."""
        self.total += 1
        digits = f"{NUMBER}{next(self.number) % 1000:03d}"
        check = next(sign for sign in "0123456789" if is_valid([*map(int, digits + sign)]))
        return around.format(digits + (str((int(check) + 1) % 10) if wrong else check))

    def attachment(self) -> dict[str, Any]:
        """A document with a telling name."""
        return {"name": self.word("{}.pdf"), "media_type": "application/pdf", "size": 1, "sha256": "a" * 64}

    def attachment_of_a_mail(self) -> dict[str, Any]:
        """The same, whose media type names it too, as MIME has it."""
        return self.attachment() | {"media_type": self.word('application/pdf; name="{}.pdf"')}


@dataclass(slots=True)
class Collector:
    """An OTLP collector that keeps every byte it is sent, headers too."""

    port: int = 0
    taken: list[bytes] = field(default_factory=lambda: list[bytes]())

    @contextmanager
    def listening(self) -> Generator[None]:
        """While the block lasts."""
        taken = self.taken

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                taken.append(bytes(self.headers) + self.rfile.read(int(self.headers["content-length"])))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = server.server_port
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()


def found_in(content: bytes) -> list[str]:
    """The canaries that stand there in the open, with what is around them."""
    return [
        content[max(0, hit.start() - 30) : hit.end() + 20].decode("utf-8", "replace") for hit in SIGNS.hits(content)
    ]


def numbers_in(content: bytes) -> list[str]:
    """The Individual Numbers that stand there in the open."""
    return [hit.group().decode("utf-8", "replace") for hit in NUMBERS.hits(content)]


async def betrayed(city: RunningCity, telemetry: Collector, answers: list[bytes]) -> dict[str, list[str]]:
    """Every place that holds a canary, and the first of them. There must be something everywhere to look at."""
    places = {
        **{f"log {path.name}": path.read_bytes() for path in sorted(city.city.log_folder.iterdir()) if path.is_file()},
        **{f"dump of {name}": dump(city, f"madoguchi_{name}") for name in SERVICES},
        **await topics(city),
        "spans and metrics": b"\n".join(telemetry.taken),
        "answers over HTTP": b"\n".join(answers),
    }
    assert [name for name, content in places.items() if not content and not name.startswith("log ")] == []
    return {name: hits[:5] for name, content in places.items() if (hits := found_in(content))}


def dump(city: RunningCity, database: str) -> bytes:
    """A whole database as `pg_dump` writes it."""
    command = [str(postgres.programs() / "pg_dump"), "--dbname", within(city.city.admin_dsn, database)]
    return subprocess.run(command, capture_output=True, check=True).stdout


async def topics(city: RunningCity) -> dict[str, bytes]:
    """Every record of every topic: key, value and headers. In these journeys the portal's own stands for the city's."""
    own = (PORTALS_OWN if topic == APPLICATIONS else topic for topic in TOPICS)
    return {f"topic {topic.name}": await _topic(city, topic) for topic in own}


async def _topic(city: RunningCity, topic: Topic) -> bytes:
    login = city.city.brokers["operator"].aiokafka()
    consumer = AIOKafkaConsumer(topic.name, **login, group_id=None, auto_offset_reset="earliest", fetch_max_wait_ms=10)
    await consumer.start()
    said: list[bytes] = []
    try:
        first = await consumer.beginning_offsets(consumer.assignment())
        ends = await consumer.end_offsets(consumer.assignment())
        left = {one for one, end in ends.items() if end > first[one]}
        while left:
            for partition, records in (await consumer.getmany(*left, timeout_ms=1000, max_records=5000)).items():
                for record in records:
                    said += [record.key or b"", record.value or b"", *(value for _, value in record.headers)]
                if records and records[-1].offset >= ends[partition] - 1:
                    left.discard(partition)
    finally:
        await consumer.stop()
    return b"\n".join(said)
