"""What a service reads and who handles it: the registry that `handlers.py` fills and the consumer obeys."""

import hashlib
import inspect
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar, cast, get_args, get_origin

from pydantic import ValidationError

from chassis.errors import Poison
from chassis.subscription import Record
from contracts.envelope import CloudEvent, Event, Header
from contracts.topics import Topic

E = TypeVar("E", bound=Event)

_KEY = re.compile(rb"[A-Za-z0-9._:/-]{1,512}")
"""Ours are UUIDs and names of rule sets and the like."""
_FIELD = re.compile(r"[a-z0-9_.-]{1,100}|\[key\]")
"""What contracts call fields, types and places. No text of PostgreSQL's holds a NUL: a reason with one was parked by nobody."""
_TYPE = b'"type":"'
_ATTRIBUTES_END = 256
"""Our own envelopes name their type within so many bytes, before anything that a vendor wrote."""


@dataclass(frozen=True, slots=True)
class Verbatim:
    """A record of the edge as it came, unread: its handler reads it, and answers for what it cannot read.

    `topic` says who may have written it, where each writer has one of its own.
    """

    body: bytes
    headers: Mapping[str, bytes]
    topic: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An event kept as it came: its attributes read, its data not. `body` are the exact bytes of the topic."""

    header: Header
    body: bytes

    @property
    def subject(self) -> str:
        """What the event is about."""
        return self.header.subject

    @property
    def traceparent(self) -> str | None:
        """The trace it belongs to."""
        return self.header.traceparent


class Batch(Sequence[CloudEvent[E]]):
    """Events of one type, in the order of each key. A parameter annotated so says what its handler consumes."""


Handler = Callable[..., Awaitable[Sequence[Event]]]
Foresight = Callable[[Sequence[Any]], Awaitable[None]]
"""Called with the events of a batch before its transaction begins: what must be asked of others is asked here. A fault of it
is nobody's: it must be an OSError or Transient, and the batch is tried again."""


