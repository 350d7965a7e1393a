"""Who may do what at the desk: one table, from which every request is checked and the test of all routes is derived."""

from access.permissions import NOBODY, Permission, Route
from access.roles import APPROVER, AUDITOR, CHIEF, NUMBER_HANDLER, SYSTEM_MANAGER, WORKERS


def _for(*roles: str) -> Permission:
    """Cases of one's own departments; of another's there are none: row-level security shows no row."""
    return Permission(frozenset(roles))


def _named(*roles: str) -> Permission:
    """What the path names a department for: one's own."""
    return Permission(frozenset(roles), department="code")


_STAFF = Permission(None)
_AUDIT = Permission(NOBODY, anywhere=frozenset({AUDITOR}))

PERMISSIONS: dict[Route, Permission] = {
    ("GET", "/v1/me"): _STAFF,
    ("GET", "/v1/rule-sets"): _STAFF,
    ("GET", "/v1/overlays"): _STAFF,
    ("GET", "/v1/departments/{code}/cases"): _named(*WORKERS),
    ("GET", "/v1/cases/{case_id}"): _for(*WORKERS),
    ("POST", "/v1/cases/{case_id}/individual-numbers"): _for(NUMBER_HANDLER),
    ("POST", "/v1/search"): _for(*WORKERS),
    ("POST", "/v1/cases/{case_id}/claim"): _for(*WORKERS),
    ("POST", "/v1/cases/{case_id}/handover"): _for(*WORKERS),
    ("POST", "/v1/cases/{case_id}/request-correction"): _for(*WORKERS),
    ("POST", "/v1/cases/{case_id}/extend"): _for(*WORKERS),
    ("POST", "/v1/cases/{case_id}/end-stage"): _for(*WORKERS),
    ("POST", "/v1/cases/{case_id}/return"): _for(*WORKERS),
    ("POST", "/v1/cases/{case_id}/decide"): _for(APPROVER),
    ("POST", "/v1/cases/{case_id}/close"): _for(*WORKERS),
    ("POST", "/v1/departments/{code}/succession"): _named(CHIEF),
    ("GET", "/v1/access/{receipt}"): _AUDIT,
    ("GET", "/v1/searches"): _AUDIT,
    ("POST", "/v1/staff/{staff}/sign-out"): _for(SYSTEM_MANAGER),
}
"""A route that is not here is shut."""
