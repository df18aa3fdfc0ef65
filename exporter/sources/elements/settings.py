"""The settings of an AvePoint Elements source, which build it."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from exporter.duration import Duration
from exporter.source import CollectorPlan, Source, Surroundings
from exporter.source_settings import CollectorSettings, OAuthSettings, Options, SourceSettings, Url
from exporter.sources.elements.auth import elements_client
from exporter.sources.elements.client import ElementsV1, ElementsV3, ModuleFilter
from exporter.sources.elements.source import Choices, ElementsSource

BOOKS: Final[Mapping[str, Literal["jobs", "scan_profiles"]]] = {"jobs": "jobs", "scan_profiles": "scan_profiles"}
API: Final = "https://graph.avepointonlineservices.com"


class JobFilter(Options):
    """One job type and module, in the words or numbers of the chosen API."""

    job_type: str | int
    job_module: str | int


class JobsSettings(CollectorSettings):
    """The latest job of every module."""

    interval: Duration = 1800.0
    only: tuple[JobFilter, ...] = ()


Switch = Literal["enabled", "disabled"]


class ScanBaseline(Options):
    """What each setting of a scan profile should be; of the others, what is seen first."""

    scan_mode: Literal["express", "advanced"] | None = None
    daily_scan: Switch | None = None
    daily_scan_time: str | None = Field(default=None, pattern=r"^\d\d:\d\d$")
    in_place_archived_mailboxes: Switch | None = None
    ignore_locked_objects: Switch | None = None
    out_of_policy_notification: Switch | None = None
    impersonation_account: Literal["configured", "none"] | None = None
    containers: str | None = None
    """Container names and object types, as the drift event in the log writes them."""


class ScanProfilesSettings(CollectorSettings):
    """Scan profiles, their settings and daily reports."""

    interval: Duration = 86400.0
    changed_objects: bool = False
    """Whether the daily report's objects are asked for and logged as events (v1: one more request a profile)."""
    baseline: ScanBaseline = ScanBaseline()


class TenantsCollector(CollectorSettings):
    """The list of customers."""

    interval: Duration = 1800.0


class SubscriptionsCollector(CollectorSettings):
    """What each customer has bought."""

    interval: Duration = 21600.0


class ProtectionCollector(CollectorSettings):
    """Scanned and protected objects of Cloud Backup for Microsoft 365."""

    interval: Duration = 21600.0


class ElementsCollectors(Options):
    """The five collectors, in order of importance."""

    tenants: TenantsCollector = TenantsCollector()
    jobs: JobsSettings = JobsSettings()
    subscriptions: SubscriptionsCollector = SubscriptionsCollector()
    protection: ProtectionCollector = ProtectionCollector()
    scan_profiles: ScanProfilesSettings = ScanProfilesSettings()


class ElementsSettings(SourceSettings):
    """AvePoint Elements: every customer of a partner behind one credential."""

    kind: Literal["elements"]
    api: Literal["v3", "v1"] = "v3"
    base_url: Url = Field(default=API)
    auth: OAuthSettings
    collectors: ElementsCollectors = ElementsCollectors()

    @model_validator(mode="before")
    @classmethod
    def _prefix_of_v1(cls, raw: Any) -> Any:
        """Let the published paths of v1 begin below ``/partner``."""
        if isinstance(raw, dict) and raw.get("api") == "v1":
            return {"base_url": f"{API}/partner", **raw}
        return raw

    @model_validator(mode="after")
    def _possible(self) -> Self:
        self.check_encrypted(base_url=self.base_url, token_url=self.auth.token_url)
        if not self.collectors.tenants.enabled:
            raise ValueError("collectors.tenants cannot be disabled: without it no customer is known")
        only = self.collectors.jobs.only
        if self.api == "v3" and not all(f"{each.job_type}{each.job_module}".isdecimal() for each in only):
            raise ValueError("collectors.jobs.only takes the numbers of job types and modules with api: v3")
        return self

    def plans(self) -> tuple[CollectorPlan, ...]:
        """Return the enabled collectors, the most important first."""
        together = {"tenants", "subscriptions"}
        return tuple(
            CollectorPlan(
                name=name,
                interval_seconds=options.interval,
                stale_after_seconds=options.stale_after,
                per_tenant=name not in together,
                discovers=name == "tenants",
                book=BOOKS.get(name),
            )
            for name, options in self.collectors
            if options.enabled
        )

    def build(self, name: str, surroundings: Surroundings) -> Source:
        """Connect the parts; ask nothing yet."""
        http = elements_client(
            self,
            surroundings,
            base_url=self.base_url,
            auth=self.auth,
            api=self.api,
            collectors=[plan.name for plan in self.plans()],
        )
        scans = self.collectors.scan_profiles
        choices = Choices(
            ids=self.tenants.ids,
            only=tuple(ModuleFilter(str(each.job_type), str(each.job_module)) for each in self.collectors.jobs.only),
            personal_data=self.personal_data,
            changed_objects=scans.changed_objects,
            baseline=scans.baseline.model_dump(exclude_none=True),
        )
        vendor = ElementsV3(http) if self.api == "v3" else ElementsV1(http)
        return ElementsSource(name, self.api, vendor, choices, self.plans(), surroundings.observer)
