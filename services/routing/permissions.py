"""Who may do what at routing: one table, from which every request is checked and the test of all routes is derived.

Rules and overlays belong to no department. Of the two people that a change needs, whoever asks may be anybody who works on cases or
keeps the system; whoever agrees is an approver or a chief, and never the same person (`rules.lifecycle`, `rules.overlays`).
"""

from access.permissions import Permission, Route
from access.roles import APPROVER, AUDITOR, CHIEF, SYSTEM_MANAGER, WORKERS

_STAFF = Permission(None)
_ASKS = Permission(frozenset({*WORKERS, SYSTEM_MANAGER}))
_AGREES = Permission(frozenset({APPROVER, CHIEF}))
_WORKS = Permission(frozenset(WORKERS))

PERMISSIONS: dict[Route, Permission] = {
    ("GET", "/v1/rule-sets"): _STAFF,
    ("GET", "/v1/rule-sets/{name}/files"): _STAFF,
    ("POST", "/v1/rule-sets"): _ASKS,
    ("POST", "/v1/rule-sets/{name}/back-test"): _ASKS,
    ("POST", "/v1/rule-sets/{name}/approve"): _AGREES,
    ("POST", "/v1/rule-sets/{name}/withdraw"): _ASKS,
    ("GET", "/v1/overlays"): _STAFF,
    ("POST", "/v1/overlays/{name}/switch"): _ASKS,
    ("POST", "/v1/overlays/{name}/confirm"): _AGREES,
    ("POST", "/v1/overlays/{name}/withdraw"): _ASKS,
    ("GET", "/v1/cases/{case_id}/explanation"): Permission(frozenset(WORKERS), anywhere=frozenset({AUDITOR})),
    ("GET", "/v1/cases/{case_id}/suggestions"): _WORKS,
    ("POST", "/v1/cases/{case_id}/suggestions"): _WORKS,
}
"""A route that is not here is shut. A case of another department is not there (404), as at the desk."""
