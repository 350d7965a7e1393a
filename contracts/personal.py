"""Personal data, marked by type.

Facts are what rules may see; personal data is what only people and the citizen may see. A field is one or the other.
`PERSONAL` marks a field in the model and, as `x-personal`, in every frozen schema.
"""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any

from pydantic import Field
from pydantic.fields import FieldInfo

from .envelope import Model

PERSONAL = Field(json_schema_extra={"x-personal": True})

PersonalText = Annotated[str, Field(max_length=4000), PERSONAL]
PersonalDate = Annotated[date, PERSONAL]


class Applicant(Model):
    """Who applies, and how to reach them. Every field is personal; none is required of an anonymous report."""

    name: PersonalText | None = None
    kana: PersonalText | None = None
    born: PersonalDate | None = None
    email: Annotated[str, Field(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$"), PERSONAL] | None = None
    phone: Annotated[str, Field(max_length=32), PERSONAL] | None = None
    postcode: Annotated[str, Field(max_length=8), PERSONAL] | None = None
    address: PersonalText | None = None
    message: PersonalText | None = None


def personal_paths(schema: dict[str, Any]) -> Iterator[str]:
    """The JSON paths of a generated schema that are marked personal, definitions included."""
    yield from _marked(schema, "$")


def _marked(node: object, path: str) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("x-personal") is True:
            yield path
        for name, child in node.items():
            yield from _marked(child, f"{path}.{name}")
    elif isinstance(node, list):
        for child in node:
            yield from _marked(child, path)


def is_personal(field: FieldInfo) -> bool:
    """Whether a model's field is marked personal, in its own right or through its annotation."""
    extra = field.json_schema_extra
    return (isinstance(extra, dict) and extra.get("x-personal") is True) or "x-personal" in repr(field.annotation)
