"""The roles of staff, as the provider's tokens name them. What each may do is said in every service's `permissions`."""

CLERK, APPROVER, CHIEF = "clerk", "approver", "chief"
RECORDS_OFFICER, SYSTEM_MANAGER, AUDITOR = "records-officer", "system-manager", "auditor"
NUMBER_HANDLER = "specific-personal-information-handler"
"""特定個人情報の事務取扱担当者, as the Personal Information Protection Commission's guidelines have it: who alone sees Individual Numbers."""
ROLES = (CLERK, APPROVER, CHIEF, RECORDS_OFFICER, SYSTEM_MANAGER, AUDITOR, NUMBER_HANDLER)

WORKERS = (CLERK, APPROVER, CHIEF)
"""Those who work on the cases of their departments."""
