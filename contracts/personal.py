"""Personal data, marked by type.

Facts are what rules may see; personal data is what only people and the citizen may see. A field is one or the other.
`PERSONAL` marks a field in the model and, as `x-personal`, in every frozen schema.
"""

from datetime import date
from typing import Annotated

from pydantic import Field

from .envelope import Model
from .schemata import Schema, places

PERSONAL = Field(json_schema_extra={"x-personal": True})

INDIVIDUAL_NUMBER = Field(json_schema_extra={"x-personal": True, "x-individual-number": True})
"""Personal, and more: sealed by itself, under keys of its own, where a law lets the city collect it at all."""

IndividualNumber = Annotated[str, Field(max_length=64), INDIVIDUAL_NUMBER]
"""An Individual Number (個人番号), written as the citizen writes one: twelve digits of any width, hyphens or spaces between.

Intake reads it, proves the check digit and refuses it where the procedure has no legal basis for it.
"""

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
    individual_number: IndividualNumber | None = None


def personal_paths(schema: Schema) -> frozenset[str]:
    """Where a document of this schema holds personal data: `data.application.applicant.name`, `data.attachments[].name`."""
    return frozenset(path for path, node in places(schema) if node.get("x-personal") is True)
