"""One record of every type, and cells made of them."""

from collections.abc import Iterable

from exporter.metrics.catalog import CATALOG
from exporter.metrics.family import PREFIX
from exporter.metrics.rendering import INDEX, Renderer, gather
from exporter.metrics.snapshot import CellKey, Snapshot
from exporter.records import (
    AbandonedJobs,
    Collection,
    JobErrors,
    JobHistory,
    JobKey,
    JobSchedule,
    JobSettings,
    JobTally,
    MicrosoftLicenses,
    ProtectedEntities,
    Protection,
    Proxy,
    Record,
    Repository,
    RepositoryUsage,
    ScanProfile,
    ScanProfileDrift,
    Server,
    ServerLicense,
    Subscription,
    Tenant,
    UnusualActivity,
)

MAIL = JobKey(product="Microsoft 365", workload="Exchange Online", job_type="backup", name="Mail")
NOBODY_KNOWS = JobHistory(
    tenant="t1",
    job=JobKey(product="Microsoft 365", workload="Teams", job_type="backup"),
    first_seen_at=1_772_000_000.0,
    status=None,
    started_at=None,
    ended_at=None,
    succeeded_at=None,
    completed_at=None,
    overdue_after_seconds=None,
    duration_seconds=None,
    size_bytes=None,
    objects=None,
)
"""A job of which nothing is known but that it exists."""


def about_the_tenant(tenant: str) -> list[Record]:
    """Return what is known of a tenant apart from its jobs, with every value given."""
    return [
        Tenant(
            tenant=tenant,
            name=f"Firma {tenant}",
            country="DE",
            owner_email="anna@example.com",
            status="success",
            labels={"tier": "gold"},
            last_backup_at=1_772_483_600.5,
            synchronized_at=1_772_484_000.0,
        ),
        Subscription(
            tenant=tenant,
            subscription="Microsoft 365",
            model="pooled",
            storage="AvePoint",
            retention="1 year",
            package="full",
            payment="monthly",
            seats_purchased=50.0,
            seats_used=48.0,
            seats_new=3.0,
            seats_change=-2.0,
            capacity_purchased_bytes=2.0**40,
            storage_consumed_bytes=1.5e9,
            expires_at=1_790_000_000.0,
            out_of_policy_at=1_772_300_000.0,
        ),
        MicrosoftLicenses(tenant=tenant, assigned=48.0, available=60.0),
        Protection(
            tenant=tenant,
            product="Microsoft 365",
            workload="Exchange Online",
            scanned=100,
            protected=98,
            stored_bytes={"avepoint": 1e9, "byos": 0.0},
        ),
        ProtectedEntities(tenant=tenant, entities={"users": 47, "groups": 3, "sites": 52, "teams": 0}),
        RepositoryUsage(tenant=tenant, repository="r1", used_bytes={"local": 0.0, "cache": 2.0**32, "object": 2.0**40}),
        UnusualActivity(
            tenant=tenant, workload="SharePoint Online", unusual_activities=2, potential_ransomware_attacks=0
        ),
        ScanProfile(
            tenant=tenant,
            profile="p1",
            name="All users",
            mode="advanced",
            domain="example.com",
            modified_at=1_772_000_000.0,
            reported_at=1_772_100_000.0,
            daily_scan=True,
            last_status="success",
            changed_objects={"registered": 3, "moved": 0, "removed": 1},
        ),
        ScanProfileDrift(tenant=tenant, profile="p1", drifted={"mode": False, "daily_scan": True}, changes=2.0),
        Collection(tenant=tenant, collector="jobs", success=True, succeeded_at=1_772_485_200.0, stale=False),
    ]


def about_its_jobs(tenant: str) -> list[Record]:
    """Return what the ledger tells of a tenant, with every value given."""
    return [
        JobTally(
            tenant=tenant,
            product=MAIL.product,
            workload=MAIL.workload,
            job_type=MAIL.job_type,
            runs=7.0,
            successes=5.0,
            failures=1.0,
            warnings=1.0,
            unobserved=0.0,
            duration_seconds_sum=1234.5,
            duration_count=7.0,
            objects={"successful": 700.0, "failed": 3.0},
            size_bytes=5e9,
            retries=2.0,
            in_progress=1,
        ),
        JobHistory(
            tenant=tenant,
            job=MAIL,
            first_seen_at=1_770_000_000.0,
            status="success",
            started_at=1_772_480_000.0,
            ended_at=1_772_483_600.5,
            succeeded_at=1_772_483_600.5,
            completed_at=1_772_483_600.5,
            overdue_after_seconds=93_600.0,
            duration_seconds=3600.5,
            size_bytes=5e8,
            objects={"successful": 100, "failed": 0},
        ),
        JobSchedule(tenant=tenant, job=MAIL, interval_seconds=21_600.0, longest_gap_seconds=28_800.0),
        JobSettings(
            tenant=tenant,
            job=MAIL,
            enabled=True,
            next_run_at=1_772_500_000.0,
            schedule="every day at 22:00",
            backup_type="SelectedItems",
            bottleneck="Source",
            selected={"users": 12, "sites": 3},
            excluded={"users": 1},
        ),
        JobErrors(tenant=tenant, code="SP-1042", errors=3.0),
        AbandonedJobs(tenant=tenant, product="Microsoft 365", jobs=2),
    ]


def about_the_server() -> list[Record]:
    """Return what is known of a vendor's server, whichever tenants it has, with every value given."""
    return [
        Server(
            tenant="",
            api="v8",
            version="8.4.0.1000",
            installation="d1000001",
            health={"server": False, "configurationDb": True, "nats": False},
        ),
        ServerLicense(
            tenant="",
            type="Rental",
            status="Valid",
            package="M365",
            seats_purchased=500.0,
            seats_used=487.0,
            seats_new=12.0,
            expires_at=1_790_000_000.0,
            grace_ends_at=1_795_000_000.0,
        ),
        Repository(
            tenant="",
            repository="r1",
            name="S3",
            storage="AmazonS3Compatible",
            immutable=True,
            capacity_bytes=2.0**42,
            free_bytes=2.0**41,
            used_bytes=2.0**41,
            immutability_seconds=2_592_000.0,
            out_of_sync=True,
            outdated=False,
            out_of_order=False,
        ),
        Proxy(
            tenant="",
            proxy="x1",
            name="proxy1",
            operating_system="Linux",
            version="8.4.0.1000",
            online=True,
            maintenance=False,
            cpu_ratio=0.375,
            memory_ratio=0.6125,
        ),
    ]


def facts(tenant: str) -> list[Record]:
    """Return one record of every type that is shown."""
    return [*about_the_tenant(tenant), *about_its_jobs(tenant), *about_the_server()]


def samples_by_family(records: Iterable[Record], *, source: str = "s", stale: bool = False) -> dict[str, str]:
    """Return the rendered lines by full name of the family."""
    shown = Renderer(source).show(records, stale=stale)
    chunks = gather(shown, allowance=10_000).chunks
    return {CATALOG[index].name: chunk.decode() for index, chunk in chunks.items()}


def publish(snapshot: Snapshot, source: str, tenant: str, collector: str, records: Iterable[Record]) -> None:
    """Render and publish a cell, as an answer of a vendor would be."""
    rendered = gather(Renderer(source).show(records), allowance=10_000)
    snapshot.publish(CellKey(source, tenant, collector), rendered.chunks, series=rendered.series)


def place(name: str) -> int:
    """Return a family's place in the catalog by its name without the prefix."""
    return INDEX[PREFIX + name]
