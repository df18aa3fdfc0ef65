"""The paths of Elements v1: three prefixes, any case, two syntaxes of keys (reference 1.3 and 6)."""

import re
from typing import Final, NamedTuple

SCOPES: Final = {
    "v1_customers": "partner.customers.read.all",
    "v1_customer": "partner.customers.read.all",
    "v1_jobs": "partner.jobs.read.all",
    "v1_jobs_filtered": "partner.jobs.read.all",
    "v1_protection": "partner.cbprotected.read.all",
    "v1_scan_profiles": "partner.scanprofiles.read.all",
    "v1_scan_profile": "partner.scanprofiles.read.all",
    "v1_scan_profile_summary": "partner.scanprofiles.read.all",
    "v1_scan_profile_lists": "partner.scanprofiles.read.all",
    "v1_services": "partner.license.read.all",
    "v1_service": "partner.license.read.all",
}
"""The scope that each operation needs."""

PREFIX: Final = re.compile(r"(?:/partner(?:/api/v1\.1)?)?/", re.IGNORECASE)
KEYS: Final = re.compile(r"\(([^()]*)\)")

ONE: Final = "customers/(?P<customer>[^/]+)"
PROFILE: Final = "(?P<profile>[^/]+)"
PATHS: Final = (
    ("v1_customers", "customers"),
    ("v1_customer", ONE),
    ("v1_jobs", f"{ONE}/jobs"),
    ("v1_jobs_filtered", f"{ONE}/jobs/jobtype/(?P<type>[^/]+)/jobmodule/(?P<module>[^/]+)"),
    ("v1_protection", f"{ONE}/protected"),
    ("v1_scan_profiles", f"{ONE}/scanprofiles"),
    ("v1_scan_profile", f"{ONE}/scanprofiles(?:details/profileid)?/{PROFILE}"),
    ("v1_scan_profile_summary", f"{ONE}/scanprofilesdailynew/profileid/{PROFILE}"),
    ("v1_scan_profile_summary", f"{ONE}/scanprofiles/{PROFILE}/dailynewsummary"),
    ("v1_scan_profile_lists", f"{ONE}/scanprofilesdailynewdetail/profileid/{PROFILE}"),
    ("v1_scan_profile_lists", f"{ONE}/scanprofiles/{PROFILE}/dailynewdetails"),
    ("v1_services", "services"),
    ("v1_service", "services/(?P<customer>[^/]+)"),
)
PATTERNS: Final = tuple((name, re.compile(path, re.IGNORECASE)) for name, path in PATHS)


class Call(NamedTuple):
    """What a path asks for: the operation and the keys in it."""

    operation: str
    keys: dict[str, str]


def read_path(path: str) -> Call | None:
    """Return what a decoded *path* asks for, or None if it is none of v1's."""
    prefix = PREFIX.match(path)
    rest = KEYS.sub(_as_segments, path[prefix.end() :] if prefix else path)
    for operation, pattern in PATTERNS:
        if found := pattern.fullmatch(rest):
            return Call(operation, found.groupdict())
    return None


def _as_segments(keys: re.Match[str]) -> str:
    """Rewrite ('x') as /x and (A='x',B='y') as /A/x/B/y."""
    parts = [part.strip() for key in keys[1].split(",") for part in key.split("=", 1)]
    return "".join("/" + part.strip("'") for part in parts)
