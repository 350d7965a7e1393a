"""One row of a city's file -> one `ApplicationSubmitted` as it stands on Kafka. The same content every time.

What is personal has other bytes every time it is sealed, and says the same when it is opened.

* **Every row is a submission of its own**: CloudEvents source = file, id = row number. A file imported twice changes
  nothing.
* **A case keeps its application id** (derived from opening time, mapping and the city's case id), so that a case that
  stands in the file twice is recognised: as a repeat, or as a contradiction.
* **No row is dropped.** What cannot be read is sent without, or with `unreadable: …` in its place; intake rejects it and
  names the field. A row of another shape is sent with a field whose name says what is wrong with it.
* **Nothing is cut.** What is longer than the contract allows goes out whole and is rejected.
* Bytes that are no characters in the file's encoding arrive here as U+FFFD; the fact `encoding_damaged` says so.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any
from unicodedata import normalize
from zoneinfo import ZoneInfo

from channels.bulk.headers import Layout, layout_of
from channels.bulk.mapping import ISO, FactColumn, Mapping
from channels.bulk.sealing import EdgeSeal
from contracts.channels import ApplicationSubmitted
from contracts.ids import derived_uuid7
from sealing.places import of_edge

MAX_BYTES = 1 << 19
"""An event larger than this fits no batch; the fields that make it so large are refused by the contract anyway."""

_NUMBER_DIGITS = 12

UNDATED = datetime(1970, 1, 1, tzinfo=UTC)

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One record: the application id, and the event in structured mode."""

    key: bytes
    value: bytes


def source_of(mapping: Mapping, fingerprint: str) -> str:
    """The CloudEvents source of a file: `/channels/bulk/boston/0123456789ab`."""
    return f"/channels/bulk/{mapping.name}/{fingerprint[:12]}"


@dataclass(frozen=True, slots=True)
class Translator:
    """Turns the rows of one file into events."""

    mapping: Mapping
    layout: Layout
    source: str
    zone: ZoneInfo
    seal: EdgeSeal | None = None

    def event(self, number: int, cells: Sequence[str] | None) -> Outgoing:
        """The event of row `number` (from 1); `cells` is None for a row that is no CSV."""
        if cells is None:
            return self._misshapen(number, "row_cannot_be_read_as_csv")
        if len(cells) != self.layout.width:
            return self._misshapen(number, f"row_has_{len(cells)}_cells_not_{self.layout.width}")
        sent = self._event(number, self.cleaned(cells))
        return sent if len(sent.value) <= MAX_BYTES else self._misshapen(number, f"row_larger_than_{MAX_BYTES}_bytes")

    def _event(self, number: int, cells: list[str]) -> Outgoing:
        case = cells[self.layout.id]
        raw, opened = self._opened(cells)
        application = self._application(cells, case)
        if opened is not None:
            application["submitted_at"] = _iso(opened)
        elif raw:
            application["submitted_at"] = f"unreadable: {raw}"
        return self._outgoing(number, opened or UNDATED, case, application)

    def _application(self, cells: list[str], case: str) -> dict[str, Any]:
        application = {
            "municipality": self.mapping.municipality,
            "channel": self.channel(cells),
            "language": self.mapping.language,
            "facts": self.facts(cells),
            "applicant": self._applicant(cells, case),
        }
        if procedure := self.procedure(cells):
            application["procedure"] = procedure
        return application

    def _outgoing(self, number: int, at: datetime, case: str, application: dict[str, Any]) -> Outgoing:
        """`case` is empty where the row has none: then the row's number identifies it, and the data goes without an id."""
        parts = (self.mapping.name, case) if case and at is not UNDATED else (self.source, f"row {number}")
        subject = str(derived_uuid7(at, *parts))
        data = {"application_id": subject, "application": application} if case else {"application": application}
        body = _encode(self._envelope(number, at, subject, data))
        if "\ufffd" in body:
            application["facts"] = {**application.get("facts", {}), "encoding_damaged": True}
            body = _encode(self._envelope(number, at, subject, data))
        if self.seal is not None:
            sealed = data | {"application": self.seal.sealed(application, of_edge(subject, self.source, str(number)))}
            body = _encode(self._envelope(number, at, subject, sealed))
        return Outgoing(subject.encode(), body.encode())

    def _envelope(self, number: int, at: datetime, subject: str, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": str(number),
            "source": self.source,
            "type": ApplicationSubmitted.TYPE,
            "subject": subject,
            "time": _iso(at),
            "datacontenttype": "application/json",
            "data": data,
        }

    def _misshapen(self, number: int, what: str) -> Outgoing:
        """A row whose cells cannot be told apart. The refusal names the field, and the field says what is wrong."""
        application = {"municipality": self.mapping.municipality, what: True}
        return self._outgoing(number, UNDATED, f"row {number}", application)

    def cleaned(self, cells: Sequence[str]) -> list[str]:
        """The cells without spaces around them; what means nothing is empty."""
        nothing = self.mapping.nothing
        stripped = [cell.strip() for cell in cells]
        return ["" if cell in nothing else cell for cell in stripped]

    def _opened(self, cells: list[str]) -> tuple[str, datetime | None]:
        raw = next((cells[index] for index in self.layout.opened if cells[index]), "")
        for form in self.mapping.opened.formats if raw else ():
            if (found := _read_date(raw, form, self.zone)) is not None:
                return raw, found
        return raw, None

    def channel(self, cells: list[str]) -> str:
        """How the request of cleaned cells came in."""
        table = self.mapping.channel
        return (
            table.default
            if self.layout.channel is None
            else table.values.get(cells[self.layout.channel], table.default)
        )

    def procedure(self, cells: list[str]) -> str:
        """What is asked for; empty when nothing says it."""
        values = [cells[index] for index in self.layout.procedure]
        table = self.mapping.procedure.values
        known = table.get(" | ".join(values)) or table.get(values[0])
        return known or (slug(values[0]) if values[0] else "")

    def facts(self, cells: list[str]) -> dict[str, str | int | float | bool]:
        """What rules may see of cleaned cells besides channel and procedure."""
        return {name: _fact(cells[index], fact) for name, index, fact in self.layout.facts if cells[index]}

    def _applicant(self, cells: list[str], case: str) -> dict[str, str]:
        applicant: dict[str, str] = {}
        for field, indexes in self.layout.personal:
            if text := ", ".join([cells[index] for index in indexes if cells[index]]):
                applicant[field] = text
        if self.mapping.email and case:
            applicant["email"] = self.mapping.email.replace("{id}", _apart(case))
        return applicant


