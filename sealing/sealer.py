"""Sealing, for whoever may: a secret of each key is fetched beforehand, and used for minutes."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from contracts.envelope import Model
from contracts.sealed import Sealed
from sealing import cipher, fields
from sealing.errors import KeyringAway, SealingError
from sealing.keyring import NEARLY, SealKey, Wrapping, key_name
from sealing.places import Place

M = TypeVar("M", bound=Model)

_FORM = 2
"""That of `contracts.sealed.Sealed` which binds the place."""

_AHEAD = timedelta(days=1)
"""Keys of the fiscal year that begins within a day are fetched too: a batch may straddle midnight of 31 March."""


@dataclass(slots=True)
class Sealer:
    """Seals models under the keys of retention classes. Nothing is ever let through unsealed: without a key it raises."""

    wrapping: Wrapping
    seconds: float = 300
    """How long one secret is kept, and used for half of that. Shorter is more calls of the keyring, longer more that one leaked secret opens."""
    clock: Callable[[], float] = time.monotonic
    _keys: dict[str, tuple[SealKey, float]] = field(
        default_factory=lambda: dict[str, tuple[SealKey, float]](), repr=False
    )

    async def fetch(self, retentions: Iterable[str], at: datetime) -> None:
        """Have the keys that something received at `at` needs. Outside any transaction: a keyring may be far away.

        Raises KeyringAway, also when there is no such key: whoever waits to be sealed waits until somebody has made it.
        """
        await self.fetch_keys({key_name(retention, day) for retention in retentions for day in (at, at + _AHEAD)})

    async def fetch_keys(self, names: Iterable[str]) -> None:
        """The same for keys by name, those that are old or missing."""
        for name in names:
            if self._is_old(name):
                self._keys[name] = await asyncio.to_thread(self._new, name), self.clock()
                asyncio.get_running_loop().call_later(self.seconds, self.forget)

    def forget(self) -> None:
        """Keep no secret longer than `seconds`: not that of a year that is over, nor where nobody seals any more."""
        for name in [name for name, (_, at) in self._keys.items() if self.clock() - at >= self.seconds * NEARLY]:
            del self._keys[name]

    def seal(self, value: M, place: Place, name: str) -> M:
        """The same model with its personal values in `sealed`, for `place`, under key `name`; one that has none stays as it is.

        Raises KeyringAway when the key was not fetched: pause, and try again.
        """
        values = fields.personal(value)
        if not values:
            return value
        return fields.emptied(value, sealed=self.seal_values(values, place, name))

    def seal_values(self, values: Mapping[str, str], place: Place, name: str) -> Sealed:
        """Values by path, for `place`, under key `name`. Raises KeyringAway when the key was not fetched."""
        return cipher.seal(self._key(name), place.bound(_FORM), values, _FORM)

    def _new(self, name: str) -> SealKey:
        try:
            return self.wrapping.new(name)
        except SealingError as error:
            raise KeyringAway(f"no key {name}: make it with `madoguchi keys make` ({type(error).__name__})") from None

    def _key(self, name: str) -> SealKey:
        try:
            return self._keys[name][0]
        except KeyError:
            raise KeyringAway(f"there is no key {name} at hand: nothing is written unsealed") from None

    def _is_old(self, name: str) -> bool:
        return name not in self._keys or self.clock() - self._keys[name][1] > self.seconds / 2
