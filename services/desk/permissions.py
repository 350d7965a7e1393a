"""Who may do what at the desk: one table, from which every request is checked and the test of all routes is derived."""

from access.guard import Permission, Route

CLERK, APPROVER, CHIEF = "clerk", "approver", "chief"
RECORDS_OFFICER, SYSTEM_MANAGER, AUDITOR = "records-officer", "system-manager", "auditor"
NUMBER_HANDLER = "specific-personal-information-handler"
"""特定個人情報の事務取扱担当者, as the Personal Information Protection Commission's guidelines have it: who alone sees Individual Numbers."""
ROLES = (CLERK, APPROVER, CHIEF, RECORDS_OFFICER, SYSTEM_MANAGER, AUDITOR, NUMBER_HANDLER)


def _for(*roles: str) -> Permission:
    """Cases of one's own departments; of another's there are none: row-level security shows no row."""
    return Permission(frozenset(roles))


def _named(*roles: str) -> Permission:
    """What the path names a department for: one's own."""
    return Permission(frozenset(roles), department="code")


_STAFF = Permission(None)
_WORKERS = (CLERK, APPROVER, CHIEF)

PERMISSIONS: dict[Route, Permission] = {
    ("GET", "/v1/me"): _STAFF,
    ("GET", "/v1/rule-sets"): _STAFF,
    ("GET", "/v1/overlays"): _STAFF,
    ("GET", "/v1/departments/{code}/cases"): _named(*_WORKERS),
    ("GET", "/v1/cases/{case_id}"): _for(*_WORKERS),
    ("POST", "/v1/cases/{case_id}/individual-numbers"): _for(NUMBER_HANDLER),
    ("POST", "/v1/search"): _for(*_WORKERS),
    ("POST", "/v1/cases/{case_id}/claim"): _for(*_WORKERS),
    ("POST", "/v1/cases/{case_id}/handover"): _for(*_WORKERS),
    ("POST", "/v1/cases/{case_id}/request-correction"): _for(*_WORKERS),
    ("POST", "/v1/cases/{case_id}/extend"): _for(*_WORKERS),
    ("POST", "/v1/cases/{case_id}/end-stage"): _for(*_WORKERS),
    ("POST", "/v1/cases/{case_id}/return"): _for(*_WORKERS),
    ("POST", "/v1/cases/{case_id}/decide"): _for(APPROVER),
    ("POST", "/v1/cases/{case_id}/close"): _for(*_WORKERS),
    ("POST", "/v1/departments/{code}/succession"): _named(CHIEF),
    ("GET", "/v1/access/{receipt}"): Permission(frozenset({AUDITOR}), where="any"),
    ("POST", "/v1/staff/{staff}/sign-out"): _for(SYSTEM_MANAGER),
}
"""A route that is not here is shut."""
