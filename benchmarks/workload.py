"""The application of 1 KB that the product is fed: as near as can be to the one of the rivals (`rivals.work`), in our contract.

    python -m benchmarks.workload KAFKA START COUNT RATE FIRST     an open loop, see `open_loop`

Everything is generated and the same at every run; nobody here is real. Application `number` is the same whoever asks.
"""

import json
import sys
import time
from collections.abc import Iterator
from random import Random
from uuid import UUID

from confluent_kafka import Producer

from contracts.envelope import CONTENT_TYPE
from contracts.topics import APPLICATIONS

PROCEDURES = (
    "child-allowance.claim",
    "child-care.use",
    "pregnancy.notification",
    "care.certification",
    "sanitation.toilet",
    "road.pothole",
    "waste.bulky",
    "park.maintenance",
    "tax.residents",
    "health-insurance.national",
)
"""Each has a row in the table of Kushiro: none goes to triage."""

CHANNELS = ("portal", "counter", "web", "line")
DISTRICTS = ("kushiro", "akan", "onbetsu")
BEGAN_MS = 1_772_355_600_000  # 2026-03-01T09:00Z
NOTE = (
    "Roof damaged by the storm on the night of the 14th; two rooms cannot be used. "
    "Temporary stay with relatives. Insurance has been told, no answer yet. "
)
_ID_BITS = 74
_EVENT = (
    '{"specversion":"1.0","id":"%(id)s","source":"/portal/applications",'
    '"type":"jp.madoguchi.application.submitted.v1","subject":"%(id)s","time":"%(at)s",'
    '"datacontenttype":"application/json","traceparent":"00-%(trace)032x-%(span)016x-01",'
    '"data":{"application_id":"%(id)s","application":{"municipality":"012068","procedure":"%(procedure)s",'
    '"channel":"%(channel)s","submitted_at":"%(at)s",'
    '"facts":{"urgency":%(urgency)d,"amount":%(amount)d,"household":%(household)d,"district":"%(district)s","consent":true},'
    '"applicant":{"name":"Sample Person %(person)06d","born":"19%(year)02d-%(month)02d-%(day)02d",'
    '"email":"p%(person)06d@example.org","phone":"+81-3-%(phone)04d-%(line)04d","postcode":"%(postcode)03d-%(phone)04d",'
    '"address":"Sampleshi Chuo-dori %(house)d","message":"' + NOTE + '"},'
    '"attachments":[{"name":"damage_report.pdf","media_type":"application/pdf","size":%(size)d,"sha256":"%(digest)064x"}]}}}'
)


def application_id(number: int) -> UUID:
    """The id of one application: version 7, ten of them a millisecond."""
    random = Random(number).getrandbits(_ID_BITS)
    high, low = random >> 62, random & ((1 << 62) - 1)
    return UUID(int=(BEGAN_MS + number // 10) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def submitted(number: int) -> tuple[bytes, bytes]:
    """Key and value of one `ApplicationSubmitted`, structured mode."""
    name, rng = str(application_id(number)), Random(~number)
    value = _EVENT % {
        "id": name,
        "at": f"2026-03-01T{9 + number % 12:02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}.{number % 1000:03d}Z",
        "trace": rng.getrandbits(128) | 1,
        "span": rng.getrandbits(64) | 1,
        "procedure": rng.choice(PROCEDURES),
        "channel": rng.choice(CHANNELS),
        "urgency": rng.randrange(6),
        "amount": rng.randrange(500_000),
        "household": rng.randrange(1, 8),
        "district": rng.choice(DISTRICTS),
        "person": rng.randrange(10**6),
        "year": rng.randrange(30, 99),
        "month": rng.randrange(1, 13),
        "day": rng.randrange(1, 29),
        "phone": rng.randrange(10**4),
        "postcode": rng.randrange(1000),
        "house": rng.randrange(1, 400),
        "size": rng.randrange(1000, 5_000_000),
        "digest": rng.getrandbits(256),
        "line": rng.randrange(10**4),
    }
    return name.encode(), value.encode()


def applications(count: int, first: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """`count` of them."""
    return map(submitted, range(first, first + count))


class Publishing:
    """A librdkafka producer that waits for every record to be acknowledged at the end."""

    def __init__(self, bootstrap: str, linger_ms: float) -> None:
        self.producer = Producer(
            {"bootstrap.servers": bootstrap, "linger.ms": linger_ms, "acks": "all", "log_level": 2}
        )

    def send(self, topic: str, key: bytes, value: bytes, content_type: bytes | None = None) -> None:
        """Publish one record; waits only when librdkafka's own queue is full."""
        headers: list[tuple[str, str | bytes | None]] = [("content-type", content_type)] if content_type else []
        while True:
            try:
                self.producer.produce(topic, value, key, headers=headers)
                break
            except BufferError:
                self.producer.poll(0.1)
        self.producer.poll(0)

    def flush(self) -> None:
        """Return when all is acknowledged. Raises TimeoutError when it is not within a minute."""
        if left := self.producer.flush(60):
            raise TimeoutError(f"{left} records were not acknowledged")


def in_facts(value: bytes) -> bytes:
    """The same application with every personal word a fact: as many bytes, and nothing to seal."""
    event = json.loads(value)
    application = event["data"]["application"]
    names = {f"file_{number}": one["name"] for number, one in enumerate(application.pop("attachments"))}
    application["facts"] |= {f"applicant_{name}": text for name, text in application.pop("applicant").items()} | names
    return json.dumps(event, separators=(",", ":")).encode()


def publish(bootstrap: str, count: int, first: int = 0, *, personal: bool = True) -> None:
    """As fast as it goes; not `personal` with every personal word a fact."""
    publishing = Publishing(bootstrap, 5)
    for key, value in applications(count, first):
        publishing.send(APPLICATIONS.name, key, value if personal else in_facts(value), CONTENT_TYPE)
    publishing.flush()


def open_loop(bootstrap: str, start: float, count: int, rate: float, first: int) -> float:
    """Application `first + i` at `start + i / rate`, whatever the system does. Returns how late the worst was sent."""
    publishing, worst = Publishing(bootstrap, 0), 0.0
    for index, (key, value) in enumerate(applications(count, first)):
        wait = start + index / rate - time.time()
        if wait > 0:
            time.sleep(wait)
        worst = max(worst, -wait)
        publishing.send(APPLICATIONS.name, key, value, CONTENT_TYPE)
    publishing.flush()
    return worst


if __name__ == "__main__":
    print(open_loop(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5])))
