"""The envelope every event travels in: CloudEvents 1.0, JSON event format.

Source: CloudEvents specification 1.0.2, and its Distributed Tracing extension for `traceparent`.
"""

from typing import Annotated, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, create_model

from .instants import Instant

CONTENT_TYPE = b"application/cloudevents+json"

Name = Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]+$")]
"""A CloudEvents String: no control characters."""


class Model(BaseModel):
    """A value on the wire. Unknown fields are ignored, so that a contract may grow within its version."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Model):
    """What happened, without its envelope. A subclass names its CloudEvents `type` and what it is about."""

    TYPE: ClassVar[str]

    @property
    def subject(self) -> str:
        """What the event is about, and its key on the topic: events of one subject keep their order."""
        raise NotImplementedError(type(self).__name__)

    def to_json(self) -> bytes:
        """The `data` member of the envelope, UTF-8, absent values left out."""
        return self.__pydantic_serializer__.to_json(self, exclude_none=True)


E = TypeVar("E", covariant=True)


class CloudEvent(Model, Generic[E]):
    """One event as it stands on a topic in structured mode, `data` already read."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Name
    subject: Name
    time: Instant
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = Field(default=None, max_length=55)
    data: E


class AnyCloudEvent(Model):
    """A CloudEvent of anybody's: every attribute that the specification leaves optional is optional here."""

    model_config = ConfigDict(frozen=True, extra="allow")

    specversion: Literal["1.0"]
    id: Name
    source: Name
    type: Name
    subject: Name | None = None
    time: AwareDatetime | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    traceparent: str | None = None
    data: JsonValue = None
    data_base64: str | None = None


class Header(Model):
    """The attributes a reader needs when it keeps an event without reading its data."""

    id: str
    source: str
    type: str
    subject: str
    time: AwareDatetime
    traceparent: str | None = None


def envelope_of(event: type[Event]) -> type[CloudEvent[Any]]:
    """The envelope that carries `event` and nothing else: `type` is fixed, `data` is typed."""
    fields: dict[str, Any] = {"type": (Literal[event.TYPE], ...), "data": (event, ...)}
    return create_model(f"{event.__name__}CloudEvent", __base__=CloudEvent[event], __doc__=event.__doc__, **fields)
