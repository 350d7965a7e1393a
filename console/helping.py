"""What every command's help ends with, and how days are typed."""

from datetime import date, datetime

import click

DAY = click.DateTime(["%Y-%m-%d"])
LAST = 9_000
"""Years from which on there are no calendars to speak of."""


def as_day(_context: click.Context, _option: click.Parameter, said: datetime | None) -> date | None:
    """A day as somebody types it. Raises BadParameter for one that no calendar will ever reach."""
    if said is not None and said.year >= LAST:
        raise click.BadParameter(f"expected a day before the year {LAST}, found {said:%Y-%m-%d}")
    return said and said.date()


def example(*lines: str) -> str:
    """An example, its lines left as they are (which is what the backspace tells click)."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)
