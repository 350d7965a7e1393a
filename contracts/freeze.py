"""Freezing the contracts: one JSON Schema file per event, and the AsyncAPI document.

python -m contracts.freeze            write what changed compatibly; refuse what breaks somebody
python -m contracts.freeze --check    exit 1 when the files are not what the code says
"""

import json
import sys
from pathlib import Path
from typing import Any

from . import topics
from .asyncapi import document
from .compatibility import breaks, breaks_for_vendors
from .envelope import envelope_of
from .schemata import Schema

FOLDER = Path(__file__).parent
SCHEMAS = FOLDER / "schemas"
ASYNCAPI = FOLDER / "asyncapi.json"
VERSION = "1.0.0"


def schemas() -> dict[str, Schema]:
    """The schema of every event, envelope included, as the code has it, by CloudEvents type."""
    return {kind: _schema(kind) for kind in sorted(topics.EVENTS)}


def _schema(kind: str) -> Schema:
    generated = envelope_of(topics.EVENTS[kind]).model_json_schema(mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:madoguchi:schema:{kind}",
    } | generated


def files() -> dict[Path, bytes]:
    """Every frozen file as it should be."""
    found = schemas()
    frozen = {SCHEMAS / f"{kind}.json": _written(schema) for kind, schema in found.items()}
    return frozen | {ASYNCAPI: _written(document(found, VERSION))}


def stale(wanted: dict[Path, bytes]) -> list[Path]:
    """The files that are missing or differ, and those that no event has any more."""
    differing = [path for path, content in wanted.items() if not path.exists() or path.read_bytes() != content]
    return differing + [path for path in SCHEMAS.glob("*.json") if path not in wanted]


def broken() -> list[str]:
    """What the code's contracts would break for readers or writers of the frozen ones, one sentence each."""
    found = schemas()
    sentences: list[str] = []
    for path in sorted(SCHEMAS.glob("*.json")):
        if path.stem not in found:
            sentences.append(f"{path.stem}: the event was removed")
            continue
        compare = breaks_for_vendors if _is_from_vendors(path.stem) else breaks
        sentences += [f"{path.stem}: {why}" for why in compare(json.loads(path.read_bytes()), found[path.stem])]
    return sentences


def _is_from_vendors(kind: str) -> bool:
    return topics.topic_of(topics.EVENTS[kind]).producer is None


def _written(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def main() -> None:
    """See the module's docstring."""
    if broke := broken():
        sys.exit("\n".join([*broke, "A breaking change is a new event type and version; the old one stays."]))
    differing = stale(wanted := files())
    if "--check" in sys.argv:
        names = ", ".join(str(path.relative_to(FOLDER)) for path in differing)
        sys.exit(f"not as the code says: {names}; run `make freeze`" if differing else 0)
    SCHEMAS.mkdir(exist_ok=True)
    for path in differing:
        path.write_bytes(wanted[path])
        sys.stdout.write(f"frozen: {path.relative_to(FOLDER)}\n")


if __name__ == "__main__":
    main()
