"""Looks into the fleet for the pages: all of it, without holding up the event loop."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.breathing import breathing
from exporter.clock import Clock
from exporter.fleet import Watched
from exporter.records import Tenant
from exporter.source import WHOLE_SOURCE
from exporter.web.view import (
    WORST_FIRST,
    CollectionView,
    CollectorView,
    ExporterView,
    Overview,
    SourceView,
    TenantView,
)

FRESH_FOR: Final = 2.0
"""Seconds for which everybody who asks gets the same overview: many who look cost no more than one."""


@dataclass(slots=True, eq=False)
class Lookout:
    """Sees the fleet as it is now."""

    clock: Clock
    watched: Callable[[], Sequence[Watched]]
    exporter: Callable[[], ExporterView]
    _last: Overview | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def overview(self) -> Overview:
        """Return everything as it is, or was at most `FRESH_FOR` ago."""
        async with self._turn:
            if self._last is None or self.clock.now() - self._last.at >= FRESH_FOR:
                self._last = await self._look()
            return self._last

    async def _look(self) -> Overview:
        now = self.clock.now()
        looks = [_Look(each, now) for each in self.watched()]
        tenants = [tenant for look in looks for tenant in await look.tenants()]
        sources = tuple(look.source(now) for look in looks)
        return Overview(at=now, exporter=self.exporter(), sources=sources, tenants=tuple(tenants))


class _Look:
    """One source, seen once."""

    def __init__(self, watched: Watched, now: float) -> None:
        self._watched = watched
        self._now = now
        self._plans = [plan for plan in watched.source.plans if plan.asks]
        stretch = watched.runner.stretch()
        self._collectors = {
            plan.name: CollectorView(name=plan.name, interval_seconds=plan.interval_seconds * stretch)
            for plan in self._plans
        }
        self._shared = {plan.name: self._collection(WHOLE_SOURCE, plan.name) for plan in self._plans}
        for plan in self._plans:
            if not plan.per_tenant:
                self._collectors[plan.name].add(self._shared[plan.name])
        self._tenants: list[TenantView] = []

    async def tenants(self) -> list[TenantView]:
        """Return its tenants."""
        async for record in breathing(list(self._watched.intake.roster.tenants.values())):
            self._tenants.append(self._tenant(record))
        return self._tenants

    def source(self, now: float) -> SourceView:
        """Return the source, once its tenants were looked at."""
        watched, schedule = self._watched, self._watched.runner.schedule
        standing, allowed = watched.intake.standing, watched.instruments.allowed_per_second
        return SourceView(
            name=watched.name,
            kind=watched.source.kind,
            api=watched.source.api,
            up=standing.up,
            since=standing.since,
            allowed_per_second=allowed,
            demand_ratio=schedule.demand_ratio(allowed),
            lag_seconds=schedule.lag(now),
            tenants=len(self._tenants),
            troubled=sum(each.state in {"stale", "failing"} for each in self._tenants),
            latest=standing.latest,
            collectors=tuple(self._collectors.values()),
        )

    def _tenant(self, record: Tenant) -> TenantView:
        collections = []
        for plan in self._plans:
            collection = self._shared[plan.name]
            if plan.per_tenant:
                timing = self._watched.state.of(record.tenant, plan.name).timing
                if timing is not None and not timing.applicable:
                    continue
                collection = self._collection(record.tenant, plan.name)
                self._collectors[plan.name].add(collection)
            collections.append(collection)
        times = [each.succeeded_at for each in collections]
        return TenantView(
            source=self._watched.name,
            kind=self._watched.source.kind,
            record=record,
            collections=tuple(collections),
            state=min((each.state for each in collections), key=WORST_FIRST.index, default="waiting"),
            oldest=None if None in times else min((at for at in times if at is not None), default=None),
        )

    def _collection(self, tenant: str, collector: str) -> CollectionView:
        watched = self._watched
        progress = watched.state.of(tenant, collector).progress
        unit = watched.runner.schedule.units.get((tenant, collector))
        success = progress.success if progress else None
        return CollectionView(
            collector=collector,
            success=success,
            succeeded_at=progress.succeeded_at if progress else None,
            stale=progress is not None and progress.stale(self._now),
            next_at=unit.due if unit else None,
            trouble=watched.intake.standing.trouble(tenant, collector) if success is False else None,
        )
