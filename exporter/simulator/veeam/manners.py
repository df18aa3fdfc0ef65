"""What is unknown about the real server or differs between installations, and can be had either way."""

from dataclasses import dataclass
from typing import Literal

from exporter.simulator.veeam.codes import VERSIONS, Version

LicenseType = Literal["Subscription", "Evaluation", "NFR", "Rental", "Community", "AwsPrivateOffer"]
LicenseUse = Literal["within", "over", "beyond"]
LowerBound = Literal["ended", "ended or running", "created"]
Order = Literal["shuffled", "newest first"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VeeamManners:
    """How the server behaves where the reference leaves it open, and what is installed on it.

    *serves*: the versions that are served; the others are 404.
    *page_cap*: the server gives no larger pages than this, whatever was asked, and says so in `limit`.
    *old_next_links*: the next links of v8 lead to v7.
    *order*: of job sessions; *lower_bound*: what `endTimeLowerBound` filters, and whether it hides running ones.
    *zero_ids*: in v8 too, a session that is no retry has an all-zero mainSessionId instead of null.
    *copy_links*: where the sessions of copy jobs link to.
    *refresh*: the refresh grant works; *restore_operators_only*: everything but tokens is refused with 403.
    *proxy_offline*: the HTTP status with which extendedView=true fails, None if it works.
    *unhealthy*: the part of the hours in which NATS is unhealthy; *unhealthy_status*: the HTTP status of that report.
    *license_type*; *license_use*: users within the licence, over it within the tolerated excess, beyond that;
    *license_days*: from the start of the world to its expiry, None for no dates at all.
    *spoiled*: the part of the values that are null, numbers in strings or unknown words.
    *offset_minutes*: times are written in this zone, 0 is "Z".
    """

    serves: tuple[Version, ...] = VERSIONS
    page_cap: int | None = None
    old_next_links: bool = False
    order: Order = "shuffled"
    lower_bound: LowerBound = "ended"
    zero_ids: bool = False
    copy_links: Literal["CopyJobs", "Jobs"] = "CopyJobs"
    refresh: bool = True
    restore_operators_only: bool = False
    proxy_offline: Literal[400, 500] | None = None
    unhealthy: float = 0.05
    unhealthy_status: Literal[200, 503] = 200
    license_type: LicenseType = "Rental"
    license_use: LicenseUse = "within"
    license_days: float | None = 200.0
    spoiled: float = 0.0
    offset_minutes: int = 0
