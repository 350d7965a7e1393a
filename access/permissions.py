"""Who may do what: a table of routes, and the judgement by it. What is not in the table is shut. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from access.principal import Principal, not_allowed, other_department
from chassis.errors import Refused

Where = Literal["own", "any"]
"""Whose cases: those of one's own departments, or of all."""

Route = tuple[str, str]
"""Method and path, as the application names it: `("GET", "/v1/cases/{case_id}")`."""

NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may: those with one of `roles` for their own departments, everybody who is signed in where it is None.

    Those with a role of `anywhere` may for every department. `department` is the path's parameter that names one.
    """

    roles: frozenset[str] | None
    anywhere: frozenset[str] = NOBODY
    department: str | None = None

    def where(self, who: Principal) -> Where:
        """Whose cases they see by it."""
        return "any" if self.anywhere & who.roles else "own"


Permissions = Mapping[Route, Permission]


def refusal(permission: Permission | None, who: Principal, named: str | None) -> Refused | None:
    """Why not, None when they may. `named` is the department that the path names."""
    if permission is None or not (permission.roles is None or (permission.roles | permission.anywhere) & who.roles):
        return not_allowed()
    if permission.where(who) == "own" and named is not None and named not in who.departments:
        return other_department()
    return None
