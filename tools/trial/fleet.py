"""The fleet of the trial: whom the exporter watches, where, and what goes wrong there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.settings import Settings
from exporter.simulator.config import cloudbackup_config_for, config_for, veeam_config_for
from exporter.simulator.customers import Customer
from exporter.simulator.incidents import Incident, Vendor
from exporter.simulator.world import World

SEED: Final = 7
SPARE_TENANTS: Final = 3
"""Customers of the second credential and of the second server."""
BIRTH_DELAY: Final = "10m"
"""Two scrape intervals of the trial."""


@dataclass(frozen=True, slots=True)
class Site:
    """One simulator and the sources that ask it."""

    vendor: Vendor
    world: World
    subscribers: tuple[Customer, ...] = ()
    """The customers of Cloud Backup, each of which is a source."""
    muted: tuple[str, ...] = ()
    """Ids of customers whose alerts nobody wants."""

    def customers(self, now: float) -> list[Customer]:
        """Return those whose backups the sources tell of at *now*."""
        if self.subscribers:
            return list(self.subscribers)
        everyone = self.world.customers(now)
        return everyone if self.vendor == "elements" else [each for each in everyone if each.has("Microsoft 365")]

    def sources(self, name: str, url: str) -> dict[str, dict[str, Any]]:
        """Return the settings of the sources that ask this site, called *name*, at *url*."""
        overrides = {"tenants": {"overrides": [{"match": each, "muted": True} for each in self.muted]}}
        if self.vendor == "cloudbackup":
            plain = cloudbackup_config_for(url, self.subscribers, api="v2")
        else:
            plain = config_for(url, api="v3") if self.vendor == "elements" else veeam_config_for(url, api="v8")
        sources = yaml.safe_load(plain)["sources"].values()
        names = (
            [name] if self.vendor != "cloudbackup" else [f"{name}_{number}" for number in range(1, len(sources) + 1)]
        )
        return {each: {**source, **overrides} for each, source in zip(names, sources, strict=True)}


@dataclass(frozen=True, slots=True)
class Fleet:
    """The sites by the name of their source."""

    start: float
    sites: Mapping[str, Site]

    @property
    def tenants(self) -> int:
        """How many tenants the exporter has at the start, each counted at each of its sources."""
        return sum(len(site.customers(self.start)) for site in self.sites.values())

    def site(self, source: str) -> Site:
        """Return the site that *source* asks."""
        return self.sites.get(source) or self.sites[source.rpartition("_")[0]]

    def settings(self, urls: Mapping[str, str], state: Path) -> Settings:
        """Return the settings of an exporter that watches all of it, each site at its URL, at the default intervals."""
        sources: dict[str, Any] = {}
        for name, site in self.sites.items():
            sources |= site.sources(name, urls[name])
        return Settings.model_validate(
            {
                "web": {"listen": ["127.0.0.1:0"]},
                "state": {"path": str(state)},
                "limits": {"counter_birth_delay": BIRTH_DELAY},
                "sources": sources,
            }
        )

    def struck(self, incidents: Iterable[tuple[str, Incident]]) -> "Fleet":
        """Return the same fleet where these happen, each at the site that the source before it asks."""
        sites = {**self.sites}
        for source, incident in incidents:
            name = source if source in sites else source.rpartition("_")[0]
            sites[name] = replace(sites[name], world=sites[name].world.strike(incident))
        return Fleet(self.start, sites)


def fleet(*, start: float, tenants: int, cloudbackup_tenants: int, spare: bool) -> Fleet:
    """Return a fleet where all is well: the same customers with Elements and Veeam, some with Cloud Backup.

    With *spare* there is also a second credential and a second server, for what strikes whole APIs.
    """
    world = World(seed=SEED, tenants=tenants, start=start, calm=True)
    subscribers = [each for each in world.customers(start) if each.has("Microsoft 365")][:cloudbackup_tenants]
    muted = next(each for each in reversed(world.customers(start)) if each.has("Microsoft 365"))
    sites = {
        "elements": Site("elements", world, muted=(muted.id,)),
        "cloudbackup": Site("cloudbackup", world, subscribers=tuple(subscribers)),
        "veeam": Site("veeam", world, muted=(muted.id,)),
    }
    if spare:
        other = World(seed=SEED + 1, tenants=SPARE_TENANTS, start=start, calm=True)
        sites |= {"elements_spare": Site("elements", other), "veeam_spare": Site("veeam", other)}
    return Fleet(start, sites)
