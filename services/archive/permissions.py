"""Who may do what at the archive: one table, from which every request is checked and the test of all routes is derived.

A record is no department's any more: those who keep the city's records read all of them, and the auditor.
"""

from access.permissions import NOBODY, Permission, Route
from access.roles import AUDITOR, RECORDS_OFFICER

_KEEPS = Permission(NOBODY, anywhere=frozenset({RECORDS_OFFICER, AUDITOR}))
_AUDITS = Permission(NOBODY, anywhere=frozenset({AUDITOR}))

PERMISSIONS: dict[Route, Permission] = {
    ("GET", "/v1/records"): _KEEPS,
    ("GET", "/v1/records/{receipt}"): _KEEPS,
    ("GET", "/v1/chain/verify"): _AUDITS,
    ("GET", "/v1/access/{receipt}"): _AUDITS,
}
"""A route that is not here is shut."""
