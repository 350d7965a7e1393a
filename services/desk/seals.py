"""What is sealed is opened for the people who work on a case, and what they write to a citizen is sealed."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from contracts.channels import Application
from contracts.envelope import Event, Model
from contracts.sealed import Sealed
from sealing import fields
from sealing.errors import DestroyedKey, KeyringAway, SealingError
from sealing.keyring import VERSION, key_name
from sealing.opener import Opener, seal_of, sealed_in, sealed_numbers_in
from sealing.places import Place, of_application, place_of
from sealing.sealer import Sealer
from services.desk import index_terms
from services.desk.index_keys import IndexKeys, name_in
from services.desk.refusals import Words

E = TypeVar("E", bound=Event)

DESTROYED = Words(
    "保存期間が満了し、鍵が廃棄されたため、個人情報は表示できません。",
    "The retention period is over and the key destroyed: the personal data cannot be read any more.",
)
BROKEN = Words(
    "個人情報の封印を開けませんでした。改ざんのおそれがあります。システム管理者へご連絡ください。",
    "The seal on the personal data does not open and may have been tampered with. Tell the system manager.",
)


@dataclass(frozen=True, slots=True)
class Seals:
    """Both ways, and the blind index."""

    sealer: Sealer
    opener: Opener
    index: IndexKeys
    retention: str
    """The retention class of what is written about an application that has nothing sealed."""
    numbers: Opener | None = None
    """Opens Individual Numbers, by a keyring of its own; the other opens none."""

    async def foresee(self, events: Sequence[Any]) -> None:
        """Have the keys at hand that a batch needs. Raises KeyringAway."""
        sealed = [found for event in events if (found := seal_of(event.data)) is not None]
        await self.opener.fetch(sealed)
        self.index.need({name_in(one.key) for one in sealed if self.opener.opens(one)})

    def terms(self, application_id: UUID, application: Application) -> set[tuple[str, bytes, UUID]]:
        """(key name, digest, id) of everything an application is found by. Raises BrokenSeal, UnknownKey, DestroyedKey."""
        if application.sealed is None:
            return set()
        values = self.opener.open(application.sealed, of_application(application_id))
        name = name_in(application.sealed.key)
        return {(name, term, application_id) for term in index_terms.terms(self.index.at_hand[name], values)}

    def check(self, place: Place, sealed: Sealed | None) -> None:
        """Nothing, when a seal opens. Raises BrokenSeal, UnknownKey, DestroyedKey."""
        if sealed is not None:
            self.opener.open(sealed, place)

    async def foresee_writing(self, content: Mapping[str, Any], now: datetime) -> str:
        """Have the keys at hand for what is written now about an application. Raises KeyringAway.

        Returns the name of the index key by which the digest of it is made: the application's own, if it has one.
        """
        await self.sealer.fetch([self._retention(content)], now)
        sealed = sealed_in(content)
        own = name_in(sealed.key) if sealed else ""
        name = own if own in self.index.at_hand else key_name(self.retention, now)
        self.index.need({name})
        return name

    def sealed(self, event: E, content: Mapping[str, Any], now: datetime) -> E:
        """The event with what is personal in it sealed, in the class of its application. Raises KeyringAway."""
        return self.sealer.seal(event, place_of(event), key_name(self._retention(content), now))

    def _retention(self, content: Mapping[str, Any]) -> str:
        sealed = sealed_in(content)
        found = VERSION.fullmatch(sealed.key) if sealed else None
        return found["retention"] if found else self.retention

    async def opened(self, contents: Iterable[tuple[type[Model], bytes, Place]]) -> list[dict[str, Any]]:
        """JSON, each of some members of a model kept at a place, with everything sealed in it open.

        Where that cannot be, or something personal is not sealed, it is not shown and `unreadable` says why in words.
        """
        read = [(model, json.loads(content), place) for model, content, place in contents]
        await self.opener.fetch(sealed_in(content) for _, content, _ in read)
        return [self._opened(content, place, model) for model, content, place in read]

    def _opened(self, content: dict[str, Any], place: Place, model: type[Model]) -> dict[str, Any]:
        """Of Individual Numbers it is said where they are, and no more."""
        numbers = sealed_numbers_in(content)
        rest = {name: value for name, value in content.items() if name != "sealed_numbers"}
        rest |= {"individual_numbers": sorted(numbers.values)} if numbers else {}
        try:
            return self.opener.opened(rest, place, model)
        except SealingError as error:
            shown = {name: value for name, value in rest.items() if name != "sealed"}
            return fields.hidden(shown, model) | _unreadable(error)

    def has_numbers(self, content: bytes) -> bool:
        """Whether Individual Numbers are sealed in this JSON."""
        return sealed_numbers_in(json.loads(content)) is not None

    async def opened_numbers(self, contents: Iterable[tuple[bytes, Place]]) -> list[dict[str, Any]]:
        """Where Individual Numbers stood in each, with the `values` there; where that cannot be, `unreadable` says why in words.

        Raises KeyringAway, also without a keyring for them.
        """
        if self.numbers is None:
            raise KeyringAway("there is no keyring for Individual Numbers: set MADOGUCHI_DESK_NUMBER_KEYRING")
        sealed = [(found, place) for content, place in contents if (found := sealed_numbers_in(json.loads(content)))]
        await self.numbers.fetch(found for found, _ in sealed)
        return [_numbers(self.numbers, found, place) for found, place in sealed]


def _numbers(opener: Opener, sealed: Sealed, place: Place) -> dict[str, Any]:
    try:
        return {"values": opener.open(sealed, place)}
    except SealingError as error:
        return _unreadable(error)


def _unreadable(error: SealingError) -> dict[str, Any]:
    words = DESTROYED if isinstance(error, DestroyedKey) else BROKEN
    return {"unreadable": {"code": type(error).__name__, "ja": words.ja, "en": words.en}}
