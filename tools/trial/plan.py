"""The incidents of the trial: what is done to whom on which day, and what that must raise."""

from collections.abc import Iterator
from typing import Final

from exporter.simulator.era import DAY, HOUR
from exporter.simulator.incidents import Incident, IncidentKind
from exporter.simulator.veeam.repositories import COPIES, SHARED
from tools.trial.cases import Case, Expected
from tools.trial.fleet import SEED, Fleet
from tools.trial.truths import (
    Truth,
    at_end,
    at_first,
    before_end,
    failing,
    hanging,
    lasting,
    later,
    overdue,
    reported,
    unreported,
)

MAIL: Final = "Exchange Online"
FILES: Final = "OneDrive"
AFTER_FAILURE: Final = frozenset({"M365BackupJobFailed", "M365BackupJobFailingRepeatedly", "M365BackupJobOverdue"})
SOURCE_DOWN: Final = frozenset(
    {"M365BackupCollectorFailing", "M365BackupCollectorStale", "M365BackupSourceDown", "M365BackupTokenNotRenewed"}
)
UNSEEN: Final = frozenset({"M365BackupJobOverdue"})
"""After a day without answers Elements may show a run under way, and nothing of earlier ones until it has ended."""
UNTIL_IT_RUNS: Final = frozenset({"M365BackupJobOverdue"})
"""What has been switched off for days is overdue when it is switched on again, until its next run completes."""
SYNCED_EVERY: Final = HOUR / 2
"""How often the server reads who belongs to an organization."""
A_WEEK: Final = 6 * DAY
"""Until when what grows must have been foretold: forecasts need a week of history, and it begins on the first day."""
SCANNED: Final = {"product": "Microsoft 365", "workload": MAIL}


def cases(fleet: Fleet) -> list[Case]:
    """Return all cases of the big trial; it must last 14 days and have 20 tenants."""
    return [
        *_jobs(fleet),
        *_use(fleet),
        *_scans(fleet),
        *_cloudbackup(fleet),
        *_repositories(fleet),
        *_server(fleet),
        *_organizations(fleet),
        *_apis(fleet),
    ]


def _tenant(fleet: Fleet, source: str, place: int) -> str:
    """Return the id of a customer with backups of Microsoft 365."""
    everyone = fleet.site(source).customers(fleet.start)
    return [each for each in everyone if each.has("Microsoft 365")][place].id


class Pen:
    """Writes the cases of one source."""

    def __init__(self, fleet: Fleet, source: str) -> None:
        self._fleet = fleet
        self._source = source

    def case(
        self,
        title: str,
        kind: IncidentKind,
        days: tuple[float, float],
        *expected: Expected,
        tenant: int | None = None,
        workload: str = "",
        others: frozenset[str] = frozenset(),
        lingers: float = DAY,
    ) -> Case:
        """Return the case of an incident between two days."""
        since, until = (self._fleet.start + day * DAY for day in days)
        customer = "" if tenant is None else _tenant(self._fleet, self._source, tenant)
        return Case(title, self._source, Incident(kind, since, until, customer, workload), expected, others, lingers)


def _jobs(fleet: Fleet) -> Iterator[Case]:
    case = Pen(fleet, "elements").case
    failed = Expected("M365BackupJobFailed", "jobs", failing(1))
    yield case(
        "a backup fails once or twice",
        "backup_fails",
        (2, 2.6),
        failed,
        tenant=0,
        workload=MAIL,
        others=AFTER_FAILURE,
    )
    yield case(
        "a backup fails for three days",
        "backup_fails",
        (4, 7),
        failed,
        Expected("M365BackupJobFailingRepeatedly", "jobs", failing(3)),
        Expected("M365BackupJobOverdue", "jobs", overdue),
        tenant=1,
        workload=FILES,
    )
    late = Expected("M365BackupJobOverdue", "jobs", overdue)
    yield case("a backup no longer runs", "backup_stops", (3, 6), late, tenant=2, workload=MAIL)
    yield case("a backup is gone", "backup_vanishes", (3, 7), tenant=3, workload=MAIL, others=AFTER_FAILURE)
    off = Expected("M365BackupJobDisabled", "jobs")
    yield case(
        "a backup is switched off", "backup_disabled", (5, 8), off, tenant=4, workload=MAIL, others=UNTIL_IT_RUNS
    )
    hung = Expected("M365BackupJobHanging", "jobs", hanging)
    yield case(
        "a backup hangs for two days", "backup_hangs", (6, 8), hung, tenant=5, workload=MAIL, others=AFTER_FAILURE
    )
    yield case("a customer leaves and returns", "customer_leaves", (4, 9), tenant=6)
    stale = Expected("M365BackupCollectorStale", truth=later(HOUR), within=HOUR)
    yield case("one customer cannot be asked about", "tenant_fails", (5, 6), stale, tenant=7, others=SOURCE_DOWN)
    yield case("a muted customer's backup fails", "backup_fails", (5, 8), tenant=-1, workload=MAIL)


