"""Who may say what on Kafka: a source is spoken on the topic of the system that owns it, and the city's own on `applications.v1`.

The broker lets each channel system write its own topic alone, so the topic says who wrote a record, and what the record says of
itself is held to it. Systems and sources are read with every batch, in its transaction: one that was added a moment ago is known.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chassis.consuming import Verbatim
from chassis.database import Tx
from chassis.errors import Foreign
from contracts import reading, topics
from contracts.channels import ApplicationSubmitted
from contracts.intake import Fault
from contracts.reading import Submission, Unreadable
from sealing.errors import BrokenSeal, DestroyedKey, SealingError, UnknownKey
from services.intake import admitting, channel_systems
from services.intake.admitting import Denial, System
from services.intake.guarding import Guarded, guard
from services.intake.seals import Seals

_AGAIN = "have it sent again, sealed by the city's public key for the edge"
_WHAT_NOW: Mapping[type[SealingError], str] = {
    BrokenSeal: f"it was changed, moved from another event or field, or sealed by another key: {_AGAIN}",
    UnknownKey: f"intake's keyring for the edge has no such key: put it back and redrive, or {_AGAIN}",
    DestroyedKey: f"the key was destroyed: {_AGAIN}",
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A submission, its seal opened, and the system whose own topic it came over; None on the topic of the city's own channels."""

    speaker: str | None
    submission: Submission


async def admitted(tx: Tx, received: Sequence[Verbatim], seals: Seals, own: Sequence[str]) -> list[Guarded]:
    """What was received, opened and guarded; with faults where its system may not send it. `own` are patterns of the city's own sources.

    Raises Foreign for all that is no CloudEvent, whose source is not the sender's own, or whose seal does not open.
    """
    read = [_read(message, seals) for message in received]
    arrivals = [found for found in read if isinstance(found, Arrival)]
    speakers = {found.speaker for found in arrivals if found.speaker}
    systems = await channel_systems.speaking(tx, speakers, {found.submission.source for found in arrivals})
    reasons = {place: why for place, found in enumerate(read) if (why := _objection(found, systems, own))}
    if reasons:
        raise Foreign(reasons)
    known = {system.name: system for system in systems}
    return [_permitted(guard(one.submission, seals.bases), known.get(one.speaker or "")) for one in arrivals]


def _read(message: Verbatim, seals: Seals) -> Arrival | Unreadable | SealingError:
    try:
        return Arrival(
            topics.OF_A_CHANNEL.member_of(message.topic), seals.opened(reading.read(message.headers, message.body))
        )
    except (Unreadable, SealingError) as error:
        return error


def _objection(found: Arrival | Unreadable | SealingError, systems: Sequence[System], own: Sequence[str]) -> str | None:
    if isinstance(found, Unreadable):
        return str(found)
    if isinstance(found, SealingError):
        return f"{type(found).__name__}: {_WHAT_NOW[type(found)]}"
    return admitting.objection(found.speaker, found.submission.source, systems, own)


def _permitted(found: Guarded, system: System | None) -> Guarded:
    """Refused where the system may not name that channel or procedure; a correction names neither."""
    event = found.submission.event
    if system is None or not isinstance(event, ApplicationSubmitted):
        return found
    sent = event.application
    denied = tuple(admitting.denials(system, found.submission.source, sent.channel, sent.procedure))
    if not denied:
        return found
    faults = tuple(_fault(system, denial) for denial in denied)
    return Guarded(replace(found.submission, event=None, faults=faults, body=event.to_json()))


def _fault(system: System, denial: Denial) -> Fault:
    """Says what the system may, never what was sent."""
    message = (
        f"{system.name} からは、その {denial.field} は送信できません。送信できるものをお確かめのうえ、別の id でお送りください。"
        f" {system.name} may not send that `{denial.field}`, only {', '.join(denial.allowed)}: correct it, or ask the city hall"
        " for the right, and send it again under another id."
    )
    return Fault(field=f"data.application.{denial.field}", code=denial.code, message=message)
