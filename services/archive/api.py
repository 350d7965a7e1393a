"""archive over HTTP: records to read, who read them, the chain to check."""

from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse, Response

from access.guard import Asking, guard
from access.settings import TokenSettings
from chassis.commands import Commands
from chassis.database import Tx
from chassis.errors import Refused
from contracts.desk import Purpose
from contracts.envelope import Event
from services.archive import access_log, rules, store
from services.archive.permissions import PERMISSIONS
from services.archive.rules import GENESIS, Link

_PAGE = 200


def add_routes(app: FastAPI, commands: Commands, settings: TokenSettings) -> None:
    """`GET /v1/records/{receipt}`, `GET /v1/records`, `GET /v1/chain/verify`, `GET /v1/access/{receipt}`."""
    guard(app, settings, PERMISSIONS)
    access_log.add_routes(app, commands)

    @app.get("/v1/records/{receipt}")
    async def record(receipt: str, purpose: Purpose, asking: Asking) -> Response:
        """The record of an application, byte for byte as it was sealed; its SHA-256 is the ETag.

        Who reads it is noted and announced, with the purpose, in the same transaction: no look without its entry.
        """
        return await commands.run(lambda tx: _read(tx, receipt, asking.staff, purpose))

    @app.get("/v1/records")
    async def records(
        after: Annotated[int, Query(ge=0, le=access_log.LAST)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> JSONResponse:
        """Numbers, receipts and digests of the records after a number, in the order of the chain."""
        return JSONResponse(await commands.query(lambda tx: _records(tx, after, limit)))

    @app.get("/v1/chain/verify")
    async def verify() -> JSONResponse:
        """Read the whole chain and say whether it is intact, and if not, which record is the first that is not."""
        return JSONResponse(await commands.query(_verify))


async def _read(tx: Tx, receipt: str, staff: str, purpose: Purpose) -> tuple[Response, list[Event]]:
    row = await _record(tx, receipt)
    viewed = await access_log.note(tx, receipt, (row["application_id"], row["record_id"]), staff, purpose)
    etag = {"ETag": f'"{row["digest"].hex()}"'}
    return Response(row["body"], media_type="application/json", headers=etag), [viewed]


async def _record(tx: Tx, receipt: str) -> asyncpg.Record:
    row = await store.record_of(tx, receipt)
    if row is None:
        message = "この受付番号の記録はまだありません。 There is no sealed record of this receipt number yet."
        raise Refused(404, "no-such-record", message)
    return row


async def _records(tx: Tx, after: int, limit: int) -> dict[str, Any]:
    found = [
        {
            "number": row["number"],
            "receipt": row["receipt"],
            "sealed_at": row["sealed_at"].isoformat(),
            "previous": row["previous"].hex(),
            "digest": row["digest"].hex(),
        }
        for row in await store.records_after(tx, after, limit)
    ]
    following = f"/v1/records?limit={limit}&after={found[-1]['number']}" if len(found) == limit else None
    return {"records": found, "next": following}


async def _verify(tx: Tx) -> dict[str, Any]:
    link, bad = Link(0, GENESIS), None
    while bad is None and (page := await store.bodies_after(tx, link.number, _PAGE)):
        bad = rules.first_bad(page, link)
        link = Link(page[-1][0], page[-1][1])
    if bad is None and (await store.end_of_chain(tx)) != link:
        bad = link.number + 1
    return {"records": link.number, "intact": bad is None, "first_bad": bad}
