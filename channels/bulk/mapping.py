"""A mapping: which column of a city's file means what. Data, not code: `mappings/<name>.toml`.

What a mapping does not name is not sent. Names of columns are the city's own; `aliases` holds the other spellings that
its files use, `optional` the columns that a file may lack.
"""

import codecs
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from channels.bulk.errors import InvalidMapping
from contracts.channels import Channel, Code, FactName, Language

FOLDER = Path(__file__).parent / "mappings"
ISO = "iso"


def _as_format(text: str) -> str:
    try:
        if text != ISO:
            datetime.strptime(datetime(2020, 2, 29, 13, 5, tzinfo=UTC).strftime(text), text)  # noqa: DTZ007
    except ValueError:
        raise ValueError(f'expected "{ISO}" or the format of a date such as "%Y-%m-%d %H:%M:%S"') from None
    return text


def _as_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError('expected the name of a time zone such as "Asia/Tokyo"') from None
    return name


def _as_encoding(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ValueError('expected the name of an encoding such as "utf-8-sig" or "cp932"') from None


def _as_template(text: str) -> str:
    if text.count("{id}") != 1 or "{" in text.replace("{id}", "") or text.count("@") != 1:
        raise ValueError('expected an address with one "{id}" in it, such as "{id}@citizens.example"')
    return text


def _as_list(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


def _as_fact(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


Column = Annotated[str, Field(min_length=1)]
Columns = Annotated[tuple[Column, ...], BeforeValidator(_as_list), Field(min_length=1)]
Format = Annotated[str, AfterValidator(_as_format)]


class Part(BaseModel):
    """A part of a mapping. A misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Opened(Part):
    """When the request was made: the first column that holds a date, the first format that fits; naive times are local."""

    columns: Columns
    formats: Annotated[tuple[Format, ...], Field(min_length=1)]
    zone: Annotated[str, AfterValidator(_as_zone)]


class ChannelTable(Part):
    """How the request came in; `default` for what the table does not know."""

    column: Column | None = None
    values: dict[str, Channel] = {}
    default: Channel = "bulk"


class ProcedureTable(Part):
    """What is asked for. With several columns a key may be `"first | second"`; the first alone is tried after it.

    What the table does not know becomes a code of its own, for which no rule exists: a person looks at it.
    """

    columns: Columns
    values: dict[str, Code] = {}


class FactColumn(Part):
    """A fact that rules may see. `values` translates; a value that is not of its `type` stays text, as it came."""

    column: Column
    type: Literal["text", "int", "number", "bool"] = "text"
    values: dict[str, str] = {}


class Personal(Part):
    """What only people may see; several columns are joined by a comma."""

    name: Columns | None = None
    kana: Columns | None = None
    born: Columns | None = None
    phone: Columns | None = None
    postcode: Columns | None = None
    address: Columns | None = None
    message: Columns | None = None

    def fields(self) -> dict[str, tuple[str, ...]]:
        """The fields that are mapped, with their columns."""
        return {field: columns for field in type(self).model_fields if (columns := getattr(self, field))}


class Recorded(Part):
    """What became of a request, where a file says it: rules are tried on it and learnt from it. An import does not look at it.

    `closed` is read in the formats of `opened`. `names` gives recorded departments and queues the names that a city's rules use.
    """

    department: Column | None = None
    queue: Column | None = None
    closed: Column | None = None
    names: dict[str, str] = {}


class Mapping(Part):
    """Everything needed to read one city's files."""

    name: str
    about: str
    municipality: Annotated[str, Field(pattern=r"^[0-9]{6}$")]
    language: Language = "ja"
    encodings: Annotated[tuple[Annotated[str, AfterValidator(_as_encoding)], ...], Field(min_length=1)] = ("utf-8-sig",)
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    nothing: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    aliases: dict[str, tuple[str, ...]] = {}
    id: Column
    opened: Opened
    channel: ChannelTable = ChannelTable()
    procedure: ProcedureTable
    facts: dict[FactName, Annotated[FactColumn, BeforeValidator(_as_fact)]] = {}
    personal: Personal = Personal()
    recorded: Recorded = Recorded()
    email: Annotated[str, AfterValidator(_as_template)] | None = None


def known_mappings(folder: Path = FOLDER) -> list[str]:
    """The names of all mappings."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_mapping(name: str, folder: Path = FOLDER) -> Mapping:
    """The mapping of that name. Raises InvalidMapping."""
    if name not in known_mappings(folder):
        raise InvalidMapping(f"no mapping is called {name!r}; there are: {', '.join(known_mappings(folder))}")
    path = folder / f"{name}.toml"
    try:
        return Mapping.model_validate({**tomllib.loads(path.read_text("utf-8")), "name": name})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidMapping(f"{path}: expected TOML in UTF-8: {error}") from None
    except ValidationError as error:
        raise InvalidMapping("\n".join(f"{path}: {_words(found)}" for found in error.errors())) from None


_PARTS: dict[str, type[Part]] = {
    "opened": Opened,
    "channel": ChannelTable,
    "procedure": ProcedureTable,
    "facts": FactColumn,
    "personal": Personal,
    "recorded": Recorded,
}


def _words(found: Any) -> str:
    """`opened.zone: expected the name of a time zone such as "Asia/Tokyo", found 'Tokio'`."""
    *parents, _last = location = [str(part) for part in found["loc"]]
    key = ".".join(location)
    if found["type"] == "extra_forbidden":
        known = (_PARTS[parents[0]] if parents else Mapping).model_fields.keys() - {"name"}
        return f"{key}: no such key, expected one of {', '.join(sorted(known))}"
    if found["type"] == "missing":
        return f"{key}: expected this key, found nothing"
    message = found["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    return f"{key}: {message}, found {found['input']!r}"
