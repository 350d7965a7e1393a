"""What routing says on `cases.v1` of disaster overlays: rules prepared beforehand that two people switch on, and off again."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field

from .desk import Staff
from .envelope import Event
from .rule_sets import Note

OverlayName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*$")]
Turn = Literal["on", "off"]


class OverlayEvent(Event):
    """What every event of an overlay says."""

    overlay: OverlayName
    turn: Turn
    at: AwareDatetime

    @property
    def subject(self) -> str:
        return self.overlay


class OverlaySwitchRequested(OverlayEvent):
    """Somebody wants the overlay on, or off, from an instant; a second person must confirm."""

    TYPE: ClassVar[str] = "jp.madoguchi.overlay.switch-requested.v1"

    staff: Staff
    reason: Note
    since: AwareDatetime


class OverlaySwitched(OverlayEvent):
    """A second person confirmed: what is received from `since` on is decided with, or again without, the overlay."""

    TYPE: ClassVar[str] = "jp.madoguchi.overlay.switched.v1"

    requested_by: Staff
    confirmed_by: Staff
    reason: Note
    since: AwareDatetime


class OverlaySwitchWithdrawn(OverlayEvent):
    """The request was taken back before anybody confirmed it: nothing is switched. `reason` says why it was taken back."""

    TYPE: ClassVar[str] = "jp.madoguchi.overlay.switch-withdrawn.v1"

    requested_by: Staff
    staff: Staff
    reason: Note


AnyOverlayEvent = OverlaySwitchRequested | OverlaySwitched | OverlaySwitchWithdrawn
