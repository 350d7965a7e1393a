"""A city pack's `procedures.csv`: what can be applied for and how long it may take.

Read here are `code`, `period_days` and `period_kind` (`days` or `business-days`); a procedure without a period takes what is
usual. And `facts`, names with spaces between: what an application must say, `district branch?`; with a question mark what may be
left out, which then is an answer too. Without this column an application must say all that a rule asks for.

And `stages`, with semicolons between, in an order in which each comes after those that it waits for:

    assessment 7 days; opinion 13 days; board 12 days after assessment, opinion

A stage is a name without spaces, its period in `days` or `business-days`, and behind `after` the names of the stages that it
waits for; without them it begins with the receipt. The procedure's own period holds for the whole, whatever its stages do.

The other columns are for people, and for what presents a procedure to them.
"""

import re
from collections.abc import Mapping

from services.routing.rules.clock import Clock, Period, Unit
from services.routing.rules.organisation import InvalidOrganisation
from services.routing.rules.stages import InvalidStages, Stage, StagedClock
from services.routing.sheets import Line, read_lines

FACTS = "names of facts with spaces between, `?` behind one that may be left out, as in: district branch?"
_NAME = re.compile(r"[a-z][a-z0-9_]*\??")
STAGES = "stages with `;` between, as in: assessment 7 days; board 12 days after assessment"
_STAGE = re.compile(
    r"(?P<name>[^\s;,]{1,64})\s+(?P<count>\d+)\s+(?P<unit>days|business-days)(?:\s+after\s+(?P<after>[^\s;,]+(?:\s*,\s*[^\s;,]+)*))?"
)
UNITS: Mapping[str, Unit] = {"": "days", "days": "days", "business-days": "business-days"}


def read_clocks(content: bytes, file: str) -> dict[str, Clock | None]:
    """The clock of every procedure, None for one without a period. Raises InvalidOrganisation."""
    lines = read_lines(content, file, needed=("code", "period_days", "period_kind"))
    return {line.need("code"): _clock(line) for line in lines}


def read_needs(content: bytes, file: str) -> dict[str, frozenset[str]]:
    """The facts that an application of each procedure must carry; empty without the column. Raises InvalidOrganisation."""
    lines = read_lines(content, file, needed=("code",), optional=("facts",))
    return {line.need("code"): line.read("facts", _needs, FACTS) for line in lines if "facts" in line.cells}


def _needs(text: str) -> frozenset[str]:
    names = text.split()
    if not all(map(_NAME.fullmatch, names)):
        raise ValueError
    return frozenset(name for name in names if not name.endswith("?"))


def read_stages(content: bytes, file: str) -> dict[str, tuple[Stage, ...]]:
    """The stages of each procedure, none where the cell is empty; empty without the column. Raises InvalidOrganisation."""
    lines = read_lines(content, file, needed=("code",), optional=("stages",))
    return {line.need("code"): _stages(line) for line in lines if "stages" in line.cells}


def _stages(line: Line) -> tuple[Stage, ...]:
    if not line.get("stages"):
        return ()
    stages = line.read("stages", lambda text: tuple(map(_stage, text.split(";"))), STAGES)
    whole = _clock(line) or line.refuse("period_days", "the period of the whole, for a procedure with stages")
    try:
        return StagedClock(whole, stages).stages
    except InvalidStages as error:
        raise InvalidOrganisation(f"{line.place('stages')}: {error}") from None


def _stage(text: str) -> Stage:
    found = _STAGE.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    waits_for = tuple(name.strip() for name in (found["after"] or "").split(",") if name)
    return Stage(found["name"], Clock(Period(int(found["count"]), UNITS[found["unit"]])), waits_for)


def _clock(line: Line) -> Clock | None:
    unit = line.read("period_kind", _unit, "days or business-days")
    if not line.get("period_days"):
        return None
    return Clock(line.read("period_days", lambda text: Period(int(text), unit), "a number of days, or nothing"))


def _unit(text: str) -> Unit:
    return UNITS[text]
