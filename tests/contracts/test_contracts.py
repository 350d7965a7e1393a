"""What was published stays readable; what is personal is marked; what breaks somebody is refused."""

import copy
import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for
from pydantic import ValidationError
from referencing import Registry, Resource

from contracts import freeze, reading, topics
from contracts.channels import Application, Attachment
from contracts.compatibility import breaks, breaks_for_vendors
from contracts.envelope import AnyCloudEvent
from contracts.ids import derived_uuid7, uuid7, uuid7_texts
from contracts.personal import Applicant
from contracts.reading import Unreadable
from contracts.topics import EVENTS, OF_A_CHANNEL, TEMPLATES, TOPICS, topic_of
from tests.conftest import ROOT, shared_data

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
EXAMPLES = sorted((ROOT / "contracts" / "examples").glob("*/*.json"))
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def example_name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", EXAMPLES, ids=example_name)
def test_every_message_ever_published_can_still_be_read(path: Path) -> None:
    event = EVENTS[path.parent.name]

    read = topic_of(event).adapter.validate_json(path.read_bytes())

    assert isinstance(read.data, event)
    assert read.subject == read.data.subject


@pytest.mark.parametrize("path", EXAMPLES, ids=example_name)
def test_every_example_is_valid_under_its_frozen_schema(path: Path) -> None:
    schema = json.loads((freeze.SCHEMAS / f"{path.parent.name}.json").read_bytes())

    jsonschema.Draft202012Validator(schema).validate(json.loads(path.read_bytes()))


def test_every_event_has_two_examples_and_every_example_an_event() -> None:
    counts = {kind: sum(path.parent.name == kind for path in EXAMPLES) for kind in EVENTS}

    assert {path.parent.name for path in EXAMPLES} == set(EVENTS)
    assert {kind: count for kind, count in counts.items() if count < 2} == {}


def test_the_frozen_files_are_what_the_code_says() -> None:
    assert freeze.broken() == []
    assert freeze.stale(freeze.files()) == [], "run `make freeze`"


def frozen(kind: str) -> dict[str, Any]:
    return json.loads((freeze.SCHEMAS / f"{kind}.json").read_bytes())


ACCEPTED = "jp.madoguchi.application.accepted.v1"


def _without(schema: dict[str, Any], *path: str) -> dict[str, Any]:
    changed = copy.deepcopy(schema)
    node = changed
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    return changed


def test_an_incompatible_change_is_found() -> None:
    old = frozen(ACCEPTED)
    data = old["$defs"]["ApplicationAccepted"]
    removed = _without(old, "$defs", "ApplicationAccepted", "properties", "receipt")
    required = copy.deepcopy(old)
    required["$defs"]["ApplicationAccepted"]["properties"]["colour"] = {"type": "string"}
    required["$defs"]["ApplicationAccepted"]["required"] = [*data["required"], "colour"]
    narrowed = copy.deepcopy(old)
    narrowed["$defs"]["Application"]["properties"]["language"]["enum"] = ["ja"]
    unmarked = copy.deepcopy(old)
    for branch in unmarked["$defs"]["Applicant"]["properties"]["name"]["anyOf"]:
        branch.pop("x-personal", None)
    unmarked["$defs"]["Applicant"]["properties"]["name"].pop("x-personal", None)

    for changed in (removed, required, narrowed, unmarked):
        assert breaks(old, changed)


def test_a_new_optional_field_is_no_break() -> None:
    old = frozen(ACCEPTED)
    wider = copy.deepcopy(old)
    wider["$defs"]["ApplicationAccepted"]["properties"]["colour"] = {"type": "string"}

    assert breaks(old, wider) == []


def test_a_vendor_may_be_offered_more() -> None:
    old = frozen("jp.madoguchi.application.submitted.v1")
    wider = copy.deepcopy(old)
    wider["$defs"]["Application"]["properties"]["channel"]["enum"].append("video")

    assert breaks_for_vendors(old, wider) == []


def _marked(schema: dict[str, Any]) -> bool:
    return "x-personal" in json.dumps(schema)


def test_every_field_of_a_person_is_marked_personal_and_no_fact_is() -> None:
    person = Applicant.model_json_schema()["properties"]
    application = Application.model_json_schema()

    assert [name for name, field in person.items() if not _marked(field)] == []
    assert _marked(Attachment.model_json_schema()["properties"]["name"])
    facts = {
        name: field for name, field in application["properties"].items() if name not in ("applicant", "attachments")
    }
    assert [name for name, field in facts.items() if _marked(field)] == []


@pytest.mark.parametrize("kind", EVENTS)
def test_free_text_of_people_is_marked_wherever_it_stands(kind: str) -> None:
    for definition in frozen(kind).get("$defs", {}).values():
        for name, field in definition.get("properties", {}).items():
            if name in ("message", "explanation", "wanted") and definition.get("title") != "Fault":
                assert _marked(field), f"{kind}: {name}"


