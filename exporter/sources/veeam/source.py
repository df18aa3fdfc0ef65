"""Veeam Backup for Microsoft 365 as a source: five collectors about one server and its organizations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from exporter.client.fields import Fields
from exporter.clock import Clock
from exporter.errors import (
    AnswerUnreadable,
    NotFound,
    ServerFailed,
    SourceError,
    Throttled,
    TimedOut,
    Unreachable,
    ValueFault,
)
from exporter.records import ProtectedEntities, Record, Run, Server, ServerLicense, Tenant
from exporter.source import CollectorPlan, Known, SourceObserver
from exporter.source_settings import TenantSettings, matches
from exporter.sources.veeam import infrastructure_wire, wire
from exporter.sources.veeam.auth import Connection
from exporter.sources.veeam.client import PROTECTED, UNTOLD, VeeamApi
from exporter.sources.veeam.jobs import Jobs
from exporter.sources.veeam.past import Past

DAY: Final = 86400.0
EXTENDED_AGAIN: Final = 3600.0
"""How soon the last backups are asked for again where that has failed: the server asks its proxies, which may hang."""
REMEMBER_MISSING: Final = DAY
"""How long the times of an organization are remembered that answers have ceased to name: not each is believed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the operator chose of Veeam."""

    tenants: TenantSettings
    lookback: float
    job_items: bool = False
    exclude_repositories: tuple[str, ...] = ()


class VeeamSource:
    """One server: every organization it backs up."""

    kind = "veeam"

    def __init__(
        self,
        api: str,
        connection: Connection,
        choices: Choices,
        plans: Sequence[CollectorPlan],
        observer: SourceObserver,
        clock: Clock,
    ) -> None:
        self.api = api
        self.plans = plans
        self._connection = connection
        self._choices = choices
        self._observer = observer
        self._clock = clock
        self._organizations: dict[str, Tenant] = {}
        """Organizations as they were known last, with times that an answer of today may not tell."""
        self._named_at: dict[str, float] = {}
        """Organization → when an answer named it last."""
        self._sync_asked_at: dict[str, float] = {}
        self._extended_from = 0.0
        """From when on the last backups may be asked for."""
        self._jobs = Jobs(observer, clock, lookback=choices.lookback, items=choices.job_items)
        self._past = Past(observer, clock)

    async def collect(self, collector: str, tenant: str, known: Known) -> Sequence[Record]:
        """Return the records of one collection."""
        api = await self._connection.api()
        match collector:
            case "organizations":
                return await self._discover(api)
            case "jobs":
                return await self._jobs.collect(api, known)
            case "infrastructure":
                return await self._infrastructure(api)
            case "license":
                return await self._license(api)
            case "protection":
                return await self._protection(api, tenant)
            case _:
                raise AssertionError(f"no collector is called {collector}")

    def recall(self, collector: str, tenant: str, records: Sequence[Record], *, applicable: bool) -> None:  # noqa: ARG002
        """Learn again the times that an answer may not tell, and what slowed down each job."""
        if collector == "organizations":
            known = {each.tenant: each for each in records if isinstance(each, Tenant)}
            self._organizations |= known
            self._named_at |= dict.fromkeys(known, self._clock.now())
        elif collector == "jobs":
            self._jobs.recall(records)

    async def close(self) -> None:
        """End the session at the server."""
        await self._connection.close()

    async def runs_between(self, tenant: str, since: float, until: float) -> Sequence[Run]:
        """Return the runs of an organization's jobs that started in a window of the past."""
        return await self._past.runs_between(await self._connection.api(), tenant, since, until)

    async def _discover(self, api: VeeamApi) -> list[Record]:
        now, tenants = self._clock.now(), self._choices.tenants
        found = wire.organizations(await self._rows(api, now), self._observer)
        wanted = {each.casefold() for each in tenants.ids}
        found = [each for each in found if not wanted or each.tenant in wanted]
        synchronized = await self._synchronized(api, [each for each in found if self._is_watched(each)], now)
        for each in found:
            before = self._organizations.get(each.tenant)
            self._organizations[each.tenant] = _remembering(each, before, synchronized.get(each.tenant), now)
            self._named_at[each.tenant] = now
        for gone in [each for each, at in self._named_at.items() if now - at > REMEMBER_MISSING]:
            del self._named_at[gone], self._organizations[gone]
        return [self._organizations[each.tenant] for each in found]

    def _is_watched(self, organization: Tenant) -> bool:
        return self._choices.tenants.wants(organization.tenant, organization.name)

    async def _rows(self, api: VeeamApi, now: float) -> list[Any]:
        """Return organizations with their last backup; without it where the proxies that know it do not answer."""
        try:
            if now >= self._extended_from:
                return await api.organizations(extended=True)
        except NotFound:
            self._connection.mistaken()
            raise
        except (AnswerUnreadable, ServerFailed, Throttled, TimedOut, Unreachable):
            self._extended_from = now + EXTENDED_AGAIN
        return await api.organizations(extended=False)

    async def _synchronized(self, api: VeeamApi, organizations: Sequence[Tenant], now: float) -> Mapping[str, float]:
        """Return when organizations were last read; of those asked one by one, the ones asked longest ago.

        The first discovery asks none of them: whose backups there are matters more, here as where this fails.
        """
        asked = [each.tenant for each in organizations]
        if api.syncs_at_once is not None:
            asked.sort(key=lambda tenant: self._sync_asked_at.get(tenant, 0.0))
            asked = asked[: api.syncs_at_once] if self._named_at else []
            self._sync_asked_at |= dict.fromkeys(asked, now)
        try:
            return wire.synchronized(await api.sync_states(asked), self._observer)
        except SourceError:  # the requests' metric shows it
            return {}

    async def _infrastructure(self, api: VeeamApi) -> list[Record]:
        instance = self._entity(await api.service_instance())
        version, installation = wire.instance(instance)
        server = Server(
            tenant="",
            api=api.generation,
            version=version,
            installation=installation,
            health=await self._health(api),
        )
        repositories = infrastructure_wire.repositories(*await api.repositories(), self._observer)
        hidden = self._choices.exclude_repositories
        shown = [
            each for each in repositories if not any(matches(glob, each.repository, each.name or "") for glob in hidden)
        ]
        proxies = infrastructure_wire.proxies(await api.proxies(), self._observer)
        return [server, *shown, *proxies]

    async def _health(self, api: VeeamApi) -> Mapping[str, bool]:
        try:
            answer = await api.health()
        except (*UNTOLD, ServerFailed):  # a server that is unwell may still tell all else
            return {}
        return {} if answer is None else infrastructure_wire.health(self._entity(answer))

    async def _license(self, api: VeeamApi) -> list[Record]:
        of: ServerLicense = wire.server_license(self._entity(await api.license()))
        asked = [each.tenant for each in self._organizations.values() if self._is_watched(each)]
        try:
            return [of, *wire.seats(await api.licensing(asked), of, self._observer)]
        except UNTOLD:
            return [of]

    async def _protection(self, api: VeeamApi, tenant: str) -> list[Record]:
        used = wire.used_repositories(tenant, await api.used_repositories(tenant), self._observer)
        entities: dict[str, int] = {}
        for entity in PROTECTED:
            try:
                rows = await api.protected(entity, tenant)
            except UNTOLD:
                continue
            if rows is not None:
                entities[entity] = len(rows)
        return [*used, *([ProtectedEntities(tenant=tenant, entities=entities)] if entities else [])]

    def _entity(self, answer: Any) -> Fields:
        try:
            return Fields(answer, self._observer)
        except ValueFault as error:
            raise AnswerUnreadable("the answer is not an object") from error


def _remembering(found: Tenant, before: Tenant | None, synchronized_at: float | None, now: float) -> Tenant:
    """Return an organization with the times of before where nothing newer is told: they are evidence.

    A time far ahead would stay for ever, and is none.
    """
    last = (found.last_backup_at, before.last_backup_at if before else None)
    read = (synchronized_at, before.synchronized_at if before else None)
    return replace(
        found,
        last_backup_at=max((at for at in last if at is not None and at <= now + DAY), default=None),
        synchronized_at=max((at for at in read if at is not None and at <= now + DAY), default=None),
    )
