"""The roles of staff, as the provider's tokens name them. What each may do is said in every service's `permissions`."""

CLERK, APPROVER, CHIEF = "clerk", "approver", "chief"
RECORDS_OFFICER, SYSTEM_MANAGER, AUDITOR = "records-officer", "system-manager", "auditor"
ROLES = (CLERK, APPROVER, CHIEF, RECORDS_OFFICER, SYSTEM_MANAGER, AUDITOR)

WORKERS = (CLERK, APPROVER, CHIEF)
"""Those who work on the cases of their departments."""