def members(name: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(shared_data(f"conformance/{name}.tar.gz")) as archive:
        for member in archive.getmembers():
            if member.isfile() and (file := archive.extractfile(member)):
                yield member.name, file.read()


@cache
def official_asyncapi(version: str) -> Any:
    """A validator for AsyncAPI documents of one version, by the schema of the specification."""
    found = {name: json.loads(body) for name, body in members("asyncapi_schemas_3") if name.endswith(".json")}
    schema = next(body for name, body in found.items() if version in name and "without" not in name)
    registry: Registry[Any] = Registry().with_resources(
        (body["$id"], Resource.from_contents(body)) for body in found.values() if "$id" in body
    )
    return validator_for(schema)(schema, registry=registry)


def test_the_asyncapi_document_is_valid_under_the_official_schema() -> None:
    official_asyncapi("3.0.0").validate(json.loads(freeze.ASYNCAPI.read_bytes()))


def test_the_same_check_passes_every_official_example() -> None:
    documents = [yaml.safe_load(body) for name, body in members("asyncapi_examples_A") if name.endswith("asyncapi.yml")]

    assert len(documents) >= 10
    for document in documents:
        official_asyncapi(document["asyncapi"]).validate(document)


@pytest.mark.parametrize("missing", ["info", "asyncapi"])
def test_the_same_check_refuses_a_document_that_is_none(missing: str) -> None:
    document = json.loads(freeze.ASYNCAPI.read_bytes())
    del document[missing]

    assert not official_asyncapi("3.0.0").is_valid(document)


def test_the_wheel_of_the_contracts_has_the_version_of_the_project() -> None:
    versions = [
        tomllib.loads((folder / "pyproject.toml").read_text())["project"]["version"]
        for folder in (ROOT, ROOT / "contracts")
    ]

    assert versions[0] == versions[1]


def test_the_asyncapi_document_names_every_topic_and_event() -> None:
    document = json.loads(freeze.ASYNCAPI.read_bytes())

    assert {channel["address"] for channel in document["channels"].values()} == {
        topic.name for topic in (*TOPICS, *TEMPLATES)
    }
    assert set(document["components"]["messages"]) == set(EVENTS)


def test_the_official_cloudevents_examples_can_be_read() -> None:
    documents = [json.loads(body) for _, body in members("cloudevents_json_format_examples")]
    events = [event for one in documents for event in (one if isinstance(one, list) else [one])]

    assert len(events) >= 7
    for event in events:
        assert AnyCloudEvent.model_validate(event).id == event["id"]


def conformance_events() -> Iterator[dict[str, Any]]:
    for name, body in members("cloudevents_formats"):
        if name.endswith(".yaml"):
            for event in yaml.load_all(body, yaml.BaseLoader):
                yield event["ContextAttributes"] | {"data": event["Data"]}


def test_the_conformance_events_of_version_1_are_read_and_no_older_ones() -> None:
    refused: list[str] = []
    for event in conformance_events():
        flat = event | event.pop("Extensions", {})
        try:
            assert AnyCloudEvent.model_validate_json(json.dumps(flat)).data == event["data"]
        except ValidationError:
            refused.append(event["specversion"])

    assert set(refused) == {"0.3"}


def test_every_example_is_a_cloudevent_by_the_official_schema() -> None:
    official = next(
        json.loads(body) for name, body in members("cloudevents_formats") if name.endswith("cloudevents.json")
    )
    validator = validator_for(official)(official)

    assert [example_name(path) for path in EXAMPLES if not validator.is_valid(json.loads(path.read_bytes()))] == []


SUBMITTED = next(path for path in EXAMPLES if path.parent.name == "jp.madoguchi.application.submitted.v1").read_bytes()


def test_binary_and_structured_mode_say_the_same() -> None:
    event = json.loads(SUBMITTED)
    headers = {
        f"ce_{name}": str(value).encode() for name, value in event.items() if name not in ("data", "datacontenttype")
    }
    body = json.dumps(event["data"]).encode()

    structured = reading.read({"content-type": b"application/cloudevents+json"}, SUBMITTED)
    binary = reading.read(headers | {"content-type": b"application/json"}, body)

    assert (binary.source, binary.id, binary.event) == (structured.source, structured.id, structured.event)
    assert binary.digest == structured.digest


@UNTIMED
@given(st.binary(max_size=400))
def test_whatever_bytes_come_are_read_or_called_unreadable(body: bytes) -> None:
    for headers in ({}, {"ce_id": body[:20], "content-type": body[20:40]}):
        try:
            reading.read(headers, body)
        except Unreadable:
            continue


def test_documents_that_are_no_json_are_unreadable() -> None:
    count = 0
    for name, body in members("JSONTestSuite_A"):
        if Path(name).name.startswith("n_"):
            count += 1
            with pytest.raises(Unreadable):
                reading.read({}, body)
    assert count > 50


def test_a_naughty_string_is_no_event_and_is_not_repeated() -> None:
    for text in json.loads(shared_data("text/blns_A.json").read_bytes()):
        for body in (text.encode(), json.dumps(text).encode()):
            with pytest.raises(Unreadable) as error:
                reading.read({}, body)
            assert len(text) < 6 or text not in str(error.value)


def test_naughty_strings_in_every_place_are_read_or_refused_by_name() -> None:
    for text in json.loads(shared_data("text/blns_A.json").read_bytes()):
        event = json.loads(SUBMITTED)
        event["data"]["application"]["applicant"] = {"name": text, "message": text}
        event["data"]["application"]["facts"] = {"place": text[:200]}
        found = reading.read({}, json.dumps(event).encode())
        assert found.event is not None or found.faults


@UNTIMED
@given(st.text(min_size=6, max_size=40).filter(str.isprintable))
def test_a_fault_never_repeats_the_value(text: str) -> None:
    event = json.loads(SUBMITTED)
    event["data"]["application"] |= {"municipality": text + "!", "submitted_at": text + "!", "channel": text + "!"}

    found = reading.read({}, json.dumps(event).encode())

    assert len(found.faults) == 3
    assert all(text + "!" not in fault.message for fault in found.faults)


@UNTIMED
@given(st.datetimes(datetime(1970, 1, 2), datetime(9999, 1, 1)), st.text())  # noqa: DTZ001
def test_identifiers_are_uuids_of_version_7_in_the_order_of_time(at: datetime, name: str) -> None:
    at = at.replace(tzinfo=UTC)
    ids = [uuid7(at), derived_uuid7(at, name), *(UUID(text) for text in uuid7_texts(at, 3))]

    assert {(found.version, found.variant) for found in ids} == {(7, "specified in RFC 4122")}
    assert max(ids) < uuid7(at + timedelta(milliseconds=2))
    assert derived_uuid7(at, name) == derived_uuid7(at, name)


def test_derived_identifiers_differ_with_their_parts() -> None:
    assert derived_uuid7(NOW, "a", "bc") != derived_uuid7(NOW, "ab", "c")
    assert len(set(uuid7_texts(NOW, 1000))) == 1000


@pytest.mark.parametrize(
    "name,member",
    [
        ("applications.acme.v1", "acme"),
        ("applications.acme-2.v1", "acme-2"),
        ("applications.v1", None),
        ("applications.acme.v2", None),
        ("applications..v1", None),
        ("applications.acme.v1.v1", None),
        ("applications.acme.v1\n", None),
        ("my.applications.acme.v1", None),
        ("applicationsXacme.v1", None),
    ],
)
def test_a_topic_of_a_channel_says_whose_it_is_and_no_other_topic_does(name: str, member: str | None) -> None:
    assert OF_A_CHANNEL.member_of(name) == member
    assert member is None or OF_A_CHANNEL.of(member).name == name


def test_a_name_that_would_be_another_topic_names_none() -> None:
    for name in ("", "a.v1.x", "A", "x/y", "acme.v1"):
        with pytest.raises(ValueError, match="cannot stand for"):
            OF_A_CHANNEL.of(name)
    assert TOPICS[0].member_of("applications.v1") is None


def test_an_event_type_of_tomorrow_is_told_from_a_broken_one() -> None:
    event = json.loads(SUBMITTED) | {"type": "jp.madoguchi.application.dreamt-of.v1"}

    with pytest.raises(ValidationError) as error:
        topics.APPLICATIONS.adapter.validate_json(json.dumps(event))

    assert error.value.errors()[0]["type"] == "union_tag_invalid"


def test_the_wheel_of_the_contracts_needs_only_pydantic(tmp_path: Path) -> None:
    copied = shutil.copytree(ROOT / "contracts", tmp_path / "contracts", ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")]
    subprocess.run(build, cwd=copied, check=True, capture_output=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        packed.extractall(tmp_path / "site")  # noqa: S202  our own wheel
        metadata = next(packed.read(name).decode() for name in names if name.endswith("METADATA"))

    assert [line for line in metadata.splitlines() if line.startswith("Requires-Dist")] == [
        "Requires-Dist: pydantic>=2.14"
    ]
    assert any("examples/" in name for name in names)
    script = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import importlib, pkgutil, contracts;"
        "[importlib.import_module('contracts.' + m.name) for m in pkgutil.iter_modules(contracts.__path__)];"
        "assert contracts.__file__.startswith(sys.path[0]), contracts.__file__;"
        "print(sorted({n.split('.')[0] for n, m in sys.modules.items() if 'site-packages' in (getattr(m, '__file__', '') or '')}))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "dist", check=True, capture_output=True, text=True
    )
    allowed = {
        "pydantic",
        "pydantic_core",
        "annotated_types",
        "typing_extensions",
        "typing_inspection",
        "annotated_doc",
    }
    assert set(json.loads(answer.stdout.replace("'", '"'))) - {"_virtualenv", "_distutils_hack"} <= allowed
