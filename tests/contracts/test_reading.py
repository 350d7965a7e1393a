"""The edge reads what CloudEvents allows and no more, and says what is wrong without repeating what was sent."""

import copy
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts import reading, topics
from contracts.reading import Unreadable
from tests.conftest import ROOT

CHANNEL_EVENTS = {event.TYPE for event in topics.APPLICATIONS.events}
EXAMPLE = min((ROOT / "contracts/examples/jp.madoguchi.application.submitted.v1").glob("*.json"))
EXAMPLES = sorted(path for path in EXAMPLE.parents[1].glob("*/*.json") if path.parent.name in CHANNEL_EVENTS)


def submitted(path: Path = EXAMPLE) -> dict[str, Any]:
    return json.loads(path.read_bytes())


def as_bytes(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode()


def as_binary(event: dict[str, Any], prefix: str = "ce_") -> tuple[dict[str, bytes], bytes]:
    names = ("specversion", "id", "source", "type", "subject", "time")
    headers = {prefix + name: str(event[name]).encode() for name in names}
    return headers | {"content-type": b"application/json; charset=utf-8"}, as_bytes(event["data"])


def faults(event: dict[str, Any]) -> list[tuple[str, str]]:
    return [(fault.field, fault.code) for fault in reading.read({}, as_bytes(event)).faults]


def test_an_attribute_of_somebody_elses_extends_the_envelope() -> None:
    plain = reading.read({}, as_bytes(submitted()))
    extended = reading.read({}, as_bytes(submitted() | {"comexampletenant": "A", "dataschema": "urn:example:schema"}))

    assert extended.event == plain.event is not None
    assert extended.digest == plain.digest


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
@pytest.mark.parametrize("prefix", ["ce_", "ce-"])
def test_every_example_says_the_same_in_binary_mode(path: Path, prefix: str) -> None:
    event = submitted(path)
    structured = reading.read({}, as_bytes(event))
    binary = reading.read(*as_binary(event, prefix))

    assert (binary.source, binary.id, binary.event) == (structured.source, structured.id, structured.event)
    assert binary.event is not None
    assert binary.digest == structured.digest


@pytest.mark.parametrize(
    "path", ["data", "data.application", "data.application.applicant"], ids=["event", "application", "applicant"]
)
def test_a_misspelt_field_is_refused_and_named(path: str) -> None:
    event: dict[str, Any] = submitted() | {"comexampletenant": "A"}
    event["data"]["application"].setdefault("applicant", {})
    node = event
    for step in path.split("."):
        node = node[step]
    node["adress"] = "釧路市黒金町7丁目5番地"

    assert faults(event) == [(f"{path}.adress", "extra_forbidden")]


def test_a_value_in_the_place_of_a_name_is_not_repeated() -> None:
    event = submitted()
    event["data"]["application"]["facts"] = {"白樺 花子": True, "hanako@example.jp": 1, "0154-00-0000": 2}

    said = repr(reading.read({}, as_bytes(event)).faults)

    assert not [value for value in ("白樺", "hanako@", "0154") if value in said]


@pytest.mark.parametrize("name", ["emai\x00l", "name花子", "phone\n", "e\x1bmail"], ids=ascii)
def test_a_name_that_is_nearly_one_of_ours_is_repeated_where_a_program_may_have_written_it(name: str) -> None:
    """PostgreSQL takes no NUL into a text, and a terminal obeys an escape."""
    event = submitted()
    event["data"]["application"]["applicant"] = {name: 1, "emial": 1, "adres": 1}

    said = [field for field, _ in faults(event)]

    assert said == [f"data.application.applicant.{one}" for one in ("?", "emial", "?")]


def test_of_a_hundred_thousand_faults_a_hundred_are_told_and_that_there_are_more_and_it_takes_no_minutes() -> None:
    event = submitted()
    event["data"] |= {f"adres{number}": 0 for number in range(80_000)}
    sent, began = as_bytes(event), time.process_time()

    found = reading.read({}, sent).faults

    assert time.process_time() - began < 10
    assert [fault.code for fault in found] == ["extra_forbidden"] * reading.MOST_FAULTS + ["more-faults"]
    assert len(repr(found)) < 50_000


def test_a_hundred_faults_are_all_there_are_when_there_are_no_more() -> None:
    event = submitted()
    event["data"] |= {f"x{number}": 0 for number in range(reading.MOST_FAULTS)}

    assert {code for _, code in faults(event)} == {"extra_forbidden"}


SECRET = "秘密-Himitsu_Value"


def leaves(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every scalar of a document."""
    if not isinstance(node, dict | list):
        yield way
        return
    for step, child in node.items() if isinstance(node, dict) else enumerate(node):
        yield from leaves(child, (*way, step))


def with_value(event: dict[str, Any], way: tuple[Any, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(event)
    node: Any = changed
    for step in way[:-1]:
        node = node[step]
    node[way[-1]] = value
    return changed


@pytest.mark.parametrize("value", [SECRET, [SECRET], {SECRET: 1}], ids=["text", "list", "name"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_no_fault_repeats_a_value_wherever_it_stands(path: Path, value: object) -> None:
    event = submitted(path)
    for way in leaves(event):
        try:
            said = repr(reading.read({}, as_bytes(with_value(event, way, value))).faults)
        except Unreadable as error:
            said = str(error)
        assert "秘密" not in said, way
        assert "Himitsu" not in said, way


def test_what_json_does_not_know_is_no_fact() -> None:
    for number in (b"NaN", b"Infinity", b"1e999"):
        event = submitted()
        event["data"]["application"]["facts"] = {"height": "HERE"}
        found = reading.read({}, as_bytes(event).replace(b'"HERE"', number))
        assert found.event is None


def test_binary_data_cannot_reach_into_the_envelope() -> None:
    headers, body = as_binary(submitted())

    for smuggled in (b', "id": "another"', b', "source": "/another"', b"} {", b', "data": {}'):
        with pytest.raises(Unreadable):
            reading.read(headers, body + smuggled)


def test_an_attribute_is_percent_encoded_over_http_and_plain_on_kafka() -> None:
    over_http, body = as_binary(submitted(), "ce-")
    on_kafka, _ = as_binary(submitted())

    http = reading.read(over_http | {"ce-source": b"/%E7%AA%93%E5%8F%A3"}, body)
    kafka = reading.read(on_kafka | {"ce_source": "/窓口%20".encode()}, body)

    assert (http.source, kafka.source) == ("/窓口", "/窓口%20")
    assert http.event == kafka.event is not None


@pytest.mark.parametrize("subject", ["釧路 花子", "hanako@example.jp", "0154-31-4204", None])
def test_what_is_no_application_id_is_no_subject_of_a_refusal_for_somebody_may_have_put_a_name_there(
    subject: str | None,
) -> None:
    sent: dict[str, Any] = {**submitted(), "subject": subject}
    misspelt = sent | {"data": {**sent["data"], "applicatoin": {}}}

    found = [reading.read({}, json.dumps(one).encode()) for one in (sent, misspelt)]

    assert [(one.event, one.subject) for one in found] == [(None, sent["id"])] * 2


def test_the_subject_of_a_refusal_is_the_application_id_where_it_is_one() -> None:
    sent = submitted()
    misspelt = sent | {"data": {**sent["data"], "applicatoin": {}}}

    assert reading.read({}, json.dumps(misspelt).encode()).subject == sent["subject"]


def test_the_subject_is_the_application() -> None:
    assert faults(submitted() | {"subject": "another"}) == [("subject", "subject-differs")]


def test_an_attribute_with_a_control_character_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="at id"):
        reading.read({}, as_bytes(submitted() | {"id": "a\x00b"}))


@pytest.mark.parametrize("said", [1764000000, 1764000000.5, "1764000000", "-5", None])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_point_in_time_is_text_and_no_number_of_seconds(path: Path, said: object) -> None:
    event = submitted(path)
    data, where = event["data"], "data"
    if "application" in data:
        data, where = data["application"], "data.application"
    (field,) = {"submitted_at", "withdrawn_at"} & data.keys()

    event["time"] = data[field] = said

    assert faults(event) == [("time", "datetime_text"), (f"{where}.{field}", "datetime_text")]


@pytest.mark.parametrize("said", ["2026-11-24T17:00:00+09:00", "2026-11-24t08:00:00z", "2026-11-24 08:00:00.123Z"])
def test_a_point_in_time_may_be_written_as_rfc_3339_allows(said: str) -> None:
    event = submitted()
    event["time"] = event["data"]["application"]["submitted_at"] = said

    assert faults(event) == []


def test_a_subject_in_capitals_is_the_same_uuid_and_read_as_what_events_are_keyed_by() -> None:
    event = submitted()
    expected = reading.read({}, as_bytes(event))

    found = reading.read({}, as_bytes(event | {"subject": event["subject"].upper()}))

    assert (found.faults, found.event, found.subject) == ((), expected.event, expected.subject)
    assert found.digest == expected.digest


def test_a_refusal_is_keyed_by_the_same_uuid_however_its_subject_is_written() -> None:
    event = submitted()
    event["data"]["application"]["procedure"] = "Not A Code"
    capitals = event | {"subject": event["subject"].upper()}

    assert reading.read({}, as_bytes(capitals)).subject == event["subject"]


def test_another_uuid_is_another_subject() -> None:
    event = submitted() | {"subject": "01890A5D-AC96-774B-BCCE-B302099A8057"}

    assert faults(event) == [("subject", "subject-differs")]
