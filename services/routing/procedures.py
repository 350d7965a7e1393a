"""A city pack's `procedures.csv`: what can be applied for and how long it may take.

Read here are `code`, `period_days` and `period_kind` (`days` or `business-days`); a procedure without a period takes what is
usual. The other columns are for people, and for what presents a procedure to them.
"""

from collections.abc import Mapping

from services.routing.rules.clock import Clock, Period, Unit
from services.routing.sheets import Line, read_lines

UNITS: Mapping[str, Unit] = {"": "days", "days": "days", "business-days": "business-days"}


def read_clocks(content: bytes, file: str) -> dict[str, Clock | None]:
    """The clock of every procedure, None for one without a period. Raises InvalidOrganisation."""
    lines = read_lines(content, file, needed=("code", "period_days", "period_kind"))
    return {line.need("code"): _clock(line) for line in lines}


def _clock(line: Line) -> Clock | None:
    unit = line.read("period_kind", _unit, "days or business-days")
    if not line.get("period_days"):
        return None
    return Clock(line.read("period_days", lambda text: Period(int(text), unit), "a number of days, or nothing"))


def _unit(text: str) -> Unit:
    return UNITS[text]