def _use(fleet: Fleet) -> Iterator[Case]:
    case = Pen(fleet, "elements").case
    bought = "subscriptions"
    nearly, none = Expected("M365BackupSeatsAlmostUsed", bought), Expected("M365BackupSeatsExhausted", bought)
    yield case("95 % of the seats are used", "seats_filled", (2, 4), nearly, tenant=0)
    yield case("5 % too many seats are used", "seats_exceeded", (8, 10), none, tenant=1)
    seats = Expected("M365BackupSeatsRunningOut", bought, within=A_WEEK)
    yield case("seats will be used up in a month", "seats_growing", (1, 20), seats, tenant=8)
    nearly, none = Expected("M365BackupCapacityAlmostUsed", bought), Expected("M365BackupCapacityExhausted", bought)
    yield case("95 % of the storage is used", "storage_filled", (8, 10), nearly, tenant=2)
    yield case("5 % too much storage is used", "storage_exceeded", (9, 11), none, tenant=3)
    room = Expected("M365BackupCapacityRunningOut", bought, within=A_WEEK)
    yield case("storage will be used up in a month", "storage_growing", (1, 12), room, tenant=9)
    ends = "M365BackupSubscriptionExpiring"
    info = Expected(ends, truth=before_end(60 * DAY, 30 * DAY), labels={"severity": "info"})
    yield case("a subscription ends in 60 days", "subscription_ends", (0, 65), info, tenant=10)
    warning = Expected(ends, truth=before_end(30 * DAY, 7 * DAY), labels={"severity": "warning"})
    expiring = frozenset({ends})
    yield case("a subscription ends in 30 days", "subscription_ends", (0, 34), warning, tenant=11, others=expiring)
    critical = Expected(ends, truth=before_end(7 * DAY), labels={"severity": "critical"})
    over = Expected("M365BackupSubscriptionExpired", truth=at_end)
    yield case("a subscription ends", "subscription_ends", (0, 12), critical, over, tenant=12, others=expiring)


def _scans(fleet: Fleet) -> Iterator[Case]:
    case, asked = Pen(fleet, "elements").case, "scan_profiles"
    dropped = Expected("M365BackupCoverageDropped", "protection", later(DAY), labels=SCANNED, within=7 * HOUR)
    low = Expected("M365BackupCoverageLow", "protection", later(DAY), labels=SCANNED, within=7 * HOUR)
    yield case(
        "half of a workload is no longer backed up", "coverage_drops", (9, 12), dropped, low, tenant=13, workload=MAIL
    )
    drift = Expected("M365BackupScanProfileDrift", asked, labels={"setting": "scan_mode"})
    yield case("somebody changes a scan profile", "profile_changed", (4, 7), drift, tenant=14)
    off = Expected("M365BackupDailyScanOff", asked)
    drifts = frozenset({"M365BackupScanProfileDrift", "M365BackupDailyScanOverdue"})
    yield case("somebody switches a daily scan off", "daily_scan_off", (5, 8), off, tenant=15, others=drifts)
    failed = Expected("M365BackupScanFailed", asked, reported)
    yield case("a scan fails", "scan_fails", (6, 8), failed, tenant=16)
    late = Expected("M365BackupDailyScanOverdue", asked, unreported(3))
    yield case("a daily scan no longer runs", "scan_stops", (3, 9), late, tenant=17)
    removed = Expected("M365BackupLargeRemoval", asked, reported)
    yield case("many objects are removed", "many_removed", (7, 9), removed, tenant=18)


def _cloudbackup(fleet: Fleet) -> Iterator[Case]:
    case = Pen(fleet, "cloudbackup_1").case
    failed = Expected("M365BackupJobFailed", "jobs", failing(1))
    yield case(
        "Cloud Backup: a backup fails", "backup_fails", (3, 4), failed, tenant=0, workload=MAIL, others=AFTER_FAILURE
    )
    limit = Expected("M365BackupOutOfPolicy", "license")
    yield case("Cloud Backup: out of policy", "out_of_policy", (6, 9), limit, tenant=0)
    case = Pen(fleet, "cloudbackup_2").case
    unusual = Expected("M365BackupUnusualActivity", "unusual_activity", later(0, longer=DAY))
    yield case("Cloud Backup: unusual activity", "unusual_activity", (4, 5), unusual, tenant=1)
    attack = Expected("M365BackupPotentialRansomware", "unusual_activity", later(0, longer=DAY))
    case = Pen(fleet, "cloudbackup_3").case
    yield case("Cloud Backup: ransomware", "ransomware", (8, 9), attack, tenant=2, others=frozenset({unusual.alert}))
    late = Expected("M365BackupJobOverdue", "jobs", overdue)
    yield case("Cloud Backup: a backup no longer runs", "backup_stops", (4, 8), late, tenant=2, workload=FILES)
    seats = Expected("M365BackupSeatsExhausted", "license")
    yield case("Cloud Backup: too many seats are used", "seats_exceeded", (9, 11), seats, tenant=2)


