"""A rule set on days of the past. Between two days on which its organisation changes it decides the same: an era. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from services.routing.rules.assigning import overlaid
from services.routing.rules.organisation import Organisation
from services.routing.rules.rule_sets import RuleSet


class Eras:
    """The eras of a rule set, by number: 0 is before the first day on which its organisation changed."""

    def __init__(self, rule_set: RuleSet) -> None:
        self._rule_set = rule_set
        days = (day for unit in rule_set.organisation.units for day in (unit.valid_from, unit.day_after))
        self._begins = [date.min, *sorted({day for day in days if day is not None})]

    def number_of(self, day: date) -> int:
        """The era in which a day lies."""
        return bisect_right(self._begins, day) - 1

    def rule_set(self, number: int, overlays: Sequence[str]) -> RuleSet:
        """The rule set with overlays upon it, and the units of that era as if they existed for ever."""
        there = self._rule_set.organisation.units_on(self._begins[number])
        units = tuple(replace(unit, valid_from=None, valid_until=None, successors=()) for unit in there)
        return overlaid(replace(self._rule_set, organisation=Organisation(units)), overlays)
