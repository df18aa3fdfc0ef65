"""The settings of a Cloud Backup source, which build it."""

from typing import Final, Literal, Self

from pydantic import Field, model_validator

from exporter.duration import Interval
from exporter.records import Tenant
from exporter.source import CollectorPlan, Source, Surroundings
from exporter.source_settings import CollectorSettings, Lookback, OAuthSettings, Options, SourceSettings, Url
from exporter.sources.avepoint import avepoint_client
from exporter.sources.cloudbackup.auth import SCOPES
from exporter.sources.cloudbackup.client import V1, V2, CloudBackupApi, Legacy
from exporter.sources.cloudbackup.source import Choices, CloudBackupSource

DAY: Final = 86400.0
ONLY_V2: Final = frozenset({"unusual_activity", "schedule"})
"""Collectors that the older generations have no endpoint for."""


class TenantIdentity(Options):
    """The one tenant that an app registration sees."""

    id: str = Field(min_length=1)
    """Its label ``tenant``: your choice, but never change it."""
    name: str | None = Field(default=None, min_length=1)
    """Its name for people; without one, the id."""


class JobsCollector(CollectorSettings):
    """The history of jobs."""

    interval: Interval = 600.0
    """How often it asks, 1s or more."""
    lookback: Lookback = DAY
    """How far back each question goes at least, 30d at most; farther by itself after an outage or while a job runs."""
    location: str | None = None
    """A geo location whose jobs are asked for, on Multi-Geo tenants only: on others it empties the answer."""


class LicenseCollector(CollectorSettings):
    """Seats and storage."""

    interval: Interval = 3600.0
    """How often it asks, 1s or more."""


class UnusualActivityCollector(CollectorSettings):
    """Unusual activities and potential ransomware; ``api: v2`` only."""

    interval: Interval = 3600.0
    """How often it asks, 1s or more."""
    lookback: Lookback = DAY
    """Over how long activities are counted, in whole days, 30d at most."""


class ScheduleCollector(CollectorSettings):
    """How often backups run and how long they are kept; ``api: v2`` only."""

    interval: Interval = DAY
    """How often it asks, 1s or more."""


class CloudBackupCollectors(Options):
    """The collectors, in order of importance."""

    jobs: JobsCollector = JobsCollector()
    license: LicenseCollector = LicenseCollector()
    unusual_activity: UnusualActivityCollector = UnusualActivityCollector()
    schedule: ScheduleCollector = ScheduleCollector()


class CloudBackupSettings(SourceSettings):
    """AvePoint Cloud Backup for Microsoft 365: one tenant behind one app registration."""

    kind: Literal["cloudbackup"]
    """The vendor's API family."""
    api: Literal["v2", "v1", "legacy"] = "v2"
    """Which generation of the API is asked."""
    base_url: Url
    """The API's address, of the tenant's data centre."""
    tenant: TenantIdentity
    auth: OAuthSettings
    collectors: CloudBackupCollectors = CloudBackupCollectors()

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        self.check_encrypted(base_url=self.base_url, token_url=self.auth.token_url)
        return self

    def plans(self) -> tuple[CollectorPlan, ...]:
        """Return the enabled collectors that this generation has, the most important first."""
        itself = CollectorPlan(name="tenants", interval_seconds=DAY, per_tenant=False, discovers=True, asks=False)
        return (
            itself,
            *(
                CollectorPlan(
                    name=name,
                    interval_seconds=options.interval,
                    stale_after_seconds=options.stale_after,
                    book="jobs" if name == "jobs" else None,
                    history=name == "jobs",
                )
                for name, options in self.collectors
                if options.enabled and (self.api == "v2" or name not in ONLY_V2)
            ),
        )

    def permissions(self) -> dict[str, tuple[str, ...]]:
        """Return what each enabled collector must be permitted."""
        return {plan.name: tuple(SCOPES[plan.name]) for plan in self.plans()}

    def build(self, name: str, surroundings: Surroundings) -> Source:  # noqa: ARG002 - as the other vendors
        """Connect the parts; ask nothing yet."""
        plans = self.plans()
        http = avepoint_client(
            self,
            surroundings,
            base_url=self.base_url,
            auth=self.auth,
            scopes=[scope for scopes in self.permissions().values() for scope in scopes],
        )
        location = self.collectors.jobs.location
        more = V2(http, location) if self.api == "v2" else None
        older: CloudBackupApi = V1(http, location) if self.api == "v1" else Legacy(http, location)
        choices = Choices(
            tenant=Tenant(tenant=self.tenant.id, name=self.tenant.name or self.tenant.id),
            lookback=self.collectors.jobs.lookback,
            unusual_lookback=self.collectors.unusual_activity.lookback,
        )
        return CloudBackupSource(
            self.api, more or older, more, choices, plans, surroundings.observer, surroundings.clock
        )
