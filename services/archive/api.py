"""archive over HTTP: records to read, the chain to check."""

from typing import Annotated, Any

from fastapi import FastAPI, Query
from fastapi.responses import JSONResponse, Response

from chassis.commands import Commands
from chassis.database import Tx
from chassis.errors import Refused
from services.archive import rules, store
from services.archive.rules import GENESIS, Link

_PAGE = 200


def add_routes(app: FastAPI, commands: Commands) -> None:
    """`GET /v1/records/{receipt}`, `GET /v1/records`, `GET /v1/chain/verify`."""

    @app.get("/v1/records/{receipt}")
    async def record(receipt: str) -> Response:
        """The record of an application, byte for byte as it was sealed; its SHA-256 is the ETag."""
        return await commands.query(lambda tx: _record(tx, receipt))

    @app.get("/v1/records")
    async def records(
        after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> JSONResponse:
        """Numbers, receipts and digests of the records after a number, in the order of the chain."""
        return JSONResponse(await commands.query(lambda tx: _records(tx, after, limit)))

    @app.get("/v1/chain/verify")
    async def verify() -> JSONResponse:
        """Read the whole chain and say whether it is intact, and if not, which record is the first that is not."""
        return JSONResponse(await commands.query(_verify))


async def _record(tx: Tx, receipt: str) -> Response:
    row = await store.record_of(tx, receipt)
    if row is None:
        message = "この受付番号の記録はまだありません。 There is no sealed record of this receipt number yet."
        raise Refused(404, "no-such-record", message)
    return Response(row["body"], media_type="application/json", headers={"ETag": f'"{row["digest"].hex()}"'})


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
    return {"records": found, "next": f"/v1/records?after={found[-1]['number']}" if len(found) == limit else None}


async def _verify(tx: Tx) -> dict[str, Any]:
    link, bad = Link(0, GENESIS), None
    while bad is None and (page := await store.bodies_after(tx, link.number, _PAGE)):
        bad = rules.first_bad(page, link)
        link = Link(page[-1][0], page[-1][1])
    if bad is None and (await store.end_of_chain(tx)) != link:
        bad = link.number + 1
    return {"records": link.number, "intact": bad is None, "first_bad": bad}
