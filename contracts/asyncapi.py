"""The topics as an AsyncAPI 3.0 document, for vendors and their tools. Generated from the catalogue, never edited."""

import re
from typing import Any

from .schemata import Schema
from .topics import EVENTS, TEMPLATES, TOPICS, Topic, topic_of

_CONTENT_TYPE = "application/cloudevents+json"
_LANE: Schema = {
    "type": "object",
    "properties": {
        "content-type": {"type": "string", "const": _CONTENT_TYPE},
        "sequence": {"type": "string", "pattern": "^[0-9]+$", "description": "the event's number on its lane"},
    },
}
_ALL = (*TOPICS, *TEMPLATES)
_EDGE: Schema = {
    "type": "object",
    "properties": {
        "content-type": {"type": "string", "description": f"{_CONTENT_TYPE}; in binary mode application/json"},
    },
}


def document(schemas: dict[str, Schema], version: str) -> dict[str, Any]:
    """The document; `schemas` are the frozen ones by CloudEvents type."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Madoguchi",
            "version": version,
            "description": "The events of a city hall, one topic per producing service, keyed by application id.",
        },
        "defaultContentType": _CONTENT_TYPE,
        "channels": {_name(topic): _channel(topic) for topic in _ALL},
        "operations": {name: operation for topic in _ALL for name, operation in _operations(topic).items()},
        "components": {
            "messages": {kind: _message(kind, schema) for kind, schema in schemas.items()},
        },
    }


def _name(topic: Topic) -> str:
    return topic.name.replace(".", "-").replace("{", "").replace("}", "")


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": f"written by {topic.producer or _OUTSIDE[topic.name]}, read by {', '.join(topic.readers)}",
        "messages": {event.TYPE: {"$ref": f"#/components/messages/{event.TYPE}"} for event in topic.events},
        **_parameters(topic),
        "bindings": {
            "kafka": {
                **({} if topic.member else {"topic": topic.name}),
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms},
            }
        },
    }


_OUTSIDE = {
    "applications.v1": "the city's own channels",
    "applications.{channel}.v1": "the channel system of that name alone, each event with a source of its own",
}


def _parameters(topic: Topic) -> Schema:
    """What stands for the braces of an address."""
    named = re.findall(r"{(\w+)}", topic.name)
    words = "the name that `madoguchi channel add` was given"
    return {"parameters": {name: {"description": words} for name in named}} if named else {}


def _operations(topic: Topic) -> dict[str, dict[str, Any]]:
    writer = topic.producer.strip("/") if topic.producer else "channels"
    sending = {f"{writer}-sends-{_name(topic)}": _operation("send", topic)}
    return sending | {f"{reader}-reads-{_name(topic)}": _operation("receive", topic) for reader in topic.readers}


def _operation(action: str, topic: Topic) -> dict[str, Any]:
    return {"action": action, "channel": {"$ref": f"#/channels/{_name(topic)}"}}


def _message(kind: str, schema: Schema) -> dict[str, Any]:
    return {
        "name": kind,
        "title": str(schema.get("title", kind)),
        "summary": str(schema.get("description", "")),
        "contentType": _CONTENT_TYPE,
        "headers": _EDGE if topic_of(EVENTS[kind]).producer is None else _LANE,
        "bindings": {"kafka": {"key": {"type": "string", "description": "the application's id"}}},
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {name: part for name, part in schema.items() if name != "$schema"},
        },
    }
