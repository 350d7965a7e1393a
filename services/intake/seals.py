"""What is personal is sealed before it is written anywhere, and what a channel system has sealed is opened here first.

A channel seals under the key of the edge, which intake alone can open and which opens nothing else; what goes on carries the
seal of its retention class and fiscal year, which intake cannot open. Individual Numbers carry another, by keys of their own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import singledispatchmethod
from json import dumps
from typing import Any, TypeVar

from pydantic import ValidationError

from chassis.consuming import Verbatim
from chassis.database import Clock, utc_now
from contracts import reading
from contracts.envelope import Event, Model
from contracts.intake import ApplicationAccepted, CorrectionAccepted, Fault, WithdrawalAccepted
from contracts.reading import ChannelEvent, Submission
from contracts.sealed import Sealed
from sealing import fields
from sealing.errors import KeyringAway, UnknownKey
from sealing.keyring import EDGE, VERSION, key_name, number_class
from sealing.opener import Opener, seal_of
from sealing.places import Place, of_edge, place_of
from sealing.sealer import Sealer
from services.intake.digest_keys import DigestKeys
from services.intake.legal_bases import NOWHERE, LegalBases
from services.intake.retention import Retention

M = TypeVar("M", bound=Model)

_BROKEN = (
    "封印を開けませんでした。市の公開鍵で封印し直してください。"
    " The seal does not open: seal again with the city's public key for the edge."
)
_NOT_YOURS = (
    "sealed_numbers は市が作成する項目です。個人番号は individual_number に入れ、sealed に封印してお送りください。"
    " `sealed_numbers` is made by the city: put an Individual Number into `individual_number`, sealed in `sealed` with the rest."
)
_MIXED = "Either seal every personal field or none: this one is sealed and others are not, or it is not personal."


@dataclass(frozen=True, slots=True)
class Seals:
    """Both ways: the channel's seal is opened, the city's is put on. And what is kept to know a submission again."""

    sealer: Sealer
    edge: Opener
    retention: Retention
    digests: DigestKeys
    bases: LegalBases = NOWHERE
    """Where Individual Numbers may be kept; nowhere, when there are no keys for them."""
    numbers: Sealer | None = None
    """Seals Individual Numbers, by a keyring of its own."""
    clock: Clock = utc_now

    async def foresee(self, received: Sequence[object]) -> None:
        """Have the keys at hand that a batch needs. Raises KeyringAway."""
        await self._fetch(found for one in received if isinstance(one, Verbatim) for found in _seals_in(one.body))

    async def foresee_one(self, submission: Submission) -> None:
        """The same for one submission that was read already."""
        await self._fetch([seal_of(submission.event)])

    async def _fetch(self, sealed: Iterable[Sealed | None]) -> None:
        """A key that is not the edge's is not asked for: a keyring that forbids it would be taken for one that is away."""
        await self.sealer.fetch(self.retention.classes(), self.clock())
        await self.edge.fetch(one for one in sealed if one is not None and _is_of_the_edge(one))
        if self.numbers is not None:
            await self.numbers.fetch(self.number_classes(), self.clock())
        self.digests.need()

    def number_classes(self) -> frozenset[str]:
        """The classes of the keys that seal Individual Numbers."""
        return frozenset(number_class(self.retention.of(procedure)) for procedure in self.bases.by_procedure)

    def opened(self, submission: Submission) -> Submission:
        """The submission as if its channel had not sealed it. Raises BrokenSeal, UnknownKey, DestroyedKey, and KeyringAway."""
        event, sealed = submission.event, seal_of(submission.event)
        if event is not None and getattr(_holder(event), "sealed_numbers", None) is not None:
            return replace(
                submission, event=None, faults=(_fault(event, "not-yours-to-seal", _NOT_YOURS, "sealed_numbers"),)
            )
        if event is None or sealed is None:
            return submission
        values = self._values(sealed, of_edge(event.application_id, submission.source, submission.id))
        return _unsealed(submission, event, values)

    def _values(self, sealed: Sealed, place: Place) -> dict[str, str]:
        if not _is_of_the_edge(sealed):
            raise UnknownKey("what a channel seals opens by a key of the edge alone")
        return self.edge.open(sealed, place)

    @singledispatchmethod
    def sealed(self, event: Event, _procedure: str, _now: datetime, _numbers: Mapping[str, str]) -> Event:
        """The event with what is personal in it sealed, and `numbers` (by path) under keys of their own. Raises KeyringAway."""
        raise TypeError(type(event).__name__)

    @sealed.register
    def _(self, event: ApplicationAccepted, procedure: str, now: datetime, numbers: Mapping[str, str]) -> Event:
        place = place_of(event)
        sealed = self.sealer.seal(event.application, place, self._key(procedure, now))
        application = self._with_numbers(sealed, place, procedure, now, numbers)
        return fields.copied(event, {"application": application})

    @sealed.register
    def _(
        self, event: CorrectionAccepted | WithdrawalAccepted, procedure: str, now: datetime, numbers: Mapping[str, str]
    ) -> Event:
        place = place_of(event)
        sealed = self.sealer.seal(event, place, self._key(procedure, now))
        return self._with_numbers(sealed, place, procedure, now, numbers)

    def _with_numbers(self, holder: M, place: Place, procedure: str, now: datetime, numbers: Mapping[str, str]) -> M:
        if not numbers:
            return holder
        if self.numbers is None:
            raise KeyringAway("there is no keyring for Individual Numbers: set MADOGUCHI_INTAKE_NUMBER_KEYRING")
        name = key_name(number_class(self.retention.of(procedure)), now)
        return holder.model_copy(update={"sealed_numbers": self.numbers.seal_values(numbers, place, name)})

    def _key(self, procedure: str, now: datetime) -> str:
        return key_name(self.retention.of(procedure), now)


