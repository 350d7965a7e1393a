"""The separation of departments: what a transaction is told so that PostgreSQL shows it the rows of these and no others.

It guards against a query that forgot its WHERE, not against whoever can run statements of their own: such a one could
set the same.
"""

from collections.abc import Iterable, Mapping

SETTING = "madoguchi.departments"
"""What the policies of migrations 0008 and 0014 ask for: codes, separated by commas, or * for all."""

NO_DEPARTMENT = ","

EVERYTHING: Mapping[str, str] = {SETTING: "*"}
"""The service itself, which takes in cases for all departments."""

NOBODY: Mapping[str, str] = {SETTING: NO_DEPARTMENT}
"""Whoever has not said on whose behalf: no case, and nothing of the chassis's (migration 0014), which it shows whoever sets nothing at all."""


def only(departments: Iterable[str]) -> Mapping[str, str]:
    """The scope of somebody who belongs to these; a code has neither comma nor asterisk."""
    return {SETTING: ",".join(sorted(departments)) or NO_DEPARTMENT}
