"""Looking for an application by who sent it: by keyed digests, for what is sealed cannot be searched."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from chassis.database import Tx
from chassis.errors import Refused
from contracts.desk import Purpose, SearchMade
from contracts.envelope import Event, Model
from contracts.routing import DepartmentCode
from services.desk import access_log, case_file, index_keys, index_terms, store
from services.desk.callers import Asking
from services.desk.rules import Item
from services.desk.seals import Seals

MOST = 50


class Search(Model):
    """What a clerk looks for. In a body, because a path or a query is written into logs on its way."""

    model_config = ConfigDict(extra="forbid")

    department: DepartmentCode
    field: index_terms.Field
    text: Annotated[str, Field(min_length=1, max_length=200)]
    purpose: Purpose = "work"


def add_routes(app: FastAPI, seals: Seals) -> None:
    """One question."""

    @app.post("/v1/search")
    async def search(wanted: Search, asking: Asking) -> JSONResponse:
        """A department's cases by a name, a reading, a date of birth, a mail address or a telephone number.

        The whole value, or a family name, however written: full or half width, hiragana or katakana, with spaces or hyphens or
        without. The newest 50. That somebody searched is noted, and that they saw what they were shown, with the answer: never for what.
        """
        asking.check_department(wanted.department)
        if not index_terms.normalised(wanted.text):
            raise Refused(422, "nothing-to-look-for", "検索する語を入力してください。 Say what to look for.")
        terms = index_terms.wanted(seals.index.at_hand.values(), wanted.field, wanted.text)
        return JSONResponse({"cases": await asking.commands.run(lambda tx: _search(tx, terms, wanted, asking.staff))})


async def _search(
    tx: Tx, terms: list[bytes], wanted: Search, staff: str
) -> tuple[list[dict[str, Any]], Sequence[Event]]:
    found = await _found(tx, terms, wanted.department)
    said = wanted.model_dump(include={"department", "field", "purpose"})
    made = SearchMade(search_id=tx.new_id(), at=tx.now, staff=staff, found=len(found), **said)
    await access_log.note_search(tx, made)
    seen = await access_log.note(tx, found, staff, wanted.purpose, made.search_id)
    return [case_file.summary(tx, item) for item in found], [made, *seen]


async def _found(tx: Tx, terms: list[bytes], department: str) -> list[Item]:
    found = [await store.find_item(tx, case_id) for case_id in await index_keys.find(tx, terms, department, MOST)]
    return [item for item in found if item is not None]
