"""Veeam's words in ours.

Source: the vendor's OpenAPI descriptions of v6, v7 and v8 (the vendor reference, section 8).
"""

from collections.abc import Mapping
from typing import Any, Final

from exporter.client.values import folded
from exporter.records import Status

PRODUCT: Final = "Microsoft 365"
WORKLOAD: Final = "all"
"""A job covers the workloads of its items together; nothing tells them apart."""
SUBSCRIPTION: Final = "Veeam Backup for Microsoft 365"

STATUS: Final[Mapping[str, Status]] = {
    "success": "success",
    "succeeded": "success",
    "warning": "warning",
    "failed": "failed",
    "stopped": "stopped",
    "running": "running",
    "queued": "queued",
    "notconfigured": "not_configured",
    "disconnected": "disconnected",
}
"""``lastStatus`` of jobs and ``status`` of sessions, folded."""

BOTTLENECK: Final[Mapping[str, str]] = {"source": "source", "target": "target"}
"""``bottleneck`` of a session, folded; NA and Detecting say that there is none to name."""
NO_BOTTLENECK: Final = frozenset({"na", "detecting", ""})

BACKUP_TYPE: Final[Mapping[str, str]] = {
    "entireorganization": "entire_organization",
    "selecteditems": "selected_items",
}

ITEM_TYPE: Final[Mapping[str, str]] = {
    "user": "users",
    "group": "groups",
    "site": "sites",
    "team": "teams",
    "partialorganization": "organization",
    "personalsites": "personal_sites",
    "organization": "organization",
}
"""``type`` of a job's items, folded."""


def status(raw: Any) -> tuple[Status | None, bool]:
    """Return a status, and whether its word is known; ``None`` where the vendor says nothing."""
    word = folded(raw)
    if not word:
        return None, raw is None or raw == ""
    return STATUS.get(word, f"unknown_{word[:64]}"), word in STATUS
