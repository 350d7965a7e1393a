"""Individual Numbers (個人番号) of a case: shown to those entitled, each time for a purpose, and never without an entry.

What they are shown is what stood under the keys for numbers: the number itself, and each text or name in which one stood. All others
read the same values with the number made unreadable, and that there is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import ConfigDict

from chassis.database import Tx
from chassis.errors import Refused
from contracts.desk import NumberPurpose
from contracts.envelope import Event, Model
from sealing.places import Place, of_application
from services.desk import access_log, case_file, corrections, store
from services.desk.callers import Asking
from services.desk.rules import Item
from services.desk.seals import Seals


class Look(Model):
    """Why somebody must see them. There is no usual purpose: it is said every time."""

    model_config = ConfigDict(extra="forbid")

    purpose: NumberPurpose


@dataclass(frozen=True, slots=True)
class Kept:
    """The application or a correction, as it is kept: sealed."""

    received_at: datetime
    content: bytes
    place: Place


def add_routes(app: FastAPI, seals: Seals) -> None:
    """One question. A POST: no browser repeats it or keeps the answer, and none asks it from another site."""

    @app.post("/v1/cases/{case_id}/individual-numbers")
    async def individual_numbers(case_id: UUID, look: Look, asking: Asking) -> JSONResponse:
        """The Individual Numbers that came with a case's application and its corrections, by the place where they stood.

        Who looks is noted with the purpose, in the same transaction. 404 for a case without any, 409 where this desk has no key.
        """
        found = await asking.commands.run(lambda tx: _look(tx, case_id, asking.staff, look.purpose, seals))
        return JSONResponse({"case_id": str(case_id), "individual_numbers": await _shown(found, seals)})


@dataclass(frozen=True, slots=True)
class _Found:
    item: Item
    kept: Sequence[Kept]


async def _look(tx: Tx, case_id: UUID, staff: str, purpose: NumberPurpose, seals: Seals) -> tuple[_Found, list[Event]]:
    item = case_file.there(await store.find_item(tx, case_id))
    kept = [one for one in await _kept(tx, item) if seals.has_numbers(one.content)]
    _check(kept, seals)
    return _Found(item, kept), [await access_log.note_numbers(tx, item, staff, purpose)]


def _check(kept: Sequence[Kept], seals: Seals) -> None:
    if not kept:
        words = "この案件に個人番号はありません。 No Individual Number came with this case."
        raise Refused(404, "no-individual-number", words)
    if seals.numbers is None:
        words = (
            "この事務机には個人番号の鍵が設定されていません。システム管理者へご連絡ください。"
            " This desk has no key for Individual Numbers: the system manager sets MADOGUCHI_DESK_NUMBER_KEYRING."
        )
        raise Refused(409, "no-number-keyring", words)


async def _kept(tx: Tx, item: Item) -> list[Kept]:
    papers = await store.papers(tx, item.case_id)
    supplied = await corrections.supplied_to(tx, item.application_id)
    application = Kept(papers.opened_at, papers.content, of_application(item.application_id))
    return [application, *(Kept(one.received_at, one.content, one.place) for one in supplied)]


async def _shown(found: _Found, seals: Seals) -> list[dict[str, Any]]:
    """Opened outside any transaction: a keyring may be far away. Raises KeyringAway."""
    opened = await seals.opened_numbers((one.content, one.place) for one in found.kept)
    return [{"received_at": kept.received_at.isoformat()} | said for kept, said in zip(found.kept, opened, strict=True)]