def _repositories(fleet: Fleet) -> Iterator[Case]:
    case = Pen(fleet, "veeam").case

    def expected(alert: str, name: str, truth: Truth = lasting, within: float = 0.0) -> Expected:
        repository = next(each.id_in(SEED) for each in (*SHARED, *COPIES) if each.name == name)
        return Expected(f"M365BackupRepository{alert}", "infrastructure", truth, {"repository": repository}, within)

    plan: tuple[tuple[str, IncidentKind, tuple[float, float], str, str], ...] = (
        ("is full", "repository_full", (2, 3), "Full", "Disk-02"),
        ("is nearly full", "repository_filled", (4, 5), "AlmostFull", "S3 shared"),
        ("is out of order", "repository_out_of_order", (6, 7), "OutOfOrder", "AWS shared"),
        ("is out of sync", "repository_out_of_sync", (6, 7), "OutOfSync", "IBM copies"),
        ("is outdated", "repository_outdated", (8, 9), "Outdated", "Disk-02"),
    )
    for words, kind, days, alert, name in plan:
        slack = HOUR if alert == "Outdated" else 0.0  # the exporter is restarted while it waits
        yield case(f"Veeam: a repository {words}", kind, days, expected(alert, name, within=slack), workload=name)
    # It is full after ten days, and nearly full after eight.
    name, filled = "Wasabi copies", frozenset({"M365BackupRepositoryAlmostFull"})
    growing = expected("RunningFull", name, at_first(8 * DAY), within=A_WEEK)
    title = "Veeam: a repository will be full"
    yield case(title, "repository_growing", (1, 9.5), growing, workload=name, others=filled)


def _server(fleet: Fleet) -> Iterator[Case]:
    case, asked = Pen(fleet, "veeam").case, "infrastructure"
    proxy, ill = Expected("M365BackupProxyOffline", asked), Expected("M365BackupServerUnhealthy", asked)
    yield case("Veeam: a proxy is offline", "proxy_offline", (5, 5.5), proxy, workload="vb365-proxy2")
    yield case("Veeam: the server is not healthy", "server_unhealthy", (7, 7.5), ill)
    ends, soon = "M365BackupServerLicenseExpiring", before_end(30 * DAY, 7 * DAY)
    warning = Expected(ends, truth=soon, labels={"severity": "warning"})
    yield case("Veeam: the licence ends in 30 days", "license_ends", (0, 36), warning, others=frozenset({ends}))
    over = Expected("M365BackupServerLicenseOverused", "license")
    yield case("Veeam: more users than licences", "license_overused", (3, 4), over)
    beyond = Expected("M365BackupServerLicenseExceeded", "license")
    yield case("Veeam: more users than tolerated", "license_exceeded", (10, 11), beyond)


def _organizations(fleet: Fleet) -> Iterator[Case]:
    case = Pen(fleet, "veeam").case
    sync = Expected("M365BackupTenantSyncOverdue", "organizations", later(2 * DAY - SYNCED_EVERY), within=HOUR)
    yield case("Veeam: an organization is not synchronised", "sync_stops", (4, 8), sync, tenant=0)
    failed = Expected("M365BackupJobFailed", "jobs", failing(1))
    yield case("Veeam: backups fail", "backup_fails", (3, 5), failed, tenant=1, others=AFTER_FAILURE, lingers=7 * DAY)
    off = Expected("M365BackupJobDisabled", "jobs")
    yield case("Veeam: backups are switched off", "backup_disabled", (6, 8), off, tenant=2, others=UNTIL_IT_RUNS)
    fewer = Expected("M365BackupProtectedEntitiesDropped", "protection")
    yield case("Veeam: half of the users are no longer backed up", "coverage_drops", (9, 11), fewer, tenant=3)


def _apis(fleet: Fleet) -> Iterator[Case]:
    case = Pen(fleet, "elements_spare").case
    down = Expected("M365BackupSourceDown", truth=lasting, within=2 * HOUR)
    yield case("the API is down", "api_down", (3, 3.5), down, workload="elements", others=SOURCE_DOWN | UNSEEN)
    refused = Expected("M365BackupCredentialsFailing", truth=lasting, within=5 * HOUR)
    title = "the credentials are refused"
    yield case(title, "credentials_refused", (5, 6), refused, workload="elements", others=SOURCE_DOWN | UNSEEN)
    missing = Expected("M365BackupPermissionMissing", truth=lasting, within=HOUR)
    title = "a permission is missing"
    yield case(title, "permission_missing", (8, 9), missing, workload="elements", others=SOURCE_DOWN | UNSEEN)
    throttled = Expected("M365BackupApiThrottled", truth=lasting, within=2 * HOUR)
    title = "the vendor throttles the exporter"
    yield case(title, "throttled", (11, 11.5), throttled, workload="elements", others=SOURCE_DOWN | UNSEEN)
    case = Pen(fleet, "veeam_spare").case
    down = Expected("M365BackupSourceDown", truth=lasting, within=HOUR)
    yield case("Veeam: the server is down", "api_down", (4, 4.5), down, workload="veeam", others=SOURCE_DOWN)
