"""Opening, for whoever may: secrets are unwrapped beforehand, kept for a minute, and then forgotten."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.envelope import CloudEvent, Model
from contracts.sealed import SEALED_TEXT, Sealed
from sealing import cipher, fields
from sealing.errors import BrokenSeal, KeyringAway, SealingError
from sealing.keyring import NEARLY, Unwrapping
from sealing.places import Place

MOST = 4096
_MISPLACED = (
    "a value is sealed that is not personal, or for a place that is not there: a fact is not changed by who can seal"
)

_Wrapped = tuple[str, str]
"""(key, wrapped) of a Sealed."""


@dataclass(slots=True)
class Opener:
    """Opens what is sealed. A key that is destroyed opens nothing after `seconds` at the latest, as nothing is kept longer."""

    unwrapping: Unwrapping
    seconds: float = 60
    clock: Callable[[], float] = time.monotonic
    _secrets: OrderedDict[_Wrapped, tuple[bytes | SealingError, float]] = field(
        default_factory=lambda: OrderedDict[_Wrapped, tuple[bytes | SealingError, float]](), repr=False
    )

    async def fetch(self, sealed: Iterable[Sealed | None]) -> None:
        """Unwrap the secrets of these. Outside any transaction: a keyring may be far away. Raises KeyringAway.

        What cannot be unwrapped for good is remembered as that, and raised to whoever opens it.
        """
        wanted = {(one.key, one.wrapped): one for one in sealed if one is not None}
        for name, one in wanted.items():
            if self._is_old(name):
                self._keep(name, await asyncio.to_thread(self._unwrapped, one))

    def open(self, sealed: Sealed, place: Place, *only: str) -> dict[str, str]:
        """The values by path, or those at the paths `only`, of a seal that stands at `place`.

        Raises BrokenSeal, UnknownKey, DestroyedKey; KeyringAway when the secret was not fetched.
        """
        found = self._secrets.get((sealed.key, sealed.wrapped))
        if found is None or self._age(found) > self.seconds:
            raise KeyringAway("the secret of this seal is not at hand")
        if isinstance(found[0], SealingError):
            raise type(found[0])(*found[0].args)
        return cipher.open_sealed(found[0], place.bound(sealed.form), sealed, *only)

    def opens(self, sealed: Sealed) -> bool:
        """Whether the secret of this seal is at hand."""
        return isinstance(self._secrets.get((sealed.key, sealed.wrapped), (None,))[0], bytes)

    def opened(self, content: Mapping[str, Any], place: Place, model: type[Model]) -> dict[str, Any]:
        """JSON of a model, or of some of its members, with what is sealed in it put back.

        Raises as `open` does; BrokenSeal for what `require_sealed` refuses, too.
        """
        sealed = sealed_in(content)
        _require_sealed(fields.personal_in(content, model), sealed)
        if sealed is None:
            return dict(content)
        rest = {name: value for name, value in content.items() if name != "sealed"}
        values = self.open(sealed, place)
        if not all(fields.is_personal(model, path) for path in values):
            raise BrokenSeal(_MISPLACED)
        try:
            return fields.restored(rest, values)
        except LookupError:
            raise BrokenSeal(_MISPLACED) from None

    def _unwrapped(self, sealed: Sealed) -> bytes | SealingError:
        try:
            return self.unwrapping.unwrap(sealed.key, cipher.wrapped_of(sealed))
        except SealingError as error:
            return error

    def _keep(self, name: _Wrapped, secret: bytes | SealingError) -> None:
        self._secrets[name] = secret, self.clock()
        self._secrets.move_to_end(name)
        while len(self._secrets) > MOST:
            self._secrets.popitem(last=False)
        asyncio.get_running_loop().call_later(self.seconds, self.forget)

    def forget(self) -> None:
        """Keep nothing longer than `seconds`, also where nobody asks for anything any more."""
        while self._secrets and self._age(next(iter(self._secrets.values()))) >= self.seconds * NEARLY:
            self._secrets.popitem(last=False)

    def _is_old(self, name: _Wrapped) -> bool:
        """Whether it is fetched anew: at half its time, so that what was fetched is still there when it is opened."""
        return name not in self._secrets or self._age(self._secrets[name]) > self.seconds / 2

    def _age(self, kept: tuple[object, float]) -> float:
        return self.clock() - kept[1]


def seal_of(data: object) -> Sealed | None:
    """The seal of what an event says, its own or that of the application it carries; None where there is none."""
    return getattr(getattr(data, "application", data), "sealed", None)


def require_sealed(events: Iterable[CloudEvent[Any]]) -> None:
    """Nothing, when all that is personal in these is sealed, and nothing else: past intake nothing is taken from the open. No key is needed.

    Raises BrokenSeal for a personal value that stands in the open, beside a seal or without one, and for SEALED_TEXT whose value
    the seal lacks: a required value that was left out. An optional one that was left out cannot be told from one never given.
    Also for a value that is sealed, or an Individual Number, where nothing personal can stand: whoever opens it would put it there.
    """
    for event in events:
        holder = getattr(event.data, "application", event.data)
        sealed: Sealed | None = getattr(holder, "sealed", None)
        _require_sealed(fields.personal(holder), sealed)
        for seal in (sealed, getattr(holder, "sealed_numbers", None)):
            if seal is not None and fields.misplaced(holder, seal.values):
                raise BrokenSeal(_MISPLACED)


def _require_sealed(personal: Mapping[str, Any], sealed: Sealed | None) -> None:
    values = sealed.values if sealed else {}
    for path, text in personal.items():
        if text != SEALED_TEXT:
            raise BrokenSeal("a personal value stands in the open past intake: see who else writes on this topic")
        if path not in values:
            raise BrokenSeal("a personal value was left out of the seal")


def sealed_in(content: Mapping[str, Any]) -> Sealed | None:
    """The seal in the JSON of a model, None where there is none."""
    return Sealed.model_validate(content["sealed"]) if content.get("sealed") else None


def sealed_numbers_in(content: Mapping[str, Any]) -> Sealed | None:
    """The seal of the Individual Numbers in the JSON of a model, None where there is none."""
    return Sealed.model_validate(content["sealed_numbers"]) if content.get("sealed_numbers") else None
