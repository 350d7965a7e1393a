"""The statutory clock as a desk sees it: routing counts, and says how it stands. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.desk import refusals
from services.desk.refusals import Refusal

MOST = timedelta(days=3660)
"""Ten years: what extends a deadline by more is a slip of the pen."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of the procedure with a last day of its own: planned, until those that it waits for have ended and it is `fixed`."""

    name: str
    due_on: date
    fixed: bool
    ended_on: date | None = None
    names: Mapping[str, str] | None = None
    """What people call it, by language."""

    def is_overdue(self, today: date) -> bool:
        """Whether its day has passed and it has not ended; one that has not begun is not late, but those before it."""
        return self.fixed and self.ended_on is None and self.due_on < today


@dataclass(frozen=True, slots=True)
class Clock:
    """How it stands. While it `stands_still`, `due_on` is the day that was the last when it stopped.

    `told_until` is the latest day that was told by an extension, whether routing has said yet that it counts or not.
    """

    due_on: date
    stands_still: bool = False
    stages: tuple[Stage, ...] = ()
    told_until: date | None = None

    def has_passed(self, today: date) -> bool:
        """Whether the last day is over."""
        return not self.stands_still and self.due_on < today

    def late_stages(self, today: date) -> list[str]:
        """The stages whose last day is over."""
        return [stage.name for stage in self.stages if stage.is_overdue(today)]


def read_stages(content: bytes | None) -> tuple[Stage, ...]:
    """The stages of the JSON in which they are told: none where there is none."""
    return tuple(_stage(said) for said in json.loads(content or b"[]"))


def read_names(content: bytes | None) -> Mapping[str, str] | None:
    """What people call something, by language, from JSON; None where nobody has said."""
    return None if content is None else json.loads(content)


def _stage(said: Mapping[str, Any]) -> Stage:
    ended_on = date.fromisoformat(said["ended_on"]) if "ended_on" in said else None
    return Stage(said["name"], date.fromisoformat(said["due_on"]), said["fixed"], ended_on, said.get("names"))


def against_extension(clock: Clock, until: date, today: date) -> Refusal | None:
    """Why a deadline cannot be extended to a day: the notice must be given before it is over (介護保険法27条11項ただし書).

    Nor to one that is no later than the last day and all days told before, or so far that it is a slip of the pen: by the same
    rule as routing counts, so that what is told counts.
    """
    if clock.has_passed(today):
        return refusals.DEADLINE_PASSED
    if until <= max(clock.due_on, clock.told_until or today, today):
        return refusals.NO_LATER
    return refusals.TOO_FAR if until > today + MOST else None


def against_ending(stages: Sequence[Stage], name: str) -> Refusal | None:
    """Why a stage cannot be ended."""
    stage = next((stage for stage in stages if stage.name == name), None)
    if stage is None:
        return refusals.NO_SUCH_STAGE
    if stage.ended_on is not None:
        return refusals.STAGE_ENDED
    return None if stage.fixed else refusals.STAGE_WAITS
