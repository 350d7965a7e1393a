"""Looking for an application by who sent it: by keyed digests, for what is sealed cannot be searched."""

from typing import Annotated, Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from pydantic import ConfigDict, Field

from chassis.database import Tx
from chassis.errors import Refused
from contracts.envelope import Model
from contracts.routing import DepartmentCode
from services.desk import case_file, index_keys, index_terms, store
from services.desk.callers import Asking
from services.desk.seals import Seals

MOST = 50


class Search(Model):
    """What a clerk looks for. In a body, because a path or a query is written into logs on its way."""

    model_config = ConfigDict(extra="forbid")

    department: DepartmentCode
    field: index_terms.Field
    text: Annotated[str, Field(min_length=1, max_length=200)]


def add_routes(app: FastAPI, seals: Seals) -> None:
    """One question."""

    @app.post("/v1/search")
    async def search(wanted: Search, asking: Asking) -> JSONResponse:
        """A department's cases by a name, a reading, a date of birth, a mail address or a telephone number.

        The whole value, or a family name, however written: full or half width, hiragana or katakana, with spaces or hyphens or
        without. The newest 50.
        """
        asking.check_department(wanted.department)
        if not index_terms.normalised(wanted.text):
            raise Refused(422, "nothing-to-look-for", "検索する語を入力してください。 Say what to look for.")
        terms = index_terms.wanted(seals.index.at_hand.values(), wanted.field, wanted.text)
        return JSONResponse({"cases": await asking.commands.query(lambda tx: _found(tx, terms, wanted.department))})


async def _found(tx: Tx, terms: list[bytes], department: str) -> list[dict[str, Any]]:
    found = [await store.find_item(tx, case_id) for case_id in await index_keys.find(tx, terms, department, MOST)]
    return [case_file.summary(tx, item) for item in found if item is not None]
