"""What Veeam can be asked: path with "*" for an id, what it shows, and by version its shape (O L P) and parameters."""

from typing import Final

ENDPOINTS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "/ServiceInstance": ("service_instance", {"v6": "O", "v7": "O", "v8": "O"}),
    "/Health": ("health", {"v8": "O"}),
    "/License": ("license", {"v6": "O", "v7": "O", "v8": "O"}),
    "/License/AutoUpdate": ("auto_update", {"v6": "O", "v7": "O", "v8": "O"}),
    "/LicensedUsers": (
        "licensed_user",
        {
            "v6": "P limit offset organizationId name",
            "v7": "P limit offset organizationId name",
            "v8": "P limit offset organizationId backedUpOrganizationId name",
        },
    ),
    "/licensing/statistic/usage": (
        "license_usage",
        {
            "v7": "O platformId organizationId",
            "v8": "O platformId organizationId backedUpOrganizationId",
        },
    ),
    "/Organizations": (
        "organization",
        {
            "v6": "L extendedView",
            "v7": "L extendedView",
            "v8": "P extendedView msid backedUpOrganizationId limit offset",
        },
    ),
    "/Organizations/*": ("organization", {"v6": "O extendedView", "v7": "O extendedView", "v8": "O extendedView"}),
    "/Organizations/SyncState": ("sync_state", {"v8": "L"}),
    "/Organizations/*/SyncState": ("sync_state", {"v7": "O", "v8": "O"}),
    "/Organizations/*/LicensingInformation": ("licensing_information", {"v6": "O", "v7": "O", "v8": "O"}),
    "/Organizations/*/usedRepositories": (
        "storage_usage",
        {
            "v6": "P limit offset",
            "v7": "P limit offset",
            "v8": "P limit offset",
        },
    ),
    "/Organizations/*/Jobs": ("job", {"v6": "L", "v7": "L"}),
    "/BackupRepositories": (
        "repository",
        {
            "v6": "L proxyId longTerm",
            "v7": "L proxyId longTerm",
            "v8": "P proxyId proxyPoolId organizationId longTerm limit offset",
        },
    ),
    "/BackupRepositories/*": ("repository", {"v6": "O", "v7": "O", "v8": "O"}),
    "/BackupRepositories/*/backedupOrganizations": (
        "backed_up_organization",
        {
            "v6": "P limit offset",
            "v7": "P limit offset",
            "v8": "P limit offset",
        },
    ),
    "/objectstoragerepositories": ("object_storage_repository", {"v6": "L longTerm", "v7": "L longTerm"}),
    "/Proxies": ("proxy", {"v6": "L extendedView", "v7": "L extendedView", "v8": "P limit offset"}),
    "/ProxyPools": ("proxy_pool", {"v8": "P limit offset"}),
    "/Jobs": ("job", {"v6": "L", "v7": "L", "v8": "P organizationId repositoryId limit offset"}),
    "/CopyJobs": (
        "copy_job",
        {
            "v6": "L repositoryId",
            "v7": "L repositoryId",
            "v8": "P organizationId repositoryId limit offset",
        },
    ),
    "/JobSessions": (
        "session",
        {
            "v6": "P jobType endTimeLowerBound limit offset",
            "v7": "P jobId jobType endTimeLowerBound endTimeUpperBound limit offset",
            "v8": "P jobId jobType endTimeLowerBound endTimeUpperBound limit offset status",
        },
    ),
    "/JobSessions/*": ("session", {"v6": "O", "v7": "O", "v8": "O"}),
    "/Jobs/*/JobSessions": ("session", {"v6": "P limit offset"}),
    "/JobSessions/*/ProcessedObjects": ("processed_object", {"v7": "P offset limit", "v8": "P offset limit"}),
    "/JobSessions/*/LogItems": (
        "log_item",
        {
            "v6": "P offset limit",
            "v7": "P offset limit",
            "v8": "P offset limit type orderAsc",
        },
    ),
    "/RestoreSessions": (
        "restore_session",
        {
            "v6": "P limit offset startTimeFrom startTimeTo",
            "v7": "P limit offset startTimeFrom startTimeTo",
            "v8": "P limit offset startTimeFrom startTimeTo endTimeFrom endTimeTo orderAsc orderBy",
        },
    ),
    "/RestoreSessions/*/Statistics": ("restore_statistics", {"v8": "O"}),
    "/RestorePoints": (
        "restore_point",
        {
            "v6": "L organizationId jobId repositoryId backupTime isLongTermCopy isRetrieved",
            "v7": "P organizationId jobId repositoryId from to orderAsc isLongTermCopy isCopy isRetrieved limit offset",
            "v8": "P organizationId jobId repositoryId from to orderAsc isLongTermCopy "
            "isCopy isRetrieved userId groupId siteId teamId limit offset",
        },
    ),
    "/ProtectedUsers": (
        "protected_user",
        {
            "v8": "P organizationId backedUpOrganizationId repositoryId restorePointId offset limit",
        },
    ),
    "/ProtectedGroups": (
        "protected_group",
        {
            "v8": "P organizationId backedUpOrganizationId repositoryId restorePointId offset limit",
        },
    ),
    "/ProtectedSites": (
        "protected_site",
        {
            "v8": "P organizationId backedUpOrganizationId repositoryId restorePointId offset limit",
        },
    ),
    "/ProtectedTeams": (
        "protected_team",
        {
            "v8": "P organizationId backedUpOrganizationId repositoryId restorePointId offset limit",
        },
    ),
    "/RepositorySynchronizeSessions": ("synchronize_session", {"v6": "L", "v7": "L", "v8": "L"}),
    "/HistorySettings": ("history_settings", {"v6": "O", "v7": "O", "v8": "O"}),
    "/ManagementMode": ("management_mode", {"v6": "O", "v7": "O", "v8": "O"}),
    "/Configuration/Updates": ("updates", {"v8": "O"}),
    "/VboEmailSettings": ("email_settings", {"v6": "O", "v7": "O", "v8": "O"}),
    "/RestorePortalSettings": ("portal_settings", {"v6": "O", "v7": "O", "v8": "O"}),
    "/Jobs/*/SelectedItems": ("item", {"v6": "L", "v7": "L", "v8": "P limit offset"}),
    "/Jobs/*/ExcludedItems": ("item", {"v6": "L", "v7": "L", "v8": "P limit offset"}),
}
