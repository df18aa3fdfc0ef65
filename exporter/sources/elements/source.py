"""AvePoint Elements as a source: five collectors over either generation of its API."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import structlog

from exporter.breathing import breathing
from exporter.client.fields import Fields, objects
from exporter.client.values import fold
from exporter.errors import AnswerUnreadable, NotApplicable, NotFound, RequestRefused, ValueFault
from exporter.records import Record, Subscription
from exporter.source import CollectorPlan, Known, SourceObserver
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


@dataclass(slots=True)
class _KnownProfile:
    """The details of a profile, as of one modification time, and the last report whose objects were logged."""

    modified: Any = None
    details: profile_wire.ProfileDetails | None = None
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
        self._services: dict[str, frozenset[str]] = {}
        """Customer → what it bought, folded; customers of whom nothing is known are missing."""
        self._profiles: dict[str, dict[str, _KnownProfile]] = {}
        self._job_rows: dict[str, dict[int, wire.JobRow | None]] = {}

    async def collect(self, collector: str, tenant: str, known: Known) -> Sequence[Record]:  # noqa: ARG002 - no history
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

    def recall(self, collector: str, tenant: str, records: Sequence[Record], *, applicable: bool) -> None:
        """Learn again what a customer bought, and who bought no backup; the next answer puts right what was wrong."""
        named = frozenset(fold(record.subscription) for record in records if isinstance(record, Subscription))
        if named:
            self._services[tenant] = named
        elif collector == "jobs" and not applicable:
            self._services.setdefault(tenant, frozenset())

    async def close(self) -> None:
        """Nothing is to be given back: tokens end by themselves."""

    async def _tenants(self) -> list[Record]:
        rows = objects(await self._vendor.customers(self._choices.ids), self._observer, "customers")
        read = [wire.customer(row, personal_data=self._choices.personal_data) for row in rows]
        tenants = [tenant for tenant in read if tenant is not None]
        here = {tenant.tenant for tenant in tenants}
        self._profiles = {customer: known for customer, known in self._profiles.items() if customer in here}
        self._job_rows = {customer: known for customer, known in self._job_rows.items() if customer in here}
        return list[Record](tenants)

    async def _subscriptions(self) -> list[Record]:
        rows = objects(await self._vendor.services(self._choices.ids), self._observer, "services")
        bought: dict[str, list[Fields]] = {}
        for row in rows:
            customer = subscription_wire.customer(row)
            if customer is not None:
                bought.setdefault(customer, []).extend(subscription_wire.products(row, self._observer))
        facts: list[Record] = []
        services: dict[str, frozenset[str]] = {}
        async for customer, products in breathing(bought.items()):
            read = [subscription_wire.product(customer, product) for product in products]
            readable = [product for product in read if product is not None]
            named = subscription_wire.merged([product.subscription for product in readable])
            if len(readable) == len(read):  # else nobody can say what the customer does not have
                services[customer] = frozenset(fold(each.subscription) for each in named)
            licenses = subscription_wire.microsoft_licenses(customer, readable)
            facts += [*named, licenses] if licenses else named
        self._services = services
        return facts

    def _has(self, tenant: str, fits: Callable[[str], bool]) -> bool | None:
        """Tell whether the customer bought a service that *fits*; ``None`` if its services are not known."""
        services = self._services.get(tenant)
        return None if services is None else any(map(fits, services))

    async def _jobs(self, tenant: str) -> list[Record]:
        subscribed = self._has(tenant, subscription_wire.is_backup)
        if subscribed is False:
            raise NotApplicable("the customer has no backup service", asked=False)
        with _absent_unless(subscribed):
            rows = await self._vendor.jobs(tenant, self._choices.only)
        return wire.latest(job for job in self._read_jobs(tenant, rows) if job is not None)

    def _read_jobs(self, tenant: str, rows: Sequence[Any]) -> Sequence[wire.JobRow | None]:
        """Read job rows, but those that came last time too as the same objects: most are, poll after poll.

        Rows are recognised by a 64-bit keyed hash of all but the time of Elements' own synchronisation.
        """
        before = self._job_rows.get(tenant, {})
        now: dict[int, wire.JobRow | None] = {}
        jobs = []
        for row in rows:
            known = wire.fingerprint(row)
            if known is None or known not in before:
                fields = objects([row], self._observer, "jobs")
                job = wire.job(tenant, fields[0]) if fields else None
            else:
                job = before[known]
            if known is not None:
                now[known] = job
            jobs.append(job)
        self._job_rows[tenant] = now
        return jobs

    async def _protection(self, tenant: str) -> list[Record]:
        subscribed = self._has(tenant, subscription_wire.is_microsoft_365_backup)
        if subscribed is False:
            raise NotApplicable("the customer has no Cloud Backup for Microsoft 365", asked=False)
        with _absent_unless(subscribed):
            rows = await self._vendor.protection(tenant)
        facts = [wire.protection(tenant, row) for row in objects(rows, self._observer, "protection")]
        return [fact for fact in facts if fact is not None]

    async def _scan_profiles(self, tenant: str) -> list[Record]:
        with _absent_unless(self._has(tenant, subscription_wire.is_microsoft_365_backup)):
            rows = await self._vendor.scan_profiles(tenant)
        read = [profile_wire.listed(row) for row in objects(rows, self._observer, "scan_profiles")]
        listed = {row.profile: row for row in read if row is not None}
        known = self._profiles.setdefault(tenant, {})
        for gone in known.keys() - listed.keys():
            del known[gone]
        facts: list[Record] = []
        for profile, row in listed.items():
            settings = known.setdefault(profile, _KnownProfile())
            await self._learn_details(tenant, row, settings)
            report = await self._report(tenant, row, settings)
            facts.append(profile_wire.scan_profile(tenant, row, settings.details, report))
        return facts

    async def _learn_details(self, tenant: str, row: profile_wire.ListedProfile, known: _KnownProfile) -> None:
        """Ask for the profile's details, if it was modified since or does not tell."""
        if known.details is not None and known.modified == row.modified and row.modified is not None:
            return
        try:
            fields = self._entity(await self._vendor.scan_profile(tenant, row.profile))
        except NotFound:  # deleted since it was listed
            known.details = None
        else:
            known.modified, known.details = row.modified, profile_wire.details(fields, self._observer)

    async def _report(
        self, tenant: str, row: profile_wire.ListedProfile, known: _KnownProfile
    ) -> profile_wire.DailyReport | None:
        try:
            answer = await self._vendor.daily_report(tenant, row.profile)
        except NotFound:  # no report was made yet
            return None
        report = profile_wire.daily_report(self._entity(answer))
        news = report.reported_at != known.logged_report and sum(report.changed.values()) > 0
        if self._choices.changed_objects and news:
            await self._log_objects(tenant, row, answer)
            known.logged_report = report.reported_at
        return report

    async def _log_objects(self, tenant: str, row: profile_wire.ListedProfile, report: Any) -> None:
        """Log the objects of a new report: one event for each change, as the operator asked for."""
        try:
            answer = await self._vendor.daily_report_objects(tenant, row.profile, report)
        except NotFound:  # the numbers are there all the same
            return
        fields = self._entity(answer)
        for change, changed in profile_wire.changed_objects(fields).items():
            LOG.info(
                "scan_profile_objects_changed",
                source=self.name,
                tenant=tenant,
                profile=row.profile,
                change=change,
                objects=changed,
            )

    def _entity(self, answer: Any) -> Fields:
        try:
            return Fields(answer, self._observer)
        except ValueFault as error:
            raise AnswerUnreadable("the answer is not an object") from error


@contextmanager
def _absent_unless(subscribed: bool | None) -> Iterator[None]:  # noqa: FBT001 - reads as a sentence
    """Take a 404 or 400 for "no such service", unless the customer is known to have it: then it is a fault."""
    try:
        yield
    except (NotFound, RequestRefused) as error:
        if subscribed:
            raise
        raise NotApplicable("the customer has no such service", asked=True) from error
