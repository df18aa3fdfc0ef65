"""AvePoint Elements as a source: five collectors over either generation of its API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import structlog

from exporter.client.fields import Fields
from exporter.client.values import fold
from exporter.errors import AnswerUnreadable, NotApplicable, NotFound, RequestRefused, ValueFault
from exporter.records import Record
from exporter.source import CollectorPlan, SourceObserver
from exporter.sources.elements import profile_wire, subscription_wire, wire
from exporter.sources.elements.client import ElementsApi, ModuleFilter

LOG: Final = structlog.get_logger("exporter.elements")


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the operator chose of Elements."""

    ids: tuple[str, ...] = ()
    only: tuple[ModuleFilter, ...] = ()
    personal_data: bool = False
    changed_objects: bool = False
    baseline: Mapping[str, str]


@dataclass(slots=True)
class _KnownProfile:
    """The details of a profile, as of one modification time, and the last report whose objects were logged."""

    modified: Any
    details: profile_wire.ProfileDetails | None
    logged_report: float | None = None


class ElementsSource:
    """One partner's credential: every customer it may see."""

    kind = "elements"

    def __init__(
        self,
        name: str,
        api: str,
        vendor: ElementsApi,
        choices: Choices,
        plans: Sequence[CollectorPlan],
        observer: SourceObserver,
    ) -> None:
        self.name = name
        self.api = api
        self.plans = plans
        self._vendor = vendor
        self._choices = choices
        self._observer = observer
        self._services: dict[str, frozenset[str]] | None = None
        """Customer → what it bought, folded; ``None`` until the list of services came once."""
        self._profiles: dict[tuple[str, str], _KnownProfile] = {}
        self._job_rows: dict[str, dict[int, wire.JobRow | None]] = {}

    async def collect(self, collector: str, tenant: str) -> Sequence[Record]:
        """Return the records of one collection."""
        match collector:
            case "tenants":
                return await self._tenants()
            case "subscriptions":
                return await self._subscriptions()
            case "jobs":
                return await self._jobs(tenant)
            case "protection":
                return await self._protection(tenant)
            case "scan_profiles":
                return await self._scan_profiles(tenant)
            case _:
                raise AssertionError(f"no collector is called {collector}")

    async def _tenants(self) -> list[Record]:
        rows = wire.objects(await self._vendor.customers(self._choices.ids), self._observer, "customers")
        read = [wire.customer(row, personal_data=self._choices.personal_data) for row in rows]
        tenants = [tenant for tenant in read if tenant is not None]
        here = {tenant.tenant for tenant in tenants}
        self._profiles = {key: known for key, known in self._profiles.items() if key[0] in here}
        self._job_rows = {customer: rows for customer, rows in self._job_rows.items() if customer in here}
        return list[Record](tenants)

    async def _subscriptions(self) -> list[Record]:
        rows = wire.objects(await self._vendor.services(self._choices.ids), self._observer, "services")
        bought: dict[str, list[Fields]] = {}
        for row in rows:
            customer = subscription_wire.customer(row)
            if customer is not None:
                bought.setdefault(customer, []).extend(subscription_wire.products(row, self._observer))
        facts: list[Record] = []
        services: dict[str, frozenset[str]] = {}
        for customer, products in bought.items():
            subscriptions = [subscription_wire.subscription(customer, product) for product in products]
            named = subscription_wire.merged([each for each in subscriptions if each is not None])
            services[customer] = frozenset(fold(each.subscription) for each in named)
            licenses = subscription_wire.microsoft_licenses(customer, products)
            facts += [*named, licenses] if licenses else named
        self._services = services
        return facts

    async def _jobs(self, tenant: str) -> list[Record]:
        services = self._bought(tenant)
        if services is not None and not any("backup" in service for service in services):
            raise NotApplicable("the customer has no backup service", asked=False)
        try:
            rows = await self._vendor.jobs(tenant, self._choices.only)
        except (NotFound, RequestRefused) as error:
            self._refused(error, subscribed=services is not None)
        return wire.latest(job for job in self._read_jobs(tenant, rows) if job is not None)

    def _read_jobs(self, tenant: str, rows: Sequence[Any]) -> Sequence[wire.JobRow | None]:
        """Read job rows, but those that came last time too as the same objects: most are, poll after poll.

        Rows are recognised by a 64-bit keyed hash of all but the time of Elements' own synchronisation.
        """
        before, now = self._job_rows.get(tenant, {}), {}
        jobs = []
        for row in rows:
            known = wire.fingerprint(row)
            if known is None or known not in before:
                fields = wire.objects([row], self._observer, "jobs")
                job = wire.job(tenant, fields[0]) if fields else None
            else:
                job = before[known]
            if known is not None:
                now[known] = job
            jobs.append(job)
        self._job_rows[tenant] = now
        return jobs

    async def _protection(self, tenant: str) -> list[Record]:
        services = self._bought(tenant)
        subscribed = services is not None and any(
            service.startswith(subscription_wire.MICROSOFT_365_BACKUP) for service in services
        )
        if services is not None and not subscribed:
            raise NotApplicable("the customer has no Cloud Backup for Microsoft 365", asked=False)
        try:
            rows = await self._vendor.protection(tenant)
        except (NotFound, RequestRefused) as error:
            self._refused(error, subscribed=subscribed)
        fields = wire.objects(rows, self._observer, "protection")
        facts = [wire.protection(tenant, row) for row in fields]
        return [fact for fact in facts if fact is not None]

    def _bought(self, tenant: str) -> frozenset[str] | None:
        """Return the customer's services, ``None`` if nothing is known of them."""
        return None if self._services is None else self._services.get(tenant)

    @staticmethod
    def _refused(error: NotFound | RequestRefused, *, subscribed: bool) -> NoReturn:
        """Raise what a 404 or 400 means: a fault only if the customer is known to have the service."""
        if subscribed:
            raise error
        raise NotApplicable("the customer has no such service", asked=True) from error

    async def _scan_profiles(self, tenant: str) -> list[Record]:
        try:
            rows = await self._vendor.scan_profiles(tenant)
        except (NotFound, RequestRefused) as error:
            self._refused(error, subscribed=False)
        listed = [profile_wire.listed(row) for row in wire.objects(rows, self._observer, "scan_profiles")]
        facts: list[Record] = []
        for row in listed:
            if row is not None:
                known = await self._details(tenant, row)
                report = await self._report(tenant, row, known)
                facts.append(profile_wire.scan_profile(tenant, row, known.details, report, self._choices.baseline))
        shown = {(tenant, row.profile) for row in listed if row is not None}
        for key in [key for key in self._profiles if key[0] == tenant and key not in shown]:
            del self._profiles[key]
        return facts

    async def _details(self, tenant: str, row: profile_wire.ListedProfile) -> _KnownProfile:
        """Return what is known of the profile, asking only if it was modified since."""
        known = self._profiles.get((tenant, row.profile))
        if known is not None and known.modified == row.modified:
            return known
        try:
            fields = self._entity(await self._vendor.scan_profile(tenant, row.profile))
        except NotFound:  # deleted since it was listed
            details = None
        else:
            details = profile_wire.details(fields, self._observer)
        if known is None:
            known = self._profiles[tenant, row.profile] = _KnownProfile(row.modified, details)
        known.modified, known.details = row.modified, details
        return known

    async def _report(
        self, tenant: str, row: profile_wire.ListedProfile, known: _KnownProfile
    ) -> profile_wire.DailyReport | None:
        try:
            fields = self._entity(await self._vendor.daily_report(tenant, row.profile))
        except NotFound:  # no report was made yet
            return None
        report = profile_wire.daily_report(fields)
        news = report.reported_at != known.logged_report and sum(report.changed.values()) > 0
        if self._choices.changed_objects and news:
            await self._log_objects(tenant, row, fields)
            known.logged_report = report.reported_at
        return report

    async def _log_objects(self, tenant: str, row: profile_wire.ListedProfile, report: Fields) -> None:
        """Log the objects of a new report: one event for each change, as the operator asked for."""
        if self.api == "v1":
            report = self._entity(await self._vendor.daily_report_objects(tenant, row.profile))
        for change, objects in profile_wire.changed_objects(report).items():
            if objects:
                LOG.info(
                    "scan_profile_objects_changed",
                    source=self.name,
                    tenant=tenant,
                    profile=row.profile,
                    change=change,
                    objects=objects,
                )

    def _entity(self, answer: Any) -> Fields:
        try:
            return Fields(answer, self._observer)
        except ValueFault as error:
            raise AnswerUnreadable("the answer is not an object") from error
