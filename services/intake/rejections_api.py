"""`GET /v1/rejections`: what was rejected of all that a channel system published on Kafka, where nobody answers it.

Over HTTP a rejection is the answer itself, and leaves nothing behind.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, FastAPI
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, AwareDatetime

from chassis.commands import Commands
from chassis.database import Tx
from contracts import topics
from services.intake.admitting import System
from services.intake.door import Door
from services.intake.rejections import PAGE, Parked, Place, Rejection, parked, rejections

PATH = "/v1/rejections"


def _in_utc(moment: datetime) -> datetime:
    """What PostgreSQL is asked. A moment that is in no year from 1 to 9999 there is none of ours."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment in UTC is in a year from 1 to 9999") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]


def add_rejections_route(app: FastAPI, commands: Commands, door: Door) -> None:
    """`GET /v1/rejections`, for channel systems that have a key."""

    @app.get(PATH)
    async def rejected(
        system: Annotated[System, Depends(door.enter)],  # before any parameter is looked at
        since: Moment,
        source: str = "",
        id: str = "",  # noqa: A002  the attribute of CloudEvents
    ) -> JSONResponse:
        """What was rejected of this system's own since a moment, oldest first, with every fault; and which of its records are set aside.

        `next` leads on while there is more, 100 a page; of what is set aside the first 100 are told, and whether there is more.
        A batch that took long comes into sight late, ten minutes at most: whoever looks again begins so much before his last look,
        and knows by source and id what he has had. 401 without a key, 429 too fast.
        """
        return JSONResponse(await commands.query(lambda tx: _told(tx, system, Place(since, source, id))))


async def _told(tx: Tx, system: System, behind: Place) -> dict[str, Any]:
    found = await rejections(tx, system.sources, behind)
    aside = await parked(tx, topics.OF_A_CHANNEL.of(system.name).name)
    return {
        "rejections": [_rejection(one) for one in found],
        "next": _next(found),
        "set_aside": [_set_aside(one) for one in aside[:PAGE]],
        "set_aside_more": len(aside) > PAGE,
    }


def _next(found: Sequence[Rejection]) -> str | None:
    if len(found) < PAGE:
        return None
    last = found[-1].place
    return f"{PATH}?{urlencode({'since': last.since.isoformat(), 'source': last.source, 'id': last.id})}"


def _rejection(one: Rejection) -> dict[str, Any]:
    return {
        "source": one.source,
        "id": one.id,
        "received_at": one.received_at.isoformat(),
        "errors": [fault.model_dump() for fault in one.faults],
    }


def _set_aside(one: Parked) -> dict[str, Any]:
    return {
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.offset,
        "at": one.parked_at.isoformat(),
        "ja": SET_ASIDE_JA,
        "en": SET_ASIDE_EN,
    }


SET_ASIDE_JA = "市のシステムがこのレコードを読み取れなかったか、送信元（source）がこのシステムのものではありません。保管していますので、市の担当者に partition と offset をお知らせください。"
SET_ASIDE_EN = "The record could not be read, or names a source that is not this system's. It is kept: tell the city hall its partition and offset."
