"""The whole of an import: file in, events out, in constant memory."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from channels.bulk import files
from channels.bulk.mapping import Mapping, load_mapping
from channels.bulk.publishing import Publisher
from channels.bulk.rows import Outgoing, Translator, translator
from channels.bulk.sealing import edge_seal

OnProgress = Callable[[int, int, int], None]
"""Called with (rows published, bytes read, bytes in all) about ten times a second, and at the end."""

_FLIGHT = 1000
_PROGRESS_SECONDS = 0.1
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Imported:
    """What was done. `source` is the CloudEvents source under which intake knows the rows; their ids are 1 to `rows`."""

    source: str
    rows: int
    published: int
    seconds: float


def no_progress(_rows: int, _bytes_read: int, _bytes_total: int) -> None:
    """Say nothing."""


async def import_file(
    path: Path,
    mapping: Mapping | str,
    kafka: dict[str, Any],
    on_progress: OnProgress = no_progress,
    *,
    keyring: str | None = None,
    rows: int | None = None,
    on_trouble: Callable[[str], None] = _log.warning,
    seconds: float = 30.0,
    patience: float = 300.0,
) -> Imported:
    """Publish every row of the file, or the first `rows`. Safe to repeat: a row is counted once however often it is sent.

    `kafka` are the settings of an aiokafka client: `bootstrap_servers`, and what this channel logs in with. `keyring` is the address
    of the public half of the keyring of the edge: what is personal is sealed by it.

    `seconds` bounds every call to Kafka; when Kafka goes away, `on_trouble` is told, and it is tried for `patience`
    seconds. Raises BulkError.
    """
    began = time.monotonic()
    found = mapping if isinstance(mapping, Mapping) else load_mapping(mapping)
    fingerprint = await asyncio.to_thread(files.fingerprint, path)
    seal = edge_seal(keyring) if keyring else None
    with files.opened(path, found) as file:
        translate = translator(found, file.header, fingerprint, seal)
        publisher = Publisher(kafka, on_trouble, seconds, patience)
        count = await _publish(file, translate, publisher, on_progress, rows)
    return Imported(translate.source, count, publisher.confirmed, time.monotonic() - began)


async def _publish(
    file: files.Csv, translate: Translator, publisher: Publisher, on_progress: OnProgress, limit: int | None
) -> int:
    count, told = 0, 0.0
    events = events_of(file, translate, limit)
    await publisher.start()
    try:
        while flight := list(islice(events, _FLIGHT)):
            await publisher.send(flight)
            count += len(flight)
            if time.monotonic() - told >= _PROGRESS_SECONDS:
                told = time.monotonic()
                on_progress(publisher.confirmed, file.position(), file.size)
        await publisher.flush()
    finally:
        await publisher.stop()
    on_progress(publisher.confirmed, file.position(), file.size)
    return count


def events_of(file: files.Csv, translate: Translator, limit: int | None = None) -> Iterator[Outgoing]:
    """The events of a file's rows, one after the other; rows are numbered from 1."""
    return (translate.event(number, cells) for number, cells in enumerate(islice(file.rows, limit), 1))
