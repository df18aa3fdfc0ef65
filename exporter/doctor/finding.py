"""What was found out about one endpoint, or about the token that opens it."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "absent", "failed", "not asked"]
Trouble = Literal[
    "dns",
    "refused",
    "network",
    "proxy",
    "timeout",
    "broken",
    "tls",
    "protocol",
    "page",
    "product",
    "region",
    "secret",
    "expired",
    "permission",
    "missing",
    "subscription",
    "throttled",
    "clock",
    "tenants",
    "server",
    "answer",
    "bug",
]
"""What is wrong, in one word; docs/doctor.md explains each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One row of the table, and what there is to say below it."""

    source: str
    what: str
    """The operation as the metrics call it, ``token`` or ``clock``."""
    verdict: Verdict
    collector: str = ""
    reachable: bool | None = None
    authorised: bool | None = None
    missing: tuple[str, ...] = ()
    """The permissions that this needs and does not have."""
    rows: int | None = None
    """Of the first page; ``None`` if it was not read."""
    seconds: float | None = None
    trouble: Trouble | None = None
    error: str = ""
    """What is wrong, in the words of the daemon's log."""
    step: str = ""
    """What to do about it."""
