"""How a citizen is reached and what is said to them is sealed until the moment a mail is written."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.channels import Application
from contracts.sealed import Sealed
from sealing.errors import BrokenSeal
from sealing.opener import Opener, seal_of
from sealing.places import Place, of_application
from services.notify import rules
from services.notify.rules import Contact, Letter

_EMAIL = "applicant.email"
_WORDS = ("wanted", "reason")
"""What a person at the desk writes to a citizen: nothing else of a letter is put in place of what it says."""


@dataclass(frozen=True, slots=True)
class Seals:
    """Opens what notify must say, and nothing more."""

    opener: Opener

    async def foresee(self, events: Sequence[Any]) -> None:
        """Have the keys at hand that a batch needs. Raises KeyringAway."""
        await self.opener.fetch(seal_of(event.data) for event in events)

    def contact(self, application: Application, about: object) -> Contact:
        """How the applicant is reached, an address that no mail reaches left out.

        Raises BrokenSeal, UnknownKey, DestroyedKey.
        """
        sealed = application.sealed
        if sealed is None:
            return Contact(application.language)
        email = self.opener.open(sealed, of_application(about), _EMAIL).get(_EMAIL)
        kept = (
            sealed.model_copy(update={"values": {_EMAIL: sealed.values[_EMAIL]}}) if rules.address_of(email) else None
        )
        return Contact(application.language, kept and kept.model_dump_json().encode())

    def words(self, sealed: Sealed | None, place: Place) -> bytes | None:
        """What a person wrote, as it is kept: sealed. Raises BrokenSeal, UnknownKey, DestroyedKey."""
        if sealed is None:
            return None
        self.opener.open(sealed, place)
        return sealed.model_dump_json().encode()

    async def opened(self, letter: Letter) -> Letter:
        """The letter as it is sent. Raises BrokenSeal, UnknownKey, DestroyedKey, KeyringAway."""
        contact, words = _read(letter.sealed), _read(letter.notice.sealed)
        if contact is None:
            raise BrokenSeal("an address that is not sealed is written to by nobody")
        await self.opener.fetch((contact, words))
        about = letter.notice.application_id
        email = self.opener.open(contact, of_application(about))[_EMAIL]
        said = self.opener.open(words, Place(str(about), letter.notice.place or ""), *_WORDS) if words else {}
        plain = {name: rules.plain(text) for name, text in said.items()}
        return replace(letter, address=rules.address_of(email) or email, notice=replace(letter.notice, **plain))


def _read(kept: bytes | None) -> Sealed | None:
    return None if kept is None else Sealed.model_validate_json(kept)
