"""The settings of an AvePoint Elements source, which build it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, Field, WithJsonSchema, field_validator, model_validator

from exporter.duration import Interval
from exporter.source import CollectorPlan, Source, Surroundings
from exporter.source_settings import CollectorSettings, OAuthSettings, Options, SourceSettings, Url
from exporter.sources.avepoint import avepoint_client
from exporter.sources.elements.auth import SCOPES
from exporter.sources.elements.client import ElementsV1, ElementsV3, ModuleFilter
from exporter.sources.elements.source import Choices, ElementsSource

BOOKS: Final[Mapping[str, Literal["jobs", "scan_profiles"]]] = {"jobs": "jobs", "scan_profiles": "scan_profiles"}
API: Final = "https://graph.avepointonlineservices.com"


WordOrNumber = Annotated[
    str, Field(coerce_numbers_to_str=True, min_length=1), WithJsonSchema({"type": ["string", "integer"]})
]


class JobFilter(Options):
    """One job type and module, in the words or numbers of the chosen API."""

    job_type: WordOrNumber
    """The job type: a number with ``api: v3``, a word with ``v1``."""
    job_module: WordOrNumber
    """The module, likewise."""


class JobsSettings(CollectorSettings):
    """The latest job of every module."""

    interval: Interval = 1800.0
    """How often it asks, 1s or more."""
    only: tuple[JobFilter, ...] = ()
    """The only jobs to ask for, each pair of type and module by requests of its own; empty: all of them."""


Switch = Literal["enabled", "disabled"]


def _time_of_day(value: str) -> str:
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value, re.ASCII):
        raise ValueError("should be a time of day such as 22:00")
    return value


class ScanBaseline(Options):
    """What each setting of a scan profile should be; of the others, what is seen first."""

    scan_mode: Literal["express", "advanced"] | None = None
    """The scan mode."""
    daily_scan: Switch | None = None
    """Whether there is a daily scan."""
    daily_scan_time: Annotated[str, AfterValidator(_time_of_day)] | None = None
    """When it starts, such as 22:00."""
    in_place_archived_mailboxes: Switch | None = None
    """Whether in-place archived mailboxes are scanned."""
    ignore_locked_objects: Switch | None = None
    """Whether locked objects are passed over."""
    out_of_policy_notification: Switch | None = None
    """Whether someone is told of objects out of policy."""
    impersonation_account: Literal["configured", "none"] | None = None
    """Whether there is an impersonation account."""
    containers: str | None = None
    """Container names and object types, as the drift event in the log writes them."""


class ScanProfilesSettings(CollectorSettings):
    """Scan profiles, their settings and daily reports."""

    interval: Interval = 86400.0
    """How often it asks, 1s or more; a profile's details are asked only when it has changed."""
    changed_objects: bool = False
    """Whether the daily report's objects are asked for and logged as events (v1: one more request a profile)."""
    baseline: ScanBaseline = ScanBaseline()


class TenantsCollector(CollectorSettings):
    """The list of customers."""

    interval: Interval = 1800.0
    """How often it asks, 1s or more."""


class SubscriptionsCollector(CollectorSettings):
    """What each customer has bought."""

    interval: Interval = 21600.0
    """How often it asks, 1s or more."""


class ProtectionCollector(CollectorSettings):
    """Scanned and protected objects of Cloud Backup for Microsoft 365."""

    interval: Interval = 21600.0
    """How often it asks, 1s or more."""


class ElementsCollectors(Options):
    """The five collectors, in order of importance."""

    tenants: TenantsCollector = TenantsCollector()
    jobs: JobsSettings = JobsSettings()
    subscriptions: SubscriptionsCollector = SubscriptionsCollector()
    protection: ProtectionCollector = ProtectionCollector()
    scan_profiles: ScanProfilesSettings = ScanProfilesSettings()

    @field_validator("tenants")
    @classmethod
    def _needed(cls, tenants: TenantsCollector) -> TenantsCollector:
        if not tenants.enabled:
            raise ValueError("cannot be disabled: without it no customer is known")
        return tenants


class ElementsSettings(SourceSettings):
    """AvePoint Elements: every customer of a partner behind one credential."""

    kind: Literal["elements"]
    """The vendor's API family."""
    api: Literal["v3", "v1"] = "v3"
    """Which generation of the API is asked."""
    base_url: Url = Field(default=API)
    """The API's address, of your data centre; with ``api: v1`` the default has ``/partner`` at its end."""
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
                baseline=self._baseline() if name == "scan_profiles" else {},
            )
            for name, options in self.collectors
            if options.enabled
        )

    def permissions(self) -> dict[str, tuple[str, ...]]:
        """Return what each enabled collector must be permitted."""
        return {plan.name: (SCOPES[self.api][plan.name],) for plan in self.plans()}

    def _baseline(self) -> dict[str, str]:
        return self.collectors.scan_profiles.baseline.model_dump(exclude_none=True)

    def build(self, name: str, surroundings: Surroundings) -> Source:
        """Connect the parts; ask nothing yet."""
        scopes = [scope for scopes in self.permissions().values() for scope in scopes]
        http = avepoint_client(self, surroundings, base_url=self.base_url, auth=self.auth, scopes=scopes)
        scans = self.collectors.scan_profiles
        choices = Choices(
            ids=self.tenants.ids,
            only=tuple(ModuleFilter(str(each.job_type), str(each.job_module)) for each in self.collectors.jobs.only),
            personal_data=self.personal_data,
            changed_objects=scans.changed_objects,
        )
        vendor = ElementsV3(http) if self.api == "v3" else ElementsV1(http)
        return ElementsSource(name, self.api, vendor, choices, self.plans(), surroundings.observer)
