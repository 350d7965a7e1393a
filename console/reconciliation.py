"""Reads databases, topics and mails, and says whether they agree."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from console.balance import Mail, Row, adds_up, rows
from console.books import Books
from console.city import City
from console.errors import Trouble
from console.patience import Patience
from console.tapes import Tapes

PAUSE = 1.0
Tell = Callable[[str], None]


async def reconciled(city: City, source: str | None) -> list[Row]:
    """The table as it is now."""
    tapes = Tapes(city.brokers["operator"], source, await _owners(city))
    published = await tapes.read()
    books = await Books(city, source).read()
    if source is not None and not books.stages["read"].keys:
        raise Trouble(f"Nothing has come from {source!r}: `madoguchi import` prints the source of a file.")
    mail = await asyncio.to_thread(_mail, city.mail_folder, tapes) if city.mail_folder else None
    return list(rows(books, published, mail))


async def _owners(city: City) -> dict[str, str]:
    async with city.database("intake") as connection:
        return {
            row["source"]: row["system"] for row in await connection.fetch("SELECT source, system FROM channel_source")
        }


async def settled(city: City, source: str | None, patient: Patience, tell: Tell, still: float = math.inf) -> list[Row]:
    """The table once it adds up; else as it is when patience is over, or when nothing has moved for `still` seconds.

    Servers that are away meanwhile are waited for.
    """
    last: list[Row] = []
    since = time.monotonic()
    while True:
        table = await patient.persist(lambda: reconciled(city, source))
        if table != last:
            last, since = table, time.monotonic()
        if adds_up(table) or patient.over or time.monotonic() - since > still:
            return table
        tell(_open_points(table))
        await asyncio.sleep(PAUSE)


def _open_points(table: list[Row]) -> str:
    return "; ".join(f"{row.what.strip()}: {row.wrong}" for row in table if row.wrong)


def _mail(folder: Path, tapes: Tapes) -> Mail:
    """Which of the mails that notify has sent are in the catcher's folder."""
    from deploy.local import mail

    there = {message_id for message_id in tapes.mails if mail.path_of(folder, message_id.encode()).exists()}
    receipts = {tapes.mails[message_id][0] for message_id in there if tapes.mails[message_id][1]}
    total = len(there) if tapes.source else mail.count(folder)
    again = len(set(mail.duplicates(folder)) & tapes.mails.keys())
    return Mail(frozenset(receipts), total, len(tapes.mails), again)


def as_json(table: list[Row]) -> dict[str, Any]:
    """For programs."""
    return {"adds_up": adds_up(table), "rows": [asdict(row) | {"what": row.what.strip()} for row in table]}
