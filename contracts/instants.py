"""A point in time as it stands on the wire: text, as RFC 3339 §5.6 writes it.

Pydantic alone also takes a number, or text that is one, for seconds since 1970, and tells milliseconds by its size. The schemas have
always said `date-time`.
"""

from typing import Annotated, Any

from pydantic import AwareDatetime, GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import CoreSchema, core_schema

_TEXT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:"
_WORDS = "a date and time are text such as 2026-11-24T17:00:00+09:00 (RFC 3339)"


def _text_in_json(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """What Python hands over is read as ever; in JSON the text is looked at first, by the same compiled code."""
    instant = handler(source)
    text = core_schema.custom_error_schema(
        core_schema.str_schema(pattern=_TEXT), custom_error_type="datetime_text", custom_error_message=_WORDS
    )
    read = core_schema.chain_schema([text, instant])
    return core_schema.json_or_python_schema(json_schema=read, python_schema=instant)


def _date_time(_source: Any, _handler: Any) -> dict[str, Any]:
    return {"type": "string", "format": "date-time"}


Instant = Annotated[AwareDatetime, GetPydanticSchema(_text_in_json, _date_time)]