def _apart(case: str) -> str:
    """A case's id for a made-up address: twelve digits could be taken for an Individual Number and refused, whatever sign but a letter stands between."""
    return f"{case[:6]}x{case[6:]}" if case.isdigit() and len(case) == _NUMBER_DIGITS else case


def translator(mapping: Mapping, header: Sequence[str], fingerprint: str, seal: EdgeSeal | None = None) -> Translator:
    """A translator for the file with this header. Raises UnreadableFile when the mapping's columns are not there."""
    source = source_of(mapping, fingerprint)
    return Translator(mapping, layout_of(mapping, header), source, ZoneInfo(mapping.opened.zone), seal)


def _read_date(text: str, form: str, zone: ZoneInfo) -> datetime | None:
    """The moment in UTC, or None. A local time that came twice is the first of the two."""
    try:
        found = datetime.fromisoformat(text) if form == ISO else datetime.strptime(text, form)  # noqa: DTZ007
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


_BOOL = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INT = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?")


def _fact(text: str, fact: FactColumn) -> str | int | float | bool:
    text = fact.values.get(text, text)
    if fact.type == "int" and _INT.fullmatch(text):
        return int(text)
    if fact.type == "number" and _NUMBER.fullmatch(text):
        return float(text)
    return _BOOL.get(text.lower(), text) if fact.type == "bool" else text


@lru_cache(maxsize=4096)
def slug(text: str) -> str:
    """A code for a value that no table knows: `HEAT/HOT WATER` -> `heat-hot-water`.

    Characters that a code cannot hold are lost, and so is what is longer than one; a digest keeps such values apart.
    """
    plain = normalize("NFKD", text).lower()
    short = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    if short and len(short) <= 64 and plain.isascii():
        return short
    return f"{short[:51]}-{sha256(text.encode()).hexdigest()[:12]}".lstrip("-")
