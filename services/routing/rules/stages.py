"""Stage deadlines: parts of one procedure, each with its own clock, within the whole's.

要介護認定: 30 days in all (介護保険法27条11項); by the ministry's reference 認定調査 7 days and 主治医意見書 13 days from the request,
介護認定審査会 12 days after both are in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.routing.rules.calendars import Calendar
from services.routing.rules.clock import Clock, Extension, Stop, Stopped, due, due_after


class InvalidStages(ValueError):
    """Stages that do not follow each other, or a date of a stage that cannot be."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A part that begins when all stages in `after` have ended; with the request when there are none."""

    name: str
    clock: Clock
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StagedClock:
    """A procedure's clock and its stages. Each stage is named once and comes after those it waits for, or InvalidStages."""

    whole: Clock
    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        named: list[str] = []
        for stage in self.stages:
            if stage.name in named:
                raise InvalidStages(f"expected each stage once, found {stage.name} again")
            for waited in stage.after:
                if waited not in named:
                    raise InvalidStages(f"stage {stage.name}: expected to wait for a stage before it, found {waited}")
            named.append(stage.name)
        if not named:
            raise InvalidStages("expected at least one stage")


@dataclass(frozen=True, slots=True)
class StageDeadline:
    """A stage as it stands. While one that it waits for has not ended, `begins` and `due` are foreseen and not `fixed`."""

    name: str
    begins: date
    due: date
    fixed: bool
    ended: date | None
    foreseen: date
    """When it ended; else the last day in time for it, and today when that has passed."""


@dataclass(frozen=True, slots=True)
class Progress:
    """All stages, the day the whole is due whatever the stages do, and the day on which they are foreseen to be through."""

    stages: tuple[StageDeadline, ...]
    due: date | Stopped
    foreseen: date


def progress(
    staged: StagedClock,
    calendar: Calendar,
    received: date,
    *,
    today: date,
    ended: Mapping[str, date] | None = None,
    events: Sequence[Stop | Extension] = (),
) -> Progress:
    """Where a procedure stands `today`, by the days on which its stages `ended`.

    A late stage moves those that wait for it, never the whole's last day (介護保険法27条11項); only `events` do that.
    Raises InvalidStages, and what `due_after` raises.
    """
    ended = ended or {}
    _check(staged, received, ended)
    deadlines: dict[str, StageDeadline] = {}
    for stage in staged.stages:
        waited = [deadlines[name] for name in stage.after]
        deadlines[stage.name] = _deadline(stage, calendar, received, waited, ended.get(stage.name), today)
    whole = due_after(events, staged.whole, calendar, received)
    return Progress(tuple(deadlines.values()), whole, max(stage.foreseen for stage in deadlines.values()))


def _deadline(
    stage: Stage, calendar: Calendar, received: date, waited: Sequence[StageDeadline], ended: date | None, today: date
) -> StageDeadline:
    begins = max((one.foreseen for one in waited), default=received)
    due_on = due(stage.clock, calendar, begins)
    fixed = all(one.ended is not None for one in waited)
    return StageDeadline(stage.name, begins, due_on, fixed, ended, ended or max(due_on, today))


def _check(staged: StagedClock, received: date, ended: Mapping[str, date]) -> None:
    names = [stage.name for stage in staged.stages]
    for name, day in ended.items():
        if name not in names:
            raise InvalidStages(f"expected one of the stages {', '.join(names)}, found {name}")
        if day < received:
            raise InvalidStages(
                f"stage {name}: expected to end on {received}, the day of receipt, or later, found {day}"
            )