class _MixedSeal(Exception):
    """Some of it is sealed and some is not."""


def _seals_in(body: bytes) -> list[Sealed]:
    """The seals in a body that may be anything, as far as they can be read; what is wrong with one is said later."""
    try:
        return [Sealed.model_validate(part["sealed"]) for part in reading.sealed_parts(body)[1]]
    except ValidationError:
        return []


def _is_of_the_edge(sealed: Sealed) -> bool:
    found = VERSION.fullmatch(sealed.key)
    return found is not None and found["retention"] == EDGE


def _holder(event: ChannelEvent) -> Any:
    """The part of an event that a seal belongs to."""
    return getattr(event, "application", event)


def _unsealed(submission: Submission, event: ChannelEvent, values: Mapping[str, str]) -> Submission:
    """With the values in their places, held to the same rules as if they had come in the open."""
    try:
        return replace(submission, event=_restored(event, values))
    except _MixedSeal:
        return replace(submission, event=None, faults=(_fault(event, "mixed-seal", _MIXED),))
    except ValidationError as error:
        faults = tuple(fault.model_copy(update={"field": f"data.{fault.field}"}) for fault in reading.faults_of(error))
        return replace(submission, event=None, faults=faults, body=_said(event, values))


def _restored(event: ChannelEvent, values: Mapping[str, str]) -> ChannelEvent:
    holder = _holder(event)
    beside = {path for path, text in fields.personal(holder).items() if text != fields.SEALED_TEXT}
    if beside or not all(fields.is_personal(type(holder), path) for path in values):
        raise _MixedSeal
    try:
        whole = fields.restored(_open_part(event), values)
    except LookupError:
        raise _MixedSeal from None
    around = {} if holder is event else event.model_dump(mode="json", exclude={"application"}) | {"application": whole}
    return type(event).model_validate(around or whole)


def _open_part(event: ChannelEvent) -> dict[str, Any]:
    return _holder(event).model_dump(mode="json", exclude={"sealed"}, exclude_none=True)


def _said(event: ChannelEvent, values: Mapping[str, str]) -> bytes:
    """What a faulty event says, whatever it was sealed by: the same again is a repeat, something else a contradiction."""
    return dumps([event.subject, _open_part(event), values], sort_keys=True).encode()


def not_opened(event: ChannelEvent) -> Fault:
    """What whoever waits for an answer is told of a seal that does not open."""
    return _fault(event, "broken-seal", _BROKEN)


def _fault(event: ChannelEvent, code: str, message: str, member: str = "sealed") -> Fault:
    above = "data.application" if _holder(event) is not event else "data"
    return Fault(field=f"{above}.{member}", code=code, message=message)