async def _nothing(_: Sequence[Any]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Handling:
    """One registered handler, and how its records are read: as `events` of the topic, or each as a `view`."""

    name: str
    call: Handler
    events: tuple[type[Event], ...] = ()
    view: type[Header] | type[Verbatim] | type[Kept] | None = None

    def given(self, resources: Mapping[str, object]) -> "Handling":
        """The same with what its function asks for after events and transaction. Raises TypeError for what is missing."""
        asked = list(inspect.signature(self.call).parameters)[2:]
        if missing := [name for name in asked if name not in resources]:
            raise TypeError(f"{self.name} asks for {', '.join(missing)}")
        return replace(self, call=partial(self.call, **{name: resources[name] for name in asked})) if asked else self


@dataclass(frozen=True, slots=True)
class Delivery:
    """One record on its way to a handler. `handling` is None when the service has no use for its type."""

    record: Record
    number: int | None
    key: str
    event: CloudEvent[Any] | Header | Kept | Verbatim | None
    handling: Handling | None
    fault: Poison | None = None

    @property
    def traceparent(self) -> str | None:
        """The trace this event belongs to."""
        return None if self.event is None or isinstance(self.event, Verbatim) else self.event.traceparent


@dataclass(slots=True)
class Handlers:
    """Which function handles which events of which topic."""

    topics: dict[str, Topic] = field(default_factory=lambda: dict[str, Topic]())
    by_type: dict[tuple[str, str], Handling] = field(default_factory=lambda: dict[tuple[str, str], Handling]())
    views: dict[str, Handling] = field(default_factory=lambda: dict[str, Handling]())
    foresight: Foresight = _nothing
    met: dict[str, Topic] = field(default_factory=lambda: dict[str, Topic]())
    """Topics of templates, by the names that records came over."""

    @property
    def subscriptions(self) -> list[str]:
        """What a reader subscribes to: names, and `^…` for a template, of which librdkafka finds the topics, new ones too."""
        return [topic.pattern if topic.member else name for name, topic in self.topics.items()]

    def topic(self, name: str) -> Topic:
        """The topic of this name, or the template that it is one of."""
        return self.topics.get(name) or self.met.get(name) or self._meet(name)

    def _meet(self, name: str) -> Topic:
        found = next(topic for topic in self.topics.values() if topic.member_of(name) is not None)
        return self.met.setdefault(name, found)

    def given(self, foresight: Foresight = _nothing, **resources: object) -> "Handlers":
        """The same handlers with what they ask for beside events and transaction, by the names of their parameters.

        Raises TypeError when one asks for what is not given.
        """
        given = {handling: handling.given(resources) for handling in {*self.by_type.values(), *self.views.values()}}
        return Handlers(
            self.topics,
            {key: given[handling] for key, handling in self.by_type.items()},
            {topic: given[handling] for topic, handling in self.views.items()},
            foresight,
        )

    def consumes(self, *topics: Topic) -> Callable[[Handler], Handler]:
        """Register a function by what its first parameter is annotated as.

        `Batch[SomeEvent]`: those events, read whole. `Sequence[V]` with `V` a subclass of Header: every event, as far as `V`
        reads it. `Sequence[Kept]`: every event, its bytes kept. `Sequence[Verbatim]`: every record of the edge, unread.
        Raises TypeError at import for a function that says none of these, or an event that is not on the topic.
        """

        def register(call: Handler) -> Handler:
            for topic in topics:
                self._register(topic, call)
            return call

        return register

    def _register(self, topic: Topic, call: Handler) -> None:
        self.topics[topic.name] = topic
        handling = _handling_of(call)
        if handling.view is not None:
            self.views[topic.name] = handling
        for event in handling.events:
            if event not in topic.events:
                raise TypeError(f"{call.__name__} consumes {event.__name__}, which is not on {topic.name}")
            self.by_type[topic.name, event.TYPE] = handling

    def read(self, record: Record, number: int | None) -> Delivery:
        """Read one record; what cannot be read comes back as a Delivery with a fault, for parking."""
        topic = self.topic(record.topic)
        # Where each writer has a topic of its own, nobody's key makes another's events wait.
        key = f"{record.topic} {_key_of(record)}" if topic.member else _key_of(record)
        try:
            event, handling = self._event(record, topic)
        except (ValidationError, ValueError) as error:
            return Delivery(record, number, key, None, None, Poison(_what(error)))
        return Delivery(record, number, key, event, handling)

    def _is_of_no_use(self, topic: Topic, body: bytes) -> bool:
        """Whether this is an event of the topic that this service has no handler for."""
        kind = _type_of(body)
        return (topic.name, kind) not in self.by_type and any(kind == event.TYPE for event in topic.events)

    def _event(
        self, record: Record, topic: Topic
    ) -> tuple[CloudEvent[Any] | Header | Kept | Verbatim | None, Handling | None]:
        body = record.value or b""
        if handling := self.views.get(topic.name):
            return _view(handling.view, body, record), handling
        if self._is_of_no_use(topic, body):
            return None, None
        try:
            event = topic.adapter.validate_json(body)
        except ValidationError as error:
            # A type this release does not know yet: a contract may grow, and it is not ours to handle.
            if _first(error)["type"] == "union_tag_invalid":
                return None, None
            raise
        return event, self.by_type.get((topic.name, event.type))


def _key_of(record: Record) -> str:
    """The key as text. Without one, a record of the edge waits for nobody and nobody for it.

    Whoever may write to the edge chooses it, and it is kept beside what is parked and shown: one that may be somebody's name or
    address, no text, what a terminal obeys, or longer than an index takes stands for itself by its SHA-256.
    """
    if not record.key:
        return f"{record.topic}/{record.partition}@{record.offset}"
    return record.key.decode() if _KEY.fullmatch(record.key) else f"sha256:{hashlib.sha256(record.key).hexdigest()}"


def _type_of(body: bytes) -> str:
    """The type of an event as a relay writes it, without reading the event; empty when it is written otherwise.

    Reading whole what nobody handles cost a service that reads two of a topic's types a quarter of its time.
    """
    start = body.find(_TYPE, 0, _ATTRIBUTES_END) + len(_TYPE)
    return body[start : body.find(b'"', start)].decode() if start >= len(_TYPE) else ""


def _view(
    view: type[Header] | type[Verbatim] | type[Kept] | None, body: bytes, record: Record
) -> Header | Kept | Verbatim | None:
    if view is Verbatim:
        return Verbatim(body, dict(record.headers), record.topic)
    if view is Kept:
        return Kept(Header.model_validate_json(body), body)
    return cast("type[Header]", view).model_validate_json(body)


def _handling_of(call: Handler) -> Handling:
    first = next(iter(inspect.signature(call).parameters.values())).annotation
    arguments = get_args(first)
    if get_origin(first) is Batch:
        return Handling(call.__name__, call, get_args(arguments[0]) or arguments)
    if arguments and (arguments[0] in (Verbatim, Kept) or issubclass(arguments[0], Header)):
        return Handling(call.__name__, call, view=arguments[0])
    raise TypeError(f"{call.__name__}: annotate its first parameter as Batch[SomeEvent], or as a Sequence of a view")


def _first(error: ValidationError) -> Mapping[str, Any]:
    return error.errors(include_url=False, include_context=False, include_input=False)[0]


def _what(error: Exception) -> str:
    """Which rule was broken and where: never the value that broke it, nor a name that was sent, which can be anything."""
    if not isinstance(error, ValidationError):
        return type(error).__name__
    first = _first(error)
    return f"{first['type']} at {'.'.join(part if _FIELD.fullmatch(part) else '?' for part in map(str, first['loc']))}"
